//! How fields stand in log lines of text, and how what strangers sent is shown: no value can look like another field or
//! another line, or change how a terminal shows the rest.

use std::{
    borrow::Cow,
    fmt::{self, Debug},
    time::Duration,
};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// Limit of the bytes of an id or a path that are logged.
const LONGEST: usize = 256;

/// Received bytes as text for a log: cut, and with escapes for unprintable characters (control
/// characters of ASCII and of Unicode, line and paragraph separators, marks of direction).
pub(crate) fn shown(bytes: &[u8]) -> Cow<'_, str> {
    let is_plain = |byte: &u8| matches!(byte, b' '..=b'~');
    if bytes.len() <= LONGEST
        && bytes.iter().all(is_plain)
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        return Cow::Borrowed(text);
    }
    let cut = &bytes[..bytes.len().min(LONGEST)];
    let mut text = String::new();
    for character in String::from_utf8_lossy(cut).chars() {
        put(&mut text, character);
    }
    if cut.len() < bytes.len() {
        text.push('…');
    }
    Cow::Owned(text)
}

/// As [`shown`], of any length.
pub(crate) fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars()
        .for_each(|character| put(&mut shown, character));
    shown
}

/// Quotes and backslashes as they are, all else as a reader can see it.
fn put(text: &mut String, character: char) {
    if matches!(character, '"' | '\'' | '\\') {
        text.push(character);
    } else {
        text.extend(character.escape_debug());
    }
}

/// Writes `name=value`, with the value in quotes where it is more than a word.
pub(super) struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line {
            writer,
            is_first: true,
            result: Ok(()),
        };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    is_first: bool,
    result: fmt::Result,
}

impl Line<'_> {
    fn write(&mut self, field: &Field, text: &str, is_quoted: bool) {
        let result = self.try_write(field.name(), text, is_quoted);
        self.result = self.result.and(result);
    }

    fn try_write(&mut self, name: &str, text: &str, is_quoted: bool) -> fmt::Result {
        if !std::mem::take(&mut self.is_first) {
            self.writer.write_char(' ')?;
        }
        if name == "message" {
            return self.writer.write_str(&escaped(text));
        }
        if self.writer.has_ansi_escapes() {
            write!(self.writer, "\x1b[3m{name}\x1b[0m\x1b[2m=\x1b[0m")?;
        } else {
            write!(self.writer, "{name}=")?;
        }
        if is_quoted || !is_word(text) {
            write!(self.writer, "{text:?}")
        } else {
            self.writer.write_str(text)
        }
    }
}

fn is_word(text: &str) -> bool {
    let is_plain = |byte| matches!(byte, b'!'..=b'~') && !matches!(byte, b'"' | b'=' | b'\\');
    !text.is_empty() && text.bytes().all(is_plain)
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.write(field, value, true);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.write(field, &format!("{value:?}"), false);
    }
}

/// Milliseconds, to the microsecond, as logs have them.
pub(crate) fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e6).round() / 1e3
}

/// Microseconds, to a tenth.
pub(crate) fn micros(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e7).round() / 10.0
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis(time: std::time::SystemTime) -> i64 {
    let since = time
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_printable_is_shown_as_it_is_and_all_else_escaped() {
        assert_eq!(shown(b"/a b?\"c\"\\"), "/a b?\"c\"\\");
        assert_eq!(shown("/café".as_bytes()), "/café");
        assert_eq!(
            shown("a\u{1b}[2Jb\u{85}c\u{2028}d\u{202e}e\nf".as_bytes()),
            "a\\u{1b}[2Jb\\u{85}c\\u{2028}d\\u{202e}e\\nf"
        );
        assert_eq!(shown(b"\xff\x9b"), "\u{fffd}\u{fffd}");
        assert_eq!(shown(&[b'x'; 300]), format!("{}…", "x".repeat(256)));
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_can_act_on_a_terminal_or_end_a_line(bytes: Vec<u8>) {
            let text = shown(&bytes);
            let acts = |c: char| c.is_control() || ('\u{2028}'..='\u{202e}').contains(&c);
            let found = text.chars().any(acts);
            prop_assert!(!found);
        }
    }
}
