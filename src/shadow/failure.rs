//! Why a copy was not answered: its outcome, its words, and what the breaker learns of it.

use super::{breaker::Lesson, copying::Unanswered};
use crate::{
    ledger::Outcome, net::ConnectError, telemetry::logs::with_causes, upstream::NoConnection,
};

/// Why a copy was not answered.
#[derive(Debug)]
pub(super) enum Failure {
    NoConnection(NoConnection),
    Unanswered(Unanswered),
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
            Self::Unanswered(Unanswered::Broken(_)) => Outcome::Broken,
            Self::Unanswered(Unanswered::Late | Unanswered::Slow) => Outcome::Timeout,
            Self::Unanswered(Unanswered::Body(outcome)) => *outcome,
            Self::Unanswered(Unanswered::OverBudget) => Outcome::OverBudget,
        }
    }

    /// The error with its causes.
    pub(super) fn chain(&self) -> String {
        let error: &dyn std::error::Error = match self {
            Self::NoConnection(error) => error,
            Self::Unanswered(Unanswered::Broken(error)) => error,
            Self::Unanswered(Unanswered::Late | Unanswered::Slow) => {
                return "no whole answer within answer_timeout".into();
            }
            Self::Unanswered(Unanswered::Body(outcome)) => return outcome.as_str().into(),
            Self::Unanswered(Unanswered::OverBudget) => {
                return Outcome::OverBudget.as_str().into();
            }
        };
        with_causes(error)
    }
}

/// What the end of a copy teaches the breaker.
pub(super) fn lesson<T>(ended: &Result<T, Failure>) -> Lesson {
    match ended {
        // A header in time is an answer, also where the rest takes longer than it may.
        Ok(_) | Err(Failure::Unanswered(Unanswered::Slow)) => Lesson::Works,
        Err(failure) if failure.outcome().is_fault() => Lesson::Fails,
        Err(_) => Lesson::Nothing,
    }
}
