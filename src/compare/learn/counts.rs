//! Counters of bounded size: distinct things, and the most frequent values.

use serde::{Deserialize, Serialize};

/// Distinct hashes, exactly up to a limit; beyond it only that there are more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Distinct {
    seen: Vec<u64>,
    /// Arrivals that found no room; some of them the same.
    beyond: u32,
}

impl Distinct {
    const MOST: usize = 24;

    pub(crate) fn add(&mut self, hash: u64) {
        if self.seen.contains(&hash) {
            return;
        }
        if self.seen.len() < Self::MOST {
            self.seen.push(hash);
        } else {
            self.beyond = self.beyond.saturating_add(1);
        }
    }

    /// How many there are at least.
    pub(crate) fn len(&self) -> usize {
        self.seen.len()
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.beyond == 0
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.seen.iter().copied()
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        for hash in other.iter() {
            self.add(hash);
        }
        self.beyond = self.beyond.saturating_add(other.beyond);
    }
}

/// The most frequent values and how often each came (Misra and Gries: counts are never too high).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Top {
    values: Vec<Counted>,
    /// Of values that are not kept, or were at the time.
    others: u32,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted {
    hash: u64,
    count: u32,
}

impl Top {
    const MOST: usize = 10;

    pub(crate) fn add(&mut self, hash: u64) {
        self.add_times(hash, 1);
    }

    fn add_times(&mut self, hash: u64, times: u32) {
        if let Some(known) = self.values.iter_mut().find(|known| known.hash == hash) {
            known.count = known.count.saturating_add(times);
            return;
        }
        if self.values.len() < Self::MOST {
            self.values.push(Counted { hash, count: times });
            return;
        }
        self.others = self.others.saturating_add(times);
        for known in &mut self.values {
            let taken = times.min(known.count);
            known.count -= taken;
            self.others = self.others.saturating_add(taken);
        }
        self.values.retain(|known| known.count > 0);
    }

    pub(crate) fn count(&self, hash: u64) -> u32 {
        self.values
            .iter()
            .find(|known| known.hash == hash)
            .map_or(0, |known| known.count)
    }

    /// How many values came, all in all.
    pub(crate) fn total(&self) -> u32 {
        let kept: u32 = self.values.iter().map(|known| known.count).sum();
        kept.saturating_add(self.others)
    }

    /// Whether one value came each time.
    pub(crate) fn is_constant(&self) -> bool {
        self.values.len() == 1 && self.others == 0
    }

    /// The value that came each time, if there was only one.
    pub(crate) fn only(&self) -> Option<u64> {
        let first = self.values.first()?;
        self.is_constant().then_some(first.hash)
    }

    /// Whether these are all the values that there are, by all that is known: a few, and each came several times.
    pub(crate) fn is_closed(&self) -> bool {
        const FEWEST: u32 = 3;
        self.others == 0
            && self.values.len() < Self::MOST
            && self.values.iter().all(|known| known.count >= FEWEST)
    }

    /// How often a value is another one than the value before it, if each is drawn anew.
    pub(crate) fn change_rate(&self) -> f64 {
        let total = f64::from(self.total().max(1));
        let shares = self
            .values
            .iter()
            .map(|known| f64::from(known.count) / total);
        1.0 - shares.map(|share| share * share).sum::<f64>()
    }

    pub(crate) fn hashes(&self) -> impl Iterator<Item = u64> + '_ {
        self.values.iter().map(|known| known.hash)
    }

    /// The share of the most frequent value.
    pub(crate) fn peak(&self) -> u32 {
        self.values
            .iter()
            .map(|known| known.count)
            .max()
            .unwrap_or(0)
    }

    /// Only values that are wanted.
    pub(crate) fn only_of(&self, is_wanted: impl Fn(u64) -> bool) -> Self {
        let values = self.values.iter().filter(|known| is_wanted(known.hash));
        Self {
            values: values.cloned().collect(),
            others: self.others,
        }
    }

    /// Both sides' counts of each value that either knows, for a test of distributions.
    pub(crate) fn columns(&self, other: &Self) -> Vec<(u32, u32)> {
        let mut columns: Vec<(u32, u32)> = self
            .values
            .iter()
            .map(|known| (known.count, other.count(known.hash)))
            .collect();
        columns.extend(
            other
                .values
                .iter()
                .filter(|known| self.count(known.hash) == 0)
                .map(|known| (0, known.count)),
        );
        let named = columns.iter().fold((0, 0), |sum: (u32, u32), column| {
            (sum.0 + column.0, sum.1 + column.1)
        });
        columns.push((
            self.total().saturating_sub(named.0),
            other.total().saturating_sub(named.1),
        ));
        columns
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        for known in &other.values {
            self.add_times(known.hash, known.count);
        }
        self.others = self.others.saturating_add(other.others);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_things_are_counted_up_to_a_limit() {
        let mut distinct = Distinct::default();
        for hash in [1, 2, 1, 1] {
            distinct.add(hash);
        }
        assert_eq!((distinct.len(), distinct.is_complete()), (2, true));
        for hash in 0..1000 {
            distinct.add(hash);
        }
        assert_eq!(distinct.len(), Distinct::MOST);
        assert!(!distinct.is_complete());
    }

    #[test]
    fn frequent_values_stay_among_any_number_of_rare_ones() {
        let mut top = Top::default();
        for at in 0..10_000 {
            top.add(if at % 4 == 0 { 7 } else { 1000 + at });
        }
        assert!(top.count(7) > 0);
        assert_eq!(top.total(), 10_000);
        assert!(!top.is_constant());
        assert!(top.values.len() <= Top::MOST);
    }

    #[test]
    fn columns_hold_all_values_of_both() {
        let (mut first, mut second) = (Top::default(), Top::default());
        for hash in [1, 1, 2] {
            first.add(hash);
        }
        for hash in [2, 3] {
            second.add(hash);
        }
        let mut columns = first.columns(&second);
        columns.sort_unstable();
        assert_eq!(columns, [(0, 0), (0, 1), (1, 1), (2, 0)]);
    }
}
