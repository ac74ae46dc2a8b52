//! `application/x-www-form-urlencoded`.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{super::values::names_token, Unpaired, edited};
use crate::http::decoded;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A value as it is written in a form.
pub(super) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, KEPT).to_string()
}

/// Each name and value, decoded, and where the value is written.
pub(super) fn pairs(
    text: &str,
    mut each: impl FnMut(&str, &str, Range<usize>) -> Result<(), Unpaired>,
) -> Result<(), Unpaired> {
    let mut at = 0;
    for pair in text.split('&') {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let begin = at + pair.len() - value.len();
        at += pair.len() + 1;
        // Words of free text hold neither ids nor tokens.
        let is_text = value.contains('+') && !names_token(name);
        if value.is_empty() || is_text {
            continue;
        }
        let (name, value_text) = (
            decoded(name.as_bytes(), true),
            decoded(value.as_bytes(), true),
        );
        if let (Ok(name), Ok(value_text)) =
            (std::str::from_utf8(&name), std::str::from_utf8(&value_text))
        {
            each(name, value_text, begin..begin + value.len())?;
        }
    }
    Ok(())
}

/// The form with other values; none where all stay.
pub(super) fn edit(
    text: &str,
    mut value: impl FnMut(&str, &str) -> Result<Option<String>, Unpaired>,
) -> Result<Option<String>, Unpaired> {
    let mut edits = Vec::new();
    pairs(text, |name, text, range| {
        if let Some(other) = value(name, text)? {
            edits.push((range, encoded(&other)));
        }
        Ok(())
    })?;
    Ok(edited(text, edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_where_they_stand() {
        let edited = edit("a=1&b%5Bid%5D=7%2C8&c=&d=1", |name, value| {
            Ok((name == "b[id]" && value == "7,8").then(|| "x/y z".to_owned()))
        });
        assert_eq!(
            edited,
            Ok(Some("a=1&b%5Bid%5D=x%2Fy%20z&c=&d=1".to_owned()))
        );
        assert_eq!(edit("a=1", |_, _| Ok(None)), Ok(None));
        let words = edit("a=7+8", |_, _| Ok(Some(String::new())));
        assert_eq!(words, Ok(None), "free text");
    }
}
