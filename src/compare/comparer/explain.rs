//! Differences that are harmless by themselves, pair by pair: two clocks, a value that production gave lately, a rule's
//! tolerance.

use crate::compare::{
    difference::{Difference, Kind, differences},
    extract::{Extract, Looks, TimeForm},
    rules::{Hidden, Rules},
};

/// Takes out differences of times that say "now", each by its own side's clock.
pub(super) fn clocks(found: &mut Vec<Difference>, primary: &Extract, shadow: &Extract) -> usize {
    let before = found.len();
    found.retain(|difference| !is_clock(difference, primary.at, shadow.at));
    before - found.len()
}

/// Two times of one format, as far from their answers' own times, within 2.5 s. The time itself may be in a local zone or
/// some minutes ahead: it is the same rule on both sides then.
fn is_clock(difference: &Difference, primary_at: i64, shadow_at: i64) -> bool {
    const JITTER: i64 = 2_500;
    const QUARTER: i64 = 15 * 60_000;
    const DAY: i64 = 24 * 60 * 60_000;
    if difference.kind == Kind::Format {
        return false;
    }
    let (Some(primary), Some(shadow)) = (&difference.primary, &difference.shadow) else {
        return false;
    };
    match (primary.looks, shadow.looks) {
        (
            Looks::Time {
                unix_ms: one,
                format,
            },
            Looks::Time {
                unix_ms: other,
                format: other_format,
            },
        ) => {
            if !same_but_fraction(format, other_format) {
                return false;
            }
            let (one, other) = (one - primary_at, other - shadow_at);
            let near = JITTER + if format.has_seconds { 0 } else { 60_000 };
            let rest = one.rem_euclid(QUARTER);
            let is_now = rest.min(QUARTER - rest) <= near;
            is_now && one.abs() <= 400 * DAY && (one - other).abs() <= near
        }
        (Looks::Seconds(one), Looks::Seconds(other)) => (one - other).abs() * 1000 <= JITTER,
        _ => false,
    }
}

/// Fractions without their trailing zeros differ in length by chance.
fn same_but_fraction(one: TimeForm, other: TimeForm) -> bool {
    one == TimeForm {
        fraction: one.fraction,
        ..other
    } && (one.fraction == other.fraction || (one.fraction > 0 && other.fraction > 0))
}

/// Takes out values that a capture does not have: a mark stands in their place. That there is a value is still asserted.
pub(super) fn redacted(found: &mut Vec<Difference>, is_redacted: fn(&str) -> bool) -> usize {
    let before = found.len();
    found.retain(|difference| {
        let primary = difference.primary.as_ref();
        let is_mark = primary.is_some_and(|value| is_redacted(value.text()));
        difference.shadow.is_none() || !is_mark
    });
    before - found.len()
}

/// Takes out what the shadow says as production itself said it lately.
pub(super) fn stale(found: &mut Vec<Difference>, lately: &Extract, shadow: &Extract) -> usize {
    if lately.status != shadow.status {
        return 0;
    }
    let still = differences(lately, shadow);
    let before = found.len();
    found.retain(|difference| {
        let is_there = |other: &Difference| other.place == difference.place;
        difference.kind == Kind::Status || still.found.iter().any(is_there) || still.left_out > 0
    });
    before - found.len()
}

/// Takes out numbers that a rule says are near enough.
pub(super) fn tolerances(
    found: &mut Vec<Difference>,
    rules: &Rules,
    route: &str,
    now: i64,
    hidden: &mut Hidden,
) -> usize {
    let before = found.len();
    found.retain(|difference| match rules.tolerates(route, difference, now) {
        Some(rule) => {
            *hidden.0.entry(rule).or_default() += 1;
            false
        }
        None => true,
    });
    before - found.len()
}
