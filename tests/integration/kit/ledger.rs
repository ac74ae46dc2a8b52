//! `/api/ledger` as the tests read it.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Ledger {
    pub(crate) requests: u64,
    pub(crate) shadows: BTreeMap<String, Copies>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Copies {
    pub(crate) in_flight: u64,
    pub(crate) outcomes: BTreeMap<String, u64>,
}

impl Ledger {
    /// Every request is counted once for each shadow.
    pub(crate) fn balances(&self) -> bool {
        self.shadows
            .values()
            .all(|copies| self.requests == copies.in_flight + copies.outcomes.values().sum::<u64>())
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.balances() && self.shadows.values().all(|copies| copies.in_flight == 0)
    }

    /// The outcomes of a shadow that are not zero.
    #[track_caller]
    pub(crate) fn of(&self, shadow: &str) -> Vec<(&str, u64)> {
        let copies = self
            .shadows
            .get(shadow)
            .unwrap_or_else(|| panic!("no shadow {shadow:?} in {self:?}"));
        copies
            .outcomes
            .iter()
            .filter(|(_, n)| **n > 0)
            .map(|(name, n)| (name.as_str(), *n))
            .collect()
    }

    /// How often a shadow had an outcome, which must be one that the ledger knows.
    #[track_caller]
    pub(crate) fn count(&self, shadow: &str, outcome: &str) -> u64 {
        let copies = self
            .shadows
            .get(shadow)
            .unwrap_or_else(|| panic!("no shadow {shadow:?} in {self:?}"));
        *copies
            .outcomes
            .get(outcome)
            .unwrap_or_else(|| panic!("no outcome {outcome:?} in {self:?}"))
    }
}
