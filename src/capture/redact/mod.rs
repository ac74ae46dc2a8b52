//! Leaves out of a message what is not to be in a file: values of fields, cookies, parameters, JSON.
//!
//! A value becomes a mark, or a keyed hash: then the same value is the same text in every record, and only the holder of
//! the key can tell which it was.

mod json;
mod pairs;
mod words;

use std::fmt::Write as _;

use ring::hmac;

use crate::http::is_same_name;

/// What is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct Redact {
    headers: Vec<String>,
    cookies: Vec<String>,
    query: Vec<String>,
    json: Vec<String>,
    key: Option<hmac::Key>,
    /// Beyond what is configured: credentials, all cookies, and whatever is named as a secret.
    has_usual: bool,
}

/// What stands in place of a value.
pub(crate) const MARK: &str = "redacted";

/// Bytes of the hash that stands behind the mark.
const HASH: usize = 8;

/// Whether this stands in place of a value that was left out.
pub(crate) fn is_redacted(text: &str) -> bool {
    let Some(rest) = text.strip_prefix(MARK) else {
        return false;
    };
    let hash = rest.strip_prefix('-');
    let is_hash =
        |hash: &str| hash.len() == 2 * HASH && hash.bytes().all(|b| b.is_ascii_hexdigit());
    rest.is_empty() || hash.is_some_and(is_hash)
}

