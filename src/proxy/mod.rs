//! The primary path: from a client's connection to the primary's answer.
//!
//! A request goes through the layers of [`stack`], one reason each, and the answer comes back through them.

mod body;
mod call;
mod client_io;
mod connection;
mod drain;
mod explain;
mod forward;
mod forwarded;
mod identify;
mod line;
mod observe;
mod refusal;
mod stack;
mod tee;
mod upgrade;
mod vet;

pub(crate) use call::Path;
pub(crate) use connection::{Client, refuse, serve};
pub(crate) use drain::Drain;
pub(crate) use stack::{Stack, stack};
