//! What the layers of the stack hand to each other.

use std::{cell::Cell, future::Future, net::IpAddr, rc::Rc, sync::Arc, time::Instant};

use http::{HeaderName, HeaderValue, Request, Response, request::Parts};
use hyper::{body::Incoming, upgrade::OnUpgrade};

use super::{
    Drain,
    body::{ClientBody, RequestBody},
};
use crate::{
    client::Pool,
    config::{Limits, Timeouts},
    exchange::Exchange,
    http::Marks,
    ledger::Ledger,
    tee::{Budget, Gate, Recipient},
    telemetry::metrics::ProxyMetrics,
};

/// A request on its way in.
pub(crate) struct Call {
    pub(super) head: Parts,
    pub(super) body: Incoming,
    pub(super) peer: Peer,
    pub(super) arrived: Instant,
    /// The target had one, which hyper takes off.
    pub(super) has_fragment: bool,
    /// Set by [`Identify`].
    pub(super) id: HeaderValue,
}

/// Who sent it, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(super) address: Option<IpAddr>,
    pub(super) tls: bool,
}

/// What a layer makes of a request: an answer for the client, or why there is none.
pub(crate) trait Handle<C> {
    type Error;

    fn handle(&self, call: C) -> impl Future<Output = Result<Response<ClientBody>, Self::Error>>;
}

/// All that a worker's stack is built from.
pub(crate) struct Path {
    pub(crate) pool: Rc<Pool<RequestBody>>,
    pub(crate) recipients: Rc<[Rc<dyn Recipient>]>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) metrics: Arc<ProxyMetrics>,
    pub(crate) marks: Rc<Marks>,
    pub(crate) timeouts: Timeouts,
    pub(crate) limits: Limits,
    pub(crate) request_id: HeaderName,
    pub(crate) add_forwarded: bool,
    pub(crate) access_log: bool,
    pub(crate) drain: Rc<Drain>,
}

/// A request that is ready for the primary, its copies on their way.
pub(crate) struct Teed {
    pub(super) request: Request<RequestBody>,
    pub(super) exchange: Rc<Exchange>,
    /// When the last piece of the body passed.
    pub(super) last_piece: Option<Rc<Cell<Instant>>>,
    /// Where the body waits for `100 Continue`.
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) upgrade: Option<OnUpgrade>,
}

/// The request's id, as the answer carries it to the access log.
#[derive(Clone)]
pub(super) struct Id(pub(super) HeaderValue);
