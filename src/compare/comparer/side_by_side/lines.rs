//! A message in lines as they are shown: JSON is indented, HTML of one line is split at its tags, and what no reader could
//! see is escaped.

use std::{ops::Range, sync::Arc};

use super::{BYTES, LINES, LeftOut, json};

/// A line as it is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) part: Part,
    /// Where its value stands, in the words of comparing, where that is known.
    pub(super) value: Option<PlacedValue>,
}

/// A value whose place is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PlacedValue {
    pub(super) place: Arc<str>,
    /// In the line's text.
    pub(super) range: Range<usize>,
    /// As it is without its quotes; only so much of it as is kept of values.
    pub(super) plain: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    Head,
    #[default]
    Body,
}

/// Longer lines of HTML are split at tags, and longer ones of anything are wrapped.
const LONG: usize = 200;
const LONGEST: usize = 1_000;

/// The lines of a message that was kept: a status, headers, an empty line, the body.
pub(super) fn lines(message: &str) -> (Vec<Shown>, LeftOut) {
    let kept = cut_at(message, BYTES);
    let mut lines = Lines {
        left_out: LeftOut {
            lines: 0,
            bytes: message.len() - kept.len(),
        },
        ..Lines::default()
    };
    let (head, body) = kept.split_once("\n\n").unwrap_or((kept, ""));
    for (number, line) in head.split('\n').enumerate() {
        lines.head(number, line);
    }
    lines.add(Shown::default());
    lines.body(body);
    (lines.all, lines.left_out)
}

/// The beginning of a text, whole characters of it.
fn cut_at(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// What cannot be seen or turns the writing is escaped. Tabs only indent.
pub(super) fn visible(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '"' | '\'' | '\\' | '\t') {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

#[derive(Default)]
pub(super) struct Lines {
    all: Vec<Shown>,
    left_out: LeftOut,
}

impl Lines {
    /// Adds a line, in several ones where it is too long.
    pub(super) fn add(&mut self, line: Shown) {
        if line.text.len() <= LONGEST {
            return self.put(line);
        }
        let (mut begin, text) = (0, &line.text);
        while begin < text.len() {
            let part = cut_at(&text[begin..], LONGEST);
            let end = begin + part.len();
            let value = line.value.clone().and_then(|value| {
                let range = value.range.start.max(begin)..value.range.end.min(end);
                (range.start < range.end).then(|| PlacedValue {
                    range: range.start - begin..range.end - begin,
                    ..value
                })
            });
            self.put(Shown {
                text: part.to_owned(),
                value,
                ..line
            });
            begin = end;
        }
    }

    fn put(&mut self, line: Shown) {
        if self.all.len() < LINES {
            self.all.push(line);
        } else {
            self.left_out.lines += 1;
        }
    }

    fn head(&mut self, number: usize, line: &str) {
        let value = if number == 0 {
            Some(("status".into(), 0, line))
        } else {
            line.split_once(':').map(|(name, value)| {
                let name = name.to_ascii_lowercase();
                let value = value.trim();
                let place = match &*name {
                    "content-type" | "location" => name,
                    "set-cookie" => {
                        let cookie = value.split(['=', ';']).next().unwrap_or_default();
                        format!("cookie {}", cookie.trim())
                    }
                    _ => format!("header {name}"),
                };
                let before = line.rfind(value).unwrap_or_default();
                (place, before, value)
            })
        };
        let value = value.map(|(place, before, value)| {
            let begin = visible(&line[..before]).len();
            let end = begin + visible(value).len();
            placed(&place, begin..end, value)
        });
        self.add(Shown {
            text: visible(line),
            part: Part::Head,
            value,
        });
    }

    fn body(&mut self, body: &str) {
        if body.is_empty() {
            return;
        }
        if matches!(body.trim_start().as_bytes(), [b'{' | b'[', ..]) {
            return json::lines(body, self);
        }
        let body = body.strip_suffix('\n').unwrap_or(body);
        let is_html = body.contains('<');
        for line in body.split('\n') {
            if is_html && line.len() > LONG {
                for part in at_tags(line) {
                    self.plain(part);
                }
            } else {
                self.plain(line);
            }
        }
    }

    fn plain(&mut self, line: &str) {
        self.add(Shown {
            text: visible(line),
            ..Shown::default()
        });
    }
}

/// A value at a place.
pub(super) fn placed(place: &str, range: Range<usize>, plain: &str) -> PlacedValue {
    PlacedValue {
        place: place.into(),
        range,
        plain: crate::compare::extract::cut(plain, 201).to_owned(),
    }
}

/// A line of HTML before each tag that opens something.
fn at_tags(line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for at in memchr::memchr_iter(b'<', line.as_bytes()) {
        let opens = line.as_bytes().get(at + 1) != Some(&b'/');
        if opens && at > begin {
            parts.push(&line[begin..at]);
            begin = at;
        }
    }
    parts.push(&line[begin..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(message: &str) -> Vec<String> {
        let (lines, _) = lines(message);
        lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_head_has_its_places_and_a_body_of_text_its_lines() {
        let (lines, left_out) = lines(
            "200\nContent-Type: text/plain\nSet-Cookie: sid=1; Path=/\nVary: a\n\none\ntwo\n",
        );
        let places: Vec<_> = lines
            .iter()
            .filter_map(|line| Some(&*line.value.as_ref()?.place))
            .collect();
        assert_eq!(
            places,
            ["status", "content-type", "cookie sid", "header vary"]
        );
        let vary = lines[3].value.as_ref().unwrap();
        assert_eq!(&lines[3].text[vary.range.clone()], "a");
        assert_eq!((&*lines[5].text, &*lines[6].text), ("one", "two"));
        assert_eq!((lines.len(), left_out), (7, LeftOut::default()));
    }

    #[test]
    fn long_html_is_split_before_tags_and_any_long_line_is_wrapped() {
        let row = "<tr><td>tea</td></tr>".repeat(20);
        let shown = texts(&format!("200\n\n{row}"));
        assert_eq!(&shown[2..4], ["<tr>", "<td>tea</td></tr>"]);
        let word = "é".repeat(3_000);
        let shown = texts(&format!("200\n\n{word}"));
        assert_eq!(shown[2..].concat(), word);
        assert!(shown.iter().all(|line| line.len() <= LONGEST));
    }

    #[test]
    fn what_can_not_be_seen_is_made_visible() {
        let shown = texts("200\n\na\u{202e}b\r\n\tc\u{1b}[2J");
        assert_eq!(shown[2..], ["a\\u{202e}b\\r", "\tc\\u{1b}[2J"]);
    }

    #[test]
    fn what_is_beyond_the_limits_is_counted() {
        let (shown, left_out) = lines(&format!("200\n\n{}", "a\n".repeat(6_000)));
        assert_eq!((shown.len(), left_out.lines), (LINES, 6_002 - LINES));
        let (_, left_out) = lines(&format!("200\n\n{}", "a".repeat(1 << 20)));
        assert_eq!(left_out.bytes, (1 << 20) + 5 - BYTES);
    }
}
