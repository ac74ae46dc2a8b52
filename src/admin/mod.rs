//! The administrative HTTP interface: health, metrics, the ledger.
//!
//! It runs on a thread that serves no client, so that it answers when the workers are busy.

mod routes;
mod server;

use crate::{ledger::Ledger, lifecycle::Phase, telemetry::metrics::Samples};

pub(crate) use server::serve;

/// What the interface shows, given by the application.
pub(crate) trait Source: Send + Sync + 'static {
    fn phase(&self) -> Phase;
    fn ledger(&self) -> &Ledger;
    fn samples(&self) -> Samples;
}
