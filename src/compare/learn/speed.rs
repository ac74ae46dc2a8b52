//! How long the two sides took for the same requests of a route. Ratios are paired, so that what makes a request slow on
//! both sides cancels out.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    histogram::Histogram,
    stats::{Interval, hodges_lehmann},
};

const MOST: usize = 256;
const FEWEST: usize = 20;

/// A sample of the ratios of a route.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Speed {
    /// Logarithms of shadow to primary.
    ratios: Vec<f32>,
    /// Milliseconds of difference, of the same pairs.
    differences: Vec<f32>,
    seen: u32,
    random: u64,
    /// How long each side took, of all pairs.
    primary: Histogram,
    shadow: Histogram,
}

impl Speed {
    pub(crate) fn add(&mut self, primary: Duration, shadow: Duration) {
        const LEAST: f32 = 1e-5;
        self.primary.add(primary);
        self.shadow.add(shadow);
        let (primary, shadow) = (primary.as_secs_f32(), shadow.as_secs_f32());
        let ratio = (shadow.max(LEAST) / primary.max(LEAST)).ln();
        let difference = (shadow - primary) * 1000.0;
        self.seen = self.seen.saturating_add(1);
        if self.ratios.len() < MOST {
            self.ratios.push(ratio);
            self.differences.push(difference);
            return;
        }
        // A reservoir, with numbers that are the same in each run.
        self.random = self
            .random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let slot = usize::try_from((self.random >> 33) % u64::from(self.seen)).unwrap_or(MOST);
        if slot < MOST {
            self.ratios[slot] = ratio;
            self.differences[slot] = difference;
        }
    }

    /// Whether so many pairs were timed that a ratio says something.
    pub(crate) fn is_enough(&self) -> bool {
        self.ratios.len() >= FEWEST
    }

    /// The logarithm of how many times as long the shadow takes, where enough is known, with an interval of so many standard
    /// deviations.
    pub(crate) fn log_ratio(&self, z: f64) -> Option<Interval> {
        if !self.is_enough() {
            return None;
        }
        let logs: Vec<f64> = self.ratios.iter().copied().map(f64::from).collect();
        hodges_lehmann(&logs, z)
    }

    /// The middle of the differences, in milliseconds.
    pub(crate) fn milliseconds(&self) -> f32 {
        let mut sorted = self.differences.clone();
        sorted.sort_unstable_by(f32::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or_default()
    }

    pub(crate) fn count(&self) -> u32 {
        self.seen
    }

    pub(crate) fn primary(&self) -> &Histogram {
        &self.primary
    }

    pub(crate) fn shadow(&self) -> &Histogram {
        &self.shadow
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        for (ratio, difference) in other.ratios.iter().zip(&other.differences) {
            if self.ratios.len() < MOST {
                self.ratios.push(*ratio);
                self.differences.push(*difference);
            }
        }
        self.seen = self.seen.saturating_add(other.seen);
        self.primary.absorb(&other.primary);
        self.shadow.absorb(&other.shadow);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.ratios.len() * 8 + 2 * size_of::<Histogram>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slower_side_is_told_though_requests_differ_a_hundredfold() {
        let mut speed = Speed::default();
        for at in 0..2_000_u64 {
            let primary = Duration::from_micros(1_000 * (1 + at % 100));
            let shadow = primary.mul_f64(3.0 + 0.01 * f64::from(u8::try_from(at % 7).unwrap()));
            let shadow = if at % 50 == 0 { shadow * 40 } else { shadow };
            speed.add(primary, shadow);
        }
        let ratio = speed.log_ratio(2.576).unwrap();
        assert!(ratio.low.exp() > 2.9 && ratio.high.exp() < 3.1, "{ratio:?}");
        assert!(speed.milliseconds() > 50.0);
        assert_eq!(speed.count(), 2_000);
        let all: u32 = speed.primary().counts().iter().sum();
        assert_eq!(all, 2_000);
        assert_ne!(speed.primary(), speed.shadow());
    }

    #[test]
    fn few_pairs_say_nothing() {
        let mut speed = Speed::default();
        for _ in 0..19 {
            speed.add(Duration::from_millis(1), Duration::from_millis(9));
        }
        assert!(speed.log_ratio(2.576).is_none());
    }
}
