//! When pairs came: the time line of a report, and the last hour of a cause.

use super::*;
use crate::compare::report::Slot;

const MINUTE: i64 = 60;

/// Whole answers for so many pairs from this minute on, one a second; from `gone` on a field is gone.
fn minute(comparer: &mut Comparer, minute: i64, pairs: i64, gone: i64) {
    let whole = json(r#"{"a":1,"b":2}"#);
    for at in 0..pairs {
        let shadow = if at < gone {
            whole.clone()
        } else {
            json(r#"{"a":1}"#)
        };
        let exchange = get("/x", whole.clone(), shadow).at(minute * MINUTE + at);
        take(comparer, &exchange);
    }
}

/// The first second of a minute, as all of `NOW` is.
fn end(minute: i64) -> i64 {
    NOW + minute * MINUTE * 1000
}

#[test]
fn a_time_line_has_each_pair_in_its_minute_and_its_ten_minutes() {
    let mut comparer = Comparer::new(Settings::default());
    minute(&mut comparer, -80, 9, 9);
    minute(&mut comparer, -2, 12, 9);
    minute(&mut comparer, 0, 5, 0);
    let report = comparer.report(end(0));
    let timeline = &report.timeline;
    assert_eq!((timeline.hour.len(), timeline.day.len()), (60, 144));
    let counts = |minute: usize| {
        let slot = &timeline.hour[minute];
        (slot.compared, slot.different, slot.unconfirmed)
    };
    assert_eq!(
        (counts(57), counts(58), counts(59)),
        ((12, 3, 0), (0, 0, 0), (5, 5, 0))
    );
    assert_eq!(timeline.hour[59].at, "2026-09-21T14:13:00Z");
    assert_eq!(timeline.day[143].at, "2026-09-21T14:10:00Z");
    let sum = |count: fn(&Slot) -> u64| timeline.day.iter().map(count).sum::<u64>();
    assert_eq!(sum(|slot| slot.compared), report.requests.compared);
    assert_eq!(sum(|slot| slot.different), report.requests.different);
    let last_hour = &report.confirmed().next().unwrap().last_hour;
    assert_eq!((last_hour.len(), &last_hour[57..]), (60, &[3, 0, 5][..]));
}

#[test]
fn what_becomes_certain_later_is_different_in_the_minute_of_its_pair() {
    let mut comparer = Comparer::new(Settings::default());
    minute(&mut comparer, -3, 2, 1);
    let before = comparer.report(end(0)).timeline.hour[56].clone();
    assert_eq!(
        (before.compared, before.different, before.unconfirmed),
        (2, 0, 1)
    );
    minute(&mut comparer, 0, 30, 20);
    let after = comparer.report(end(0)).timeline.hour[56].clone();
    assert_eq!(
        (after.compared, after.different, after.unconfirmed),
        (2, 1, 0)
    );
}

#[test]
fn what_a_rule_hides_is_not_different_in_the_time_line() {
    let mut comparer = Comparer::new(Settings::default());
    minute(&mut comparer, 0, 20, 15);
    assert_eq!(comparer.report(end(0)).timeline.hour[59].different, 5);
    let rules = "[[rule]]\nplace = \"$.b\"\naction = \"expected\"\n";
    comparer.set_rules(Rules::parse(rules).unwrap());
    let slot = comparer.report(end(0)).timeline.hour[59].clone();
    assert_eq!((slot.compared, slot.different), (20, 0));
}

#[test]
fn pairs_that_fell_out_of_the_log_stay_in_the_time_line() {
    let mut comparer = Comparer::new(Settings::default());
    let (whole, less) = (json(r#"{"a":1,"b":2}"#), json(r#"{"a":1}"#));
    let same = get("/x", whole.clone(), whole.clone());
    for _ in 0..9 {
        take(&mut comparer, &same);
    }
    let differs = get("/x", whole, less);
    for _ in 0..40_100 {
        take(&mut comparer, &differs);
    }
    let slot = comparer.report(end(0)).timeline.hour[59].clone();
    assert_eq!((slot.compared, slot.different), (40_109, 40_100));
}

#[test]
fn lost_sessions_have_their_last_hour() {
    let mut comparer = Comparer::new(Settings::default());
    for target in ["/account", "/orders", "/account"] {
        let refused = status(302, Some(("Location", "/login")));
        let exchange = get(target, json(r#"{"user":"ada"}"#), refused);
        take(&mut comparer, &exchange.by("sid=0123456789abcdef"));
    }
    let report = comparer.report(end(0));
    assert_eq!(report.causes[0].kind, "session");
    assert_eq!(report.causes[0].last_hour[59], 2);
    let slot = &report.timeline.hour[59];
    assert_eq!(slot.compared, 3);
    assert_eq!(slot.different + slot.unconfirmed, 3);
}

#[test]
fn captured_pairs_that_are_long_past_have_the_time_line_of_their_last_hour() {
    let mut comparer = Comparer::new(Settings::default());
    minute(&mut comparer, 0, 20, 15);
    let slot = comparer.report(end(60 * 24 * 9)).timeline.hour[59].clone();
    assert_eq!((slot.compared, slot.different), (20, 5));
    assert_eq!(slot.at, "2026-09-21T14:13:00Z");
}

#[test]
fn a_report_of_an_earlier_version_has_no_times() {
    let mut json = serde_json::to_value(with_orders().report(NOW)).unwrap();
    for key in ["timeline", "times", "time_bounds"] {
        json.as_object_mut().unwrap().remove(key);
    }
    for cause in json["causes"].as_array_mut().unwrap() {
        cause.as_object_mut().unwrap().remove("last_hour");
    }
    let report: Report = serde_json::from_value(json).unwrap();
    assert!(report.times.is_empty() && report.timeline.hour.is_empty());
    assert!(report.causes[0].last_hour.is_empty());
}

#[test]
fn each_route_with_enough_pairs_has_its_times() {
    use crate::compare::report::TimeVerdict::{Faster, Same, Slower};
    let mut comparer = Comparer::new(Settings::default());
    let took = |milliseconds: u64| Side {
        took: Duration::from_millis(milliseconds),
        ..json("{}")
    };
    for at in 0..60 {
        for (target, shadow) in [("/a", 20), ("/b", 20), ("/c", 20), ("/d", 90), ("/e", 4)] {
            let primary = took(20 + at % 7);
            take(&mut comparer, &get(target, primary, took(shadow + at % 7)));
        }
    }
    take(&mut comparer, &get("/seldom", took(9), took(9)));
    let report = comparer.report(NOW);
    let mut found: Vec<_> = report
        .times
        .iter()
        .map(|time| (&*time.route, time.verdict))
        .collect();
    found.sort_by_key(|(route, _)| *route);
    let expected = ["GET /a", "GET /b", "GET /c", "GET /d", "GET /e"];
    let verdicts = [Same, Same, Same, Slower, Faster];
    assert_eq!(
        found,
        expected.into_iter().zip(verdicts).collect::<Vec<_>>()
    );
    let slow = report.times.iter().find(|time| time.route == "GET /d");
    let slow = slow.unwrap();
    let bucket = |counts: &[u32]| counts.iter().position(|count| *count == 60).unwrap();
    let bounds = &report.time_bounds;
    assert_eq!(slow.primary.len(), bounds.len() + 1);
    assert!(bounds[bucket(&slow.primary) - 1] < 20.0 && bounds[bucket(&slow.primary)] >= 26.0);
    assert!(bounds[bucket(&slow.shadow)] >= 96.0);
    assert_eq!((slow.pairs, report.slower.len()), (60, 1));
}
