//! What the kernel has booked for a process and its children: processor time and memory.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use crate::figures::float;

/// Nanoseconds of processor time, by thread, and the coarse sum that still has the threads that ended.
pub(crate) struct Cpu {
    threads: BTreeMap<(u32, String), u64>,
    /// Those among them that serve clients, where a contender says so by their names.
    workers: BTreeSet<(u32, String)>,
    coarse: u64,
}

impl Cpu {
    pub(crate) fn read(tree: &[u32]) -> Self {
        let threads: BTreeMap<_, _> = tree.iter().flat_map(|&pid| threads(pid)).collect();
        let workers = threads.keys().filter(|thread| is_worker(thread));
        let workers = workers.cloned().collect();
        let coarse = tree.iter().map(|&pid| coarse(pid)).sum();
        Self {
            threads,
            workers,
            coarse,
        }
    }

    /// Nanoseconds since an earlier reading. A thread that ended in between has taken its exact count with it; then
    /// the coarse one, which has it, is taken.
    pub(crate) fn since(&self, earlier: &Self) -> f64 {
        let ended = earlier
            .threads
            .keys()
            .any(|thread| !self.threads.contains_key(thread));
        let exact: u64 = self
            .threads
            .iter()
            .map(|(thread, now)| now - earlier.threads.get(thread).unwrap_or(&0))
            .sum();
        let coarse = self.coarse.saturating_sub(earlier.coarse);
        // One that both came and went between the readings shows only here: by more than the clock's grain.
        if ended || coarse > exact + exact / 20 + 5 * TICK {
            return float(coarse);
        }
        float(exact)
    }
}

impl Cpu {
    /// As [`since`](Self::since), of the threads that serve clients alone; `None` where no thread has the name of one.
    pub(crate) fn of_workers_since(&self, earlier: &Self) -> Option<f64> {
        let spent = self
            .workers
            .iter()
            .map(|worker| self.threads[worker] - earlier.threads.get(worker).unwrap_or(&0));
        (!self.workers.is_empty()).then(|| float(spent.sum()))
    }
}

fn is_worker((pid, thread): &(u32, String)) -> bool {
    let name = fs::read_to_string(format!("/proc/{pid}/task/{thread}/comm"));
    name.is_ok_and(|name| name.starts_with("worker-"))
}

/// Linux counts in hundredths of a second towards programs.
const TICK: u64 = 10_000_000;

fn threads(pid: u32) -> Vec<((u32, String), u64)> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        return Vec::new();
    };
    let booked = entries.flatten().filter_map(|entry| {
        let text = fs::read_to_string(entry.path().join("schedstat")).ok()?;
        let ran = text.split(' ').next()?.parse().ok()?;
        Some(((pid, entry.file_name().to_string_lossy().into_owned()), ran))
    });
    booked.collect()
}

fn coarse(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name may have spaces; what follows its bracket has none.
    let after = text.rsplit(')').next().unwrap_or_default();
    let ticks = after.split_whitespace().skip(11).take(2);
    ticks
        .filter_map(|field| field.parse::<u64>().ok())
        .sum::<u64>()
        * TICK
}

/// The most memory held at a time, in KiB, summed over the processes.
pub(crate) fn peak(tree: &[u32]) -> u64 {
    tree.iter().map(|&pid| status(pid, "VmHWM:")).sum()
}

/// The memory held now, in KiB.
pub(crate) fn resident(tree: &[u32]) -> u64 {
    tree.iter().map(|&pid| status(pid, "VmRSS:")).sum()
}

fn status(pid: u32, key: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(key));
    value
        .and_then(|value| value.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or(0)
}
