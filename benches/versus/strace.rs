//! System calls for one request, counted by strace in a run of their own, because it makes everything slow.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::contenders::Running;
use crate::figures::{Figure, Sample, float};
use crate::loads::{Driver, Load, Turn};
use crate::process::Process;

pub(crate) fn measure(turn: &Turn<'_>, running: &Running) -> anyhow::Result<Sample> {
    let counts = running.place.dir.join("counts");
    let mut args: Vec<String> = ["-c", "-f", "-o"].map(str::to_owned).into();
    args.push(counts.display().to_string());
    for pid in running.process.tree() {
        args.extend(["-p".to_owned(), pid.to_string()]);
    }
    let mut strace = Process::start(
        Path::new("strace"),
        &args,
        &running.place.dir.join("strace.log"),
    )?;
    attached(running, &mut strace)?;
    let driver = Driver::Wrk {
        connections: 32,
        path: "/",
        body: 0,
        close: false,
    };
    let load = Load {
        name: "",
        title: "",
        driver,
        tls: false,
    };
    let seen = turn.ask(&load, running)?;
    strace.interrupt()?;
    let text = fs::read_to_string(&counts).context("what strace counted")?;
    let calls = total(&text).with_context(|| format!("no sum in what strace counted:\n{text}"))?;
    Ok(Sample::from([(
        Figure::Syscalls,
        float(calls) / float(seen.requests.max(1)),
    )]))
}

/// Waits until the kernel says that all are traced.
fn attached(running: &Running, strace: &mut Process) -> anyhow::Result<()> {
    for _ in 0..200 {
        let traced = |pid: &u32| {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            status.lines().any(|line| {
                line.strip_prefix("TracerPid:")
                    .is_some_and(|pid| pid.trim() != "0")
            })
        };
        if running.process.tree().iter().all(traced) {
            return Ok(());
        }
        if strace.has_ended() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    anyhow::bail!("strace could not attach: {}", strace.said())
}

/// The calls in the line of sums: share, seconds, microseconds a call, calls, perhaps errors, "total".
fn total(text: &str) -> Option<u64> {
    let line = text
        .lines()
        .rev()
        .find(|line| line.trim_end().ends_with(" total"))?;
    line.split_whitespace().nth(3)?.parse().ok()
}
