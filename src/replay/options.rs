//! What a replay is asked to do.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use crate::{
    compare,
    config::{self, Address, ClientKey, ClientTls, Script},
    http::RequestHead,
};

pub(crate) struct Options {
    pub(crate) files: Vec<PathBuf>,
    pub(crate) to: Address,
    pub(crate) tls: ClientTls,
    pub(crate) speed: Speed,
    /// How often the whole is sent.
    pub(crate) rounds: u64,
    /// Limit of the requests that are sent.
    pub(crate) limit: Option<u64>,
    /// Only what was captured from then on, and before then; nanoseconds since 1970.
    pub(crate) from: u64,
    pub(crate) until: u64,
    /// A longer pause is cut to this.
    pub(crate) max_gap: Option<Duration>,
    /// Requests under way at one time.
    pub(crate) concurrency: usize,
    pub(crate) connect_timeout: Duration,
    pub(crate) timeout: Duration,
    /// Requests with the same key wait for each other.
    pub(crate) ordered_by: Option<OrderedBy>,
    /// The name of the mark; `None`: requests bear none.
    pub(crate) mark: Option<crate::config::Mark>,
    pub(crate) dry_run: bool,
    /// Which requests are sent, and what is changed in them; `None`: all of them, as they are.
    pub(crate) edit: Option<Arc<dyn Edit>>,
    /// What requests go through before they are rewritten.
    pub(crate) script: Option<Script>,
    /// Sessions are kept alive on the target: it gets its own cookies, tokens and ids.
    pub(crate) identity: Option<config::Identity>,
    /// How the target's responses are compared with those captured, where they are.
    pub(crate) compare: Option<compare::Settings>,
}

/// Selects and rewrites requests, as a shadow's settings do.
pub(crate) trait Edit: Send + Sync {
    /// Whether a request is to be sent. `status` is what production answered with.
    fn selects(&self, head: &RequestHead, status: Option<u16>) -> bool;

    /// Changes its head.
    fn rewrite(&self, head: &mut RequestHead);
}

/// What tells which requests wait for each other.
#[derive(Clone, Debug)]
pub(crate) enum OrderedBy {
    Key(ClientKey),
    /// Each waits for the one before it.
    All,
}

impl OrderedBy {
    /// Requests with the same number wait for each other; one without a number waits for none.
    pub(super) fn of(&self, client: &[u8], request: &[u8]) -> Option<u64> {
        match self {
            Self::All => Some(0),
            Self::Key(key) => {
                let mut hasher = DefaultHasher::new();
                key.of(client, request)?.hash(&mut hasher);
                Some(hasher.finish())
            }
        }
    }
}

/// A number above 0.
pub(crate) fn positive(digits: &str) -> Option<f64> {
    let number = digits.parse().ok();
    number.filter(|number: &f64| number.is_finite() && *number > 0.0)
}

/// When requests are sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Speed {
    /// As they came, this many times as fast.
    Times(f64),
    /// Requests per second.
    Rate(f64),
    /// As fast as the target answers.
    Max,
}

impl Speed {
    /// Whether the target gets no more at a time than production did.
    pub(crate) fn is_as_captured(self) -> bool {
        matches!(self, Self::Times(times) if times <= 1.0)
    }
}

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let speed = match text.strip_suffix('x') {
            _ if text == "max" => Some(Self::Max),
            Some(times) => positive(times).map(Self::Times),
            None => None,
        };
        speed.ok_or_else(|| {
            format!("{text:?} is not a speed; write for example 1x, 0.5x, 10x or max")
        })
    }
}
