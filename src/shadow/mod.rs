//! Sending copies to one shadow: selection, the queue, sending, the breaker, outcomes.
//!
//! Each worker has a [`Sender`] of its own; what all of them share is counted with atomics. Nothing here is
//! ever waited for by an exchange.

mod breaker;
mod difference;
mod queue;
mod sender;

pub(crate) use difference::{DifferenceLog, Pair};
pub(crate) use sender::{Common, Sender, Shadow, ShadowError};
