//! The points of the last hour and of the last day, each within a ring of a fixed size.
//!
//! A shadow takes 32 bytes a point, 648 points: 21 KiB, and 50 of them 1 MiB. Production takes 38 KiB.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Duration, SystemTime},
};

use super::{
    Percentiles, Series, ShadowSeries,
    points::{Point, Reading, ShadowPoint},
    unix_seconds,
};
use crate::telemetry::quantiles::Quantiles;

/// The rings of all resolutions.
#[derive(Debug)]
pub(crate) struct Rings {
    hour: Ring,
    day: Ring,
    /// Samples since the last point of the day.
    since_point: u64,
}

/// Points in an hour, and in a day.
const HOUR: usize = 360;
const DAY: usize = 288;
/// How many samples make a point of the day.
const MERGED: u64 = 30;
/// Shadows that are gone and whose points are kept until they are too old.
const GONE: usize = 32;

impl Rings {
    /// How often a sample is wanted.
    pub(crate) const EVERY: Duration = Duration::from_secs(10);

    pub(crate) fn new() -> Self {
        Self {
            hour: Ring::new(HOUR),
            day: Ring::new(DAY),
            since_point: 0,
        }
    }

    /// Takes what the counters say; to be called each [`Rings::EVERY`].
    pub(crate) fn sample(&mut self, at: SystemTime, reading: &Reading) {
        let at = unix_seconds(at);
        self.hour.push(at, reading);
        self.since_point += 1;
        if self.since_point == MERGED {
            self.since_point = 0;
            self.day.push(at, reading);
            self.day.raise_to_peaks(&self.hour);
        }
    }

    pub(crate) fn hour(&self) -> Series {
        self.hour.shown(Self::EVERY.as_secs())
    }

    pub(crate) fn day(&self) -> Series {
        self.day.shown(Self::EVERY.as_secs() * MERGED)
    }
}

/// Points of one resolution.
#[derive(Debug)]
struct Ring {
    capacity: usize,
    points: VecDeque<(u64, Point)>,
    shadows: BTreeMap<String, Track>,
    /// What the last point was made of.
    before: Option<Reading>,
}

/// The points of a shadow, with as many at its end as the ring has.
type Track = VecDeque<Option<ShadowPoint>>;

impl Ring {
    fn new(capacity: usize) -> Self {
        Self {
            capacity,
            points: VecDeque::new(),
            shadows: BTreeMap::new(),
            before: None,
        }
    }

    fn push(&mut self, at: u64, reading: &Reading) {
        let before = self.before.as_ref();
        let point = reading
            .production
            .since(before.map(|before| &before.production));
        put(&mut self.points, (at, point), self.capacity);
        for track in self.shadows.values_mut() {
            put(track, None, self.capacity);
        }
        for shadow in &reading.shadows {
            let known = before.into_iter().flat_map(|before| &before.shadows);
            let mut known = known.filter(|known| known.name == shadow.name);
            if let Some(point) = shadow.since(known.next()) {
                let new = || Track::with_capacity(self.capacity);
                let track = self.shadows.entry(shadow.name.clone());
                let track = track.or_insert_with(new);
                track.pop_back();
                track.push_back(Some(point));
            }
        }
        self.shadows
            .retain(|_, track| track.iter().any(Option::is_some));
        self.forget_gone();
        self.before = Some(reading.clone());
    }

    /// Of shadows that are gone no more than [`GONE`] are kept, those that were here last.
    fn forget_gone(&mut self) {
        let age = |track: &Track| {
            track
                .iter()
                .rev()
                .take_while(|point| point.is_none())
                .count()
        };
        let ages = self.shadows.iter();
        let ages = ages.map(|(name, track)| (age(track), name.clone()));
        let mut gone: Vec<_> = ages.filter(|(age, _)| *age > 0).collect();
        gone.sort_unstable();
        for (_, name) in gone.iter().skip(GONE) {
            self.shadows.remove(name);
        }
    }

    /// What is counted at one moment says little of a long span: its last point gets the most of the finer points.
    fn raise_to_peaks(&mut self, finer: &Self) {
        let last = usize::try_from(MERGED).unwrap_or(usize::MAX);
        if let Some((_, point)) = self.points.back_mut() {
            let finer = finer.points.iter().rev().take(last);
            let peak = finer.map(|(_, point)| point.in_flight).max();
            point.in_flight = peak.unwrap_or(point.in_flight);
        }
        for (name, track) in &mut self.shadows {
            let Some(Some(point)) = track.back_mut() else {
                continue;
            };
            let finer = finer.shadows.get(name).into_iter().flatten().rev();
            let peak = finer.take(last).flatten().map(|point| point.queued).max();
            point.queued = peak.unwrap_or(point.queued);
        }
    }

    fn shown(&self, every_seconds: u64) -> Series {
        let points = || self.points.iter().map(|(_, point)| point);
        let shadows = self.shadows.iter();
        let shadow = |(name, track): (&String, &Track)| {
            (name.clone(), shown_shadow(track, self.points.len()))
        };
        Series {
            every_seconds,
            at: self.points.iter().map(|(at, _)| *at).collect(),
            requests: points().map(|point| point.requests).collect(),
            errors: points().map(|point| point.errors).collect(),
            in_flight: points().map(|point| point.in_flight).collect(),
            primary_ms: percentiles(points().map(|point| point.primary)),
            own_ms: percentiles(points().map(|point| point.own)),
            shadows: shadows.map(shadow).collect(),
        }
    }
}

/// As many as the ring has: before it came there was nothing of it.
fn shown_shadow(track: &Track, length: usize) -> ShadowSeries {
    let missing = length.saturating_sub(track.len());
    let points = || std::iter::repeat_n(None, missing).chain(track.iter().copied());
    let of = |what: fn(ShadowPoint) -> u32| points().map(|point| point.map(what)).collect();
    ShadowSeries {
        answered: of(|point| point.answered),
        unwanted: of(|point| point.unwanted),
        lost: of(|point| point.lost),
        queued: of(|point| point.queued),
        latency_ms: percentiles(
            points().map(|point| point.map_or([f32::NAN; 3], |point| point.latency)),
        ),
    }
}

fn percentiles(points: impl Iterator<Item = Quantiles>) -> Percentiles {
    let mut percentiles = Percentiles::default();
    for [p50, p90, p99] in points {
        percentiles.p50.push(p50);
        percentiles.p90.push(p90);
        percentiles.p99.push(p99);
    }
    percentiles
}

fn put<T>(ring: &mut VecDeque<T>, point: T, capacity: usize) {
    if ring.len() == capacity {
        ring.pop_front();
    }
    ring.push_back(point);
}

#[cfg(test)]
mod tests;
