//! Finds out what was done to a value: the first transformation that explains the shadow's by the primary's.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::change::Change;
use crate::compare::extract::{Looks, Scalar, Time, TimeStyle, Url, Value};

/// Both sides of a leaf, with all of their text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sides<'a> {
    pub(crate) primary: &'a Value,
    pub(crate) shadow: &'a Value,
    pub(crate) primary_text: &'a str,
    pub(crate) shadow_text: &'a str,
}

impl Sides<'_> {
    /// The first transformation that fits.
    pub(crate) fn change(&self) -> Change {
        self.of_type()
            .or_else(|| self.of_number())
            .or_else(|| self.of_time())
            .or_else(|| self.of_text())
            .or_else(|| self.of_shape())
            .unwrap_or(Change::Other)
    }

    fn scalars(&self) -> (Scalar, Scalar) {
        (self.primary.scalar, self.shadow.scalar)
    }

    fn of_type(&self) -> Option<Change> {
        let (primary, shadow) = (self.primary_text, self.shadow_text);
        match self.scalars() {
            (Scalar::Null, Scalar::Text) if shadow.is_empty() => Some(Change::NullToEmpty),
            (Scalar::Text, Scalar::Null) if primary.is_empty() => Some(Change::EmptyToNull),
            (Scalar::Number, Scalar::Text) if primary == shadow => Some(Change::NumberToText),
            (Scalar::Text, Scalar::Number) if primary == shadow => Some(Change::TextToNumber),
            (Scalar::Bool, Scalar::Number | Scalar::Text)
            | (Scalar::Number | Scalar::Text, Scalar::Bool) => {
                let both = (boolean(primary), boolean(shadow));
                let is_same = both.0.is_some() && both.0 == both.1;
                Some(if is_same {
                    Change::BoolForm
                } else {
                    Change::OtherType
                })
            }
            (primary, shadow) if primary == shadow => None,
            // Numbers in a text are tried below: `"1.50"` for `1.5`.
            (Scalar::Number, Scalar::Text) | (Scalar::Text, Scalar::Number) => {
                let numbers = self.numbers();
                match numbers {
                    Some((one, other)) if is_same(one, other) => {
                        Some(if self.primary.scalar == Scalar::Number {
                            Change::NumberToText
                        } else {
                            Change::TextToNumber
                        })
                    }
                    _ => self.of_time().or(Some(Change::OtherType)),
                }
            }
            _ => Some(Change::OtherType),
        }
    }

    fn numbers(&self) -> Option<(f64, f64)> {
        let parse = |text: &str| text.parse::<f64>().ok().filter(|number| number.is_finite());
        Some((parse(self.primary_text)?, parse(self.shadow_text)?))
    }

    fn of_number(&self) -> Option<Change> {
        let is_number = |value: &Value| {
            matches!(value.looks, Looks::Number) || value.time().is_some_and(|time| is_epoch(&time))
        };
        if !is_number(self.primary) || !is_number(self.shadow) {
            return None;
        }
        let (primary, shadow) = self.numbers()?;
        let digits = (fraction(self.primary_text), fraction(self.shadow_text));
        if is_same(primary, shadow) {
            let is_rounded = digits == (0, 0) && self.primary_text.len() > 15;
            return Some(if is_rounded {
                Change::PrecisionLost
            } else {
                Change::NumberFormat
            });
        }
        if digits.0 > digits.1 && is_rounded(primary, shadow, digits.1) {
            return Some(Change::PrecisionLost);
        }
        if digits.1 > digits.0 && is_rounded(shadow, primary, digits.0) {
            return Some(Change::PrecisionGained);
        }
        factor(primary, shadow).map(Change::Factor)
    }

    fn of_time(&self) -> Option<Change> {
        let (primary, shadow) = (self.primary.time()?, self.shadow.time()?);
        let (one, other) = (primary.form, shadow.form);
        let shifted = shadow.unix_ms - primary.unix_ms;
        let is_precision_only = one.style == other.style && one.zone == other.zone;
        let precision = |form: crate::compare::extract::TimeForm| (form.has_seconds, form.fraction);
        if one != other && is_precision_only && shifted.abs() < 3_600_000 {
            return Some(if precision(one) > precision(other) {
                Change::PrecisionLost
            } else {
                Change::PrecisionGained
            });
        }
        if let Some(minutes) = zone_shift(&primary, &shadow) {
            return Some(Change::TimeShift(minutes));
        }
        (one != other).then_some(Change::TimeFormat)
    }

    fn of_text(&self) -> Option<Change> {
        let (primary, shadow) = (self.primary_text, self.shadow_text);
        if primary.is_empty() {
            return Some(Change::Filled);
        }
        if shadow.is_empty() {
            return Some(Change::Emptied);
        }
        if same_when_lower(primary, shadow) {
            return Some(Change::Case);
        }
        if primary.trim() == shadow.trim() || spaced(primary).eq(spaced(shadow)) {
            return Some(Change::Trimmed);
        }
        if decoded(shadow) == primary {
            return Some(Change::Escaped);
        }
        if decoded(primary) == shadow {
            return Some(Change::Unescaped);
        }
        if is_mojibake(primary, shadow) || is_mojibake(shadow, primary) {
            return Some(Change::Mojibake);
        }
        if is_other_origin(primary, shadow) {
            return Some(Change::Origin);
        }
        if primary.nfc().eq(shadow.nfc()) {
            return Some(Change::Normalization);
        }
        self.of_affix()
    }

    fn of_affix(&self) -> Option<Change> {
        // That 1 is where 12 was, or that one token begins as another, says nothing.
        let is_text = |value: &Value| matches!(value.looks, Looks::Text | Looks::Url);
        if !is_text(self.primary) && !is_text(self.shadow) {
            return None;
        }
        let (primary, shadow) = (self.primary_text, self.shadow_text);
        if shadow.ends_with(primary) {
            Some(Change::PrefixAdded)
        } else if primary.ends_with(shadow) {
            Some(Change::PrefixGone)
        } else if shadow.starts_with(primary) {
            Some(Change::SuffixAdded)
        } else if primary.starts_with(shadow) {
            Some(Change::SuffixGone)
        } else {
            None
        }
    }

    fn of_shape(&self) -> Option<Change> {
        match (self.primary.looks, self.shadow.looks) {
            (Looks::Opaque { shape: one, .. }, Looks::Opaque { shape: other, .. }) => {
                (one != other).then_some(Change::OtherShape)
            }
            _ => None,
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" | "t" | "True" | "yes" => Some(true),
        "false" | "0" | "f" | "False" | "no" | "" => Some(false),
        _ => None,
    }
}

