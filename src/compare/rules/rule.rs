//! One rule: what it is for, what it does, until when, and why.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{
    action::Action,
    moment::{Moment, moment},
    parts::{Part, Parts},
};
use crate::compare::{difference::Kind, extract::hash::hash_of};

/// One rule. What isn't said matches everything; `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The id of a cause, as a report has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cause: Option<String>,
    /// What the cause was called, for those who read the rule.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) place: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<Kind>,
    /// The transformation, as reports call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) change: Option<String>,
    pub(crate) action: Action,
    /// The last day on which it holds: `2027-01-31`, or a moment as in RFC 3339.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "moment"
    )]
    pub(crate) until: Option<Moment>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// When it was made.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "moment"
    )]
    pub(crate) since: Option<Moment>,
    /// What the cause consisted of when the rule was made. Without them it is for what is told under the cause's id.
    #[serde(default, skip_serializing_if = "Parts::is_empty")]
    pub(crate) parts: Parts,
}

/// What a rule may be for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) route: &'a str,
    pub(crate) place: &'a str,
    pub(crate) kind: Kind,
    pub(crate) change: &'a str,
    /// Of a cause; `None` where no rule asks for it.
    pub(crate) part: Option<Part>,
}

impl Rule {
    /// One rule as JSON.
    ///
    /// # Errors
    /// Says why it is none.
    pub(crate) fn of_json(json: &[u8]) -> Result<Self, String> {
        let rule: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        rule.check()?;
        Ok(rule)
    }

    /// What its fields say together has to have a meaning.
    pub(super) fn check(&self) -> Result<(), String> {
        let Some(cause) = &self.cause else {
            let why = "`parts` are those of a `cause`, which is missing";
            return if self.parts.is_empty() {
                Ok(())
            } else {
                Err(why.to_owned())
            };
        };
        let digits = cause.strip_prefix("c-").unwrap_or_default();
        if digits.len() != 8 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(format!(
                "`{cause}` is no id of a cause: these are such as `c-1f2e3d4c`"
            ));
        }
        match self.action {
            Action::Ignore | Action::Expected | Action::NeverNoise => Ok(()),
            Action::Unordered | Action::Tolerance(_) => Err(
                "a rule for a cause can be `ignore`, `expected` or `never-noise`: for others name a place"
                    .to_owned(),
            ),
        }
    }

    /// Whether it is for whatever is told under its cause's id, which is known only once causes are made.
    pub(crate) fn is_for_what_is_told(&self) -> bool {
        self.cause.is_some() && self.parts.is_empty()
    }

    /// Whether it is for this, wherever that is told.
    pub(super) fn is_for(&self, subject: Subject<'_>) -> bool {
        let is_part = || subject.part.is_some_and(|part| self.parts.contains(part));
        (self.cause.is_none() || is_part()) && self.fits(subject)
    }

    /// Whether route, place, kind and change are those that it names.
    pub(crate) fn fits(&self, subject: Subject<'_>) -> bool {
        let fits = |pattern: &Option<String>, text: &str| {
            pattern
                .as_deref()
                .is_none_or(|pattern| matches(pattern, text))
        };
        let right_kind = match self.action {
            Action::Unordered => subject.kind == Kind::Order,
            _ => self.kind.is_none_or(|kind| kind == subject.kind),
        };
        right_kind
            && fits(&self.route, subject.route)
            && fits(&self.place, subject.place)
            && fits(&self.change, subject.change)
    }

    pub(crate) fn holds_at(&self, now: i64) -> bool {
        self.until.as_ref().is_none_or(|until| !until.is_over(now))
    }

    /// It is made now, unless it says when.
    pub(crate) fn since(mut self, now: SystemTime) -> Self {
        self.since.get_or_insert_with(|| Moment::of(now));
        self
    }

    /// Its id, by all that it says but when it was made. Rules that say the same have the same.
    pub(crate) fn id(&self) -> String {
        let said = Self {
            since: None,
            ..self.clone()
        };
        // Texts and numbers can always be written.
        let said = serde_json::to_vec(&said).unwrap_or_default();
        format!("r-{:08x}", hash_of(&said) >> 32)
    }

    /// Whether both do the same with the same cause, whatever was known of it when they were made.
    pub(crate) fn says_the_same(&self, other: &Self) -> bool {
        let said = |rule: &Self| Self {
            title: String::new(),
            since: None,
            parts: Parts::default(),
            ..rule.clone()
        };
        said(self) == said(other)
    }

    /// As it is told: what it is for, then what it does.
    pub(crate) fn name(&self) -> String {
        let kind = self.kind.map(|kind| kind.to_string());
        let cause = self.cause.as_ref().map(|id| match &*self.title {
            "" => id.clone(),
            title => format!("{id} ({title})"),
        });
        let parts = [
            cause.as_deref(),
            self.route.as_deref(),
            self.place.as_deref(),
            kind.as_deref(),
            self.change.as_deref(),
        ];
        let parts: Vec<&str> = parts.into_iter().flatten().collect();
        let subject = if parts.is_empty() {
            "everything".to_owned()
        } else {
            parts.join(", ")
        };
        format!("{subject}: {}", self.action.text())
    }
}

/// Whether a text is as a pattern with `*` says.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("a*c", "abc", true),
            ("a*c", "ac", true),
            ("a*c", "acb", false),
            ("*", "", true),
            ("a", "ab", false),
            ("*b*", "abc", true),
            ("a**b", "a-b", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_id_is_of_all_that_a_rule_says_but_when_it_was_made() {
        let rule = |json: &str| Rule::of_json(json.as_bytes()).unwrap();
        let one = rule(r#"{"place":"$.x","action":"ignore","reason":"a"}"#);
        assert_eq!(one.id(), one.clone().since(SystemTime::now()).id());
        assert_ne!(one.since(SystemTime::now()).since, None);
        for other in [
            r#"{"place":"$.x","action":"ignore","reason":"b"}"#,
            r#"{"place":"$.x","action":"expected","reason":"a"}"#,
            r#"{"place":"$.x","action":"ignore","reason":"a","until":"2027-01-31"}"#,
        ] {
            assert_ne!(
                rule(other).id(),
                rule(r#"{"place":"$.x","action":"ignore","reason":"a"}"#).id()
            );
        }
        // It stands in files and in bookmarks: it is the same in each version.
        assert_eq!(rule(r#"{"action":"ignore"}"#).id(), "r-54bab93f");
    }

    #[test]
    fn what_has_no_meaning_together_is_refused_in_words() {
        for (json, word) in [
            (r#"{"cause":"c-12","action":"ignore"}"#, "c-12"),
            (r#"{"cause":"r-12345678","action":"ignore"}"#, "r-12345678"),
            (r#"{"cause":"c-12345678","action":"unordered"}"#, "place"),
            (r#"{"cause":"c-12345678","action":"tolerance:1"}"#, "place"),
            (r#"{"parts":["000000000001"],"action":"ignore"}"#, "cause"),
            (r#"{"action":"ignore","until":"soon"}"#, "soon"),
        ] {
            let error = Rule::of_json(json.as_bytes()).unwrap_err();
            assert!(error.contains(word), "{json}: {error}");
        }
        let open = Rule::of_json(br#"{"action":"ignore","until":null}"#).unwrap();
        assert_eq!(open.until, None);
    }
}
