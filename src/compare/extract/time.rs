//! Recognises times in the formats that applications write, by hand: a few tens of nanoseconds for what is no time.

/// How a time is written, without its fraction and its zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TimeStyle {
    /// `2024-03-05T14:22:00Z`
    Rfc3339,
    /// `2024-03-05 14:22:00`
    Spaced,
    /// `2024-03-05`
    Date,
    /// `Tue, 05 Mar 2024 14:22:00 GMT`
    Rfc1123,
    /// `Tuesday, 05-Mar-24 14:22:00 GMT`
    Rfc850,
    /// `Tue Mar  5 14:22:00 2024`
    Asctime,
    /// `03/05/2024 02:22 pm`
    Slashed,
    /// `March 5, 2024, 2:22 p.m.`
    Written,
    EpochSeconds,
    EpochMillis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Zone {
    None,
    Z,
    Offset,
    Name,
}

/// A format of times. Two texts of the same instant in two formats are a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TimeForm {
    pub(crate) style: TimeStyle,
    pub(crate) zone: Zone,
    /// Precision of the fraction of a second: none, 3 for up to milliseconds, 6 for more.
    pub(crate) fraction: u8,
    pub(crate) has_seconds: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Time {
    pub(crate) unix_ms: i64,
    pub(crate) form: TimeForm,
}

const LONGEST: usize = 48;

/// The time that a text is, if all of it is one.
pub(crate) fn time_of(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    if !(8..=LONGEST).contains(&bytes.len()) {
        return None;
    }
    if bytes[0].is_ascii_digit() {
        let after = bytes.iter().position(|byte| !byte.is_ascii_digit())?;
        return match (after, bytes[after]) {
            (4, b'-') => dashed(text),
            (1 | 2, b'/') => slashed(text),
            _ => None,
        };
    }
    if !bytes[0].is_ascii_uppercase() {
        return None;
    }
    named_day(text).or_else(|| written(text))
}

/// A number that is likely seconds or milliseconds since 1970, from 2001 to 2065.
pub(crate) fn epoch_of(text: &str) -> Option<Time> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let number: i64 = match whole.len() {
        10 | 13 => whole.parse().ok()?,
        _ => return None,
    };
    let is_seconds = whole.len() == 10;
    let seconds = if is_seconds { number } else { number / 1000 };
    if !(1_000_000_000..3_000_000_000).contains(&seconds) || !is_seconds && !fraction.is_empty() {
        return None;
    }
    let unix_ms = if is_seconds {
        seconds * 1000 + millis(fraction)?
    } else {
        number
    };
    let style = if is_seconds {
        TimeStyle::EpochSeconds
    } else {
        TimeStyle::EpochMillis
    };
    Some(Time {
        unix_ms,
        form: TimeForm {
            style,
            zone: Zone::None,
            fraction: digits(fraction.len()),
            has_seconds: true,
        },
    })
}

/// How precise a fraction is. Some writers leave out zeros at its end, so its exact length says nothing.
fn digits(length: usize) -> u8 {
    match length {
        0 => 0,
        1..=3 => 3,
        _ => 6,
    }
}

/// The milliseconds of a fraction's digits.
fn millis(fraction: &str) -> Option<i64> {
    let mut millis = 0;
    for at in 0..3 {
        let digit = match fraction.as_bytes().get(at) {
            None => 0,
            Some(byte) if byte.is_ascii_digit() => i64::from(byte - b'0'),
            Some(_) => return None,
        };
        millis = millis * 10 + digit;
    }
    fraction
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(millis)
}

/// Days since 1970 of a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || !(1000..=9999).contains(&year) {
        return None;
    }
    // Years begin in March here, so that the leap day is the last one.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// A time of day, with what stands behind it.
struct Clock<'a> {
    ms: i64,
    fraction: u8,
    has_seconds: bool,
    rest: &'a str,
}

/// Reads `14:22`, `14:22:00` or `14:22:00.123`.
fn clock(text: &str) -> Option<Clock<'_>> {
    let (hour, rest) = number(text, 1, 2)?;
    let (minute, mut rest) = number(rest.strip_prefix(':')?, 2, 2)?;
    let (mut ms, mut fraction, mut has_seconds) = ((hour * 60 + minute) * 60_000, 0, false);
    if hour > 24 || minute > 59 {
        return None;
    }
    if let Some((second, after)) = rest.strip_prefix(':').and_then(|rest| number(rest, 2, 2)) {
        if second > 60 {
            return None;
        }
        (ms, rest, has_seconds) = (ms + second * 1000, after, true);
        if let Some(part) = rest.strip_prefix(['.', ',']) {
            let end = part
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(part.len());
            if end == 0 {
                return None;
            }
            ms += millis(&part[..end])?;
            (fraction, rest) = (digits(end), &part[end..]);
        }
    }
    Some(Clock {
        ms,
        fraction,
        has_seconds,
        rest,
    })
}

