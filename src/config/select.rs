//! `shadow.select`: which requests a shadow gets, as rules of which the first that matches wins.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_with::SerializeDisplay;

use super::{
    is_default,
    network::Network,
    pattern::{Pattern, Wanted},
    units::{FieldName, Masked, Size, TextOr, is_secret_name},
};

/// `shadow.select`. `deny` is looked at first, then `rules`, then `allow`.
#[serde_with::apply(Vec => #[serde(skip_serializing_if = "Vec::is_empty")])]
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Select {
    pub(crate) deny: Vec<Rule>,
    /// Of both kinds.
    pub(crate) rules: Vec<Listed>,
    pub(crate) allow: Vec<Rule>,
}

/// A rule that says itself what it does.
#[derive(Clone, Debug, Serialize, PartialEq)]
pub(crate) struct Listed {
    pub(crate) action: Action,
    #[serde(flatten)]
    pub(crate) rule: Rule,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Allow,
    Deny,
}

/// Conditions, all of which have to hold; an empty list is no condition.
#[serde_with::apply(Vec => #[serde(skip_serializing_if = "Vec::is_empty")])]
#[derive(Clone, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Rule {
    pub(crate) name: Option<String>,
    pub(crate) method: Vec<Method>,
    pub(crate) path: Vec<Pattern>,
    pub(crate) host: Vec<Pattern<true>>,
    pub(crate) content_type: Vec<Pattern<true>>,
    /// The name of Basic authentication.
    pub(crate) user: Vec<Pattern>,
    pub(crate) client: Vec<Network>,
    pub(crate) min_body: Option<Size>,
    pub(crate) max_body: Option<Size>,
    /// Of the primary's answer.
    pub(crate) status: Vec<Status>,
    #[serde(serialize_with = "as_masked_map")]
    pub(crate) header: Vec<(FieldName, Wanted)>,
    #[serde(serialize_with = "as_masked_map")]
    pub(crate) query: Vec<(String, Wanted)>,
}

/// Serializes pairs as a map, in their order.
pub(crate) fn as_map<S: Serializer, K: Serialize, V: Serialize>(
    pairs: &[(K, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
}

/// As [`as_map`], with a mask for values whose names are those of secrets.
pub(super) fn as_masked_map<S: Serializer, K: Serialize + AsRef<str>, V: Serialize>(
    pairs: &[(K, V)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, value)| {
        let is_secret = is_secret_name(key.as_ref());
        (key, Masked::text_if(is_secret, value))
    }))
}

/// A method (RFC 9110, 9.1), which has one spelling.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[serde(transparent)]
pub(crate) struct Method(pub(crate) String);

impl<'de> Deserialize<'de> for Method {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let upper = text.to_ascii_uppercase();
        match http::Method::from_bytes(text.as_bytes()) {
            Ok(_) if text == upper => Ok(Self(text)),
            Ok(_) => Err(de::Error::custom(format_args!(
                "{text:?} can never match: methods are written in capitals, {upper:?}"
            ))),
            Err(_) => Err(de::Error::custom(format_args!(
                "{text:?} is not a method; write for example \"GET\""
            ))),
        }
    }
}

/// Status codes of the primary: a range of them, or that there was no answer.
#[derive(Clone, Copy, Debug, SerializeDisplay, PartialEq, Eq)]
pub(crate) enum Status {
    From(u16, u16),
    None,
}

impl Status {
    pub(crate) fn holds(self, status: Option<u16>) -> bool {
        match (self, status) {
            (Self::From(first, last), Some(status)) => (first..=last).contains(&status),
            (Self::None, None) => true,
            _ => false,
        }
    }

    pub(super) fn covers(self, other: Self) -> bool {
        match (self, other) {
            (Self::From(first, last), Self::From(other_first, other_last)) => {
                first <= other_first && other_last <= last
            }
            (one, other) => one == other,
        }
    }
}

impl FromStr for Status {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(Self::None);
        }
        let (first, last) = match (text.split_once('-'), text.strip_suffix("xx")) {
            (Some(range), _) => range,
            (None, Some(class)) => (&*format!("{class}00"), &*format!("{class}99")),
            (None, None) => (text, text),
        };
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last))
                if (200..=599).contains(&first) && first <= last && last <= 599 =>
            {
                Ok(Self::From(first, last))
            }
            _ => Err(format!(
                "{text:?} is not a status of an answer; write for example 404, \"2xx\", \"500-599\" or \"none\""
            )),
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::From(first, last) if first == last => first.fmt(f),
            Self::From(first, last) if first % 100 == 0 && *last == first + 99 => {
                write!(f, "{}xx", first / 100)
            }
            Self::From(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl<'de> Deserialize<'de> for Status {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = match TextOr::<u16>::deserialize(deserializer)? {
            TextOr::Number(number) => number.to_string(),
            TextOr::Text(text) => text,
        };
        text.parse().map_err(de::Error::custom)
    }
}

impl Select {
    /// Every rule with what it does and its key, in the order in which they are looked at.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Action, &Rule, String)> {
        let of = |action, key: &'static str| {
            move |(index, rule)| (action, rule, format!("{key}[{index}]"))
        };
        let deny = self.deny.iter().enumerate().map(of(Action::Deny, "deny"));
        let rules = self.rules.iter().enumerate();
        let rules =
            rules.map(|(index, listed)| (listed.action, &listed.rule, format!("rules[{index}]")));
        let allow = self.allow.iter().enumerate();
        let allow = allow.map(of(Action::Allow, "allow"));
        deny.chain(rules).chain(allow)
    }

    /// Whether any rule looks at the client's address.
    pub(super) fn asks_for_client(&self) -> bool {
        self.all().any(|(_, rule, _)| !rule.client.is_empty())
    }
}

impl Rule {
    pub(super) fn has_no_condition(&self) -> bool {
        let unnamed = Self {
            name: None,
            ..self.clone()
        };
        is_default(&unnamed)
    }
}
