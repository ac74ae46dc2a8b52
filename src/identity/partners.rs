//! Which value the shadow gave out where production gave out another.

use lru::LruCache;
use serde::{Deserialize, Serialize};

/// What the shadow has for a value of production's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Partner {
    Value(Box<str>),
    /// Production gave it out, and the shadow nothing in its place.
    None,
    /// Two answers of the shadow's disagree: it stands for neither.
    Conflict,
}

impl Partner {
    fn bytes(&self) -> usize {
        match self {
            Self::Value(value) => value.len(),
            Self::None | Self::Conflict => 0,
        }
    }
}

/// What an entry costs beside its value.
const ENTRY: usize = 96;

/// Partners of values, by the values' hashes, within a number of bytes: what was not used for longest is forgotten first.
#[derive(Debug)]
pub(super) struct Partners {
    known: LruCache<u64, Partner>,
    bytes: usize,
    most: usize,
    pub(super) evicted: u64,
    pub(super) conflicts: u64,
}

impl Partners {
    pub(super) fn new(most: usize) -> Self {
        Self {
            known: LruCache::unbounded(),
            bytes: 0,
            most,
            evicted: 0,
            conflicts: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    pub(super) fn get(&mut self, hash: u64) -> Option<&Partner> {
        self.known.get(&hash)
    }

    /// The shadow's value takes the place of what was known.
    pub(super) fn set(&mut self, hash: u64, partner: Partner) {
        self.bytes += partner.bytes() + ENTRY;
        if let Some(before) = self.known.put(hash, partner) {
            self.bytes -= before.bytes() + ENTRY;
        }
        while self.bytes > self.most
            && let Some((_, evicted)) = self.known.pop_lru()
        {
            self.bytes -= evicted.bytes() + ENTRY;
            self.evicted += 1;
        }
    }

    /// The shadow's value, unless another one is known.
    pub(super) fn learn(&mut self, hash: u64, value: &str) {
        match self.known.get(&hash) {
            Some(Partner::Value(known)) if **known != *value => {
                self.conflicts += 1;
                self.set(hash, Partner::Conflict);
            }
            Some(Partner::Value(_) | Partner::Conflict) => {}
            Some(Partner::None) | None => self.set(hash, Partner::Value(value.into())),
        }
    }

    /// Production gave it out alone.
    pub(super) fn miss(&mut self, hash: u64) {
        if self.known.get(&hash).is_none() {
            self.set(hash, Partner::None);
        }
    }

    /// All that is known, what was used last at the end.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Partner)> {
        self.known
            .iter()
            .rev()
            .map(|(hash, partner)| (*hash, partner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_two_partners_stands_for_neither() {
        let mut partners = Partners::new(1000);
        partners.learn(1, "a");
        partners.learn(1, "a");
        assert_eq!(partners.get(1), Some(&Partner::Value("a".into())));
        partners.learn(1, "b");
        partners.learn(1, "a");
        assert_eq!(partners.get(1), Some(&Partner::Conflict));
        assert_eq!(partners.conflicts, 1);
    }

    #[test]
    fn what_was_not_used_for_longest_is_forgotten() {
        let mut partners = Partners::new(3 * (ENTRY + 1));
        for hash in 0..3 {
            partners.learn(hash, "x");
        }
        assert!(partners.get(0).is_some());
        partners.learn(3, "x");
        assert!(partners.get(1).is_none() && partners.get(0).is_some());
        assert_eq!((partners.len(), partners.evicted), (3, 1));
    }
}