/// A number of so many digits, and the rest.
fn number(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let length = text
        .bytes()
        .take(most)
        .take_while(u8::is_ascii_digit)
        .count();
    if length < least {
        return None;
    }
    Some((text[..length].parse().ok()?, &text[length..]))
}

/// What a zone at the end of a time says, with its offset in milliseconds.
fn zone(text: &str) -> Option<(Zone, i64)> {
    let text = text.trim_start_matches(' ');
    match text {
        "" => return Some((Zone::None, 0)),
        "Z" | "z" => return Some((Zone::Z, 0)),
        _ => {}
    }
    if let Some(offset) = text.strip_prefix(['+', '-']) {
        let (hours, rest) = number(offset, 2, 2)?;
        let minutes = match rest.strip_prefix(':').unwrap_or(rest) {
            "" => 0,
            rest => {
                let (minutes, end) = number(rest, 2, 2)?;
                end.is_empty().then_some(minutes)?
            }
        };
        let ms = (hours * 60 + minutes) * 60_000;
        return Some((Zone::Offset, if text.starts_with('-') { -ms } else { ms }));
    }
    let is_name = (2..=5).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_uppercase());
    is_name.then_some((Zone::Name, 0))
}

fn time(style: TimeStyle, day: i64, clock: &Clock<'_>) -> Option<Time> {
    let (zone, offset) = zone(clock.rest)?;
    Some(Time {
        unix_ms: day * 86_400_000 + clock.ms - offset,
        form: TimeForm {
            style,
            zone,
            fraction: clock.fraction,
            has_seconds: clock.has_seconds,
        },
    })
}

/// A day without a time of day.
fn date(style: TimeStyle, day: i64) -> Time {
    Time {
        unix_ms: day * 86_400_000,
        form: TimeForm {
            style,
            zone: Zone::None,
            fraction: 0,
            has_seconds: false,
        },
    }
}

/// `2024-03-05`, and with a time of day behind `T` or a space.
fn dashed(text: &str) -> Option<Time> {
    let (year, rest) = number(text, 4, 4)?;
    let (month, rest) = number(rest.strip_prefix('-')?, 2, 2)?;
    let (day, rest) = number(rest.strip_prefix('-')?, 2, 2)?;
    let day = days(year, month, day)?;
    if rest.is_empty() {
        return Some(date(TimeStyle::Date, day));
    }
    let style = match rest.as_bytes()[0] {
        b'T' | b't' => TimeStyle::Rfc3339,
        b' ' => TimeStyle::Spaced,
        _ => return None,
    };
    time(style, day, &clock(&rest[1..])?)
}

/// `03/05/2024`, and with a time of day of 12 or 24 hours. Which of both numbers is the month can't be told; American
/// order is taken where it is possible.
fn slashed(text: &str) -> Option<Time> {
    let (first, rest) = number(text, 1, 2)?;
    let (second, rest) = number(rest.strip_prefix('/')?, 1, 2)?;
    let (year, rest) = number(rest.strip_prefix('/')?, 4, 4)?;
    let day = days(year, first, second).or_else(|| days(year, second, first))?;
    if rest.is_empty() {
        return Some(date(TimeStyle::Slashed, day));
    }
    twelve_hours(TimeStyle::Slashed, day, rest.trim_start_matches([',', ' ']))
}

