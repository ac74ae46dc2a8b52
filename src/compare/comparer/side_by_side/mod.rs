//! Both responses of an example beside each other, in lines: what is the same, what differs for a known reason, and what the
//! shadow does otherwise. Computed of the texts that are kept, when somebody asks. All of it is text and never markup; what
//! can't be seen in it is made visible.

mod align;
mod inner;
mod json;
mod lines;
mod locate;

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::messages::Responses;
use crate::compare::difference::Kind;

pub(crate) use inner::inner;

/// Bytes of each response that are laid out, and lines that are shown of it.
const BYTES: usize = 256 * 1024;
const LINES: usize = 5_000;

/// Both responses in rows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SideBySide {
    pub(crate) rows: Vec<Row>,
    /// What is not in the rows.
    pub(crate) primary_left_out: LeftOut,
    pub(crate) shadow_left_out: LeftOut,
}

/// Lines that stand for each other; one side may have none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) primary: Option<Line>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) shadow: Option<Line>,
}

/// A line as it is shown, in its parts; without its end.
pub(crate) type Line = Vec<Segment>;

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment {
    pub(crate) text: String,
    #[serde(flatten)]
    pub(crate) mark: Mark,
}

/// What is known of a part of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mark", rename_all = "snake_case")]
pub(crate) enum Mark {
    Same,
    /// It differs, and is not the shadow's doing: noise, or a reason that is known.
    Explained {
        why: String,
    },
    /// It differs.
    Different {
        /// The title of its cause, or what differs in words.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        cause: String,
        /// The cause's id, where it is told as one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// False: too little is known of it.
        confirmed: bool,
    },
}

impl Mark {
    /// What is worse is told where only one can be.
    fn severity(&self) -> u8 {
        match self {
            Self::Same => 0,
            Self::Explained { .. } => 1,
            Self::Different { confirmed, .. } => 2 + u8::from(*confirmed),
        }
    }

    fn explained(why: &str) -> Self {
        Self::Explained {
            why: why.to_owned(),
        }
    }
}

/// What of a response is not shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut {
    pub(crate) lines: usize,
    /// Behind the lines.
    pub(crate) bytes: usize,
}

/// What comparing found in the two texts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    pub(crate) found: Vec<Finding>,
    /// What holds for all of both bodies, which were not compared: another status, another type.
    pub(crate) of_bodies: Option<Mark>,
}

/// A difference, and what it is held to be.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) place: String,
    pub(crate) kind: Kind,
    /// As much of the values as is kept.
    pub(crate) primary: Option<String>,
    pub(crate) shadow: Option<String>,
    pub(crate) mark: Mark,
}

/// One of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Primary,
    Shadow,
}

impl Finding {
    fn value(&self, side: Side) -> Option<&str> {
        match side {
            Side::Primary => self.primary.as_deref(),
            Side::Shadow => self.shadow.as_deref(),
        }
    }
}

/// Lays out both. What can't be found until the deadline is shown as it is, all of it different.
pub(crate) fn side_by_side(
    responses: &Responses,
    findings: &Findings,
    deadline: Instant,
) -> SideBySide {
    let (primary, primary_left_out) = lines::lines(&responses.primary);
    let (shadow, shadow_left_out) = lines::lines(&responses.shadow);
    let rows = align::align(&primary, &shadow, deadline);
    SideBySide {
        rows: locate::marked(&rows, findings, deadline),
        primary_left_out,
        shadow_left_out,
    }
}

#[cfg(test)]
mod tests;