impl Redact {
    pub(crate) fn new(settings: &crate::config::Redact) -> Self {
        let key = settings.key.as_ref();
        let headers = settings.headers.iter();
        let headers = headers.map(|name| name.spelling().to_owned());
        Self {
            headers: headers.collect(),
            cookies: settings.cookies.clone(),
            query: settings.query.clone(),
            json: settings.json.clone(),
            key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.reveal().as_bytes())),
            has_usual: false,
        }
    }

    /// Leaves out what is a secret though nobody configured it, too: credentials, cookies, and what is named as a secret.
    pub(crate) fn with_usual_secrets(self) -> Self {
        Self {
            has_usual: true,
            ..self
        }
    }

    /// Whether the value of a header of this name is left out.
    pub(crate) fn names_header(&self, name: &[u8]) -> bool {
        let is_secret = |header: &String| is_same_name(name, header.as_bytes());
        self.headers.iter().any(is_secret)
            || (self.has_usual && words::is_secret(&String::from_utf8_lossy(name)))
    }

    /// Whether the value of a cookie of this name is left out.
    pub(crate) fn names_cookie(&self, name: &[u8]) -> bool {
        self.has_usual || pairs::is_named(name, &self.cookies)
    }

    /// Whether the value of a parameter of this name is left out.
    pub(crate) fn names_parameter(&self, name: &[u8]) -> bool {
        let is_usual = || words::is_secret_parameter(&String::from_utf8_lossy(name));
        pairs::is_named(name, &self.query) || (self.has_usual && is_usual())
    }

    /// Whether the value of a member of JSON of this name is left out.
    pub(crate) fn names_member(&self, name: &str) -> bool {
        self.json.iter().any(|known| known == name) || (self.has_usual && words::is_secret(name))
    }

    /// Writes JSON with what `replaced` makes of each value that is left out.
    pub(crate) fn members(
        &self,
        text: &[u8],
        replaced: impl FnMut(&[u8]) -> String,
        out: &mut Vec<u8>,
    ) {
        json::replace(text, |name| self.names_member(name), replaced, out);
    }

    /// Writes a query or a form with what `replaced` makes of each value that is left out.
    pub(crate) fn parameters(
        &self,
        text: &[u8],
        replaced: impl FnMut(&[u8]) -> String,
        out: &mut Vec<u8>,
    ) {
        pairs::replace(
            text,
            pairs::QUERY,
            |name| self.names_parameter(name),
            replaced,
            out,
        );
    }

    /// Whether everything stays.
    pub(crate) fn is_nothing(&self) -> bool {
        [&self.headers, &self.cookies, &self.query, &self.json]
            .iter()
            .all(|names| names.is_empty())
    }

    /// What stands in place of this value.
    pub(crate) fn replace(&self, value: &[u8]) -> String {
        let mut text = MARK.to_owned();
        if let Some(key) = &self.key {
            text.push('-');
            for byte in &hmac::sign(key, value).as_ref()[..HASH] {
                // Writing to a string can't fail.
                let _ = write!(text, "{byte:02x}");
            }
        }
        text
    }

    /// Writes a message's head to `out`, and its body, without its framing, to `body_out`.
    pub(crate) fn message(
        &self,
        head: &[u8],
        body: &[u8],
        out: &mut Vec<u8>,
        body_out: &mut Vec<u8>,
    ) {
        self.body(head, body, body_out);
        let start = memchr::memchr(b'\n', head).map_or(head.len(), |at| at + 1);
        let line = &head[..start];
        let text = line.strip_suffix(b"\r\n").unwrap_or(line);
        self.start_line(text, out);
        out.extend_from_slice(&line[text.len()..]);
        let length = (body.len() != body_out.len()).then_some(body_out.len());
        self.headers(&head[start..], length, out);
    }

    /// Writes the fields behind the last chunk.
    pub(crate) fn trailers(&self, headers: &[u8], out: &mut Vec<u8>) {
        self.headers(headers, None, out);
    }

    /// Writes lines of fields. `length` is that of the body, where it has changed.
    fn headers(&self, lines: &[u8], length: Option<usize>, out: &mut Vec<u8>) {
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let text = line.strip_suffix(b"\r\n").unwrap_or(line);
            match memchr::memchr(b':', text) {
                Some(colon) => {
                    let (name, value) = (&text[..colon], text[colon + 1..].trim_ascii());
                    out.extend_from_slice(name);
                    out.extend_from_slice(b": ");
                    self.field(name, value, length, out);
                }
                None => out.extend_from_slice(text),
            }
            out.extend_from_slice(&line[text.len()..]);
        }
    }

    /// Writes a request's line with its query redacted; the status line of an answer has no query.
    fn start_line(&self, line: &[u8], out: &mut Vec<u8>) {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let (Some(method), Some(target), Some(version)) =
            (words.next(), words.next(), words.next())
        else {
            return out.extend_from_slice(line);
        };
        out.extend_from_slice(method);
        out.push(b' ');
        self.query_of(target, out);
        out.push(b' ');
        out.extend_from_slice(version);
    }

    /// Writes a target or URL with its query redacted.
    fn query_of(&self, url: &[u8], out: &mut Vec<u8>) {
        let query = memchr::memchr(b'?', url).map_or(url.len(), |mark| mark + 1);
        out.extend_from_slice(&url[..query]);
        self.parameters(&url[query..], |value| self.replace(value), out);
    }

    /// Writes cookies with the values of those that are left out replaced.
    fn pairs_of_cookies(&self, text: &[u8], out: &mut Vec<u8>) {
        let is_named = |name: &[u8]| self.names_cookie(name);
        pairs::replace(text, b";", is_named, |value| self.replace(value), out);
    }

    /// Writes a field's value.
    fn field(&self, name: &[u8], value: &[u8], length: Option<usize>, out: &mut Vec<u8>) {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let is_cookies = is("cookie") || is("set-cookie");
        let is_configured = |header: &String| is_same_name(name, header.as_bytes());
        if self.headers.iter().any(is_configured) || (!is_cookies && self.names_header(name)) {
            out.extend_from_slice(self.replace(value).as_bytes());
        } else if is("cookie") {
            self.pairs_of_cookies(value, out);
        } else if is("set-cookie") {
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            self.pairs_of_cookies(&value[..end], out);
            out.extend_from_slice(&value[end..]);
        } else if let Some(length) = length.filter(|_| is("content-length")) {
            out.extend_from_slice(length.to_string().as_bytes());
        } else if is("referer") || is("location") || is("content-location") {
            self.query_of(value, out);
        } else {
            out.extend_from_slice(value);
        }
    }

    fn body(&self, head: &[u8], body: &[u8], out: &mut Vec<u8>) {
        let kind = field(head, "content-type")
            .unwrap_or_default()
            .to_ascii_lowercase();
        let has = |what: &[u8]| memchr::memmem::find(&kind, what).is_some();
        let starts_json = matches!(body.trim_ascii_start(), [b'{' | b'[', ..]);
        let json = (self.has_usual || !self.json.is_empty()) && (has(b"json") || starts_json);
        let form = (self.has_usual || !self.query.is_empty()) && has(b"x-www-form-urlencoded");
        let encoding = field(head, "content-encoding").unwrap_or_default();
        let is_hidden = !encoding.is_empty() && !encoding.eq_ignore_ascii_case(b"identity");
        if body.is_empty() || !(json || form) {
            out.extend_from_slice(body);
        } else if is_hidden {
            // A compressed body is not searched: better nothing of it than a password.
            out.extend_from_slice(MARK.as_bytes());
        } else if form {
            self.parameters(body, |value| self.replace(value), out);
        } else {
            self.members(body, |value| self.replace(value), out);
        }
    }
}

/// The first value of a field in a head.
pub(crate) fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let (start, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":")?;
        start
            .eq_ignore_ascii_case(name.as_bytes())
            .then(|| value.trim_ascii())
    })
}

