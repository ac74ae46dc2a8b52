//! What kind a difference is of.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What kind a difference is of. Route, place and kind are what is learned about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The shadow hasn't what the primary has.
    Missing,
    /// The shadow has what the primary hasn't.
    Extra,
    /// Another type: text where there was a list.
    Type,
    /// The same, written in another way.
    Format,
    Value,
    Order,
    /// Other things in a list.
    Items,
    /// Another length of what isn't looked into.
    Length,
    Status,
}

impl Kind {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Type => "type",
            Self::Format => "format",
            Self::Value => "value",
            Self::Order => "order",
            Self::Items => "items",
            Self::Length => "length",
            Self::Status => "status",
        }
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
