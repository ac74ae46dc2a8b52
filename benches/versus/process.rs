//! A process that lives no longer than its guard, nor than the bench: with all its children.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::machine;

/// How long a process may take to end its children.
const PATIENCE: Duration = Duration::from_secs(2);

/// Kills what it started when it is dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose output goes to a file. It gets a signal when the bench dies without a chance to say so.
    pub(crate) fn start(program: &Path, args: &[String], log: &Path) -> anyhow::Result<Self> {
        let output = File::create(log).with_context(|| log.display().to_string())?;
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "TERM", "--"])
            .arg(program)
            .env("PATH", machine::path())
            .args(args)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let log = log.to_owned();
        Ok(Self { child, log })
    }

    /// It and all that descend from it.
    pub(crate) fn tree(&self) -> Vec<u32> {
        tree(self.child.id())
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn interrupt(&mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::INT)?;
        self.child.wait()?;
        Ok(())
    }

    /// The end of what it said.
    pub(crate) fn said(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<_> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

/// A process and all that descend from it.
pub(crate) fn tree(root: u32) -> Vec<u32> {
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&pid) = tree.get(next) {
        tree.extend(children(pid));
        next += 1;
    }
    tree
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let lists =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

impl Drop for Process {
    fn drop(&mut self) {
        // Once it was waited for, its number may be somebody else's.
        if self.has_ended() {
            return;
        }
        let tree = self.tree();
        // One with children is to end and await them itself, if it does so soon.
        if tree.len() > 1 {
            let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            let begin = Instant::now();
            while begin.elapsed() < PATIENCE {
                if self.has_ended() {
                    return;
                }
                thread::sleep(Duration::from_millis(5));
            }
        }
        // The parent first: a master would replace its workers.
        let _ = self.child.kill();
        for &pid in &tree[1..] {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = self.child.wait();
    }
}