fn is_epoch(time: &Time) -> bool {
    matches!(
        time.form.style,
        TimeStyle::EpochSeconds | TimeStyle::EpochMillis
    )
}

/// Equal but for what a float can't hold.
fn is_same(one: f64, other: f64) -> bool {
    (one - other).abs() <= f64::EPSILON * one.abs().max(other.abs())
}

/// Digits behind the point.
fn fraction(text: &str) -> usize {
    text.split_once('.').map_or(0, |(_, fraction)| {
        fraction.bytes().take_while(u8::is_ascii_digit).count()
    })
}

/// Whether a number is another one rounded or cut to so many digits.
fn is_rounded(exact: f64, rounded: f64, digits: usize) -> bool {
    let step = 10_f64.powi(-i32::try_from(digits.min(300)).unwrap_or(300));
    (exact - rounded).abs() < step * 1.000_001
}

/// The factors that mistakes of units make.
const FACTORS: &[(f64, &str, &str)] = &[
    (10.0, "10", "1/10"),
    (100.0, "100", "1/100"),
    (1000.0, "1000", "1/1000"),
    (10_000.0, "10000", "1/10000"),
    (1_000_000.0, "1000000", "1/1000000"),
    (1_000_000_000.0, "1000000000", "1/1000000000"),
    (60.0, "60", "1/60"),
    (3600.0, "3600", "1/3600"),
    (24.0, "24", "1/24"),
    (86_400.0, "86400", "1/86400"),
    (1024.0, "1024", "1/1024"),
    (1_048_576.0, "1048576", "1/1048576"),
    (-1.0, "-1", "-1"),
];

