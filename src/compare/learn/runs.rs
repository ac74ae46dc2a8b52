//! Whether values that vary are drawn anew for each answer, or stay for a while, for a session, or for a thing. What stays
//! is one draw, however many pairs show it.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::compare::extract::hash::short;

/// What came before, for some keys, and how often it was the same again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Runs {
    last: VecDeque<(u32, u32)>,
    stays: u32,
    turns: u32,
}

impl Runs {
    const MOST: usize = 24;

    pub(crate) fn note(&mut self, key: u64, value: u64) {
        let (key, value) = (short(key), short(value));
        if let Some((_, last)) = self.last.iter_mut().find(|(known, _)| *known == key) {
            let count = if *last == value {
                &mut self.stays
            } else {
                &mut self.turns
            };
            *count = count.saturating_add(1);
            *last = value;
            return;
        }
        if self.last.len() >= Self::MOST {
            self.last.pop_front();
        }
        self.last.push_back((key, value));
    }

    /// Whether it changes much more seldom than values would that are drawn anew each time. `rate` is how often these
    /// would change.
    pub(crate) fn is_sticky(&self, rate: f64) -> bool {
        const FEWEST: f64 = 6.0;
        let expected = f64::from(self.stays + self.turns) * rate;
        expected >= FEWEST && f64::from(self.turns) * 2.0 < expected
    }

    /// Whether a key is given another value more often than not.
    pub(crate) fn mostly_turns(&self) -> bool {
        self.turns >= 3 && self.turns > self.stays
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// How many values there were, one after the other.
    pub(crate) fn draws(&self) -> u32 {
        self.turns + 1
    }

    pub(crate) fn absorb(&mut self, other: &Self) {
        self.stays = self.stays.saturating_add(other.stays);
        self.turns = self.turns.saturating_add(other.turns);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_anew_is_not_sticky_and_what_stays_is() {
        let (mut anew, mut stays) = (Runs::default(), Runs::default());
        for at in 0..40_u64 {
            anew.note(0, at * 7 % 3);
            stays.note(0, at / 20);
        }
        assert!(!anew.is_sticky(0.5));
        assert!(anew.mostly_turns() && !stays.mostly_turns());
        assert!(stays.is_sticky(0.5));
        assert_eq!(stays.draws(), 2);
        // A value that is always the same says nothing of how it is drawn.
        assert!(!stays.is_sticky(0.01));
    }

    #[test]
    fn each_key_has_runs_of_its_own() {
        let mut runs = Runs::default();
        for at in 0..40_u64 {
            runs.note(at % 4, at % 4 / 2);
        }
        assert!(runs.is_sticky(0.5));
        assert_eq!(runs.turns, 0);
        let mut few = Runs::default();
        (0..12).for_each(|_| few.note(1, 1));
        assert!(!few.is_sticky(0.5), "eleven repeats are too few");
        few.note(1, 1);
        assert!(few.is_sticky(0.5));
    }

    #[test]
    fn keys_are_bounded() {
        let mut runs = Runs::default();
        (0..1000).for_each(|key| runs.note(key, 1));
        assert_eq!(runs.last.len(), Runs::MOST);
    }
}
