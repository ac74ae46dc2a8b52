//! What a segment of a path is: a word of the application, or data that a placeholder stands for.

use std::borrow::Cow;

/// A segment as it stands in a route: `orders`, `{n}`, `report-{date}.csv`, `application-{hex}.js`. Extensions stay.
pub(crate) fn template(segment: &str) -> Cow<'_, str> {
    if segment.len() > LONGEST {
        return Cow::Borrowed("{token}");
    }
    if let Some(placeholder) = placeholder(segment) {
        return Cow::Borrowed(placeholder);
    }
    let (stem, extension) = split_extension(segment);
    let masked = placeholder(stem).map_or_else(|| pieces(stem), Cow::Borrowed);
    if masked == stem {
        return Cow::Borrowed(segment);
    }
    Cow::Owned(format!("{masked}{extension}"))
}

/// Longer segments are data, whatever they look like.
const LONGEST: usize = 200;

/// The placeholder of a segment that is data as a whole.
fn placeholder(segment: &str) -> Option<&'static str> {
    let bytes = segment.as_bytes();
    if bytes.is_empty() {
        return None;
    }
    let has_digit = bytes.iter().any(u8::is_ascii_digit);
    if !has_digit {
        return is_random_letters(segment).then_some("{token}");
    }
    if is_number(segment) {
        return Some("{n}");
    }
    if is_date(bytes) {
        return Some("{date}");
    }
    if is_uuid(bytes) {
        return Some("{uuid}");
    }
    if bytes.len() >= 8 && bytes.iter().all(u8::is_ascii_hexdigit) {
        return Some("{hex}");
    }
    is_token(bytes).then_some("{token}")
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `2024-03`, `2024-03-05`, and what begins with the latter and goes on with a time.
fn is_date(bytes: &[u8]) -> bool {
    let digits = |from: usize, to: usize| {
        bytes
            .get(from..to)
            .is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    let begins = digits(0, 4) && bytes.get(4) == Some(&b'-') && digits(5, 7);
    begins
        && match bytes.len() {
            7 => true,
            10.. => {
                bytes[7] == b'-'
                    && digits(8, 10)
                    && matches!(bytes.get(10), None | Some(b'T' | b't'))
            }
            _ => false,
        }
}

/// Letters and digits that change places often, as no name does.
fn is_token(bytes: &[u8]) -> bool {
    const SHORTEST: usize = 16;
    let is_plain = bytes
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"_=~".contains(byte));
    if bytes.len() < SHORTEST || !is_plain {
        return false;
    }
    let changes = bytes
        .windows(2)
        .filter(|pair| kind(pair[0]) != kind(pair[1]))
        .count();
    changes * 4 >= bytes.len()
}

/// Letters of both cases that change places often.
fn is_random_letters(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_letters = bytes.iter().all(u8::is_ascii_alphabetic);
    is_letters && bytes.len() >= 20 && {
        let changes = bytes
            .windows(2)
            .filter(|pair| kind(pair[0]) != kind(pair[1]))
            .count();
        changes * 3 >= bytes.len()
    }
}

fn kind(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        b'a'..=b'z' => 2,
        _ => 3,
    }
}

/// The extension with its dot, where the end of a segment is one.
fn split_extension(segment: &str) -> (&str, &str) {
    let Some(dot) = segment.rfind('.') else {
        return (segment, "");
    };
    let extension = &segment[dot + 1..];
    let is_extension = (1..=6).contains(&extension.len())
        && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && extension.bytes().any(|byte| byte.is_ascii_alphabetic());
    if dot == 0 || !is_extension {
        return (segment, "");
    }
    segment.split_at(dot)
}

/// A segment whose parts between dashes, dots and colons are words and data: `1407-a-title` is `{n}-{slug}`.
fn pieces(segment: &str) -> Cow<'_, str> {
    if !segment.bytes().any(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(segment);
    }
    let is_delimiter = |c: char| matches!(c, '-' | '.' | ':' | ',' | '_' | '~' | '@' | '=');
    if let Some((first, rest)) = segment.split_once('-')
        && is_number(first)
        && rest.bytes().any(|byte| byte.is_ascii_alphabetic())
    {
        return Cow::Borrowed("{n}-{slug}");
    }
    let mut text = String::with_capacity(segment.len());
    let mut has_data = false;
    let mut rest = segment;
    loop {
        let end = rest.find(is_delimiter).unwrap_or(rest.len());
        match placeholder(&rest[..end]) {
            // A digit or two in a name are the name's: `v-2`, `iso-8859-1`.
            Some(known) if known != "{n}" || end > 2 => {
                has_data = true;
                text.push_str(known);
            }
            _ => text.push_str(&rest[..end]),
        }
        let Some(delimiter) = rest[end..].chars().next() else {
            break;
        };
        text.push(delimiter);
        rest = &rest[end + delimiter.len_utf8()..];
    }
    if has_data {
        Cow::Owned(text)
    } else {
        Cow::Borrowed(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn data_becomes_a_placeholder_and_words_stay() {
        for (segment, expected) in [
            ("orders", "orders"),
            ("1407", "{n}"),
            ("-3", "{n}"),
            ("v2", "v2"),
            ("2fa", "2fa"),
            ("oauth2", "oauth2"),
            ("utf-8", "utf-8"),
            ("2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b", "{uuid}"),
            ("9e107d9d372bb6826bd81d3542a419d6", "{hex}"),
            ("2024-03-05", "{date}"),
            ("2024-03", "{date}"),
            ("2024-03-05T14:22:07Z", "{date}"),
            ("eyJhbGciOiJIUzI1NiJ9x8Qw3", "{token}"),
            ("sign_in", "sign_in"),
            ("1407.json", "{n}.json"),
            ("orders.csv", "orders.csv"),
            ("report-2024.csv", "report-{n}.csv"),
            ("app-9e107d9d372bb682.js", "app-{hex}.js"),
            ("1407-how-to-install", "{n}-{slug}"),
            ("how-to-install", "how-to-install"),
            ("", ""),
        ] {
            assert_eq!(template(segment), expected, "{segment}");
        }
    }

    #[test]
    fn a_segment_without_end_is_a_token() {
        assert_eq!(template(&"x".repeat(1000)), "{token}");
    }

    proptest! {
        #[test]
        fn any_segment_has_a_template_of_bounded_length(segment in "\\PC{0,300}") {
            prop_assert!(template(&segment).len() <= 3 * LONGEST + 100);
        }
    }
}