/// A time of day that may say am or pm.
fn twelve_hours(style: TimeStyle, day: i64, text: &str) -> Option<Time> {
    const NOON: i64 = 12 * 3_600_000;
    let mut clock = clock(text)?;
    let half = clock.rest.trim_start();
    for (name, is_after) in [
        ("a.m.", false),
        ("p.m.", true),
        ("am", false),
        ("pm", true),
        ("AM", false),
        ("PM", true),
    ] {
        if let Some(rest) = half.strip_prefix(name) {
            clock.ms = clock.ms % NOON + if is_after { NOON } else { 0 };
            clock.rest = rest;
            break;
        }
    }
    time(style, day, &clock)
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// A month by its name or by three letters of it, and the rest.
fn month(text: &str) -> Option<(i64, &str)> {
    let length = text
        .find(|c: char| !c.is_ascii_alphabetic())
        .unwrap_or(text.len());
    let name = &text[..length];
    if length < 3 {
        return None;
    }
    let at = MONTHS.iter().position(|month| {
        month.eq_ignore_ascii_case(name) || name.len() == 3 && month[..3].eq_ignore_ascii_case(name)
    })?;
    Some((i64::try_from(at).ok()? + 1, &text[length..]))
}

/// The formats of HTTP, which begin with the name of a day.
fn named_day(text: &str) -> Option<Time> {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    DAYS.iter().find(|day| text.starts_with(*day))?;
    let length = text.find(|c: char| !c.is_ascii_alphabetic())?;
    let rest = &text[length..];
    let Some(rest) = rest.strip_prefix(", ") else {
        // Tue Mar  5 14:22:00 2024
        let (month, rest) = month(rest.strip_prefix(' ')?)?;
        let (day, rest) = number(rest.trim_start(), 1, 2)?;
        let mut clock = clock(rest.strip_prefix(' ')?)?;
        let (year, rest) = number(clock.rest.strip_prefix(' ')?, 4, 4)?;
        clock.rest = rest;
        return time(TimeStyle::Asctime, days(year, month, day)?, &clock);
    };
    let (day, rest) = number(rest, 1, 2)?;
    let separator = rest.chars().next()?;
    let (month, rest) = month(rest.strip_prefix([' ', '-'])?)?;
    let (year, rest) = number(rest.strip_prefix(separator)?, 2, 4)?;
    let (style, year) = match (separator, year) {
        (' ', 1000..) => (TimeStyle::Rfc1123, year),
        ('-', 0..=69) => (TimeStyle::Rfc850, 2000 + year),
        ('-', 70..=99) => (TimeStyle::Rfc850, 1900 + year),
        ('-', 1000..) => (TimeStyle::Rfc850, year),
        _ => return None,
    };
    time(
        style,
        days(year, month, day)?,
        &clock(rest.strip_prefix(' ')?)?,
    )
}

/// `March 5, 2024`, and with `, 2:22 p.m.`
fn written(text: &str) -> Option<Time> {
    let (month, rest) = month(text)?;
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let (day, rest) = number(rest.strip_prefix(' ')?, 1, 2)?;
    let (year, rest) = number(rest.strip_prefix(", ")?, 4, 4)?;
    let day = days(year, month, day)?;
    if rest.is_empty() {
        return Some(date(TimeStyle::Written, day));
    }
    let rest = rest.trim_start_matches([',', ' ']);
    twelve_hours(
        TimeStyle::Written,
        day,
        rest.strip_prefix("at ").unwrap_or(rest),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instant_is_read_in_all_formats() {
        for text in [
            "2024-03-05T14:22:07Z",
            "2024-03-05T14:22:07.000Z",
            "2024-03-05T14:22:07+00:00",
            "2024-03-05T16:22:07+0200",
            "2024-03-05 14:22:07",
            "2024-03-05 14:22:07 UTC",
            "Tue, 05 Mar 2024 14:22:07 GMT",
            "Tuesday, 05-Mar-24 14:22:07 GMT",
            "Tue Mar  5 14:22:07 2024",
            "03/05/2024 02:22:07 pm",
        ] {
            let time = time_of(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(time.unix_ms, 1_709_648_527_000, "{text}");
        }
        for text in ["March 5, 2024, 2:22 p.m.", "Mar 5, 2024 14:22"] {
            assert_eq!(time_of(text).unwrap().unix_ms, 1_709_648_520_000, "{text}");
        }
        assert_eq!(epoch_of("1709648527").unwrap().unix_ms, 1_709_648_527_000);
        assert_eq!(
            epoch_of("1709648527123").unwrap().unix_ms,
            1_709_648_527_123
        );
        assert_eq!(time_of("1970-01-01").unwrap().unix_ms, 0);
    }

    #[test]
    fn milliseconds_that_are_lost_are_a_format_of_their_own() {
        let with = time_of("2024-03-05T14:22:07.123Z").unwrap();
        let without = time_of("2024-03-05T14:22:07Z").unwrap();
        assert_eq!((with.form.fraction, without.form.fraction), (3, 0));
        assert_eq!(with.unix_ms - without.unix_ms, 123);
    }

    #[test]
    fn what_is_no_time_is_not_taken_for_one() {
        for text in [
            "2024-13-05",
            "2024-03-05Tomorrow",
            "1234-5678-90",
            "May flowers",
            "Monday morning",
            "12/34/5678901",
            "2024-03-05 14:22:07 and more",
            "99999999",
            "é024-03-05",
        ] {
            assert_eq!(time_of(text), None, "{text}");
        }
        for text in ["140700", "9999999999", "17096485270"] {
            assert_eq!(epoch_of(text), None, "{text}");
        }
    }
}
