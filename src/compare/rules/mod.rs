//! Rules of the user: what to leave out, what is expected, where order says nothing. A file that people review.
//!
//! Rules but those with a tolerance apply when a report is made, so that a new rule holds for what was seen before it.

mod action;
mod in_force;
mod moment;
mod parts;
mod rule;
mod text;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;

use super::difference::Difference;

pub(crate) use action::{Action, Tolerance};
pub(crate) use in_force::InForce;
pub(crate) use moment::Moment;
pub(crate) use parts::{Part, Parts};
pub(crate) use rule::{Rule, Subject};
pub(crate) use text::{RemoveError, with_rule, without_rule};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "rule")]
    rules: Vec<Spanned<Rule>>,
}

/// Why a file of rules can't be used.
#[derive(Debug, Error)]
pub(crate) enum RulesError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("line {line}: {what}")]
    NoMeaning { line: usize, what: String },
    #[error("more than {} rules", Rules::MOST)]
    TooMany,
}

/// All rules, in the order of the file: the first that fits decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    pub(crate) const MOST: usize = 5_000;

    pub(crate) fn parse(text: &str) -> Result<Self, RulesError> {
        let file: File = toml::from_str(text)?;
        if file.rules.len() > Self::MOST {
            return Err(RulesError::TooMany);
        }
        for rule in &file.rules {
            rule.get_ref().check().map_err(|what| {
                let before = text.get(..rule.span().start).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                RulesError::NoMeaning { line, what }
            })?;
        }
        let rules = file.rules.into_iter().map(Spanned::into_inner);
        Ok(Self(rules.collect()))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// All but the one of this number.
    pub(crate) fn without(&self, number: usize) -> Self {
        let others = self.0.iter().enumerate().filter(|(at, _)| *at != number);
        Self(others.map(|(_, rule)| rule.clone()).collect())
    }

    /// The id of each rule, in their order. Of several that say the same, the later ones have a number behind it.
    pub(crate) fn ids(&self) -> Vec<String> {
        let mut known: HashMap<String, usize> = HashMap::new();
        let ids = self.0.iter().map(|rule| {
            let id = rule.id();
            let count = known.entry(id.clone()).or_default();
            *count += 1;
            match *count {
                1 => id,
                count => format!("{id}-{count}"),
            }
        });
        ids.collect()
    }

    /// The first rule that is for this.
    pub(crate) fn find(&self, subject: Subject<'_>, now: i64) -> Option<(usize, &Rule)> {
        self.0
            .iter()
            .enumerate()
            .find(|(_, rule)| rule.holds_at(now) && rule.is_for(subject))
    }

    /// Whether a rule asks what is part of a cause.
    pub(crate) fn has_parts(&self) -> bool {
        self.0.iter().any(|rule| !rule.parts.is_empty())
    }

    /// The tolerance that explains a difference of two numbers.
    pub(crate) fn tolerates(
        &self,
        route: &str,
        difference: &Difference,
        now: i64,
    ) -> Option<usize> {
        if self.0.is_empty() {
            return None;
        }
        let number = |value: &Option<super::extract::Value>| {
            value
                .as_ref()
                .and_then(|value| value.text().parse::<f64>().ok())
        };
        let (one, other) = (number(&difference.primary)?, number(&difference.shadow)?);
        let change = difference.change.to_string();
        let subject = Subject {
            route,
            place: difference.place.as_str(),
            kind: difference.kind,
            change: &change,
            part: None,
        };
        let is_near = |rule: &Rule| match rule.action {
            // A hair more, since decimals have no exact form.
            Action::Tolerance(Tolerance::Absolute(amount)) => {
                (one - other).abs() <= amount * (1.0 + 1e-9)
            }
            Action::Tolerance(Tolerance::Percent(percent)) => {
                (one - other).abs() <= one.abs().max(other.abs()) * percent / 100.0
            }
            _ => false,
        };
        self.0
            .iter()
            .position(|rule| is_near(rule) && rule.holds_at(now) && rule.is_for(subject))
    }

    pub(crate) fn has_tolerances(&self) -> bool {
        self.0
            .iter()
            .any(|rule| matches!(rule.action, Action::Tolerance(_)))
    }
}

/// How many pairs each rule hid, by its number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hidden(pub(crate) HashMap<usize, u64>);

impl Hidden {
    /// The same for rules of which some have another number, or are gone.
    pub(crate) fn renumbered(&self, before: &Rules, after: &Rules) -> Self {
        let ids = after.ids().into_iter().enumerate();
        let numbers: HashMap<String, usize> = ids.map(|(number, id)| (id, number)).collect();
        let before = before.ids();
        let counts = self.0.iter().filter_map(|(number, count)| {
            let number = numbers.get(before.get(*number)?)?;
            Some((*number, *count))
        });
        Self(counts.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::difference::Kind;

    fn subject<'a>(route: &'a str, place: &'a str, kind: Kind) -> Subject<'a> {
        Subject {
            route,
            place,
            kind,
            change: "other value",
            part: None,
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = Rules::parse(
            "[[rule]]\nroute = \"GET /a/*\"\nplace = \"$.x\"\nkind = \"value\"\naction = \"ignore\"\nreason = \"known\"\n\
             [[rule]]\naction = \"expected\"\nuntil = 2027-01-31\n",
        )
        .unwrap();
        let first = rules
            .find(subject("GET /a/{n}", "$.x", Kind::Value), 0)
            .unwrap();
        assert_eq!(first.0, 0);
        let second = rules
            .find(subject("GET /a/{n}", "$.x", Kind::Missing), 0)
            .unwrap();
        assert_eq!(second.1.action, Action::Expected);
        let february = 1_801_526_400_000;
        assert!(
            rules
                .find(subject("GET /b", "$.x", Kind::Value), february)
                .is_none()
        );
    }

    #[test]
    fn mistakes_are_told_by_their_key() {
        for (text, word) in [
            ("[[rule]]\naktion = \"ignore\"", "aktion"),
            ("[[rule]]\naction = \"ignor\"", "ignor"),
            ("[[rule]]\naction = \"tolerance:-1\"", "tolerance:-1"),
            ("[[rule]]\naction = \"ignore\"\nuntil = \"soon\"", "soon"),
            ("[[rule]]\naction = \"ignore\"\nkind = \"colour\"", "colour"),
            ("[[rules]]\naction = \"ignore\"", "rules"),
            ("[[rule]]\nplace = \"$.x\"", "action"),
            (
                "# two\n\n[[rule]]\ncause = \"c-1\"\naction = \"ignore\"",
                "line 3: `c-1`",
            ),
        ] {
            let error = Rules::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