fn factor(primary: f64, shadow: f64) -> Option<&'static str> {
    if primary == 0.0 || shadow == 0.0 {
        return None;
    }
    let is = |ratio: f64, factor: f64| (ratio / factor - 1.0).abs() < 1e-9;
    let (up, down) = (shadow / primary, primary / shadow);
    // What is behind the point is lost where milliseconds become seconds.
    if is_whole_part(shadow, primary / 1000.0) {
        return Some("1/1000");
    }
    if is_whole_part(primary, shadow / 1000.0) {
        return Some("1000");
    }
    FACTORS.iter().find_map(|(factor, times, part)| {
        if is(up, *factor) {
            Some(*times)
        } else if is(down, *factor) {
            Some(*part)
        } else {
            None
        }
    })
}

/// Whether a whole number is a large one without what is behind its point.
fn is_whole_part(whole: f64, exact: f64) -> bool {
    exact.abs() >= 1e6 && whole.fract() == 0.0 && (exact - whole).abs() < 1.0
}

/// Minutes between two times that are whole quarters of an hour apart, as zones are.
fn zone_shift(primary: &Time, shadow: &Time) -> Option<i32> {
    const QUARTER: i64 = 15 * 60_000;
    const FARTHEST: i64 = 26 * 3_600_000;
    let precise = |form: crate::compare::extract::TimeForm| form.fraction > 0;
    let mut shift = shadow.unix_ms - primary.unix_ms;
    if precise(primary.form) != precise(shadow.form) {
        shift = shadow.unix_ms.div_euclid(1000) * 1000 - primary.unix_ms.div_euclid(1000) * 1000;
    }
    if shift == 0 || shift % QUARTER != 0 || shift.abs() > FARTHEST {
        return None;
    }
    i32::try_from(shift / 60_000).ok()
}

fn same_when_lower(one: &str, other: &str) -> bool {
    one.chars()
        .flat_map(char::to_lowercase)
        .eq(other.chars().flat_map(char::to_lowercase))
}

fn spaced(text: &str) -> impl Iterator<Item = &str> {
    text.split_whitespace()
}

fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('&') {
        html_escape::decode_html_entities(text)
    } else {
        Cow::Borrowed(text)
    }
}

/// Whether a text's UTF-8 was read as Latin-1 (or as Windows-1252), was written as Latin-1, or lost its characters.
fn is_mojibake(right: &str, wrong: &str) -> bool {
    if right.is_ascii() {
        return false;
    }
    let bytes = right.bytes();
    if bytes.map(char::from).eq(wrong.chars()) || right.bytes().map(windows).eq(wrong.chars()) {
        return true;
    }
    let mut wrong = wrong.chars().peekable();
    right.chars().all(|c| match wrong.next() {
        Some(other) if other == c => true,
        Some(other) if !c.is_ascii() => {
            let replaced = other == '?' || other == '\u{fffd}';
            while replaced && wrong.next_if_eq(&'\u{fffd}').is_some() {}
            // Bytes that are no UTF-8 were kept as private characters.
            replaced || u32::from(other) == 0xf700 + u32::from(c) && u32::from(c) < 0x100
        }
        _ => false,
    }) && wrong.next().is_none()
}

/// A byte as Windows-1252 reads it.
fn windows(byte: u8) -> char {
    const UPPER: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match byte {
        0x80..=0x9f => UPPER
            .chars()
            .nth(usize::from(byte - 0x80))
            .unwrap_or(char::from(byte)),
        _ => char::from(byte),
    }
}

