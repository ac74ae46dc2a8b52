//! Sending copies to one shadow: selection, sampling, limits, rewriting, the queue and its order, sending, the
//! breaker, outcomes.
//!
//! Workers select (`selector`); all else happens on threads of the shadow side (`threads`), each of which looks after
//! some shadows. Nothing here is ever waited for by an exchange.

mod allowance;
mod breaker;
mod builds;
mod control;
mod copy;
mod copy_head;
mod copying;
mod delivery;
mod difference;
mod edit;
mod explain;
mod failure;
mod inbound;
mod intake;
mod lane;
mod limit;
mod nap;
mod order;
mod pair;
mod priority;
mod probe;
mod queue;
mod request_view;
mod rewrite;
mod sample;
mod select;
mod selector;
mod sender;
mod sending;
mod sessions;
mod shared;
mod stage;
mod stream;
#[cfg(test)]
mod tests;
mod threads;

pub(crate) use breaker::State;
pub(crate) use control::Change;
pub(crate) use difference::DifferenceLog;
pub(crate) use edit::Editor;
pub(crate) use explain::{Explained, Question, explain, selects};
pub(crate) use rewrite::authorization;
pub(crate) use selector::recipient;
pub(crate) use sessions::Sessions;
pub(crate) use shared::{Common, Setup, Shadow, ShadowError};
pub(crate) use threads::Threads;
