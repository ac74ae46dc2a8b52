//! How many took how long, by buckets: what came between two readings, and which time a share of it stayed below.

/// How many buckets a histogram has bounds for; one more is for all that took longer.
pub(crate) const BOUNDS: usize = 17;
pub(crate) const BUCKETS: usize = BOUNDS + 1;

/// The counts of a histogram at one time, or between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Buckets {
    /// Upper bounds, in microseconds.
    pub(crate) bounds: &'static [u64; BOUNDS],
    pub(crate) counts: [u64; BUCKETS],
}

/// The times that 50, 90 and 99 of a hundred stayed below, in milliseconds; NaN where there were none.
pub(crate) type Quantiles = [f32; 3];

const SHARES: [f64; 3] = [0.5, 0.9, 0.99];

impl Buckets {
    /// What came after `before`. A histogram that has begun anew has only that.
    pub(crate) fn since(&self, before: &Self) -> Self {
        let is_later = |now: &u64, before: &u64| now >= before;
        let pairs = || self.counts.iter().zip(&before.counts);
        if self.bounds != before.bounds || !pairs().all(|(now, before)| is_later(now, before)) {
            return *self;
        }
        Self {
            bounds: self.bounds,
            counts: std::array::from_fn(|index| self.counts[index] - before.counts[index]),
        }
    }

    pub(crate) fn quantiles(&self) -> Quantiles {
        SHARES.map(|share| self.quantile(share))
    }

    /// Within a bucket times are taken to be spread evenly. Of those above the last bound nothing more is known.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "a quantile of buckets is rough"
    )]
    fn quantile(&self, share: f64) -> f32 {
        let total: u64 = self.counts.iter().sum();
        if total == 0 {
            return f32::NAN;
        }
        let wanted = share * total as f64;
        let mut below = 0.0;
        let mut from = 0.0;
        for (bound, count) in self.bounds.iter().zip(self.counts) {
            let (to, count) = (*bound as f64, count as f64);
            if count > 0.0 && below + count >= wanted {
                return ((from + (to - from) * (wanted - below) / count) / 1e3) as f32;
            }
            below += count;
            from = to;
        }
        (from / 1e3) as f32
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MICROS: &[u64; BOUNDS] = &[
        100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700,
    ];

    fn buckets(counts: &[(usize, u64)]) -> Buckets {
        let mut all = [0; BUCKETS];
        for (index, count) in counts {
            all[*index] = *count;
        }
        Buckets {
            bounds: MICROS,
            counts: all,
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "these are exact")]
    fn a_quantile_lies_in_its_bucket_by_its_share() {
        let [p50, p90, p99] = buckets(&[(0, 50), (1, 50)]).quantiles();
        assert_eq!((p50, p90), (0.1, 0.18));
        assert!((p99 - 0.198).abs() < 1e-6);
        assert_eq!(buckets(&[(17, 3)]).quantiles(), [1.7; 3]);
        assert!(buckets(&[]).quantiles()[0].is_nan());
    }

    #[test]
    fn a_histogram_that_begins_anew_gives_what_it_has() {
        let before = buckets(&[(0, 10), (3, 5)]);
        let later = buckets(&[(0, 12), (3, 5)]);
        assert_eq!(later.since(&before), buckets(&[(0, 2)]));
        let anew = buckets(&[(0, 1), (3, 7)]);
        assert_eq!(anew.since(&before), anew);
    }

    proptest! {
        #[test]
        fn quantiles_rise_with_their_share(counts in prop::array::uniform18(0..1000_u64)) {
            let [p50, p90, p99] = Buckets { bounds: MICROS, counts }.quantiles();
            prop_assert!(counts.iter().sum::<u64>() == 0 || (p50 <= p90 && p90 <= p99 && p50 > 0.0));
        }
    }
}
