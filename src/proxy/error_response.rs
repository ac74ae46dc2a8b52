//! Answers requests that go no further, and tells the operator of those that are the primary's fault.

use std::time::Duration;

use super::{Pipeline, identify::new_id, refusal::Refusal};
use crate::{
    exchange::Exchange,
    http::RequestHead,
    telemetry::{logs::with_causes, rate::RateLimit, text::shown},
    upstream::BadResponse,
};

/// Lines on a primary that fails, of all workers.
static FAULTS: RateLimit = RateLimit::new(10, Duration::from_secs(1));

/// Writes the answer to a request that goes no further, counts it and logs it. `close`: it is the last on its
/// connection.
pub(super) fn explain(
    refusal: &Refusal,
    head: &RequestHead,
    close: bool,
    pipeline: &Pipeline,
    out: &mut Vec<u8>,
) {
    let id = head.headers.named(pipeline.request_id.as_bytes()).next();
    let id = id.unwrap_or_default();
    count(refusal, pipeline);
    let (request_id, method, target) = (shown(id), shown(head.method()), shown(head.path()));
    let (status, error) = (refusal.status().as_u16(), refusal.chain());
    if !refusal.is_primary_fault() {
        tracing::debug!(%request_id, %method, path = %target, status, error, "refused a request");
    } else if let Some(left_out) = FAULTS.allow() {
        tracing::warn!(
            %request_id, %method, path = %target, status, error, left_out,
            "the primary gave no answer"
        );
    }
    let to_head = head.method() == b"HEAD";
    refusal.write(&pipeline.request_id, id, to_head, close, out);
}

/// Tells the operator of a response that breaks off, or is malformed behind its header: its client sees a cut response.
#[cold]
pub(super) fn explain_cut(error: &BadResponse, exchange: &Exchange) {
    if let Some(left_out) = FAULTS.allow() {
        let path = exchange.path_text();
        tracing::warn!(
            request_id = %exchange.id_text(), %path, error = with_causes(error), left_out,
            "the primary's answer broke off"
        );
    }
}

/// As [`explain`], for what never became a request; it counts as one in the ledger, too.
pub(super) fn explain_unread(refusal: &Refusal, pipeline: &Pipeline, out: &mut Vec<u8>) {
    let id = new_id();
    pipeline.count_unread();
    count(refusal, pipeline);
    let request_id = String::from_utf8_lossy(&id);
    let (status, error) = (refusal.status().as_u16(), refusal.chain());
    tracing::debug!(%request_id, status, error, "refused a request");
    refusal.write(&pipeline.request_id, &id, false, true, out);
}

fn count(refusal: &Refusal, pipeline: &Pipeline) {
    pipeline.metrics.error(refusal.reason());
    pipeline.metrics.answer(refusal.status().as_u16());
}
