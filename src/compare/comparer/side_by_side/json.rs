//! JSON in lines: its tokens as they were sent, each value in a line of its own, with its place in the words of comparing.
//! What is no JSON is laid out by its brackets all the same.

use super::lines::{Lines, Part, PlacedValue, Shown, placed, visible};
use crate::compare::extract::place::{PlaceId, Places, Step};

/// Levels that are indented, and of which places are known.
const DEPTH: usize = 64;
const INDENT: &str = "  ";

/// Adds the lines of a text that begins as JSON does.
pub(super) fn lines(text: &str, to: &mut Lines) {
    let mut places = Places::default();
    let root = places.root("$");
    let mut writer = Writer {
        to,
        places,
        root,
        above: Vec::new(),
        depth: 0,
        line: String::new(),
        value: None,
    };
    let mut tokens = Tokens { text, at: 0 };
    while let Some(token) = tokens.next() {
        match token {
            "{" | "[" => writer.open(token, &mut tokens),
            "}" | "]" => writer.close(token),
            "," => {
                writer.line.push(',');
                writer.end_line();
            }
            ":" => writer.line.push_str(": "),
            _ if tokens.peek() == Some(":") => writer.name(token),
            _ => writer.value(token),
        }
    }
    writer.end_line();
}

/// What an object or a list is the place of.
#[derive(Clone, Copy)]
struct Container {
    place: Option<PlaceId>,
    is_list: bool,
    /// The member that comes next.
    member: Option<PlaceId>,
}

struct Writer<'a> {
    to: &'a mut Lines,
    places: Places,
    root: PlaceId,
    /// No more than are known; there may be more levels.
    above: Vec<Container>,
    depth: usize,
    line: String,
    value: Option<PlacedValue>,
}

impl Writer<'_> {
    fn open(&mut self, bracket: &str, tokens: &mut Tokens<'_>) {
        let place = self.place();
        self.begin_value();
        let begin = self.line.len();
        self.line.push_str(bracket);
        if let Some(end @ ("}" | "]")) = tokens.peek() {
            tokens.next();
            self.line.push_str(end);
        } else {
            self.depth += 1;
            if self.depth <= DEPTH {
                self.above.push(Container {
                    place,
                    is_list: bracket == "[",
                    member: None,
                });
            }
        }
        self.note(place, begin, "");
        if !self.line.ends_with(['}', ']']) {
            self.end_line();
        }
    }

    fn close(&mut self, bracket: &str) {
        if !self.line.trim().is_empty() {
            self.end_line();
        }
        let mut place = None;
        if self.depth <= DEPTH {
            place = self.above.pop().and_then(|closed| closed.place);
        }
        self.depth = self.depth.saturating_sub(1);
        self.line.clear();
        self.indent();
        let begin = self.line.len();
        self.line.push_str(bracket);
        self.note(place, begin, "");
    }

    fn name(&mut self, token: &str) {
        let plain = plain(token);
        if let Some(above) = self.container()
            && let Some(place) = above.place
        {
            let member = self.places.below(place, Step::Member(&plain));
            if let Some(above) = self.above.last_mut() {
                above.member = Some(member);
            }
        }
        self.begin_value();
        self.line.push_str(&visible(token));
    }

    fn value(&mut self, token: &str) {
        let place = self.place();
        self.begin_value();
        let begin = self.line.len();
        self.line.push_str(&visible(token));
        self.note(place, begin, &plain(token));
    }

    /// What stands behind a value without a comma is no JSON, or the next text of several.
    fn begin_value(&mut self) {
        if self.line.ends_with(": ") {
            return;
        }
        if !self.line.trim().is_empty() {
            self.end_line();
        }
        self.line.clear();
        self.indent();
    }

    fn note(&mut self, place: Option<PlaceId>, begin: usize, plain: &str) {
        let place = place.map(|place| self.places.at(place).as_str());
        self.value = place.map(|place| placed(place, begin..self.line.len(), plain));
    }

    fn container(&self) -> Option<Container> {
        (self.depth <= DEPTH).then(|| self.above.last().copied())?
    }

    /// Where the next value stands.
    fn place(&mut self) -> Option<PlaceId> {
        if self.depth == 0 {
            return Some(self.root);
        }
        let above = self.container()?;
        if above.is_list {
            return Some(self.places.below(above.place?, Step::Items));
        }
        above.member
    }

    fn indent(&mut self) {
        for _ in 0..self.depth.min(DEPTH) {
            self.line.push_str(INDENT);
        }
    }

    fn end_line(&mut self) {
        let text = std::mem::take(&mut self.line);
        let value = self.value.take();
        if !text.trim().is_empty() {
            self.to.add(Shown {
                text,
                part: Part::Body,
                value,
            });
        }
    }
}

