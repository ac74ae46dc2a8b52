//! Rings: what is kept, for how long, and how much of it.

use std::time::UNIX_EPOCH;

use proptest::prelude::*;

use super::*;
use crate::telemetry::{
    history::points::{Present, ProductionReading, ShadowReading},
    quantiles::{BOUNDS, BUCKETS, Buckets},
};

const MICROS: &[u64; BOUNDS] = &[
    100, 200, 300, 400, 500, 600, 700, 800, 900, 1000, 1100, 1200, 1300, 1400, 1500, 1600, 1700,
];

/// A histogram with this many in its first bucket.
fn quick(count: u64) -> Buckets {
    let mut counts = [0; BUCKETS];
    counts[0] = count;
    Buckets {
        bounds: MICROS,
        counts,
    }
}

fn reading(requests: u64, shadows: Vec<ShadowReading>) -> Reading {
    Reading {
        production: ProductionReading {
            requests,
            errors: requests / 10,
            in_flight: requests % 7,
            primary: quick(requests),
            own: quick(0),
        },
        shadows,
    }
}

fn shadow(name: &str, answered: u64, is_present: bool) -> ShadowReading {
    ShadowReading {
        name: name.to_owned(),
        answered,
        unwanted: answered,
        lost: 0,
        present: is_present.then(|| Present {
            queued: answered,
            latency: quick(answered),
        }),
    }
}

fn at(sample: u64) -> SystemTime {
    UNIX_EPOCH + Rings::EVERY * u32::try_from(sample).unwrap()
}

#[test]
fn points_are_what_came_between_samples_and_the_day_has_all_of_them() {
    let mut rings = Rings::new();
    for sample in 1..=60 {
        rings.sample(at(sample), &reading(sample * sample, Vec::new()));
    }
    let (hour, day) = (rings.hour(), rings.day());
    assert_eq!(hour.requests[..3], [1, 3, 5]);
    assert_eq!(hour.at[..3], [10, 20, 30]);
    assert_eq!((day.every_seconds, &day.at[..]), (300, &[300, 600][..]));
    assert_eq!(day.requests, [900, 2700]);
    assert_eq!(day.in_flight, [*hour.in_flight.iter().max().unwrap(); 2]);
    assert!(hour.primary_ms.p50.iter().all(|p50| *p50 > 0.0));
    assert!(hour.own_ms.p50.iter().all(|p50| p50.is_nan()));
    let json = serde_json::to_value(&hour).unwrap();
    assert!(json["own_ms"]["p50"][0].is_null());
}

#[test]
fn a_shadow_that_is_removed_and_comes_again_counts_on() {
    let mut rings = Rings::new();
    let next = |answered, is_present| vec![shadow("next", answered, is_present)];
    rings.sample(at(1), &reading(1, Vec::new()));
    rings.sample(at(2), &reading(2, next(100, true)));
    rings.sample(at(3), &reading(3, next(110, false)));
    let mut again = shadow("next", 115, true);
    // Its histogram has begun anew.
    again.present.as_mut().unwrap().latency = quick(3);
    rings.sample(at(4), &reading(4, vec![again]));
    let series = &rings.hour().shadows["next"];
    assert_eq!(series.answered, [None, Some(100), None, Some(5)]);
    assert!(series.latency_ms.p50[2].is_nan() && series.latency_ms.p50[3] > 0.0);
}

#[test]
fn a_counter_that_restarts_gives_what_it_counted_since() {
    let mut rings = Rings::new();
    rings.sample(at(1), &reading(1000, vec![shadow("next", 50, true)]));
    rings.sample(at(2), &reading(10, vec![shadow("next", 2, true)]));
    let hour = rings.hour();
    assert_eq!(hour.requests, [1000, 10]);
    assert_eq!(hour.shadows["next"].answered, [Some(50), Some(2)]);
}

#[test]
fn a_day_of_fifty_shadows_is_within_its_bounds() {
    let names: Vec<_> = (0..50).map(|n| format!("shadow-{n}")).collect();
    let mut rings = Rings::new();
    for sample in 1..=9000 {
        let shadows = names.iter().map(|name| shadow(name, sample, true));
        rings.sample(at(sample), &reading(sample, shadows.collect()));
    }
    let point = size_of::<Option<ShadowPoint>>();
    assert_eq!(point, 32);
    let held = [&rings.hour, &rings.day].map(|ring| {
        assert_eq!((ring.points.len(), ring.shadows.len()), (ring.capacity, 50));
        let tracks = ring.shadows.values();
        tracks.map(|track| track.capacity() * point).sum::<usize>()
    });
    assert!(held.iter().sum::<usize>() <= 1 << 20, "{held:?}");
}

#[test]
fn shadows_that_are_gone_are_forgotten() {
    let mut rings = Rings::new();
    for sample in 1..=100 {
        let name = format!("shadow-{sample}");
        rings.sample(at(sample), &reading(sample, vec![shadow(&name, 1, true)]));
    }
    let hour = rings.hour();
    assert_eq!(hour.shadows.len(), GONE + 1);
    assert!(hour.shadows.contains_key("shadow-100") && hour.shadows.contains_key("shadow-99"));
    for sample in 101..=460 {
        rings.sample(at(sample), &reading(sample, Vec::new()));
    }
    assert!(rings.hour().shadows.is_empty());
}

proptest! {
    #[test]
    fn all_lists_are_as_long_as_the_times(steps in prop::collection::vec((0..1000_u64, any::<[bool; 3]>()), 1..80)) {
        let mut rings = Rings::new();
        for (sample, (count, present)) in steps.iter().enumerate() {
            let shadows = ["a", "b", "c"].into_iter().zip(present);
            let shadows = shadows.map(|(name, is_present)| shadow(name, *count, *is_present));
            rings.sample(at(sample as u64), &reading(*count, shadows.collect()));
        }
        for series in [rings.hour(), rings.day()] {
            let length = series.at.len();
            prop_assert_eq!(series.requests.len(), length);
            prop_assert_eq!(series.primary_ms.p99.len(), length);
            for shadow in series.shadows.values() {
                prop_assert_eq!((shadow.lost.len(), shadow.latency_ms.p50.len()), (length, length));
            }
        }
    }
}
