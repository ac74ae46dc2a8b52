//! Says which requests a shadow answers with another status class than the primary does.

use std::time::Duration;

use crate::{
    exchange::{Exchange, PrimaryResponse},
    telemetry::{
        metrics::{ShadowMetrics, class},
        rate::RateLimit,
        text::millis,
    },
};

/// The two answers to one request.
pub(crate) struct Pair<'a> {
    pub(crate) exchange: &'a Exchange,
    /// `None`: the primary gave none.
    pub(crate) primary: Option<PrimaryResponse>,
    /// The shadow's.
    pub(crate) status: u16,
    /// From sending the copy to the header of its answer.
    pub(crate) took: Duration,
}

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

    /// Counts the pair of answers, and logs it where their classes differ.
    pub(super) fn note(&self, shadow: &str, metrics: &ShadowMetrics, pair: &Pair<'_>) {
        let theirs = class(pair.primary.map(|answer| answer.status));
        let ours = class(Some(pair.status));
        metrics.pair(theirs, ours);
        let Some(primary) = pair.primary.filter(|_| theirs != ours) else {
            return;
        };
        let Some(left_out) = self.limit.allow() else {
            return;
        };
        tracing::warn!(
            request_id = %pair.exchange.id_text(),
            method = %pair.exchange.method_text(),
            path = %pair.exchange.path_text(),
            shadow,
            primary_status = primary.status,
            shadow_status = pair.status,
            primary_ms = millis(primary.after),
            shadow_ms = millis(pair.took),
            left_out,
            "the shadow answers differently"
        );
    }
}
