//! What a pool of connections and a shadow's sender count.

use super::{
    CLASSES, CONNECTIONS_IDLE, CONNECTIONS_OPENED, ORDER_LAG, PAIRS, SHADOW_SECONDS, STREAMS,
    Samples,
};
use crate::telemetry::sharded::{Counters, Latency};

/// What a pool counts.
#[derive(Debug, Default)]
pub(crate) struct PoolMetrics(Counters<{ PoolCount::Last as usize }>);

/// What a pool counts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PoolCount {
    Opened,
    /// Connections that became idle.
    Rested,
    /// Connections that were idle, and are used again or closed.
    Left,
    Last,
}

impl PoolMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self(Counters::new(workers))
    }

    pub(crate) fn count(&self, what: PoolCount) {
        self.0.add(what as usize, 1);
    }

    pub(crate) fn samples(&self, target: &str, samples: &mut Samples) {
        let sum = |what: PoolCount| self.0.sum(what as usize);
        samples.counter(&CONNECTIONS_OPENED, &[target], sum(PoolCount::Opened));
        // What left is summed first: between the two sums more may rest.
        let left = sum(PoolCount::Left);
        let idle = sum(PoolCount::Rested).saturating_sub(left);
        samples.gauge(&CONNECTIONS_IDLE, &[target], idle);
    }
}

/// What a shadow's sender counts, beside the ledger.
#[derive(Debug)]
pub(crate) struct ShadowMetrics {
    pub(crate) latency: Latency,
    /// From a request's arrival to the sending of its copy.
    pub(crate) lag: Latency,
    streams: Counters<1>,
    pairs: Counters<36>,
    pub(crate) pool: std::sync::Arc<PoolMetrics>,
}

impl ShadowMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            latency: Latency::new(workers),
            lag: Latency::new(workers),
            streams: Counters::new(workers),
            pairs: Counters::new(workers),
            pool: std::sync::Arc::new(PoolMetrics::new(workers)),
        }
    }

    /// An answer of the shadow is a stream.
    pub(crate) fn stream(&self) {
        self.streams.add(0, 1);
    }

    /// The primary answered one way and the shadow another, or the same.
    pub(crate) fn pair(&self, primary: usize, shadow: usize) {
        self.pairs.add(primary * CLASSES.len() + shadow, 1);
    }

    /// How often each pair of status classes was: the primary's, the shadow's.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let sums = self.pairs.sums().into_iter().enumerate();
        sums.filter(|(_, count)| *count > 0).map(|(index, count)| {
            let (primary, shadow) = (index / CLASSES.len(), index % CLASSES.len());
            (CLASSES[primary], CLASSES[shadow], count)
        })
    }

    pub(crate) fn samples(&self, name: &str, samples: &mut Samples) {
        samples.histogram(&SHADOW_SECONDS, &[name], &self.latency);
        samples.histogram(&ORDER_LAG, &[name], &self.lag);
        samples.counter(&STREAMS, &[name], self.streams.sum(0));
        for (primary, shadow, count) in self.pairs() {
            samples.counter(&PAIRS, &[name, primary, shadow], count);
        }
        self.pool.samples(name, samples);
    }
}
