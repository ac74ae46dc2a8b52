//! Changes of the rules of a comparison that runs. What stands in no file is saved at once, where there is a state.

use super::{Comparison, lock, now};
use crate::compare::{
    comparer::KnownCause,
    rules::{InForce, Rule, Rules},
};

impl Comparison {
    /// The cause of this id that a rule can be for.
    pub(crate) fn known_cause(&self, id: &str) -> Option<KnownCause> {
        self.counted().known_cause(id, now())
    }

    /// The rules that hold or have held.
    pub(crate) fn rules(&self) -> InForce {
        lock(&self.comparer).rules().clone()
    }

    /// Other rules of the file hold from now on, also for what was seen before.
    pub(crate) fn set_rules(&self, file: Rules) {
        lock(&self.comparer).set_rules(file);
        self.shown.begin_era();
    }

    /// One more rule holds that stands in no file; false where there are too many.
    pub(crate) fn add_rule(&self, rule: Rule) -> bool {
        let is_added = lock(&self.comparer).add_rule(rule);
        if is_added {
            self.shown.begin_era();
            self.save();
        }
        is_added
    }

    /// A rule that stands in no file holds no more; false where there is none of this id.
    pub(crate) fn remove_rule(&self, id: &str) -> bool {
        let is_removed = lock(&self.comparer).remove_rule(id);
        if is_removed {
            self.shown.begin_era();
            self.save();
        }
        is_removed
    }

    /// Takes over the rules of another comparison that stand in no file, where it has none itself.
    pub(crate) fn take_over_rules(&self, other: &Self) {
        let rules = other.rules().own();
        let mut comparer = lock(&self.comparer);
        if comparer.rules().own().len() == 0 {
            for rule in rules.iter() {
                comparer.add_rule(rule.clone());
            }
        }
        drop(comparer);
        self.shown.begin_era();
    }
}
