//! Why a copy was not answered: its outcome, its words, and what the breaker learns of it.

use super::breaker::Lesson;
use crate::{
    ledger::Outcome,
    net::ConnectError,
    telemetry::logs::with_causes,
    upstream::{BadResponse, NoConnection},
};

/// Why a copy was not answered.
#[derive(Debug)]
pub(super) enum Failure {
    NoConnection(NoConnection),
    /// The connection broke, or what came is no answer.
    Broken(BadResponse),
    /// Not within the answer timeout.
    Late,
    /// Not whole within the answer timeout, but its header came and the rest still does.
    Slow,
    /// Its body failed.
    Body(Outcome),
    /// The budget has no room for what its answer takes.
    OverBudget,
}

impl Failure {
    pub(super) fn outcome(&self) -> Outcome {
        match self {
            Self::NoConnection(NoConnection::Connect(error)) => match error {
                ConnectError::Timeout(_) => Outcome::ConnectTimeout,
                ConnectError::Unresolved(_) => Outcome::Unresolved,
                ConnectError::Refused(_) => Outcome::Refused,
                ConnectError::NoDescriptor(_) => Outcome::ConnectionLimit,
                ConnectError::Tls(_) => Outcome::TlsFailed,
            },
            Self::NoConnection(NoConnection::Limit) => Outcome::ConnectionLimit,
            Self::Broken(_) => Outcome::Broken,
            Self::Late | Self::Slow => Outcome::Timeout,
            Self::Body(outcome) => *outcome,
            Self::OverBudget => Outcome::OverBudget,
        }
    }

    /// The error with its causes.
    pub(super) fn chain(&self) -> String {
        match self {
            Self::NoConnection(error) => with_causes(error),
            Self::Broken(error) => with_causes(error),
            Self::Late | Self::Slow => "no whole answer within answer_timeout".into(),
            Self::Body(_) | Self::OverBudget => self.outcome().as_str().into(),
        }
    }
}

/// What the end of a copy teaches the breaker.
pub(super) fn lesson<T>(ended: &Result<T, Failure>) -> Lesson {
    match ended {
        // A header in time is an answer, also where the rest takes longer than it may.
        Ok(_) | Err(Failure::Slow) => Lesson::Works,
        Err(failure) if failure.outcome().is_fault() => Lesson::Fails,
        Err(_) => Lesson::Nothing,
    }
}