/// A text without its quotes and escapes.
fn plain(token: &str) -> String {
    let inner = token.strip_prefix('"').unwrap_or(token);
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    if !token.contains('\\') {
        return inner.to_owned();
    }
    serde_json::from_str(token).unwrap_or_else(|_| inner.to_owned())
}

/// The tokens of JSON, whatever comes.
struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.token().map(|(begin, end)| &self.text[begin..end])
    }

    fn next(&mut self) -> Option<&'a str> {
        let (begin, end) = self.token()?;
        self.at = end;
        Some(&self.text[begin..end])
    }

    /// Where the next one begins and ends.
    fn token(&self) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let blank = bytes[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace());
        let begin = self.at + blank.count();
        let end = match *bytes.get(begin)? {
            b'{' | b'}' | b'[' | b']' | b',' | b':' => begin + 1,
            b'"' => end_of_string(bytes, begin),
            _ => {
                let is_end = |byte: &u8| byte.is_ascii_whitespace() || b"{}[],:\"".contains(byte);
                let length = bytes[begin..].iter().position(is_end);
                length.map_or(bytes.len(), |length| begin + length)
            }
        };
        Some((begin, end))
    }
}

/// Behind the quote that ends it, or the end of the text.
fn end_of_string(bytes: &[u8], begin: usize) -> usize {
    let mut at = begin + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    // A backslash may be the last byte, or stand before a character of several.
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::super::lines::lines as lines_of;

    fn shown(body: &str) -> Vec<(String, String)> {
        let (lines, _) = lines_of(&format!("200\n\n{body}"));
        let body = lines.into_iter().skip(2);
        body.map(|line| {
            let value = line.value.map_or(String::new(), |value| {
                format!("{} {}", value.place, &line.text[value.range])
            });
            (line.text, value)
        })
        .collect()
    }

    #[test]
    fn each_value_has_a_line_and_a_place_and_is_written_as_it_was_sent() {
        let shown = shown(r#"{"a":1.50,"b":[{"c":"x\"y"},{}],"17":null}"#);
        let want = [
            ("{", "$ {"),
            ("  \"a\": 1.50,", "$.a 1.50"),
            ("  \"b\": [", "$.b ["),
            ("    {", "$.b[] {"),
            ("      \"c\": \"x\\\"y\"", "$.b[].c \"x\\\"y\""),
            ("    },", "$.b[] }"),
            ("    {}", "$.b[] {}"),
            ("  ],", "$.b ]"),
            ("  \"17\": null", "$.{n} null"),
            ("}", "$ }"),
        ];
        let want: Vec<_> = want
            .map(|(line, value)| (line.to_owned(), value.to_owned()))
            .into();
        assert_eq!(shown, want);
    }

    #[test]
    fn several_texts_and_what_is_broken_are_laid_out_without_losing_a_token() {
        let text = "{\"a\":1}\n{\"a\":2}]} x \"y";
        let lines: Vec<_> = shown(text).into_iter().map(|line| line.0).collect();
        let tight = |text: &str| text.replace(char::is_whitespace, "");
        assert_eq!(tight(&lines.concat()), tight(text));
        assert_eq!(lines[1], "  \"a\": 1");
        assert_eq!(lines[4], "  \"a\": 2");
    }
}
