//! A day or a moment in a rule, kept as it was written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A day, or a moment as in RFC 3339: as it is written, and when it is over in milliseconds since 1970.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    text: String,
    over_at: i64,
}

impl Moment {
    fn parse(text: String) -> Result<Self, String> {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let is_day = text.len() == 10;
        let moment = if is_day {
            format!("{text}T00:00:00Z")
        } else {
            text.clone()
        };
        let at = humantime::parse_rfc3339_weak(&moment)
            .map_err(|_| format!("`{text}` is no date: use `2027-01-31`"))?;
        let over_at = milliseconds(if is_day { at + DAY } else { at });
        Ok(Self { text, over_at })
    }

    /// To the second.
    pub(crate) fn of(at: SystemTime) -> Self {
        Self {
            text: humantime::format_rfc3339_seconds(at).to_string(),
            over_at: milliseconds(at),
        }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_over(&self, now: i64) -> bool {
        now >= self.over_at
    }
}

fn milliseconds(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// From a text or, in TOML, a date.
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Moment>, D::Error> {
    let text = match Option::deserialize(deserializer)? {
        None => return Ok(None),
        Some(toml::Value::String(text)) => text,
        Some(toml::Value::Datetime(date)) => date.to_string(),
        Some(other) => return Err(de::Error::custom(format!("`{other}` is no date"))),
    };
    Moment::parse(text).map(Some).map_err(de::Error::custom)
}
