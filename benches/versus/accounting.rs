//! What the kernel has booked for a process and its children: processor time and memory.

use std::collections::BTreeMap;
use std::fs;

use crate::figures::float;

/// Nanoseconds of processor time, by thread, and the coarse sum that still has the threads that ended.
pub(crate) struct Cpu {
    threads: BTreeMap<(u32, String), u64>,
    coarse: u64,
}

impl Cpu {
    pub(crate) fn read(tree: &[u32]) -> Self {
        let threads = tree.iter().flat_map(|&pid| threads(pid)).collect();
        let coarse = tree.iter().map(|&pid| coarse(pid)).sum();
        Self { threads, coarse }
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
