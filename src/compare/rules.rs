//! Rules of the user: what to leave out, what is expected, where order says nothing. A file that people review.
//!
//! Rules but those with a tolerance apply when a report is made, so that a new rule holds for what was seen before it.

use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

use super::difference::{Difference, Kind};

/// What to do with differences that a rule is for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// Leave them out.
    Ignore,
    /// They are what the new version is meant to do. Tell when they stop.
    Expected,
    /// The order of this list says nothing.
    Unordered,
    /// Numbers may be this far apart.
    Tolerance(Tolerance),
    /// Never hold them to be noise.
    NeverNoise,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tolerance {
    Absolute(f64),
    /// Of the larger of both.
    Percent(f64),
}

impl Action {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "ignore" => Self::Ignore,
            "expected" => Self::Expected,
            "unordered" => Self::Unordered,
            "never-noise" => Self::NeverNoise,
            _ => {
                let amount = text.strip_prefix("tolerance:")?.trim();
                let (number, is_percent) = match amount.strip_suffix('%') {
                    Some(number) => (number, true),
                    None => (amount, false),
                };
                let number: f64 = number.trim().parse().ok()?;
                if !(number.is_finite() && number >= 0.0) {
                    return None;
                }
                Self::Tolerance(if is_percent {
                    Tolerance::Percent(number)
                } else {
                    Tolerance::Absolute(number)
                })
            }
        })
    }

    fn text(self) -> String {
        match self {
            Self::Ignore => "ignore".to_owned(),
            Self::Expected => "expected".to_owned(),
            Self::Unordered => "unordered".to_owned(),
            Self::NeverNoise => "never-noise".to_owned(),
            Self::Tolerance(Tolerance::Absolute(number)) => format!("tolerance:{number}"),
            Self::Tolerance(Tolerance::Percent(number)) => format!("tolerance:{number}%"),
        }
    }
}

impl<'de> Deserialize<'de> for Action {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no action: use `ignore`, `expected`, `unordered`, `never-noise` or `tolerance:0.01`"
            ))
        })
    }
}

impl Serialize for Action {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

/// One rule. What isn't said matches everything; `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
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
        deserialize_with = "until"
    )]
    pub(crate) until: Option<Until>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
}

/// The end of a rule, as it is written and in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Until {
    text: String,
    at: i64,
}

impl Serialize for Until {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

fn until<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Until>, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(date) => date.to_string(),
        other => return Err(de::Error::custom(format!("`{other}` is no date"))),
    };
    let is_day = text.len() == 10;
    let moment = if is_day {
        format!("{text}T00:00:00Z")
    } else {
        text.clone()
    };
    let at = humantime::parse_rfc3339_weak(&moment)
        .map_err(|_| de::Error::custom(format!("`{text}` is no date: use `2027-01-31`")))?;
    let at = if is_day {
        at + Duration::from_secs(24 * 60 * 60)
    } else {
        at
    };
    let at = milliseconds(at);
    Ok(Some(Until { text, at }))
}

fn milliseconds(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A place that a rule may be for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) route: &'a str,
    pub(crate) place: &'a str,
    pub(crate) kind: Kind,
    pub(crate) change: &'a str,
}

impl Rule {
    fn is_for(&self, subject: Subject<'_>) -> bool {
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
        self.until.as_ref().is_none_or(|until| now < until.at)
    }

    /// As it is told: what it is for, then what it does.
    pub(crate) fn name(&self) -> String {
        let kind = self.kind.map(|kind| kind.to_string());
        let parts = [
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

#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

/// Why a file of rules can't be used.
#[derive(Debug, Error)]
pub(crate) enum RulesError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("more than {} rules", Rules::MOST)]
    TooMany,
}

/// All rules, in the order of the file: the first that fits decides.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rules(Vec<Rule>);

impl Rules {
    const MOST: usize = 5_000;

    pub(crate) fn parse(text: &str) -> Result<Self, RulesError> {
        let file: File = toml::from_str(text)?;
        if file.rules.len() > Self::MOST {
            return Err(RulesError::TooMany);
        }
        Ok(Self(file.rules))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// One rule as JSON, as a part of a file that [`Rules::parse`] reads.
    ///
    /// # Errors
    /// Where it is not a rule.
    pub(crate) fn of_json(json: &[u8]) -> Result<String, serde_json::Error> {
        let rule: Rule = serde_json::from_slice(json)?;
        let file = File { rules: vec![rule] };
        // A rule of texts and dates can always be written.
        Ok(toml::to_string_pretty(&file).unwrap_or_default())
    }

    /// The first rule that is for this.
    pub(crate) fn find(&self, subject: Subject<'_>, now: i64) -> Option<(usize, &Rule)> {
        self.0
            .iter()
            .enumerate()
            .find(|(_, rule)| rule.holds_at(now) && rule.is_for(subject))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn subject<'a>(route: &'a str, place: &'a str, kind: Kind) -> Subject<'a> {
        Subject {
            route,
            place,
            kind,
            change: "other value",
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
        ] {
            let error = Rules::parse(text).unwrap_err().to_string();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

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
}
