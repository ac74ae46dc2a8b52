//! The primary and the shadow: two nginx on unix sockets that answer from memory.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::process::Process;
use crate::{http, nginx};

/// The small answer's body.
const SMALL: usize = 100;
/// The large bodies, either way.
pub(crate) const MEGABYTE: usize = 1_000_000;

/// An nginx that answers 100 bytes, to `/post` once it has the whole body, and a megabyte to `/megabyte`.
pub(crate) struct Backend {
    pub(crate) socket: PathBuf,
    /// How many requests were the bench's own questions.
    asked: Cell<u64>,
    _process: Process,
}

impl Backend {
    pub(crate) fn start(dir: &Path, workers: usize) -> anyhow::Result<Self> {
        fs::create_dir_all(dir).with_context(|| dir.display().to_string())?;
        fs::write(dir.join("megabyte"), vec![b'x'; MEGABYTE])?;
        fs::write(dir.join("post"), "")?;
        let socket = dir.join("s");
        let body = format!(
            "    open_file_cache max=10 inactive=600s; open_file_cache_valid 600s;
    server {{
        listen unix:{socket} backlog=4096;
        location / {{ return 200 \"{small}\"; }}
        location = /megabyte {{ root {root}; }}
        location = /count {{ stub_status; }}
        # A request body is read whole before it is answered, as an application does. An early answer would let some
        # proxies leave out the rest: only `mirror` makes nginx read, and only a file that may not be posted to makes it
        # answer afterwards.
        location = /post {{ root {root}; mirror /read; error_page 405 =200 @posted; }}
        location = /read {{ internal; return 204; }}
        location @posted {{ return 200 \"{small}\"; }}
    }}",
            socket = socket.display(),
            small = "x".repeat(SMALL),
            root = dir.display(),
        );
        let mut process = nginx::start(dir, workers, &body)?;
        let begin = Instant::now();
        while let Err(error) = http::ask_unix(&socket, "/") {
            if process.has_ended() || begin.elapsed() > Duration::from_secs(5) {
                anyhow::bail!("nginx does not answer: {error}: {}", process.said());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(Self {
            socket,
            asked: Cell::new(1),
            _process: process,
        })
    }

    /// How many requests came from a contender since it was started.
    pub(crate) fn requests(&self) -> anyhow::Result<u64> {
        let text =
            http::ask_unix(&self.socket, "/count").context("asking an nginx for its count")?;
        self.asked.set(self.asked.get() + 1);
        // The third line has: connections accepted, handled, requests.
        let counts = text.lines().nth(2).unwrap_or_default();
        let requests: u64 = counts
            .split_whitespace()
            .nth(2)
            .and_then(|n| n.parse().ok())
            .context("no count")?;
        Ok(requests.saturating_sub(self.asked.get()))
    }

    /// The count once it no longer grows, so that late copies are in it.
    pub(crate) fn settled(&self) -> anyhow::Result<u64> {
        let mut last = self.requests()?;
        for _ in 0..40 {
            std::thread::sleep(Duration::from_millis(50));
            let now = self.requests()?;
            if now == last {
                break;
            }
            last = now;
        }
        Ok(last)
    }
}
