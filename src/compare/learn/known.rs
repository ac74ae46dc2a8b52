//! Which values production gives at a place, as far as these are few: enough to say of another one that it gives it not, or
//! hardly ever.

use serde::{Deserialize, Serialize};

use crate::compare::extract::hash::short;

/// Values by hash, each with how often it came. A value that stays is counted once, however many answers have it: of what
/// is kept for a minute, ten answers in one minute tell one value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    values: Vec<(u32, u16)>,
    last: u32,
    /// How many were looked at.
    looks: u32,
    /// How many of these count.
    changes: u32,
    /// There are too many to know them.
    is_open: bool,
}

impl Known {
    const MOST: usize = 48;
    /// Values that were looked at from which on it says something that one isn't among them.
    const FEWEST: u32 = 24;
    /// Changes from one value to another, as well.
    const FEWEST_CHANGES: u32 = 12;

    pub(crate) fn add(&mut self, hash: u64) {
        self.looks = self.looks.saturating_add(1);
        let hash = short(hash);
        if self.last == hash && self.changes > 0 {
            return;
        }
        self.last = hash;
        self.count(hash, 1);
    }

    /// One more each time, also where it is the same as before.
    pub(crate) fn add_each(&mut self, hash: u64) {
        self.looks = self.looks.saturating_add(1);
        self.count(short(hash), 1);
    }

    fn count(&mut self, hash: u32, times: u16) {
        self.changes = self.changes.saturating_add(u32::from(times));
        if self.is_open {
            return;
        }
        if let Some((_, count)) = self.values.iter_mut().find(|(known, _)| *known == hash) {
            *count = count.saturating_add(times);
        } else if self.values.len() < Self::MOST {
            self.values.push((hash, times));
        } else {
            self.is_open = true;
            self.values = Vec::new();
        }
    }

    pub(crate) fn has(&self, hash: u64) -> bool {
        let hash = short(hash);
        self.values.iter().any(|(known, _)| *known == hash)
    }

    pub(crate) fn looks(&self) -> u32 {
        self.looks
    }

    /// How often it was another one than before.
    pub(crate) fn changes(&self) -> u32 {
        self.changes
    }

    pub(crate) fn varies(&self) -> bool {
        self.is_open || self.values.len() > 1
    }

    /// Whether hardly any value is still to come. The share of values that came once is how likely the next one is new
    /// (Good and Turing).
    pub(crate) fn is_complete(&self) -> bool {
        let once = self.values.iter().filter(|(_, count)| *count == 1).count();
        let once = u32::try_from(once).unwrap_or(u32::MAX);
        !self.is_open
            && self.looks >= Self::FEWEST
            && self.changes >= Self::FEWEST_CHANGES
            && once.saturating_mul(10) <= self.changes
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.looks = self.looks.saturating_add(other.looks);
        if self.is_open || other.is_open {
            (self.is_open, self.values) = (true, Vec::new());
            self.changes = self.changes.saturating_add(other.changes);
            return;
        }
        for (hash, times) in &other.values {
            self.count(*hash, *times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(hashes: impl IntoIterator<Item = u64>) -> Known {
        let mut known = Known::default();
        hashes.into_iter().for_each(|hash| known.add(hash));
        known
    }

    #[test]
    fn a_few_values_that_come_again_and_again_are_all() {
        assert!(known((0..24).map(|at| at % 3)).is_complete());
        assert!(!known((0..23).map(|at| at % 3)).is_complete());
        // One of ten was new.
        assert!(known((0..27).map(|at| at % 3).chain([7, 8])).is_complete());
        assert!(!known((0..27).map(|at| at % 3).chain([7, 8, 9, 10])).is_complete());
    }

    #[test]
    fn what_stays_for_a_while_is_one_value() {
        let kept = known((0..200).map(|at| at / 20));
        assert!(!kept.is_complete());
        assert_eq!(kept.looks(), 200);
        assert!(kept.has(9) && kept.varies());
        assert!(!known([5; 100]).varies());
    }

    #[test]
    fn many_values_are_open_and_take_no_room() {
        let many = known(0..1000);
        assert!(!many.is_complete() && many.varies() && !many.has(3));
        assert!(many.values.is_empty());
        let mut both = known((0..40).map(|at| at % 4));
        both.absorb(&many);
        assert!(!both.is_complete());
        assert_eq!(both.looks(), 1040);
    }
}
