//! wrk: as many requests as are answered.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::contenders::Place;
use crate::loads::{Driver, Load, Seen};

/// wrk's own report has no p99.9.
const REPORT: &str = r#"
done = function(summary, latency)
    local e = summary.errors
    local failed = e.connect + e.read + e.write + e.status + e.timeout
    io.write(string.format("versus %.0f %.0f %.0f %.0f %.0f %.0f\n", summary.requests, summary.duration, failed,
        latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"#;

pub(crate) fn run(load: &Load, place: &Place, seconds: u64) -> anyhow::Result<Seen> {
    let (connections, path, body, close) = match load.driver {
        Driver::Wrk {
            connections,
            path,
            body,
            close,
        } => (connections, path, body, close),
        Driver::Rate(_) | Driver::Fixed(_) | Driver::Idle | Driver::Syscalls => (32, "/", 0, false),
    };
    let script = place.dir.join("wrk.lua");
    fs::write(&script, request(body, close) + REPORT)?;
    let (scheme, port) = if load.tls {
        ("https", place.tls_port)
    } else {
        ("http", place.port)
    };
    let said = wrk(
        &script,
        &[
            format!("-t{}", place.threads),
            format!("-c{connections}"),
            format!("-d{seconds}s"),
            format!("{scheme}://127.0.0.1:{port}{path}"),
        ],
    )?;
    parse(&said).with_context(|| format!("wrk said: {said}"))
}

/// The part of the script that makes the request: once, before the load.
fn request(body: usize, close: bool) -> String {
    let post = format!("wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", {body})\n");
    let post = if body > 0 { &post } else { "" };
    let close = if close {
        "wrk.headers[\"Connection\"] = \"close\"\n"
    } else {
        ""
    };
    format!("{post}{close}")
}

/// wrk ends by itself, after its time.
fn wrk(script: &Path, args: &[String]) -> anyhow::Result<String> {
    let output = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "wrk", "--timeout", "5s", "-s"])
        .arg(script)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .context("starting wrk")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!(
            "wrk failed: {said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(said)
}

fn parse(said: &str) -> Option<Seen> {
    let line = said.lines().find_map(|line| line.strip_prefix("versus "))?;
    let numbers: Vec<f64> = line
        .split(' ')
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [requests, microseconds, _, p50, p99, p999] = numbers[..] else {
        return None;
    };
    let mut counts = line.split(' ').map(|field| field.parse::<u64>().ok());
    let (count, errors) = (counts.next()??, counts.nth(1)??);
    Some(Seen {
        requests: count,
        errors,
        rate: requests / (microseconds / 1e6),
        latency: [p50, p99, p999],
    })
}
