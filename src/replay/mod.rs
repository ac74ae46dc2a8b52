//! Sends captures to a target: when each request is due, on kept connections, and says what came of it.
//!
//! A thread of its own reads, merges and paces; the calling thread sends. What is due is due, whatever became of
//! the requests before it: latency counts from then.

mod comparing;
mod engine;
mod error;
mod feed;
mod finish;
mod fitness;
mod job;
mod lane;
mod merge;
mod options;
mod order;
mod pace;
mod progress;
mod report;
mod routes;
mod scripting;
mod sessions;
mod tally;
mod verdict;
mod whose;

pub(crate) use engine::run;
pub(crate) use error::ReplayError;
pub(crate) use options::{Edit, Options, OrderedBy, Speed, positive};
pub(crate) use progress::Moment;
pub(crate) use report::Report;
pub(crate) use verdict::{Condition, met};
