//! What came of adding a rule, or of taking one back: for programs as JSON, for people in a sentence.

use http::StatusCode;
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::compare::Kept;

/// A rule that holds now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RuleAdded {
    pub(crate) id: String,
    pub(crate) kept: Kept,
    /// One that says the same was not there before.
    pub(crate) is_new: bool,
}

/// A rule that holds no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RuleRemoved {
    pub(crate) id: String,
    /// Where it stood.
    pub(crate) kept: Kept,
}

/// Why rules are as they were. Each is a sentence, or more.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RuleRefused {
    /// It is no rule.
    #[error("{0}")]
    Wrong(String),
    /// There is no such cause, or no such rule.
    #[error("{0}")]
    Unknown(String),
    /// Another rule, or the file as it is, stands against it.
    #[error("{0}")]
    Conflict(String),
    /// The file can't be read or written.
    #[error("{0}")]
    NotWritten(String),
}

impl RuleAdded {
    /// For people.
    pub(crate) fn message(&self) -> &'static str {
        match (self.is_new, self.kept) {
            (false, _) => "the rule was there already, and holds",
            (true, Kept::File) => "the rule is in the file, and holds",
            (true, Kept::State) => {
                "the rule holds, and is kept with what was learned in compare.state"
            }
            (true, Kept::Memory) => {
                "the rule holds until the process ends; to keep it, name a file with compare.rules"
            }
        }
    }
}

impl RuleRemoved {
    /// For people.
    pub(crate) fn message(&self) -> &'static str {
        match self.kept {
            Kept::File => "the rule is out of the file, and what it hid is told again",
            Kept::State | Kept::Memory => "the rule is gone, and what it hid is told again",
        }
    }
}

impl RuleRefused {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Wrong(_) => StatusCode::BAD_REQUEST,
            Self::Unknown(_) => StatusCode::NOT_FOUND,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::NotWritten(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl Serialize for RuleAdded {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut said = serializer.serialize_struct("RuleAdded", 4)?;
        said.serialize_field("id", &self.id)?;
        said.serialize_field("kept", &self.kept)?;
        said.serialize_field("new", &self.is_new)?;
        said.serialize_field("message", self.message())?;
        said.end()
    }
}

impl Serialize for RuleRemoved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut said = serializer.serialize_struct("RuleRemoved", 3)?;
        said.serialize_field("id", &self.id)?;
        said.serialize_field("kept", &self.kept)?;
        said.serialize_field("message", self.message())?;
        said.end()
    }
}
