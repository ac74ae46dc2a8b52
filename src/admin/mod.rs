//! The administrative HTTP interface: health, metrics, the ledger, the reload.
//!
//! It runs on a thread that serves no client, so that it answers when the workers are busy.

mod guard;
mod routes;
mod server;

use std::{future::Future, pin::Pin};

use crate::{config::Secret, ledger::Ledger, lifecycle::Phase, telemetry::metrics::Samples};

pub(crate) use server::serve;

/// What the interface shows, given by the application.
pub(crate) trait Source: Send + Sync + 'static {
    fn phase(&self) -> Phase;
    fn ledger(&self) -> &Ledger;
    fn samples(&self) -> Samples;
    /// What requests have to bear, where it is set. A reload may change it.
    fn token(&self) -> Option<Secret>;
    /// Reads the configuration again.
    fn reload(&self) -> Reloading;
}

/// A reload under way: what it changed, or every mistake because of which nothing is changed.
pub(crate) type Reloading = Pin<Box<dyn Future<Output = Result<String, Vec<String>>> + Send>>;
