//! All that one worker's requests need on their way.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use super::Drain;
use crate::{
    capture::Recorder,
    client::Pool,
    config::{Limits, Timeouts},
    http::Marks,
    ledger::Ledger,
    tee::{Budget, Recipient},
    telemetry::metrics::ProxyMetrics,
};

/// All that one worker's requests need on their way.
pub(crate) struct Path {
    pub(crate) pool: Rc<Pool>,
    pub(crate) recipients: Rc<[Rc<dyn Recipient>]>,
    /// Where exchanges are captured, if they are.
    pub(crate) capture: Option<Rc<Recorder>>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) metrics: Arc<ProxyMetrics>,
    pub(crate) marks: Marks,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    /// The name of the field with a request's id.
    pub(crate) request_id: Rc<str>,
    pub(crate) add_forwarded: bool,
    pub(crate) access_log: bool,
    pub(crate) drain: Rc<Drain>,
}

/// Who sent a request, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: Option<IpAddr>,
    pub(crate) tls: bool,
}
