//! Whole messages, as they may be kept: their heads and bodies without secrets, decompressed.

use std::fmt::Write as _;

use super::{Known, Secrets};
use crate::{
    capture::MARK,
    compare::{
        answer::{Answer, Asked},
        extract::{Limits, decode},
    },
};

/// Headers that say nothing of a body that was decompressed and is whole.
const FRAMING: [&str; 2] = ["content-encoding", "transfer-encoding"];

impl Secrets {
    /// A request as text.
    pub(crate) fn request(&self, asked: &Asked<'_>, known: &Known) -> String {
        let target = self.target(&String::from_utf8_lossy(asked.target));
        let start = format!("{} {target}", String::from_utf8_lossy(asked.method));
        let body = asked.body.unwrap_or_default();
        self.message(&start, &asked.headers, Some(body), known)
    }

    /// A response as text.
    pub(crate) fn response(&self, answer: &Answer<'_>, known: &Known, limits: &Limits) -> String {
        let start = answer.status.to_string();
        let decoded = decode(answer, limits);
        let mut text = self.message(&start, &answer.headers, decoded.bytes.as_deref(), known);
        if decoded.bytes.is_none() || decoded.not_compared.is_some() {
            // Writing to a string can't fail.
            let _ = writeln!(text, "\n({} bytes came; this is not all)", answer.length);
        }
        text
    }

    fn message(
        &self,
        start: &str,
        headers: &[(&[u8], &[u8])],
        body: Option<&[u8]>,
        known: &Known,
    ) -> String {
        let is_framing = |name: &[u8]| {
            FRAMING
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
        };
        // The start line is masked already, and no line of a request's: a method and a target alone are two words.
        let mut lines = b"-\r\n".to_vec();
        for (name, value) in headers.iter().filter(|(name, _)| !is_framing(name)) {
            lines.extend_from_slice(name);
            lines.extend_from_slice(b": ");
            lines.extend_from_slice(value);
            lines.extend_from_slice(b"\r\n");
        }
        let (mut head, mut masked) = (Vec::new(), Vec::new());
        let body = body.unwrap_or_default();
        self.redact.message(&lines, body, &mut head, &mut masked);
        let head = String::from_utf8_lossy(&head).replace("\r\n", "\n");
        let head = known.masked(head.strip_prefix("-\n").unwrap_or(&head));
        format!("{start}\n{head}\n{}", self.body(headers, &masked, known))
    }

    fn body(&self, headers: &[(&[u8], &[u8])], body: &[u8], known: &Known) -> String {
        let kind = headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))
            .map(|(_, value)| value.to_ascii_lowercase())
            .unwrap_or_default();
        let body = if kind.starts_with(b"multipart/form-data") {
            without_parts(self, body)
        } else {
            body.to_vec()
        };
        let Some(text) = text_of(&body) else {
            return format!("({} bytes that are no text)\n", body.len());
        };
        let is_json = matches!(body.trim_ascii_start(), [b'{' | b'[', ..]);
        let text = known.masked(&text);
        if is_json {
            return text;
        }
        self.without_assignments(&self.without_fields(&text))
    }
}

/// A body that is a text, but for a character that was cut at its end.
fn text_of(body: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(body);
    let broken = text.chars().filter(|c| *c == char::REPLACEMENT_CHARACTER);
    let is_text = broken.count() * 20 <= text.len() && !body.contains(&0);
    is_text.then(|| text.into_owned())
}

/// Where the values of secret parts of a form stand that was sent as `multipart/form-data`.
pub(super) fn secret_parts(secrets: &Secrets, body: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(&body[from..], b"; name=\"") {
        let name = from + at + b"; name=\"".len();
        let Some(length) = memchr::memchr(b'"', &body[name..]) else {
            break;
        };
        from = name + length;
        let Some(head) = memchr::memmem::find(&body[from..], b"\r\n\r\n") else {
            break;
        };
        let begin = from + head + 4;
        let end = memchr::memmem::find(&body[begin..], b"\r\n--");
        let end = end.map_or(body.len(), |end| begin + end);
        if secrets.names_value(&String::from_utf8_lossy(&body[name..name + length])) {
            found.push((begin, end));
        }
        from = end;
    }
    found
}

fn without_parts(secrets: &Secrets, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(body.len());
    let mut from = 0;
    for (begin, end) in secret_parts(secrets, body) {
        out.extend_from_slice(&body[from..begin]);
        out.extend_from_slice(MARK.as_bytes());
        from = end;
    }
    out.extend_from_slice(&body[from..]);
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::compare::PairIn;

    #[test]
    fn a_message_is_kept_without_its_secrets() {
        let secrets = Secrets::default();
        let form = "--b\r\nContent-Disposition: form-data; name=\"user[password]\"\r\n\r\nhunter2\r\n--b\r\n\
                    Content-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b--\r\n";
        let asked = Asked {
            method: b"POST",
            target: b"/login?code=4711x",
            headers: vec![
                (b"Content-Type", b"multipart/form-data; boundary=b"),
                (b"Cookie", b"sid=abcdef123456"),
            ],
            body: Some(form.as_bytes()),
        };
        let page = r#"<p>hello hunter2, abcdef123456</p><input type="password" value="hunter2"><a href="/?token=zz">"#;
        let answer = Answer {
            status: 200,
            headers: vec![
                (b"Content-Type", b"text/html"),
                (b"Set-Cookie", b"sid=fedcba654321; Path=/"),
            ],
            body: page.as_bytes(),
            length: page.len() as u64,
            is_whole: true,
            at: 0,
            took: Duration::ZERO,
        };
        let pair = PairIn {
            request_id: "1",
            asked,
            primary: answer.clone(),
            shadow: answer,
            counterparts: &[],
        };
        let limits = Limits::default();
        let known = Known::of_pair(&secrets, &pair, &limits);
        let request = secrets.request(&pair.asked, &known);
        assert_eq!(
            request,
            "POST /login?code=redacted\nContent-Type: multipart/form-data; boundary=b\nCookie: sid=redacted\n\n\
             --b\r\nContent-Disposition: form-data; name=\"user[password]\"\r\n\r\nredacted\r\n--b\r\n\
             Content-Disposition: form-data; name=\"note\"\r\n\r\nhello\r\n--b--\r\n"
        );
        let response = secrets.response(&pair.primary, &known, &limits);
        assert_eq!(
            response,
            "200\nContent-Type: text/html\nSet-Cookie: sid=redacted; Path=/\n\n\
             <p>hello redacted, redacted</p><input type=\"password\" value=\"redacted\"><a href=\"/?token=redacted\">"
        );
    }
}
