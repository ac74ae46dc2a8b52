//! How fast copies may come and how many there may be at a time; what is over it is left out at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use crate::config;

/// The limits of one shadow, shared by all workers.
#[derive(Debug)]
pub(super) struct Limit {
    rate: Option<Rate>,
    concurrent: Option<u32>,
    copies: AtomicU32,
}

/// Nanoseconds between two copies; so far ahead of that they may come.
#[derive(Debug)]
struct Rate {
    interval: u64,
    ahead: u64,
    start: Instant,
    /// When the next copy is due if all come at the rate.
    due: AtomicU64,
}

impl Limit {
    pub(super) fn new(limit: &config::Limit) -> Arc<Self> {
        let rate = limit.per_second.map(|per_second| {
            let burst = limit.burst.map_or(per_second.max(1.0), f64::from);
            Rate::new(per_second, burst)
        });
        Arc::new(Self {
            rate,
            concurrent: limit.concurrent,
            copies: AtomicU32::new(0),
        })
    }

    /// Whether another copy may be made now. It counts for the rate.
    pub(super) fn admits(&self) -> bool {
        let has_room = self
            .concurrent
            .is_none_or(|most| self.copies.load(Relaxed) < most);
        has_room && self.rate.as_ref().is_none_or(Rate::admits)
    }

    /// A place among the copies that wait or are on their way.
    pub(super) fn enter(self: &Arc<Self>) -> Result<Option<Permit>, OverLimit> {
        let Some(most) = self.concurrent else {
            return Ok(None);
        };
        self.copies
            .fetch_update(Relaxed, Relaxed, |n| (n < most).then_some(n + 1))
            .map(|_| Some(Permit(Arc::clone(self))))
            .map_err(|_| OverLimit)
    }
}

/// There are as many copies as there may be.
#[derive(Debug)]
pub(super) struct OverLimit;

/// A place among the copies at one time, free again when dropped.
#[derive(Debug)]
pub(super) struct Permit(Arc<Limit>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.copies.fetch_sub(1, Relaxed);
    }
}

impl Rate {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "both factors are positive, and within what the configuration allows"
    )]
    fn new(per_second: f64, burst: f64) -> Self {
        let interval = 1e9 / per_second;
        Self {
            interval: interval as u64,
            ahead: (interval * (burst - 1.0)) as u64,
            start: Instant::now(),
            due: AtomicU64::new(0),
        }
    }

    fn admits(&self) -> bool {
        let now = u64::try_from(self.start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.admits_at(now)
    }

    fn admits_at(&self, now: u64) -> bool {
        let took = self.due.fetch_update(Relaxed, Relaxed, |due| {
            let due = due.max(now);
            (due - now <= self.ahead).then_some(due.saturating_add(self.interval))
        });
        took.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_at_once_and_then_the_rate() {
        let rate = Rate::new(10.0, 3.0);
        let at = |millis: u64| rate.admits_at(millis * 1_000_000);
        assert!(at(0) && at(0) && at(0) && !at(0));
        assert!(!at(99) && at(100) && !at(100));
        // What was not used is there again, but no more than the burst.
        assert!(at(10_000) && at(10_000) && at(10_000) && !at(10_000));
    }

    #[test]
    fn no_more_copies_at_a_time_than_there_may_be() {
        let limit = Limit::new(&config::Limit {
            concurrent: Some(2),
            ..config::Limit::default()
        });
        let first = limit.enter().unwrap();
        let second = limit.enter().unwrap();
        assert!(!limit.admits() && limit.enter().is_err());
        drop(first);
        assert!(limit.admits() && limit.enter().is_ok());
        drop(second);
    }
}
