//! Secrets of one exchange by their values: an application may say them again anywhere.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Secrets, is_setting};
use crate::{
    capture::MARK,
    compare::{
        answer::{Answer, Asked, PairIn},
        extract::{Limits, decode},
    },
    http::decoded,
};

/// Secrets of one exchange, the longest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    values: Vec<String>,
}

/// How many are looked for, and how long they are.
const MOST: usize = 200;
const SHORTEST: usize = 4;
const LONGEST: usize = 8 * 1024;
/// Shorter ones are masked only where they are words of their own.
const DISTINCT: usize = 8;

impl Known {
    /// The secrets that a request and both responses to it have.
    pub(crate) fn of_pair(secrets: &Secrets, pair: &PairIn<'_>, limits: &Limits) -> Self {
        let mut known = Self::default();
        known.of_request(secrets, &pair.asked);
        for answer in [&pair.primary, &pair.shadow] {
            known.of_answer(secrets, answer, limits);
        }
        known.finished()
    }

    /// The secrets that a request has.
    pub(crate) fn of_asked(secrets: &Secrets, asked: &Asked<'_>) -> Self {
        let mut known = Self::default();
        known.of_request(secrets, asked);
        known.finished()
    }

    /// The secrets that answers have, too.
    pub(crate) fn add_answers(
        &mut self,
        secrets: &Secrets,
        answers: [&Answer<'_>; 2],
        limits: &Limits,
    ) {
        for answer in answers {
            self.of_answer(secrets, answer, limits);
        }
        *self = std::mem::take(self).finished();
    }

    fn finished(mut self) -> Self {
        self.values
            .sort_unstable_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        self.values.dedup();
        self
    }

    fn of_request(&mut self, secrets: &Secrets, asked: &Asked<'_>) {
        self.of_headers(secrets, &asked.headers);
        if let Some(mark) = memchr::memchr(b'?', asked.target) {
            self.of_parameters(secrets, &asked.target[mark + 1..]);
        }
        let body = asked.body.unwrap_or_default();
        let kind = asked.header("content-type").unwrap_or_default();
        self.of_body(secrets, body, kind);
    }

    fn of_answer(&mut self, secrets: &Secrets, answer: &Answer<'_>, limits: &Limits) {
        self.of_headers(secrets, &answer.headers);
        if let Some(body) = decode(answer, limits).bytes {
            self.of_body(secrets, &body, b"");
        }
    }

    fn of_headers(&mut self, secrets: &Secrets, headers: &[(&[u8], &[u8])]) {
        for (name, value) in headers {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            if is("cookie") || is("set-cookie") {
                let cookies = if is("cookie") { usize::MAX } else { 1 };
                for pair in value.split(|byte| *byte == b';').take(cookies) {
                    let at = memchr::memchr(b'=', pair).map_or(pair.len(), |at| at + 1);
                    let name = pair[..at].strip_suffix(b"=").unwrap_or(pair);
                    if !is_setting(&String::from_utf8_lossy(name.trim_ascii())) {
                        self.add(pair[at..].trim_ascii());
                    }
                }
            } else if is("location") || is("referer") {
                if let Some(mark) = memchr::memchr(b'?', value) {
                    self.of_parameters(secrets, &value[mark + 1..]);
                }
            } else if secrets.names_header(&String::from_utf8_lossy(name)) {
                self.add(value);
                self.of_credentials(value);
            }
        }
    }

    /// The parts of `Basic dXNlcjpwYXNz` and `Bearer abc`.
    fn of_credentials(&mut self, value: &[u8]) {
        let Some(blank) = memchr::memchr(b' ', value) else {
            return;
        };
        let credentials = value[blank..].trim_ascii();
        self.add(credentials);
        if value[..blank].eq_ignore_ascii_case(b"basic")
            && let Ok(plain) = STANDARD.decode(credentials)
            && let Some(colon) = memchr::memchr(b':', &plain)
        {
            self.add(&plain);
            self.add(&plain[colon + 1..]);
        }
    }

    fn of_parameters(&mut self, secrets: &Secrets, text: &[u8]) {
        let note = |value: &[u8]| {
            self.add(value);
            String::new()
        };
        secrets.redact.parameters(text, note, &mut Vec::new());
    }

    fn of_body(&mut self, secrets: &Secrets, body: &[u8], kind: &[u8]) {
        if matches!(body.trim_ascii_start(), [b'{' | b'[', ..]) {
            let note = |value: &[u8]| {
                self.of_member(value);
                String::new()
            };
            secrets.redact.members(body, note, &mut Vec::new());
        } else if kind.starts_with(b"application/x-www-form-urlencoded") {
            self.of_parameters(secrets, body);
        } else if kind.starts_with(b"multipart/form-data") {
            for (from, to) in super::messages::secret_parts(secrets, body) {
                self.add(&body[from..to]);
            }
        }
    }

    /// A value of JSON: a text, a number, or all that is in it.
    fn of_member(&mut self, value: &[u8]) {
        match serde_json::from_slice(value) {
            Ok(value) => self.of_json(&value),
            // A text comes without its quotes.
            Err(_) => self.add(value),
        }
    }

    fn of_json(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) => self.add(text.as_bytes()),
            serde_json::Value::Number(number) => self.add(number.to_string().as_bytes()),
            serde_json::Value::Array(items) => items.iter().for_each(|item| self.of_json(item)),
            serde_json::Value::Object(members) => {
                members.values().for_each(|item| self.of_json(item));
            }
            serde_json::Value::Null | serde_json::Value::Bool(_) => {}
        }
    }

    fn add(&mut self, value: &[u8]) {
        let plain = decoded(value, true);
        let forms = [
            String::from_utf8_lossy(value).into_owned(),
            String::from_utf8_lossy(&plain).into_owned(),
        ];
        for form in forms {
            // As an error's text has it.
            for form in [without_digits(&form), form] {
                let is_word = ["true", "false", "null", MARK].contains(&&*form);
                let fits = (SHORTEST..=LONGEST).contains(&form.len());
                if fits && !is_word && self.values.len() < MOST {
                    self.values.push(form);
                }
            }
        }
    }

    /// A text in which a mark stands in place of each of them.
    pub(crate) fn masked(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for value in &self.values {
            if text.contains(&**value) {
                text = replaced(&text, value);
            }
        }
        text
    }

    /// A text that was cut, without the beginning of one of them at its end.
    pub(crate) fn without_cut_end(&self, text: &str) -> String {
        for value in &self.values {
            let longest = value.len().min(text.len());
            let is_end = |length: &usize| {
                value.is_char_boundary(*length) && text.ends_with(&value[..*length])
            };
            if let Some(length) = (SHORTEST..=longest).rev().find(is_end) {
                return format!("{}{MARK}", &text[..text.len() - length]);
            }
        }
        text.to_owned()
    }
}

