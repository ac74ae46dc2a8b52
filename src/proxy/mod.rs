//! The primary path: from a client's connection to the primary's answer.
//!
//! A connection is one task, which does all of an exchange itself: [`connection`] takes a request, [`prepare`]
//! makes it ready, [`forward`] finds the primary's connection, and [`relay`] moves bytes both ways.

mod connection;
mod downstream;
mod drain;
mod error_response;
mod forward;
mod forwarded;
mod identify;
mod observe;
mod own_time;
mod peer;
mod pipeline;
mod prepare;
mod refusal;
mod relay;
#[cfg(test)]
mod tests;
mod upgrade;
mod vet;

pub(crate) use connection::{Accepted, refuse_client, serve};
pub(crate) use drain::Drain;
pub(crate) use pipeline::{Pipeline, Pipelines};
pub(crate) use prepare::{Preparation, rehearse};
