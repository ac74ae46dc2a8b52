//! What a pool of connections and a shadow's sender count.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};

use super::{CLASSES, CONNECTIONS_IDLE, CONNECTIONS_OPENED, PAIRS, SHADOW_SECONDS, Samples};
use crate::telemetry::sharded::{Counters, Latency};

/// What a pool counts.
#[derive(Debug, Default)]
pub(crate) struct PoolMetrics {
    opened: AtomicU64,
    idle: AtomicI64,
}

impl PoolMetrics {
    pub(crate) fn opened(&self) {
        self.opened.fetch_add(1, Relaxed);
    }

    pub(crate) fn idle(&self, change: i64) {
        self.idle.fetch_add(change, Relaxed);
    }

    pub(crate) fn samples(&self, target: &str, samples: &mut Samples) {
        samples.counter(&CONNECTIONS_OPENED, &[target], self.opened.load(Relaxed));
        let idle = u64::try_from(self.idle.load(Relaxed)).unwrap_or(0);
        samples.gauge(&CONNECTIONS_IDLE, &[target], idle);
    }
}

/// What a shadow's sender counts, beside the ledger.
#[derive(Debug)]
pub(crate) struct ShadowMetrics {
    pub(crate) latency: Latency,
    pairs: Counters<36>,
    pub(crate) pool: std::sync::Arc<PoolMetrics>,
}

impl ShadowMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            latency: Latency::new(workers),
            pairs: Counters::new(workers),
            pool: std::sync::Arc::default(),
        }
    }

    /// The primary answered one way and the shadow another, or the same.
    pub(crate) fn pair(&self, primary: usize, shadow: usize) {
        self.pairs.add(primary * CLASSES.len() + shadow, 1);
    }

    /// How often each pair of status classes was: the primary's, the shadow's.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let pair = |(index, count)| {
            (
                CLASSES[index / CLASSES.len()],
                CLASSES[index % CLASSES.len()],
                count,
            )
        };
        self.pairs
            .sums()
            .into_iter()
            .enumerate()
            .map(pair)
            .filter(|(.., count)| *count > 0)
    }

    pub(crate) fn samples(&self, name: &str, samples: &mut Samples) {
        samples.histogram(&SHADOW_SECONDS, &[name], &self.latency);
        for (primary, shadow, count) in self.pairs() {
            samples.counter(&PAIRS, &[name, primary, shadow], count);
        }
        self.pool.samples(name, samples);
    }
}
