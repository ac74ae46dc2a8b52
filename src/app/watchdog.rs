//! The watchdog: systemd hears that the process works only while every worker does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};

use crate::lifecycle::systemd;

/// The pulse of each worker.
#[derive(Clone, Debug)]
pub(super) struct Watchdog {
    beats: Arc<[AtomicU64]>,
    /// How often systemd wants to hear something.
    limit: Option<Duration>,
}

impl Watchdog {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            beats: (0..workers).map(|_| AtomicU64::new(0)).collect(),
            limit: systemd::watchdog(),
        }
    }

    /// Beats for a worker, in its runtime: a worker that hangs does not.
    pub(super) async fn beat(self, worker: usize) {
        let Some(limit) = self.limit else { return };
        let mut ticks = interval(limit / 8);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.beats[worker].fetch_add(1, Relaxed);
        }
    }

    /// Tells systemd, as long as each worker's pulse goes on.
    pub(super) async fn report(self) {
        let Some(limit) = self.limit else { return };
        let mut ticks = interval(limit / 3);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: Vec<u64> = vec![u64::MAX; self.beats.len()];
        loop {
            ticks.tick().await;
            let now: Vec<_> = self.beats.iter().map(|beat| beat.load(Relaxed)).collect();
            match now.iter().zip(&last).position(|(now, last)| now == last) {
                None => systemd::alive(),
                Some(worker) => {
                    tracing::warn!(worker, "a worker hangs; systemd's watchdog is not notified");
                }
            }
            last = now;
        }
    }
}
