//! Differences that are harmless by themselves, pair by pair: two clocks, a value that production gave lately, a rule's
//! tolerance.

use crate::compare::{
    answer::Counterpart,
    difference::{Difference, Kind, differences},
    extract::{Class, Extract, Looks, TimeForm},
    rules::{Hidden, Rules},
};

/// Takes out differences of times that say "now", each by its own side's clock.
pub(super) fn clocks(found: &mut Vec<Difference>, primary: &Extract, shadow: &Extract) -> usize {
    let before = found.len();
    found.retain(|difference| !is_clock(difference, primary.at, shadow.at));
    before - found.len()
}

/// Takes out differences of texts that say the same of ids which are different on the shadow.
pub(super) fn counterparts(found: &mut Vec<Difference>, known: &[Counterpart]) -> usize {
    let before = found.len();
    if !known.is_empty() {
        found.retain(
            |difference| match (&difference.primary, &difference.shadow) {
                (Some(primary), Some(shadow)) if difference.class != Class::Status => {
                    let place = difference.place.as_str();
                    !says_the_same(primary.text(), shadow.text(), known, names_id(place))
                }
                _ => true,
            },
        );
    }
    before - found.len()
}

/// Whether a place is called as one of ids: `$.order_id`, `id`.
fn names_id(place: &str) -> bool {
    let place = place.trim_end_matches("[]");
    ["id", "ids", "Id", "Ids"].iter().any(|name| {
        let before = place.strip_suffix(name);
        let last = before.map(|before| before.chars().next_back());
        last.is_some_and(|last| {
            name.starts_with('I') || last.is_none_or(|last| !last.is_ascii_alphanumeric())
        })
    })
}

/// Whether two texts differ in ids that are counterparts of each other alone. `is_id`: all of the text is one, as its place
/// says.
fn says_the_same(primary: &str, shadow: &str, known: &[Counterpart], is_id: bool) -> bool {
    let is_known = |one: &str, other: &str| {
        let mut known = known.iter();
        known.any(|both| *both.primary == *one && *both.shadow == *other)
    };
    if is_id && is_known(primary, shadow) {
        return true;
    }
    // A number of one digit may as well count something.
    let is_sure = |before: &str, one: &str, other: &str| {
        one.len().min(other.len()) > 1 || before.ends_with(['/', '#', '='])
    };
    let is_counterpart =
        |before: &str, one: &str, other: &str| is_sure(before, one, other) && is_known(one, other);
    let is_of_id = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let is_digit = |c: char| c.is_ascii_digit();
    is_same_by_words((primary, shadow), is_of_id, |before, one, other| {
        is_counterpart(before, one, other)
            || is_same_by_words((one, other), is_digit, |within, one, other| {
                let before = if within.is_empty() { before } else { within };
                is_counterpart(before, one, other)
            })
    })
}

/// Whether two texts have the same words, or such of which this says so: it is given the word before, and both.
fn is_same_by_words(
    (one, other): (&str, &str),
    is_in: impl Fn(char) -> bool,
    is_known: impl Fn(&str, &str, &str) -> bool,
) -> bool {
    let (ours, theirs) = (words(one, &is_in), words(other, &is_in));
    let mut before = "";
    ours.len() == theirs.len()
        && ours.iter().zip(&theirs).all(|(one, other)| {
            let is_same = one == other || is_known(before, one, other);
            before = one;
            is_same
        })
}

/// A text in parts: runs of such characters, and what is between them.
fn words(text: &str, is_in: impl Fn(char) -> bool) -> Vec<&str> {
    let mut words = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_run = is_in(first);
        let end = rest.find(|c| is_in(c) != is_run).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        words.push(word);
        rest = after;
    }
    words
}

/// Two times of one format, as far from their answers' own times, within 2.5 s. The time itself may be in a local zone or
/// some minutes ahead: it is the same rule on both sides then.
pub(super) fn is_clock(difference: &Difference, primary_at: i64, shadow_at: i64) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_of_ids_are_known_by_their_names() {
        for (place, is) in [
            ("$.order_id", true),
            ("$[].id", true),
            ("id", true),
            ("$.orderId", true),
            ("$.product_ids[]", true),
            ("$.paid", false),
            ("$.total", false),
        ] {
            assert_eq!(names_id(place), is, "{place}");
        }
        let known = [Counterpart {
            primary: "7".into(),
            shadow: "5".into(),
        }];
        assert!(says_the_same("7", "5", &known, true) && !says_the_same("7", "5", &known, false));
    }

    #[test]
    fn texts_say_the_same_where_only_counterparts_differ() {
        let known = [
            ("1407", "1392"),
            ("81", "79"),
            ("7", "5"),
            ("k3j9x2", "p0q8w1"),
        ]
        .map(|(one, other)| Counterpart {
            primary: one.into(),
            shadow: other.into(),
        });
        for (primary, shadow, same) in [
            ("/orders/1407/edit", "/orders/1392/edit", true),
            ("Bug #81: tea of 1407", "Bug #79: tea of 1392", true),
            ("/a/81-tea", "/a/79-tea", true),
            ("Order 1407", "Order 1392", true),
            ("7 things", "5 things", false),
            ("7", "5", false),
            ("/things/7", "/things/5", true),
            ("/a/k3j9x2", "/a/p0q8w1", true),
            ("order_1407", "order_1392", true),
            ("81", "80", false),
            ("79", "81", false),
            ("Bug #81: tea", "Bug #79: milk", false),
            ("8179", "7979", false),
            ("81.50", "79.00", false),
        ] {
            assert_eq!(
                says_the_same(primary, shadow, &known, false),
                same,
                "{primary} {shadow}"
            );
        }
    }
}
