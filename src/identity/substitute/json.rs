//! JSON texts (RFC 8259), whose values are replaced where they stand: all else stays as it is written.

use std::ops::Range;

use super::{Unpaired, edited};

/// Deeper ones are left as they are.
const DEPTH: usize = 100;

/// The text with other strings and numbers; none where all stay, or where it is no JSON.
pub(super) fn edit(
    text: &str,
    mut value: impl FnMut(&[&str], &str) -> Result<Option<String>, Unpaired>,
) -> Result<Option<String>, Unpaired> {
    let mut scalars = Vec::new();
    let mut reader = Reader {
        text,
        at: 0,
        place: Vec::new(),
    };
    if reader.value(&mut scalars).is_none() || !text[reader.at..].trim().is_empty() {
        return Ok(None);
    }
    let mut edits = Vec::new();
    for scalar in scalars {
        let written = &text[scalar.at.clone()];
        let place: Vec<&str> = scalar.place.iter().map(String::as_str).collect();
        if scalar.is_string {
            let Ok(plain) = serde_json::from_str::<String>(written) else {
                return Ok(None);
            };
            if let Some(other) = value(&place, &plain)? {
                edits.push((scalar.at, serde_json::Value::from(other).to_string()));
            }
        } else if let Some(other) = value(&place, written)? {
            let is_number = other.bytes().all(|c| c.is_ascii_digit());
            let other = if is_number {
                other
            } else {
                serde_json::Value::from(other).to_string()
            };
            edits.push((scalar.at, other));
        }
    }
    Ok(edited(text, edits))
}

struct Scalar {
    place: Vec<String>,
    at: Range<usize>,
    is_string: bool,
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    place: Vec<String>,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let space = rest
            .iter()
            .take_while(|c| matches!(c, b' ' | b'\t' | b'\r' | b'\n'));
        self.at += space.count();
        self.text.as_bytes().get(self.at).copied()
    }

    fn take(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.at += 1)
    }

    fn value(&mut self, scalars: &mut Vec<Scalar>) -> Option<()> {
        if self.place.len() > DEPTH {
            return None;
        }
        match self.peek()? {
            b'{' => self.members(scalars),
            b'[' => self.elements(scalars),
            b'"' => {
                let at = self.string()?;
                self.scalar(at, true, scalars);
                Some(())
            }
            _ => {
                let rest = &self.text.as_bytes()[self.at..];
                let length = rest
                    .iter()
                    .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'+' | b'.'))
                    .count();
                if length == 0 {
                    return None;
                }
                let at = self.at..self.at + length;
                self.at = at.end;
                if rest[0].is_ascii_digit() {
                    self.scalar(at, false, scalars);
                }
                Some(())
            }
        }
    }

    fn scalar(&self, at: Range<usize>, is_string: bool, scalars: &mut Vec<Scalar>) {
        scalars.push(Scalar {
            place: self.place.clone(),
            at,
            is_string,
        });
    }

    fn members(&mut self, scalars: &mut Vec<Scalar>) -> Option<()> {
        self.take(b'{')?;
        if self.peek()? == b'}' {
            return self.take(b'}');
        }
        loop {
            self.peek()?;
            let name = self.string()?;
            let name = serde_json::from_str::<String>(&self.text[name]).ok()?;
            self.take(b':')?;
            self.place.push(name);
            self.value(scalars)?;
            self.place.pop();
            match self.peek()? {
                b',' => self.at += 1,
                _ => return self.take(b'}'),
            }
        }
    }

    fn elements(&mut self, scalars: &mut Vec<Scalar>) -> Option<()> {
        self.take(b'[')?;
        if self.peek()? == b']' {
            return self.take(b']');
        }
        self.place.push("[]".to_owned());
        loop {
            self.value(scalars)?;
            match self.peek()? {
                b',' => self.at += 1,
                _ => break,
            }
        }
        self.place.pop();
        self.take(b']')
    }

    /// Where a string is written, with its quotes.
    fn string(&mut self) -> Option<Range<usize>> {
        let begin = self.at;
        self.take(b'"')?;
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at)? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(begin..self.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_replaced_where_they_stand() {
        let text =
            r#"{ "b": 1.50, "order": {"id": 7, "lines": [ {"sku": "a\"7"}, "7" ]}, "n": null }"#;
        let edited = edit(text, |place, value| {
            Ok(match (place, value) {
                (["order", "id"], "7") => Some("5".to_owned()),
                (["order", "lines", "[]", "sku"], "a\"7") => Some("b\"5".to_owned()),
                (["order", "lines", "[]"], "7") => Some("x".to_owned()),
                _ => None,
            })
        });
        let wanted =
            r#"{ "b": 1.50, "order": {"id": 5, "lines": [ {"sku": "b\"5"}, "x" ]}, "n": null }"#;
        assert_eq!(edited, Ok(Some(wanted.to_owned())));
    }

    #[test]
    fn what_is_no_json_stays() {
        for text in [
            "",
            "{",
            "[1",
            "{\"a\"}",
            "{\"a\":1}}",
            "\"a",
            "\"\\",
            "[1,]",
            "1 2",
        ] {
            assert_eq!(edit(text, |_, _| Ok(Some("x".into()))), Ok(None), "{text}");
        }
        let deep = "[".repeat(10_000);
        assert_eq!(edit(&deep, |_, _| Ok(None)), Ok(None));
    }
}