fn is_other_origin(primary: &str, shadow: &str) -> bool {
    let (one, other) = (Url::of(primary), Url::of(shadow));
    let has_origin = |url: &Url<'_>| url.origin.contains("//") || url.origin.starts_with('{');
    (has_origin(&one) || has_origin(&other))
        && one.origin != other.origin
        && (one.path, one.query, one.fragment) == (other.path, other.query, other.fragment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(primary: (Scalar, &str), shadow: (Scalar, &str)) -> String {
        let sides = Sides {
            primary: &Value::of(primary.0, primary.1),
            shadow: &Value::of(shadow.0, shadow.1),
            primary_text: primary.1,
            shadow_text: shadow.1,
        };
        sides.change().to_string()
    }

    #[test]
    fn the_first_transformation_that_fits_is_named() {
        use Scalar::Text as T;
        for (primary, shadow, wanted) in [
            ("Hello", "hello", "case"),
            ("Hello ", "Hello", "trimmed"),
            ("a & b", "a &amp; b", "entity-escaped"),
            ("a &amp; b", "a & b", "entities decoded"),
            ("Müller", "MÃ¼ller", "mojibake"),
            ("10 €", "10 â‚¬", "mojibake"),
            ("Müller", "M?ller", "mojibake"),
            ("Müller", "M\u{f7fc}ller", "mojibake"),
            (
                "https://a.example/b?c",
                "http://localhost:3000/b?c",
                "origin replaced",
            ),
            ("/b/c", "https://a.example/b/c", "origin replaced"),
            ("Mu\u{308}ller", "M\u{fc}ller", "unicode normalization"),
            ("Open", "Status: Open", "prefix added"),
            ("Open now", "Open", "suffix gone"),
            (
                "2024-03-05T14:22:07.123Z",
                "2024-03-05T14:22:07Z",
                "precision lost",
            ),
            (
                "2024-03-05T14:22:07Z",
                "2024-03-05T16:22:07Z",
                "time shifted by minutes: +120",
            ),
            ("2024-03-05T14:22:07Z", "2024-03-05 14:22:07", "time format"),
            (
                "2024-03-05T14:22:07Z",
                "2024-03-05T14:22:07+00:00",
                "time format",
            ),
            (
                "2024-03-05T14:22:07Z",
                "2024-03-05T14:22:09Z",
                "other value",
            ),
            ("", "a", "filled"),
            ("a", "", "emptied"),
            (
                "9e107d9d372bb6826bd81d3542a419d6",
                "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
                "other shape",
            ),
            ("Bob", "Alice", "other value"),
        ] {
            assert_eq!(
                change((T, primary), (T, shadow)),
                wanted,
                "{primary} {shadow}"
            );
        }
    }

    #[test]
    fn numbers_tell_what_was_done_to_them() {
        use Scalar::Number as N;
        for (primary, shadow, wanted) in [
            ("1", "1.0", "number format"),
            ("12.345", "12.35", "precision lost"),
            ("12.345", "12", "precision lost"),
            (
                "12345678901234567891",
                "12345678901234567000",
                "precision lost",
            ),
            ("1999", "19.99", "factor 1/100"),
            ("19.99", "1999", "factor 100"),
            ("90", "5400", "factor 60"),
            ("1709648527123", "1709648527", "factor 1/1000"),
            ("5", "-5", "factor -1"),
            ("5", "6", "other value"),
            ("1", "12", "other value"),
        ] {
            assert_eq!(
                change((N, primary), (N, shadow)),
                wanted,
                "{primary} {shadow}"
            );
        }
    }

    #[test]
    fn types_that_say_the_same_are_recognised() {
        use Scalar::{Bool, Null, Number, Text};
        for (primary, shadow, wanted) in [
            ((Null, "null"), (Text, ""), "null to empty"),
            ((Number, "1"), (Text, "1"), "number to text"),
            ((Text, "1.50"), (Number, "1.5"), "text to number"),
            ((Bool, "true"), (Number, "1"), "form of a boolean"),
            ((Bool, "false"), (Text, "false"), "form of a boolean"),
            ((Bool, "true"), (Number, "0"), "other type"),
            ((Null, "null"), (Text, "null"), "other type"),
        ] {
            assert_eq!(change(primary, shadow), wanted, "{primary:?} {shadow:?}");
        }
    }
}
