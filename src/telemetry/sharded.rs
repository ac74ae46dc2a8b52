//! Counters that each worker adds to in a cache line of its own; readers sum over all workers.

use std::{
    cell::Cell,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::quantiles::{BOUNDS, BUCKETS, Buckets};

thread_local! {
    /// Which shard this thread adds to. Threads other than workers share the first.
    static SHARD: Cell<usize> = const { Cell::new(0) };
}

/// Gives the calling thread the shard of worker `index`, which no other thread may have.
pub(crate) fn enter_worker(index: usize) {
    SHARD.set(index + 1);
}

/// The shard of the calling thread: 0 for threads that are no workers.
pub(crate) fn shard() -> usize {
    SHARD.get()
}

/// `N` counters for each worker; by default for threads that are no workers.
#[derive(Debug)]
pub(crate) struct Counters<const N: usize>(Box<[Line<N>]>);

/// Aligned so that no two workers write to one cache line (pairs of lines are fetched together).
#[derive(Debug)]
#[repr(align(128))]
struct Line<const N: usize>([AtomicU64; N]);

impl<const N: usize> Counters<N> {
    pub(crate) fn new(workers: usize) -> Self {
        let line = || Line(std::array::from_fn(|_| AtomicU64::new(0)));
        Self((0..=workers).map(|_| line()).collect())
    }

    pub(crate) fn add(&self, index: usize, n: u64) {
        let shard = self.shard();
        let counter = &self.0[shard].0[index];
        if shard == 0 {
            counter.fetch_add(n, Relaxed);
        } else {
            // A worker is the only one to write to its own: that needs no lock of the bus.
            counter.store(counter.load(Relaxed).wrapping_add(n), Relaxed);
        }
    }

    /// What the calling thread added.
    pub(crate) fn here(&self, index: usize) -> u64 {
        self.0[self.shard()].0[index].load(Relaxed)
    }

    fn shard(&self) -> usize {
        let shard = shard();
        if shard < self.0.len() { shard } else { 0 }
    }

    /// The sum over all workers.
    pub(crate) fn sum(&self, index: usize) -> u64 {
        let counts = self.0.iter().map(|line| line.0[index].load(Relaxed));
        counts.fold(0, u64::wrapping_add)
    }

    pub(crate) fn sums(&self) -> [u64; N] {
        std::array::from_fn(|index| self.sum(index))
    }
}

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Self::new(0)
    }
}

/// Upper bounds of the latency buckets, in microseconds.
const USUAL: &[u64; BOUNDS] = &[
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000, 30_000_000,
];
/// Those of what takes no longer than a thread's turn.
const FINE: &[u64; BOUNDS] = &[
    5, 10, 15, 20, 30, 40, 50, 75, 100, 150, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000,
];

/// How long things took.
#[derive(Debug)]
pub(crate) struct Latency {
    bounds: &'static [u64; BOUNDS],
    counters: Counters<{ BUCKETS + 1 }>,
}

impl Default for Latency {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Latency {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            bounds: USUAL,
            counters: Counters::new(workers),
        }
    }

    /// Of things that take microseconds.
    pub(crate) fn fine(workers: usize) -> Self {
        Self {
            bounds: FINE,
            ..Self::new(workers)
        }
    }

    pub(crate) fn record(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| *bound < micros);
        self.counters.add(bucket, 1);
        self.counters.add(BUCKETS, micros);
    }

    /// The count of each bucket.
    pub(crate) fn buckets(&self) -> Buckets {
        let sums = self.counters.sums();
        Buckets {
            bounds: self.bounds,
            counts: std::array::from_fn(|index| sums[index]),
        }
    }

    /// The sum in seconds, the count, and the count of each bucket by its upper bound in seconds.
    pub(crate) fn snapshot(&self) -> (f64, u64, Vec<(f64, u64)>) {
        let sums = self.counters.sums();
        #[expect(
            clippy::cast_precision_loss,
            reason = "a histogram's sum is a float by its format"
        )]
        let seconds = |micros: u64| micros as f64 / 1e6;
        let counts = &sums[..BUCKETS];
        let bounds = self.bounds.iter().map(|bound| seconds(*bound));
        let bounds = bounds.chain([f64::INFINITY]);
        let buckets = bounds.zip(counts.iter().copied()).collect();
        (seconds(sums[BUCKETS]), counts.iter().sum(), buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_all_workers_add_up() {
        let counters = Counters::<2>::new(2);
        std::thread::scope(|scope| {
            for worker in 0..2 {
                let counters = &counters;
                scope.spawn(move || {
                    enter_worker(worker);
                    (0..1000).for_each(|_| counters.add(1, 1));
                });
            }
        });
        counters.add(0, 7);
        assert_eq!(counters.sums(), [7, 2000]);
    }

    #[test]
    fn a_latency_falls_into_the_first_bucket_that_holds_it() {
        let latency = Latency::new(1);
        for micros in [100, 101, 60_000_000] {
            latency.record(Duration::from_micros(micros));
        }
        let (sum, count, buckets) = latency.snapshot();
        assert_eq!(count, 3);
        assert!((sum - 60.000_201).abs() < 1e-9);
        assert_eq!((buckets[0].1, buckets[1].1, buckets[17].1), (1, 1, 1));
        let fine = Latency::fine(1);
        fine.record(Duration::from_micros(12));
        assert_eq!(fine.buckets().counts[2], 1);
    }
}
