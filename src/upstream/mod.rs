//! Pooled HTTP connections to one address, for the primary, shadows and replay. One pool belongs to one worker.
//!
//! `call` has the rules that hold for every call, `http1` the wire.

mod call;
mod http1;
mod pool;
mod request;
mod share;

pub(crate) use call::{Caller, Next, Uncalled, call};
pub(crate) use http1::{BadResponse, Call, Connection, Reading};
pub(crate) use pool::{NoConnection, Pool, PoolSettings};
pub(crate) use request::{Request, RequestBody, SentHead};
pub(crate) use share::Share;
