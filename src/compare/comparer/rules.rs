//! Rules that are added and taken back while pairs are compared. They hold for what was seen before, too.

use super::Comparer;
use crate::compare::{
    cause::part,
    rules::{InForce, Parts, Rule, Rules},
};

/// What a rule for a cause has to know of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KnownCause {
    pub(crate) title: String,
    pub(crate) parts: Parts,
}

impl Comparer {
    /// The cause of this id that a rule can be for; `None` where none is told. Sessions that are lost are no difference.
    pub(crate) fn known_cause(&mut self, id: &str, now: i64) -> Option<KnownCause> {
        let reported = self.report_with_pairs(now);
        let mut causes = reported.report.causes.into_iter();
        let title = causes.find(|cause| cause.id == id)?.title;
        let cells = reported.cells.get(id)?.iter();
        let cells = cells.filter_map(|id| self.learned.cells.get(id));
        Some(KnownCause {
            title,
            parts: cells.map(part).collect(),
        })
    }

    /// The rules that hold or have held, with those that stand in no file.
    pub(crate) fn rules(&self) -> &InForce {
        &self.rules
    }

    /// Other rules of the file hold from now on.
    pub(crate) fn set_rules(&mut self, file: Rules) {
        self.hold(self.rules.with_file(&file));
        self.settings.rules = file;
    }

    /// One more that stands in no file; false where there are too many.
    pub(crate) fn add_rule(&mut self, rule: Rule) -> bool {
        let more = self.rules.with(rule);
        more.map(|more| self.hold(more)).is_some()
    }

    /// Takes one back that stands in no file; false where there is none of this id.
    pub(crate) fn remove_rule(&mut self, id: &str) -> bool {
        let less = self.rules.without(id);
        less.map(|less| self.hold(less)).is_some()
    }

    /// What was counted of a rule stays with it.
    pub(super) fn hold(&mut self, rules: InForce) {
        if rules != self.rules {
            self.hidden = self.hidden.renumbered(self.rules.all(), rules.all());
            self.rules = rules;
        }
    }
}
