//! What shadowtee itself adds to the time of a request: from its arrival until it is written to the primary, and from the
//! head of the response until that is written to the client.
//!
//! For one request in 64 of each worker the clock is read twice more. One that waits for the network meanwhile, for a new
//! connection or for the rest of a body, is not measured. The time until a busy worker looks at a request is not in it.

use std::time::{Duration, Instant};

use super::{Pipeline, downstream::Downstream};
use crate::http::now;

/// How far the measurement of a request is.
#[derive(Clone, Copy, Debug)]
pub(super) enum OwnTime {
    /// It is not measured, or is no longer.
    Unmeasured,
    /// It arrived then.
    Arrived(Instant),
    /// So long after its arrival it was written to the primary.
    Forwarded(Duration),
}

/// One request in so many is measured.
const EVERY: u64 = 64;

impl OwnTime {
    /// Of a request that was just counted.
    pub(super) fn begin(pipeline: &Pipeline, client: &Downstream) -> Self {
        if client.came_whole && pipeline.ledger.requests_here().is_multiple_of(EVERY) {
            Self::Arrived(client.arrived)
        } else {
            Self::Unmeasured
        }
    }

    /// All of the request was written, or some of it has to wait.
    #[cold]
    pub(super) fn forwarded(&mut self, is_written: bool) {
        *self = match *self {
            Self::Arrived(arrived) if is_written => Self::Forwarded(now() - arrived),
            _ => Self::Unmeasured,
        };
    }

    /// The response, whose head came at `came`, was written, or some of it has to wait.
    #[cold]
    pub(super) fn answered(&mut self, came: Instant, is_written: bool, pipeline: &Pipeline) {
        if let Self::Forwarded(until_forwarded) = std::mem::replace(self, Self::Unmeasured)
            && is_written
        {
            pipeline
                .metrics
                .own
                .record(until_forwarded + (now() - came));
        }
    }
}
