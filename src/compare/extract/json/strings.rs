//! Strings of JSON: their escapes, and JSON or a JWT in them.

use memchr::memchr2;

use super::{
    super::{
        Limits, jwt,
        place::{PlaceId, Step},
        tree::Stop,
        value::Scalar,
    },
    Json, json,
    parser::Parser,
};

impl<'a> Parser<'a, '_> {
    pub(super) fn text_value(&mut self, place: PlaceId, key: u64) -> Result<(), Stop> {
        let text = self.string()?;
        let text = match text {
            Some(text) => text,
            None => &std::mem::take(&mut self.unescaped),
        };
        if !self.inner(place, key, text) {
            self.leaf(place, key, Scalar::Text, text);
        }
        Ok(())
    }

    /// JSON or a JWT in a string, if all of it is.
    pub(super) fn inner(&mut self, place: PlaceId, key: u64, text: &str) -> bool {
        let ends = (text.as_bytes().first(), text.as_bytes().last());
        if let (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) = ends
            && self.depth < self.limits.depth
        {
            let place = self.builder.below(place, Step::Word("$"));
            let inner = Json {
                place,
                class: self.class,
                key,
                text,
                is_cut: false,
            };
            let limits = Limits {
                depth: self.limits.depth - self.depth - 1,
                ..*self.limits
            };
            let before = self.builder.len();
            let is_json = json(self.builder, &inner, &limits).is_ok();
            if !is_json {
                self.builder.take_back(before);
            }
            return is_json;
        }
        jwt::jwt(self.builder, place, self.class, key, text, self.limits)
    }

    /// A string: a part of the text, or in `unescaped` where it has escapes.
    pub(super) fn string(&mut self) -> Result<Option<&'a str>, Stop> {
        let begin = self.at + 1;
        let mut at = begin;
        match memchr2(b'"', b'\\', &self.bytes[at..]) {
            None => return Err(Stop::End),
            Some(length) => at += length,
        }
        if self.bytes[at] == b'"' {
            self.at = at + 1;
            return Ok(Some(&self.text[begin..at]));
        }
        self.unescaped.clear();
        let mut from = begin;
        loop {
            self.unescaped.push_str(&self.text[from..at]);
            if self.bytes[at] == b'"' {
                self.at = at + 1;
                return Ok(None);
            }
            at = self.escape(at + 1)?;
            from = at;
            match memchr2(b'"', b'\\', &self.bytes[at..]) {
                None => return Err(Stop::End),
                Some(length) => at += length,
            }
        }
    }

    /// Takes what stands behind a backslash; where the text goes on.
    pub(super) fn escape(&mut self, at: usize) -> Result<usize, Stop> {
        let c = match self.bytes.get(at).ok_or(Stop::End)? {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            c @ (b'"' | b'\\' | b'/') => char::from(*c),
            b'u' => return self.unicode(at + 1),
            _ => return Err(Stop::Broken),
        };
        self.unescaped.push(c);
        Ok(at + 1)
    }

    pub(super) fn unicode(&mut self, at: usize) -> Result<usize, Stop> {
        let first = self.four_digits(at)?;
        if (0xd800..0xdc00).contains(&first) && self.bytes.get(at + 4..at + 6) == Some(b"\\u") {
            let second = self.four_digits(at + 6)?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                self.unescaped.extend(char::from_u32(code));
                return Ok(at + 10);
            }
        }
        // Half a pair has no character of its own.
        self.unescaped
            .push(char::from_u32(first).unwrap_or('\u{fffd}'));
        Ok(at + 4)
    }

    pub(super) fn four_digits(&self, at: usize) -> Result<u32, Stop> {
        let digits = self.bytes.get(at..at + 4).ok_or(Stop::End)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(Stop::Broken);
        }
        let digits = std::str::from_utf8(digits).map_err(|_| Stop::Broken)?;
        u32::from_str_radix(digits, 16).map_err(|_| Stop::Broken)
    }
}
