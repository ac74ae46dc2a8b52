//! Pooled HTTP connections to one address, for the primary, shadows and replay. One pool belongs to one worker.

mod answer;
mod connection;
mod pool;
mod share;

pub(crate) use answer::{AnswerReader, BadAnswer, Reading};
pub(crate) use connection::Connection;
pub(crate) use pool::{NoConnection, Pool, PoolSettings};
pub(crate) use share::Share;
