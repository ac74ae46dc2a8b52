//! The administrative HTTP interface: a page for people; for programs health, metrics, the ledger, reports, what can be
//! changed of shadows, the reload.
//!
//! It runs on a thread that serves no client, so that it answers when the workers are busy. GET changes nothing.

mod api;
mod call;
mod credentials;
mod guard;
mod page;
mod routes;
mod rules;
mod server;
mod state;

use std::{future::Future, pin::Pin, sync::Arc};

use crate::{
    compare::{NoExample, NotResent, Replayed, Report, WholeExample},
    config::{Build, Percent, Secret},
    ledger::Ledger,
    lifecycle::Phase,
    telemetry::{history::History, metrics::Samples},
};

pub(crate) use rules::{RuleAdded, RuleRefused, RuleRemoved};
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

    /// The shadows that are compared, by name.
    fn compared(&self) -> Vec<String>;
    /// What comparing found of the shadow of this name, or of each that is compared.
    /// While pairs keep coming it may be a little old.
    fn reports(&self, shadow: Option<&str>) -> Vec<Arc<Report>>;
    /// The same, with all that was compared until now.
    fn exact_reports(&self, shadow: Option<&str>) -> Vec<Arc<Report>>;
    /// The whole example of a cause, of the shadow of this name or of whichever has the cause.
    fn example(&self, shadow: Option<&str>, cause: &str) -> Result<WholeExample, NoExample>;
    /// Sends the request of a cause's example to its shadow once more. `may_change`: also one that may change data there.
    fn replay(&self, shadow: Option<&str>, cause: &str, may_change: bool) -> Replaying;
    /// Forgets what comparing learned of it; false where there is nothing to forget.
    fn reset_reports(&self, shadow: Option<&str>) -> bool;

    /// Adds a rule, as JSON, on what comparing finds. It holds at once.
    fn add_rule(&self, rule: &[u8]) -> Result<RuleAdded, RuleRefused>;
    /// Takes a rule back. What it hid is told again at once.
    fn remove_rule(&self, id: &str) -> Result<RuleRemoved, RuleRefused>;

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

/// A request that is sent to a shadow once more: what came of it.
pub(crate) type Replaying = Pin<Box<dyn Future<Output = Result<Replayed, NotResent>> + Send>>;

/// A reload under way: what it changed, or every mistake because of which nothing is changed.
pub(crate) type Reloading = Pin<Box<dyn Future<Output = Result<String, Vec<String>>> + Send>>;
