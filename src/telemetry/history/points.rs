//! What is read of the counters at one time, and what two readings make: a point.

use crate::telemetry::quantiles::{Buckets, Quantiles};

/// The counters at one time.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) production: ProductionReading,
    /// Of every shadow that there is or was since the start: one that comes again goes on counting.
    pub(crate) shadows: Vec<ShadowReading>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ProductionReading {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) in_flight: u64,
    pub(crate) primary: Buckets,
    pub(crate) own: Buckets,
}

#[derive(Clone, Debug)]
pub(crate) struct ShadowReading {
    pub(crate) name: String,
    pub(crate) answered: u64,
    pub(crate) unwanted: u64,
    pub(crate) lost: u64,
    /// What is known of it only while it is in the configuration.
    pub(crate) present: Option<Present>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Present {
    pub(crate) queued: u64,
    pub(crate) latency: Buckets,
}

/// What production did between two readings.
#[derive(Clone, Copy, Debug)]
pub(super) struct Point {
    pub(super) requests: u32,
    pub(super) errors: u32,
    pub(super) in_flight: u32,
    pub(super) primary: Quantiles,
    pub(super) own: Quantiles,
}

/// What a shadow did between two readings.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShadowPoint {
    pub(super) answered: u32,
    pub(super) unwanted: u32,
    pub(super) lost: u32,
    pub(super) queued: u32,
    pub(super) latency: Quantiles,
}

impl ProductionReading {
    pub(super) fn since(&self, before: Option<&Self>) -> Point {
        let grown = |of: fn(&Self) -> u64| grown(of(self), before.map(of));
        let spread = |of: fn(&Self) -> Buckets| spread(of(self), before.map(of));
        Point {
            requests: grown(|reading| reading.requests),
            errors: grown(|reading| reading.errors),
            in_flight: small(self.in_flight),
            primary: spread(|reading| reading.primary),
            own: spread(|reading| reading.own),
        }
    }
}

impl ShadowReading {
    /// `None` where it is not in the configuration now.
    pub(super) fn since(&self, before: Option<&Self>) -> Option<ShadowPoint> {
        let present = self.present?;
        let grown = |of: fn(&Self) -> u64| grown(of(self), before.map(of));
        let latency_before = before.and_then(|before| before.present);
        Some(ShadowPoint {
            answered: grown(|reading| reading.answered),
            unwanted: grown(|reading| reading.unwanted),
            lost: grown(|reading| reading.lost),
            queued: small(present.queued),
            latency: spread(present.latency, latency_before.map(|before| before.latency)),
        })
    }
}

/// What a counter grew by. One that is smaller than before has begun anew.
fn grown(now: u64, before: Option<u64>) -> u32 {
    small(now.checked_sub(before.unwrap_or(0)).unwrap_or(now))
}

fn spread(now: Buckets, before: Option<Buckets>) -> Quantiles {
    let between = before.map_or(now, |before| now.since(&before));
    between.quantiles()
}

fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
