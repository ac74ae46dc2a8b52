//! Sending copies to one shadow: selection, sampling, limits, rewriting, the queue and its order, sending, the
//! breaker, outcomes.
//!
//! Each worker has a [`Sender`] of its own; what all of them share is counted with atomics. Nothing here is
//! ever waited for by an exchange.

mod allowance;
mod breaker;
mod control;
mod copying;
mod desk;
mod difference;
mod edit;
mod explain;
mod failure;
mod form;
mod lane;
mod limit;
mod order;
mod queue;
mod replayed;
mod rewrite;
mod sample;
mod seen;
mod select;
mod sender;
mod shared;
mod stream;

pub(crate) use breaker::State;
pub(crate) use control::Change;
pub(crate) use difference::{DifferenceLog, Pair};
pub(crate) use edit::Editor;
pub(crate) use explain::{Explained, Question, explain, selects};
pub(crate) use rewrite::authorization;
pub(crate) use sender::Sender;
pub(crate) use shared::{Common, Shadow, ShadowError};
