//! Sending copies to one shadow: selection, the queue, sending, the breaker, outcomes.
//!
//! Each worker has a [`Sender`] of its own; what all of them share is counted with atomics. Nothing here is
//! ever waited for by an exchange.

mod breaker;
mod copying;
mod difference;
mod lane;
mod queue;
mod sender;
mod shared;

pub(crate) use difference::{DifferenceLog, Pair};
pub(crate) use sender::Sender;
pub(crate) use shared::{Common, Shadow, ShadowError};
