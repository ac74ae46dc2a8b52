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
    /// What was made of the sample last, as long as it stays.
    #[serde(skip)]
    known: Option<Known>,
}

/// For an interval of so many standard deviations.
#[derive(Clone, Copy, Debug)]
struct Known {
    z: f64,
    longer: Longer,
}

/// How much longer the shadow takes than the primary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Longer {
    /// The logarithm of how many times as long.
    pub(crate) log: Interval,
    /// The middle of the differences.
    pub(crate) milliseconds: f32,
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
            self.known = None;
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
            self.known = None;
        }
    }

    /// Whether so many pairs were timed that a ratio says something.
    pub(crate) fn is_enough(&self) -> bool {
        self.ratios.len() >= FEWEST
    }

    /// How much longer the shadow takes, where enough is known, with an interval of so many standard deviations.
    pub(crate) fn judge(&mut self, z: f64) -> Option<Longer> {
        if let Some(known) = self.known
            && known.z.to_bits() == z.to_bits()
        {
            return Some(known.longer);
        }
        if !self.is_enough() {
            return None;
        }
        let logs: Vec<f64> = self.ratios.iter().copied().map(f64::from).collect();
        let longer = Longer {
            log: hodges_lehmann(&logs, z)?,
            milliseconds: self.milliseconds(),
        };
        self.known = Some(Known { z, longer });
        Some(longer)
    }

    fn milliseconds(&self) -> f32 {
        let mut differences = self.differences.clone();
        let middle = differences.len() / 2;
        if differences.is_empty() {
            return 0.0;
        }
        *differences.select_nth_unstable_by(middle, f32::total_cmp).1
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
        self.known = None;
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
        let longer = speed.judge(2.576).unwrap();
        let ratio = longer.log;
        assert!(ratio.low.exp() > 2.9 && ratio.high.exp() < 3.1, "{ratio:?}");
        assert!(longer.milliseconds > 50.0);
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
        assert!(speed.judge(2.576).is_none());
    }

    #[test]
    fn an_interval_is_that_of_all_pairs_whenever_it_was_asked_for() {
        let (mut often, mut once) = (Speed::default(), Speed::default());
        for at in 0..700_u64 {
            let shadow = Duration::from_millis(10 + at * at % 31);
            for speed in [&mut often, &mut once] {
                speed.add(Duration::from_millis(10), shadow);
            }
            often.judge(2.576);
            often.judge(3.0);
        }
        assert_eq!(often.judge(2.576), once.judge(2.576));
    }
}