/// The value of a cookie in a head.
pub(crate) fn cookie<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    let cookies = field(head, "cookie")?;
    cookies.split(|byte| *byte == b';').find_map(|pair| {
        let value = pair.trim_ascii_start().strip_prefix(name.as_bytes())?;
        value.strip_prefix(b"=")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(key: Option<&str>) -> Redact {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Redact {
            headers: names(&["Authorization", "X-Api-Key"]),
            cookies: names(&["session"]),
            query: names(&["token", "password"]),
            json: names(&["password"]),
            key: key.map(|key| hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes())),
            has_usual: false,
        }
    }

    fn shown(redact: &Redact, head: &str, body: &str) -> String {
        let (mut out, mut rest) = (Vec::new(), Vec::new());
        redact.message(head.as_bytes(), body.as_bytes(), &mut out, &mut rest);
        out.extend_from_slice(&rest);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn everything_that_is_named_goes_and_all_else_stays() {
        let head = "POST /a?x=1&token=t&token=&y HTTP/1.1\r\nHost: a\r\nauthorization: Bearer b\r\n\
                    Cookie: a=1; session=s; b=2\r\nContent-Type: application/json\r\nContent-Length: 30\r\n\r\n";
        let body = r#"{"user":"u","password":"hunter2"}"#;
        let expected = "POST /a?x=1&token=redacted&token=redacted&y HTTP/1.1\r\nHost: a\r\nauthorization: redacted\r\n\
                    Cookie: a=1; session=redacted; b=2\r\nContent-Type: application/json\r\nContent-Length: 34\r\n\r\n\
                    {\"user\":\"u\",\"password\":\"redacted\"}";
        assert_eq!(shown(&redact(None), head, body), expected);
    }

    #[test]
    fn usual_secrets_go_though_nobody_configured_them() {
        let redact = Redact::default().with_usual_secrets();
        let head = "POST /a?x=1&code=c HTTP/1.1\r\nauthorization: Bearer b\r\nX-Api-Key: k\r\n\
                    Cookie: a=1; b=2\r\nContent-Type: application/json\r\n\r\n";
        let expected = "POST /a?x=1&code=redacted HTTP/1.1\r\nauthorization: redacted\r\nX-Api-Key: redacted\r\n\
                    Cookie: a=redacted; b=redacted\r\nContent-Type: application/json\r\n\r\n\
                    {\"userPin\":\"redacted\",\"page\":2}";
        assert_eq!(
            shown(&redact, head, r#"{"userPin":4711,"page":2}"#),
            expected
        );
        let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\n\r\n";
        let expected = "HTTP/1.1 200 OK\r\nSet-Cookie: a=redacted; Path=/\r\n\r\n";
        assert_eq!(shown(&redact, answer, ""), expected);
    }

    #[test]
    fn a_name_that_applications_read_as_the_same_is_the_same() {
        let head = "GET / HTTP/1.1\r\nx_api-KEY: hush\r\nX-Api-Keys: seen\r\n\r\n";
        let text = shown(&redact(None), head, "");
        assert_eq!(
            text,
            "GET / HTTP/1.1\r\nx_api-KEY: redacted\r\nX-Api-Keys: seen\r\n\r\n"
        );
    }

    #[test]
    fn with_a_key_the_same_value_is_the_same_text() {
        let head = |session| format!("GET / HTTP/1.1\r\nCookie: session={session}\r\n\r\n");
        let (one, other) = (redact(Some("k")), redact(Some("l")));
        let text = shown(&one, &head("s"), "");
        assert_eq!(text, shown(&one, &head("s"), ""));
        assert_ne!(text, shown(&one, &head("t"), ""));
        assert_ne!(text, shown(&other, &head("s"), ""));
        assert!(text.contains("session=redacted-") && !text.contains("=s"));
    }

    #[test]
    fn answers_and_forms_are_looked_into_and_compressed_bodies_are_left_out() {
        let redact = redact(None);
        let answer =
            "HTTP/1.1 200 OK\r\nSet-Cookie: session=s; Path=/; HttpOnly\r\nSet-Cookie: b=1\r\n\r\n";
        let expected = "HTTP/1.1 200 OK\r\nSet-Cookie: session=redacted; Path=/; HttpOnly\r\nSet-Cookie: b=1\r\n\r\n";
        assert_eq!(shown(&redact, answer, ""), expected);
        let form = "POST / HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 24\r\n\r\n";
        assert!(
            shown(&redact, form, "user=u&password=hunter2&")
                .ends_with("Content-Length: 25\r\n\r\nuser=u&password=redacted&")
        );
        let hidden =
            "POST / HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Type: application/json\r\n\r\n";
        assert!(shown(&redact, hidden, "\x1f?").ends_with("\r\n\r\nredacted"));
    }
}