/// A text as an error's fingerprint has it, where it is a part of a word.
fn without_digits(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !c.is_ascii_digit() {
            out.push(c);
        } else if !out.ends_with("{n}") {
            out.push_str("{n}");
        }
    }
    out
}

fn replaced(text: &str, value: &str) -> String {
    if value.len() >= DISTINCT {
        return text.replace(value, MARK);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(value) {
        let (before, found) = rest.split_at(at);
        let after = &found[value.len()..];
        let is_part = before.ends_with(char::is_alphanumeric)
            || (before.is_empty() && out.ends_with(char::is_alphanumeric))
            || after.starts_with(char::is_alphanumeric);
        out.push_str(before);
        out.push_str(if is_part { value } else { MARK });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(headers: Vec<(&'static [u8], &'static [u8])>, target: &str, body: &str) -> Known {
        let asked = Asked {
            method: b"POST",
            target: target.as_bytes(),
            headers,
            body: Some(body.as_bytes()),
        };
        Known::of_asked(&Secrets::default(), &asked)
    }

    #[test]
    fn what_a_request_has_of_secrets_is_masked_wherever_it_is_said_again() {
        let known = of(
            vec![
                (b"Authorization", b"Basic Ym9iOmh1bnRlcjI="),
                (b"Cookie", b"theme=dark; sid=abcdef123"),
            ],
            "/a?token=p%40ss+w",
            r#"{"pin": 4711, "credentials": {"a": ["nested"]}, "page": "shown"}"#,
        );
        let text = "hunter2 hunter{n} Ym9iOmh1bnRlcjI= abcdef123 p@ss w p%40ss+w 4711 nested dark shown 14711";
        let shown = known.masked(text);
        assert_eq!(
            shown,
            "redacted redacted redacted redacted redacted redacted redacted redacted dark shown 14711"
        );
        assert!(
            known
                .masked("wrong password hunter{n}")
                .ends_with(" redacted")
        );
    }

    #[test]
    fn a_secret_that_was_cut_is_not_shown_by_its_beginning() {
        let known = of(vec![(b"Cookie", b"sid=abcdef123456")], "/", "");
        assert_eq!(
            known.without_cut_end("you have abcdef12"),
            "you have redacted"
        );
        assert_eq!(known.without_cut_end("you have"), "you have");
    }
}
