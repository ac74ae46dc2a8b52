//! The administrative HTTP interface: health, metrics, the ledger, what can be changed of shadows, the reload.
//!
//! It runs on a thread that serves no client, so that it answers when the workers are busy. GET changes nothing.

mod api;
mod call;
mod guard;
mod routes;
mod server;
mod state;

use std::{future::Future, pin::Pin};

use crate::{
    compare::{NoExample, Report, WholeExample},
    config::{Build, Percent, Secret},
    ledger::Ledger,
    lifecycle::Phase,
    telemetry::{history::History, metrics::Samples},
};

pub(crate) use server::serve;
pub(crate) use state::{About, CaptureState, Change, SampleState, ShadowState};

/// What the interface shows and changes, given by the application.
pub(crate) trait Administration: Send + Sync + 'static {
    fn phase(&self) -> Phase;
    fn ledger(&self) -> &Ledger;
    fn samples(&self) -> Samples;
    fn shadows(&self) -> Vec<ShadowState>;
    fn about(&self) -> About;
    fn history(&self) -> History;
    fn captures(&self) -> Vec<CaptureState>;
    /// The effective configuration as TOML, with masks for secrets.
    fn configuration(&self) -> String;

    /// Changes the shadow of this name; false where there is none.
    fn change(&self, shadow: &str, order: Order) -> bool;

    /// What comparing found of the shadow of this name, or of each that is compared.
    fn reports(&self, shadow: Option<&str>) -> Vec<Report>;
    /// The whole example of a cause, of the shadow of this name or of whichever has the cause.
    fn example(&self, shadow: Option<&str>, cause: &str) -> Result<WholeExample, NoExample>;
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Pause,
    Resume,
    Sample(Percent),
    /// It runs this build.
    Build(Build),
}

/// A reload under way: what it changed, or every mistake because of which nothing is changed.
pub(crate) type Reloading = Pin<Box<dyn Future<Output = Result<String, Vec<String>>> + Send>>;
