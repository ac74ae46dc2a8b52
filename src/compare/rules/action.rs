//! What a rule does with what it is for.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

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
    /// Whether it makes its subject certain instead of hiding it.
    pub(crate) fn confirms(self) -> bool {
        self == Self::NeverNoise
    }

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

    pub(crate) fn text(self) -> String {
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
