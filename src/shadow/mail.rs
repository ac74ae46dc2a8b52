//! What a thread of the shadow side is sent beside what comes through valves.

use std::sync::Arc;

use super::Shadow;
use crate::{http::RequestHead, tee::UnopenedOutlet};

/// What a thread is sent.
pub(super) enum Mail {
    /// The way from one worker to a shadow.
    Open(Arc<Shadow>, UnopenedOutlet),
    /// A shadow is to be asked once more.
    Probe(Probe),
}

/// A request without a body that is sent once more.
pub(super) struct Probe {
    /// The shadow's name.
    pub(super) shadow: String,
    /// What the comparer knows it by.
    pub(super) number: u64,
    pub(super) head: RequestHead,
}
