//! The administrative HTTP interface: health, metrics, the ledger, what can be changed of shadows, the reload.
//!
//! It runs on a thread that serves no client, so that it answers when the workers are busy. GET changes nothing.

mod api;
mod call;
mod guard;
mod routes;
mod server;

use std::{future::Future, pin::Pin, time::SystemTime};

use serde::{Serialize, Serializer};

use crate::{
    compare::{NoExample, NotResent, Replayed, Report, WholeExample},
    config::{Percent, Secret},
    ledger::Ledger,
    lifecycle::Phase,
    telemetry::metrics::Samples,
};

pub(crate) use server::serve;

/// What the interface shows and changes, given by the application.
pub(crate) trait Administration: Send + Sync + 'static {
    fn phase(&self) -> Phase;
    fn ledger(&self) -> &Ledger;
    fn samples(&self) -> Samples;
    fn shadows(&self) -> Vec<ShadowState>;

    /// Changes the shadow of this name; false where there is none.
    fn change(&self, shadow: &str, order: Order) -> bool;

    /// What comparing found of the shadow of this name, or of each that is compared.
    fn reports(&self, shadow: Option<&str>) -> Vec<Report>;
    /// The whole example of a cause, of the shadow of this name or of whichever has the cause.
    fn example(&self, shadow: Option<&str>, cause: &str) -> Result<WholeExample, NoExample>;
    /// Sends the request of a cause's example to its shadow once more. `may_change`: also one that may change data there.
    fn replay(&self, shadow: Option<&str>, cause: &str, may_change: bool) -> Replaying;
    /// Forgets what comparing learned of it; false where there is nothing to forget.
    fn reset_reports(&self, shadow: Option<&str>) -> bool;

    /// Adds a rule, as JSON, on what comparing finds.
    fn add_rule(&self, rule: &[u8]) -> Result<(), String>;

    /// What requests have to bear, where it is set. A reload may change it.
    fn token(&self) -> Option<Secret>;
    /// Reads the configuration again.
    fn reload(&self) -> Reloading;
}

/// Something that is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Pause,
    Resume,
    Sample(Percent),
}

/// A shadow as it is now.
#[derive(Debug, Serialize)]
pub(crate) struct ShadowState {
    pub(crate) name: String,
    pub(crate) paused: bool,
    pub(crate) sample: SampleState,
    pub(crate) breaker: &'static str,
    pub(crate) queued: usize,
    /// The last ones, the newest last.
    pub(crate) changes: Vec<Change>,
}

/// Which share of the requests a shadow gets now, and after a restart.
#[derive(Debug, Serialize)]
pub(crate) struct SampleState {
    pub(crate) percent: Percent,
    pub(crate) configured: Percent,
    pub(crate) by: String,
}

/// What was changed over this interface, and when.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    #[serde(serialize_with = "as_text")]
    pub(crate) at: SystemTime,
    pub(crate) what: String,
}

fn as_text<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*at))
}

/// A request that is sent to a shadow once more: what came of it.
pub(crate) type Replaying = Pin<Box<dyn Future<Output = Result<Replayed, NotResent>> + Send>>;

/// A reload under way: what it changed, or every mistake because of which nothing is changed.
pub(crate) type Reloading = Pin<Box<dyn Future<Output = Result<String, Vec<String>>> + Send>>;
