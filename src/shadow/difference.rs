//! Says which requests a shadow answers with another status class than the primary does.

use std::time::Duration;

use super::Shadow;
use crate::{
    exchange::{Exchange, PrimaryResponse},
    telemetry::{metrics::class, rate::RateLimit, text::millis},
};

/// Log lines on answers that differ, limited in rate.
#[derive(Debug)]
pub(crate) struct DifferenceLog {
    limit: RateLimit,
}

impl DifferenceLog {
    pub(crate) fn new(lines_per_second: u32) -> Self {
        let limit = RateLimit::new(lines_per_second.into(), Duration::from_secs(1));
        Self { limit }
    }

    /// Changes the limit, in lines a second.
    pub(crate) fn set(&self, lines_per_second: u32) {
        self.limit.set(lines_per_second.into());
    }

    /// Counts the two responses to a request, and logs them where their classes differ; `primary` is `None` where the
    /// primary gave none.
    pub(super) fn note(
        &self,
        shadow: &Shadow,
        exchange: &Exchange,
        primary: Option<PrimaryResponse>,
        (status, took): (u16, Duration),
    ) {
        let (theirs, ours) = (
            class(primary.map(|answer| answer.status)),
            class(Some(status)),
        );
        shadow.metrics.pair(theirs, ours);
        let Some(primary) = primary.filter(|_| theirs != ours) else {
            return;
        };
        let Some(left_out) = self.limit.allow() else {
            return;
        };
        tracing::warn!(
            request_id = %exchange.id_text(),
            method = %exchange.method_text(),
            path = %exchange.path_text(),
            shadow = shadow.name(),
            primary_status = primary.status,
            shadow_status = status,
            primary_ms = millis(primary.after),
            shadow_ms = millis(took),
            left_out,
            "the shadow answers differently"
        );
    }
}
