//! What was counted over time, and what happened meanwhile: kept in memory, within bounds, for whoever looks at it.

mod events;
mod points;
mod rings;

pub(crate) use events::{Event, EventKind, Events};
pub(crate) use points::{Present, ProductionReading, Reading, ShadowReading};
pub(crate) use rings::Rings;

use std::{
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use serde::Serialize;

/// What was counted over time, and what happened meanwhile. Times are in seconds since 1970.
#[derive(Debug, Serialize)]
pub(crate) struct History {
    pub(crate) now: u64,
    pub(crate) started: u64,
    /// The last hour.
    pub(crate) hour: Series,
    /// The last 24 hours.
    pub(crate) day: Series,
    /// The oldest first.
    pub(crate) events: Vec<Event>,
}

/// What was counted in equal spans of time, each list with an entry for each of `at`.
#[derive(Debug, Serialize)]
pub(crate) struct Series {
    pub(crate) every_seconds: u64,
    /// The end of each span.
    pub(crate) at: Vec<u64>,
    pub(crate) requests: Vec<u32>,
    /// Responses that shadowtee made itself.
    pub(crate) errors: Vec<u32>,
    /// The most of them at a time, as far as samples tell.
    pub(crate) in_flight: Vec<u32>,
    pub(crate) primary_ms: Percentiles,
    /// What shadowtee itself adds.
    pub(crate) own_ms: Percentiles,
    pub(crate) shadows: BTreeMap<String, ShadowSeries>,
}

/// What was counted of a shadow; `null` where it was not in the configuration.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ShadowSeries {
    pub(crate) answered: Vec<Option<u32>>,
    /// Not selected, or left out by the sample.
    pub(crate) unwanted: Vec<Option<u32>>,
    /// All other outcomes.
    pub(crate) lost: Vec<Option<u32>>,
    pub(crate) queued: Vec<Option<u32>>,
    pub(crate) latency_ms: Percentiles,
}

/// Which time 50, 90 and 99 of a hundred stayed below; NaN, in JSON `null`, where there were none.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50: Vec<f32>,
    pub(crate) p90: Vec<f32>,
    pub(crate) p99: Vec<f32>,
}

/// In seconds since 1970.
pub(crate) fn unix_seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
