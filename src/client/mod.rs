//! Pooled HTTP connections to one address, for the primary, shadows and replay. One pool belongs to one worker.

mod answer;
mod connection;
mod pool;

pub(crate) use answer::AnswerBody;
pub(crate) use pool::{Pool, PoolSettings, SendError, Share};
