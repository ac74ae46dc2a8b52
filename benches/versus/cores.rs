//! Who runs on which cores: a contender has its own, away from the load program and the servers, so that its latency is
//! its own, too.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::machine;

/// The cores of a contender, and those of everything around it.
pub(crate) struct Cores {
    pub(crate) contender: Vec<usize>,
    pub(crate) others: Vec<usize>,
}

impl Cores {
    /// As many as it has threads, where others are left; otherwise all have all.
    ///
    /// # Errors
    /// Where the system does not say which cores there are.
    pub(crate) fn part(threads: usize) -> anyhow::Result<Self> {
        let all = allowed()?;
        Ok(if all.len() > threads {
            let (contender, others) = all.split_at(threads);
            Self {
                contender: contender.to_vec(),
                others: others.to_vec(),
            }
        } else {
            Self {
                contender: all.clone(),
                others: all,
            }
        })
    }

    /// Whether a contender has cores of its own.
    pub(crate) fn are_apart(&self) -> bool {
        self.contender != self.others
    }
}

/// Keeps all threads of these processes on these cores, and what they start later.
///
/// # Errors
/// Where taskset can't be started.
pub(crate) fn keep(pids: &[u32], cores: &[usize]) -> anyhow::Result<()> {
    let list: Vec<_> = cores.iter().map(ToString::to_string).collect();
    for pid in pids {
        // One that has ended meanwhile runs on no core.
        Command::new("taskset")
            .args(["--all-tasks", "--cpu-list", "--pid", &list.join(",")])
            .arg(pid.to_string())
            .env("PATH", machine::path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .context("starting taskset")?;
    }
    Ok(())
}

/// All cores; which of them this process is kept on is not asked.
fn allowed() -> anyhow::Result<Vec<usize>> {
    let online = fs::read_to_string("/sys/devices/system/cpu/online").context("the cores")?;
    let mut cores = Vec::new();
    for range in online.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cores.extend(first.parse::<usize>()?..=last.parse()?);
    }
    ensure!(!cores.is_empty(), "no core is online");
    Ok(cores)
}
