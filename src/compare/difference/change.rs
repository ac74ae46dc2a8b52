//! What was done to a value: the transformation from the primary's to the shadow's. Its text is the same on every machine
//! and holds nothing of the responses but classes (a factor, minutes), so that it can be part of a signature.

use std::fmt::{self, Display};

/// What was done to a value, the first that fits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Gone,
    Added,
    /// Here under another name, with the same value.
    Renamed(String),
    NullToEmpty,
    EmptyToNull,
    NumberToText,
    TextToNumber,
    /// Digits of a number, or of a time's fraction, are gone.
    PrecisionLost,
    PrecisionGained,
    /// Multiplied by: `1000`, `1/60`.
    Factor(&'static str),
    /// Shifted by whole quarters of an hour, in minutes.
    TimeShift(i32),
    TimeFormat,
    NumberFormat,
    Case,
    Trimmed,
    /// Entities where there were characters, or one level more of them.
    Escaped,
    Unescaped,
    /// UTF-8 that was read as Latin-1.
    Mojibake,
    Origin,
    PrefixAdded,
    PrefixGone,
    SuffixAdded,
    SuffixGone,
    Fewer,
    More,
    /// As many, but others.
    Replaced,
    Reordered,
    /// Another status, with what the shadow's page says of it.
    ErrorPage {
        fingerprint: String,
    },
    /// Another status, without an error.
    OtherStatus,
    Normalization,
    BoolForm,
    Emptied,
    Filled,
    /// Another type of thing.
    OtherType,
    /// Another shape of a token.
    OtherShape,
    /// How the page is built.
    Markup,
    Other,
}

impl Change {
    /// A name for signatures.
    fn name(&self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Added => "added",
            Self::Renamed(_) => "renamed to",
            Self::NullToEmpty => "null to empty",
            Self::EmptyToNull => "empty to null",
            Self::NumberToText => "number to text",
            Self::TextToNumber => "text to number",
            Self::PrecisionLost => "precision lost",
            Self::PrecisionGained => "precision gained",
            Self::Factor(_) => "factor",
            Self::TimeShift(_) => "time shifted by minutes:",
            Self::TimeFormat => "time format",
            Self::NumberFormat => "number format",
            Self::Case => "case",
            Self::Trimmed => "trimmed",
            Self::Escaped => "entity-escaped",
            Self::Unescaped => "entities decoded",
            Self::Mojibake => "mojibake",
            Self::Origin => "origin replaced",
            Self::PrefixAdded => "prefix added",
            Self::PrefixGone => "prefix gone",
            Self::SuffixAdded => "suffix added",
            Self::SuffixGone => "suffix gone",
            Self::Fewer => "fewer items",
            Self::More => "more items",
            Self::Replaced => "other items",
            Self::Reordered => "reordered",
            Self::ErrorPage { .. } => "error:",
            Self::OtherStatus => "other status",
            Self::Normalization => "unicode normalization",
            Self::BoolForm => "form of a boolean",
            Self::Emptied => "emptied",
            Self::Filled => "filled",
            Self::OtherType => "other type",
            Self::OtherShape => "other shape",
            Self::Markup => "markup",
            Self::Other => "other value",
        }
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Renamed(name) => write!(f, " {name}"),
            Self::Factor(factor) => write!(f, " {factor}"),
            Self::TimeShift(minutes) => write!(f, " {minutes:+}"),
            Self::ErrorPage { fingerprint } => write!(f, " {fingerprint}"),
            _ => Ok(()),
        }
    }
}
