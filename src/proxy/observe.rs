//! Counts every request, and writes the access log.

use std::time::Instant;

use super::{Pipeline, peer::Peer};
use crate::{
    http::RequestHead,
    telemetry::{
        metrics::{ProxyCount, ProxyMetrics},
        text::{millis, shown},
    },
};

/// A request that is counted as in flight until this is dropped.
pub(super) struct InFlight<'a>(&'a ProxyMetrics);

impl<'a> InFlight<'a> {
    /// A request was received.
    pub(super) fn begin(pipeline: &'a Pipeline) -> Self {
        pipeline.count_request();
        pipeline.metrics.count(ProxyCount::ExchangesBegun, 1);
        Self(&pipeline.metrics)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.count(ProxyCount::ExchangesEnded, 1);
    }
}

/// A line of the access log, as far as the request alone tells.
pub(super) struct AccessLine {
    id: String,
    method: String,
    path: String,
    peer: Peer,
    arrived: Instant,
}

impl AccessLine {
    /// `id_field` is the name of the field with the request's id.
    pub(super) fn new(head: &RequestHead, id_field: &str, peer: Peer, arrived: Instant) -> Self {
        let text = |bytes: &[u8]| shown(bytes).into_owned();
        let id = head.headers.named(id_field.as_bytes()).next();
        Self {
            id: text(id.unwrap_or_default()),
            method: text(head.method()),
            path: text(head.path()),
            peer,
            arrived,
        }
    }

    /// `sent` are the bytes of the answer's body that went out; `whole`, whether they are all.
    pub(super) fn write(&self, status: u16, sent: u64, whole: bool) {
        let took = self.arrived.elapsed();
        tracing::info!(
            target: "shadowtee::access",
            request_id = self.id,
            client = self.peer.address.map(tracing::field::display),
            method = self.method,
            path = self.path,
            status,
            bytes = sent,
            whole,
            ms = millis(took),
            "request"
        );
    }
}
