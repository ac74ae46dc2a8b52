//! Holds back log lines that would flood the log, and counts what it held back.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Lets a limited number of lines through in each window of time.
#[derive(Debug)]
pub(crate) struct RateLimit {
    window: Duration,
    lines: AtomicU64,
    /// The window's number since the start of the process.
    current: AtomicU64,
    used: AtomicU64,
    left_out: AtomicU64,
}

impl RateLimit {
    /// At most `lines` in each `window`.
    pub(crate) const fn new(lines: u64, window: Duration) -> Self {
        Self {
            window,
            lines: AtomicU64::new(lines),
            current: AtomicU64::new(0),
            used: AtomicU64::new(0),
            left_out: AtomicU64::new(0),
        }
    }

    /// From now on `lines` in each window.
    pub(crate) fn set(&self, lines: u64) {
        self.lines.store(lines, Relaxed);
    }

    /// Whether a line may be written now, and if so how many were left out since the last one.
    pub(crate) fn allow(&self) -> Option<u64> {
        static START: OnceLock<Instant> = OnceLock::new();
        let elapsed = START.get_or_init(Instant::now).elapsed();
        let window = u64::try_from(elapsed.as_nanos() / self.window.as_nanos().max(1))
            .unwrap_or(u64::MAX)
            + 1;
        if self.current.swap(window, Relaxed) != window {
            self.used.store(0, Relaxed);
        }
        if self.used.fetch_add(1, Relaxed) < self.lines.load(Relaxed) {
            Some(self.left_out.swap(0, Relaxed))
        } else {
            self.left_out.fetch_add(1, Relaxed);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_said_with_the_next_line() {
        let limit = RateLimit::new(1, Duration::from_millis(40));
        let first = limit.allow();
        while limit.allow().is_none() {}
        let mut left_out = None;
        while left_out.is_none_or(|n| n == 0) {
            left_out = limit.allow();
            std::thread::yield_now();
        }
        assert_eq!(first, Some(0));
    }
}
