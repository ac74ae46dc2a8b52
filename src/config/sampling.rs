//! How many of the requests a shadow gets: a share of them, at a rate, at a time, and in which order.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::{
    reader::Table,
    units::{FieldName, Percent},
};

/// What requests of one session have in common.
#[derive(Clone, Debug, DeserializeFromStr, SerializeDisplay, PartialEq, Eq)]
pub(crate) enum Key {
    Cookie(String),
    Header(FieldName),
    Query(String),
    /// The client's address.
    Client,
    /// A segment of the path, the first is 1.
    Path(usize),
}

impl FromStr for Key {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_token = |name: &str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_graphic() && !b";=, \"".contains(&byte))
        };
        match text.split_once(':') {
            None if text == "client" => Ok(Self::Client),
            Some(("cookie", name)) if is_token(name) => Ok(Self::Cookie(name.into())),
            Some(("query", name)) if !name.is_empty() => Ok(Self::Query(name.into())),
            Some(("header", name)) => name.parse().map(Self::Header),
            Some(("path", number)) => match number.parse() {
                Ok(number @ 1..=64) => Ok(Self::Path(number)),
                _ => Err(format!("{number:?} is not a segment; the first is 1")),
            },
            _ => Err(format!(
                "{text:?} is not a key; write \"cookie:NAME\", \"header:NAME\", \"query:NAME\", \"client\" or \"path:1\""
            )),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Header(name) => write!(f, "header:{}", name.spelling()),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Client => f.write_str("client"),
            Self::Path(number) => write!(f, "path:{number}"),
        }
    }
}

/// Which copies keep the order of their requests.
#[derive(Clone, Debug, DeserializeFromStr, SerializeDisplay, PartialEq, Eq)]
pub(crate) enum OrderBy {
    /// Those of one session, as production names it.
    Session,
    All,
    Key(Key),
}

impl OrderBy {
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Key(key) => Some(key),
            Self::Session | Self::All => None,
        }
    }
}

impl FromStr for OrderBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "session" => Ok(Self::Session),
            "all" => Ok(Self::All),
            key => key.parse().map(Self::Key).map_err(|error: String| {
                error.replacen("write ", "write \"session\", \"all\", ", 1)
            }),
        }
    }
}

impl fmt::Display for OrderBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session => f.write_str("session"),
            Self::All => f.write_str("all"),
            Self::Key(key) => key.fmt(f),
        }
    }
}

/// `shadow.sample`: the share of the selected requests that is copied.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Sample {
    pub(crate) percent: Percent,
    pub(crate) by: By,
    pub(crate) without_key: WithoutKey,
}

/// What becomes of a request that has no key.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WithoutKey {
    LeaveOut,
    Copy,
    /// As if the sample were at random.
    Random,
}

/// What a sample goes by.
#[derive(Clone, Debug, DeserializeFromStr, SerializeDisplay, PartialEq, Eq)]
pub(crate) enum By {
    Random,
    Key(Key),
}

impl By {
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Random => None,
            Self::Key(key) => Some(key),
        }
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Random => f.write_str("random"),
            Self::Key(key) => key.fmt(f),
        }
    }
}

impl FromStr for By {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "random" => Ok(Self::Random),
            key => match key.parse() {
                Ok(key) => Ok(Self::Key(key)),
                Err(why) => Err(format!("{why}, or \"random\"")),
            },
        }
    }
}

impl Sample {
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let by = table.value("by", By::Random);
        let said = table.has("without_key");
        let without_key = table.value("without_key", WithoutKey::LeaveOut);
        if said && by == By::Random && without_key != WithoutKey::LeaveOut {
            table.mistake(
                "without_key",
                "says nothing where the sample is at random; set by, for example by = \"cookie:session\"",
            );
        }
        table.whole(|table| Self {
            percent: table.value("percent", Percent::ALL),
            by,
            without_key,
        })
    }
}

/// `shadow.limit`: what is over it is left out at once.
#[derive(Clone, Copy, Debug, Default, Serialize, PartialEq)]
pub(crate) struct Limit {
    pub(crate) per_second: Option<f64>,
    /// Copies that may be sent at once, after a while with fewer.
    pub(crate) burst: Option<u32>,
    /// Copies that wait or are on their way.
    pub(crate) concurrent: Option<u32>,
}

impl Limit {
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let has_rate = table.has("per_second");
        let per_second = table.optional_within("per_second", 0.001..=1e6);
        if table.has("burst") && !has_rate {
            table.mistake("burst", "needs per_second beside it");
        }
        table.whole(|table| Self {
            per_second,
            burst: table.optional_within("burst", 1..),
            concurrent: table.optional_within("concurrent", 1..),
        })
    }
}

/// `shadow.send`: when a copy is sent.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SendWhen {
    /// Beside the request to the primary.
    WithRequest,
    /// Once the header of the primary's answer is there.
    AfterAnswer,
}
