//! How often something took how long, in few buckets: four to each power of ten, so that they are as fine as they are large.

use std::time::Duration;

use serde::{Deserialize, Serialize};

const BUCKETS: usize = 24;

/// The upper bound of each bucket but the last, which has none, in milliseconds. What takes just so long is below it.
pub(crate) const BOUNDS: [f64; BUCKETS - 1] = [
    0.1, 0.18, 0.32, 0.56, 1.0, 1.8, 3.2, 5.6, 10.0, 18.0, 32.0, 56.0, 100.0, 180.0, 320.0, 560.0,
    1_000.0, 1_800.0, 3_200.0, 5_600.0, 10_000.0, 18_000.0, 32_000.0,
];

/// Counts of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Histogram([u32; BUCKETS]);

impl Histogram {
    pub(crate) fn add(&mut self, took: Duration) {
        let milliseconds = took.as_secs_f64() * 1000.0;
        let bucket = BOUNDS.partition_point(|bound| *bound < milliseconds);
        self.0[bucket] = self.0[bucket].saturating_add(1);
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        for (count, more) in self.0.iter_mut().zip(other.0) {
            *count = count.saturating_add(more);
        }
    }

    pub(crate) fn counts(&self) -> &[u32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_in_the_bucket_whose_bound_it_does_not_exceed() {
        let bucket = |micros: u64| {
            let mut histogram = Histogram::default();
            histogram.add(Duration::from_micros(micros));
            histogram.counts().iter().position(|count| *count == 1)
        };
        assert_eq!(
            [bucket(0), bucket(100), bucket(101)],
            [Some(0), Some(0), Some(1)]
        );
        assert_eq!([bucket(10_000), bucket(10_001)], [Some(8), Some(9)]);
        assert_eq!([bucket(32_000_000), bucket(u64::MAX)], [Some(22), Some(23)]);
    }

    #[test]
    fn buckets_are_about_as_wide_in_ratio() {
        for two in BOUNDS.windows(2) {
            let ratio = two[1] / two[0];
            assert!((1.7..1.85).contains(&ratio), "{two:?}");
        }
    }
}
