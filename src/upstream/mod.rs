//! Pooled HTTP connections to one address, for the primary, shadows and replay. One pool belongs to one worker.

mod call;
mod connection;
mod pool;
mod response;
mod share;

pub(crate) use call::{Call, Caller, Next, Request, RequestBody, Uncalled, call};
pub(crate) use connection::Connection;
pub(crate) use pool::{NoConnection, Pool, PoolSettings};
pub(crate) use response::{BadResponse, Reading};
pub(crate) use share::Share;
