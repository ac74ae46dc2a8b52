//! Heads that break a rule without being two messages at once: repaired or passed, as nginx and HAProxy do. What two
//! readers could take for different messages is refused. This is slower than `usual`, and runs only for what that leaves.
//!
//! docs/malformed-messages.md has a row for each rule here.

use std::fmt;

use memchr::memchr;

use super::{
    AnswerHead, BadHead, RequestHead, Version,
    fields::{Fields, Known, trim},
    usual::IN_TOKENS,
};

/// What stands in for a byte that is passed though httparse refuses it: one that it takes in a value, and nowhere else.
const IN_VALUE: u8 = 0xff;
/// As that, in a target or in a name.
const IN_WORD: u8 = b'x';

impl RequestHead {
    /// As `read_any`, with any byte but CR, LF and NUL in a value, any above 127 in the target, and any version of
    /// HTTP/1. Fields whose names are no tokens are taken off, as nginx does.
    ///
    /// httparse stays the judge of the form: it reads a copy in which those bytes are replaced.
    #[cold]
    pub(super) fn read_tolerantly(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        let read = masked(bytes, true)?;
        let length = self.read_as(bytes, &read, most_fields)?;
        if length.is_some() {
            self.fields.take_off_odd()?;
        }
        Ok(length)
    }
}

impl Fields {
    /// As [`Fields::parse`], as tolerant as a request's head is read.
    #[cold]
    pub(super) fn read_masked(&mut self, bytes: &[u8], most_fields: usize) -> Result<(), BadHead> {
        let read = masked(bytes, false)?;
        self.read_as(bytes, &read, most_fields)?;
        self.take_off_odd()
    }

    /// Takes off a request what has no token for its name.
    fn take_off_odd(&mut self) -> Result<(), BadHead> {
        if self
            .iter()
            .any(|(name, _)| looks_like(name) != Known::Other)
        {
            return Err(BadHead::Malformed);
        }
        self.remove_named(|name| !name.iter().all(|byte| IN_TOKENS[usize::from(*byte)]));
        Ok(())
    }
}

/// The bytes of a request with all that is tolerated replaced; an error where there is nothing of that kind. `head`: they
/// begin with a request line.
fn masked(bytes: &[u8], head: bool) -> Result<Vec<u8>, BadHead> {
    let mut masked = bytes.to_vec();
    let mut lines = masked.split_mut(|byte| *byte == b'\n').peekable();
    if head {
        while lines.next_if(|line| is_empty(line)).is_some() {}
        if let Some(line) = lines.next() {
            mask_request_line(line);
        }
    }
    // Behind the empty line there is no head.
    for line in lines.take_while(|line| !is_empty(line)) {
        mask_field(line);
    }
    if masked == bytes {
        return Err(BadHead::Malformed);
    }
    Ok(masked)
}

fn is_empty(line: &[u8]) -> bool {
    matches!(line, [] | [b'\r'])
}

fn mask_request_line(line: &mut [u8]) {
    let Some(start) = memchr(b' ', line) else {
        return;
    };
    for byte in &mut line[start..] {
        if !byte.is_ascii() {
            *byte = IN_WORD;
        }
    }
    // A later version of HTTP/1 is spoken as this one (RFC 9110, 2.5).
    let line = match line {
        [line @ .., b'\r'] => line,
        line => line,
    };
    if let [
        ..,
        b' ',
        b'H',
        b'T',
        b'T',
        b'P',
        b'/',
        b'1',
        b'.',
        minor @ b'2'..=b'9',
    ] = line
    {
        *minor = b'1';
    }
}

fn mask_field(line: &mut [u8]) {
    // Folded, it is refused all the same; without a colon too, unless that is still to come.
    if matches!(line[0], b' ' | b'\t') {
        return;
    }
    let colon = memchr(b':', line).unwrap_or(line.len());
    let (name, value) = line.split_at_mut(colon);
    for byte in name {
        if !IN_TOKENS[usize::from(*byte)] && (byte.is_ascii_graphic() || !byte.is_ascii()) {
            *byte = IN_WORD;
        }
    }
    for byte in value {
        if byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | 0) {
            *byte = IN_VALUE;
        }
    }
}

/// The field that a reader would take this one for if it passed over what is odd in the name.
fn looks_like(name: &[u8]) -> Known {
    let is_odd = |byte: &u8| !IN_TOKENS[usize::from(*byte)];
    if !name.iter().any(is_odd) {
        return Known::Other;
    }
    let plain: Vec<u8> = name.iter().copied().filter(|byte| !is_odd(byte)).collect();
    Known::of(&plain)
}

impl AnswerHead {
    /// As `parse`, whatever the head looks like.
    #[inline(never)]
    pub(super) fn read_any(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        let mut at = 0;
        while let [b'\n', ..] | [b'\r', b'\n', ..] = bytes[at..] {
            at += 1 + usize::from(bytes[at] == b'\r');
        }
        let Some(end) = memchr(b'\n', &bytes[at..]) else {
            return match &bytes[at..] {
                rest if may_become_status(rest) => Ok(None),
                _ => Err(BadHead::Status),
            };
        };
        let reason = self
            .read_status(without_cr(&bytes[at..at + end]))
            .ok_or(BadHead::Status)?;
        self.fields.clear();
        self.reason = self.fields.note(reason);
        self.fields
            .read_tolerantly(bytes, at + end + 1, most_fields)
    }

    /// Takes a status line apart, and returns the reason. The version may be one that is not spoken here: that of CGI
    /// scripts that repeat their client's. A status with digits behind a dot is IIS's.
    fn read_status<'a>(&mut self, line: &'a [u8]) -> Option<&'a [u8]> {
        let [
            major @ b'1'..=b'9',
            b'.',
            minor @ b'0'..=b'9',
            b' ',
            rest @ ..,
        ] = line.strip_prefix(b"HTTP/")?
        else {
            return None;
        };
        let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
        let [a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = &rest[spaces..] else {
            return None;
        };
        let reason = match rest {
            [] => rest,
            [b' ', reason @ ..] => reason,
            [b'.', ..] => &rest[memchr(b' ', rest).map_or(rest.len(), |space| space + 1)..],
            _ => return None,
        };
        if reason.contains(&b'\r') {
            return None;
        }
        // No client reads it (RFC 9112, 4): it need not be saved.
        let reason = if reason.contains(&0) { &[] } else { reason };
        self.version = Version::of((*major == b'1').then(|| minor - b'0'));
        self.status = [a, b, c]
            .iter()
            .fold(0, |status, digit| status * 10 + u16::from(*digit - b'0'));
        Some(reason)
    }
}

/// Whether a status line may begin so, of which the end did not come yet.
fn may_become_status(text: &[u8]) -> bool {
    const START: &[u8] = b"HTTP/";
    let text = text.strip_prefix(b"\r").unwrap_or(text);
    let length = text.len().min(START.len());
    text[..length] == START[..length]
}

/// A line less the CR before its end, or several of them: they can't be part of it.
fn without_cr(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| *byte != b'\r');
    &line[..end.map_or(0, |end| end + 1)]
}

impl Fields {
    /// Fields of a response that stand alone, such as trailers: `bytes` begins with them and their empty line.
    pub(super) fn parse_tolerantly(bytes: &[u8], most: usize) -> Result<Self, BadHead> {
        let mut fields = Self::default();
        match fields.read_tolerantly(bytes, 0, most)? {
            Some(_) => Ok(fields),
            None => Err(BadHead::Malformed),
        }
    }

    /// Adds the fields of a response that begin at `at`, each as it is to be written; returns where they end.
    fn read_tolerantly(
        &mut self,
        bytes: &[u8],
        mut at: usize,
        most: usize,
    ) -> Result<Option<usize>, BadHead> {
        // The status line is the first.
        let mut number = 1;
        let mut folds_into_nothing = true;
        while let Some(end) = memchr(b'\n', &bytes[at..]) {
            let whole = &bytes[at..at + end];
            at += end + 1;
            number += 1;
            if is_empty(whole) {
                return Ok(Some(at));
            }
            let line = without_cr(whole);
            let bad = |why| Err(BadHead::Line(number, LineName::of(line), why));
            if line.iter().any(|byte| matches!(byte, b'\r' | 0)) || line.is_empty() {
                return bad("has a CR or a NUL in it");
            }
            if matches!(line[0], b' ' | b'\t') {
                // Before the first field it belongs to nothing (RFC 9112, 2.2).
                if !folds_into_nothing {
                    self.unfold(trim(line));
                }
                continue;
            }
            let (name, value) = match memchr(b':', line) {
                Some(colon) => (trim(&line[..colon]), Some(&line[colon + 1..])),
                None => (line, None),
            };
            let value = value.filter(|_| is_name(name));
            folds_into_nothing = value.is_none();
            let Some(value) = value else {
                if speaks_of_length(name) {
                    return bad("is no field, and may say where the body ends");
                }
                tracing::debug!(
                    number,
                    "left out a line of a response's header that is no field"
                );
                continue;
            };
            if matches!(
                looks_like(name),
                Known::ContentLength | Known::TransferEncoding
            ) {
                return bad("could be read as another field");
            }
            if self.lines.len() == most {
                return Err(BadHead::TooManyFields);
            }
            self.append(name, trim(value));
        }
        Ok(None)
    }
}

/// Whether it is passed as a name: a token, or as applications write them, such as `X[]`.
fn is_name(name: &[u8]) -> bool {
    let is_dark = |byte: &u8| byte.is_ascii_graphic() || !byte.is_ascii();
    !name.is_empty() && name.iter().all(is_dark)
}

/// Whether a line that is no field begins as one that says where a body ends.
fn speaks_of_length(name: &[u8]) -> bool {
    [&b"content-length"[..], b"transfer-encoding"]
        .iter()
        .any(|known| {
            name.get(..known.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(known))
        })
}

/// The name of a header's line as it may be logged: cut, escaped, and never with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineName(Box<[u8]>);

/// Longer ones are cut.
const LONGEST_NAME: usize = 40;

impl LineName {
    /// Of a line; nothing where it has no colon, since all of it may be a value.
    fn of(line: &[u8]) -> Self {
        let end = memchr(b':', line).unwrap_or(0);
        Self(line[..end.min(LONGEST_NAME)].into())
    }
}

impl fmt::Display for LineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [] => Ok(()),
            name if name.len() == LONGEST_NAME => write!(f, " ({}…)", name.escape_ascii()),
            name => write!(f, " ({})", name.escape_ascii()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is passed on of a request's head with these lines.
    fn request(lines: &[u8]) -> Result<Vec<u8>, BadHead> {
        let text = [b"GET / HTTP/1.1\r\n", lines, b"\r\n\r\n"].concat();
        let mut head = RequestHead::default();
        assert_eq!(head.parse(&text, 10)?, Some(text.len()));
        let mut out = Vec::new();
        head.fields.write(&mut out);
        Ok(out)
    }

    /// What is passed on of this response's head.
    fn response(text: &[u8]) -> Result<String, BadHead> {
        let mut head = AnswerHead::default();
        assert_eq!(head.parse(text, 10)?, Some(text.len()), "{text:?}");
        let mut out = Vec::new();
        head.write(&mut out);
        Ok(out.iter().copied().map(char::from).collect())
    }

    #[test]
    fn a_value_of_a_request_may_have_any_byte_but_cr_lf_and_nul() {
        for byte in 1..=255_u8 {
            let line = [b"X: a", &[byte][..], b"b"].concat();
            let passes = !matches!(byte, b'\r' | b'\n');
            assert_eq!(request(&line).is_ok(), passes, "{byte}");
            if passes {
                assert_eq!(request(&line).unwrap(), [&line[..], b"\r\n"].concat());
            }
        }
        assert!(request(b"X: a\0b").is_err());
    }

    #[test]
    fn a_field_of_a_request_whose_name_is_no_token_is_taken_off() {
        for name in ["X[]", "X(A)", "\"X\"", "X/1", "X@Y", "{X}", "X\u{e9}"] {
            let line = format!("A: 1\r\n{name}: \u{1}\r\nB: 2");
            assert_eq!(request(line.as_bytes()).unwrap(), b"A: 1\r\nB: 2\r\n");
        }
        for line in [
            "X : 1",
            "X[] : 1",
            "X Y: 1",
            "X\u{1}: 1",
            ": 1",
            "X",
            "A: 1\r\n [B]: 2",
            "\"Content-Length\": 5",
            "Content-Length\u{a0}: 5",
            "Transfer-Encoding[]: chunked",
            "(Host): b",
        ] {
            assert_eq!(
                request(line.as_bytes()),
                Err(BadHead::Malformed),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_target_may_have_any_byte_above_127() {
        let mut head = RequestHead::default();
        for target in [&b"/\xe9\xff?\x80"[..], "/\u{fc}?\u{20ac}".as_bytes()] {
            let text = [b"GET ", target, b" HTTP/1.1\r\nX: \x01\r\n\r\n"].concat();
            assert_eq!(head.parse(&text, 10), Ok(Some(text.len())));
            assert_eq!(head.target(), target);
        }
        for line in [
            "G\u{e9}T / HTTP/1.1",
            "GET /\u{1}\u{e9} HTTP/1.1",
            "GET /\u{e9} \u{e9} HTTP/1.1",
        ] {
            let text = format!("{line}\r\n\r\n");
            assert_eq!(
                head.parse(text.as_bytes(), 10),
                Err(BadHead::Malformed),
                "{line:?}"
            );
        }
    }

    #[test]
    fn a_later_version_of_http_1_is_spoken_as_this_one() {
        let mut head = RequestHead::default();
        for minor in 2..=9 {
            let text = format!("GET / HTTP/1.{minor}\r\n\r\n");
            assert_eq!(head.parse(text.as_bytes(), 10), Ok(Some(text.len())));
            assert_eq!(head.version, Version::Http11);
        }
        for version in [
            "HTTP/1.10",
            "HTTP/2.0",
            "HTTP/0.9",
            "HTTP/1.a",
            "http/1.2",
            "HTTP/1.2 ",
        ] {
            let text = format!("GET / {version}\r\n\r\n");
            assert_eq!(
                head.parse(text.as_bytes(), 10),
                Err(BadHead::Malformed),
                "{version}"
            );
        }
    }

    #[test]
    fn trailers_of_a_request_are_read_as_its_fields() {
        let trailers = Fields::parse(b"X[]: 1\r\nY: a\x01b\r\n\r\n", 10).unwrap();
        let mut out = Vec::new();
        trailers.write(&mut out);
        assert_eq!(out, b"Y: a\x01b\r\n");
        assert!(Fields::parse(b"X : 1\r\n\r\n", 10).is_err());
    }

    #[test]
    fn a_request_that_is_not_whole_is_waited_for() {
        let text = b"GET /\xe9 HTTP/1.1\r\nX[]: 1\r\nY: \x01\r\n\r\n";
        let mut head = RequestHead::default();
        for length in 0..text.len() {
            assert_eq!(head.parse(&text[..length], 10), Ok(None), "{length}");
        }
    }

    #[test]
    fn a_response_is_written_as_any_client_reads_it() {
        for (sent, passed) in [
            ("X : 1\r\n", "X: 1\r\n"),
            ("X\t: 1\r\n", "X: 1\r\n"),
            ("X:1\r\nY:\r\n", "X: 1\r\nY: \r\n"),
            ("X: 1\r\n  2\r\n\t\t3\r\nY: 4\r\n", "X: 1 2 3\r\nY: 4\r\n"),
            ("X:\r\n 1\r\n", "X: 1\r\n"),
            ("X: 1\r\n \r\nY: 2\r\n", "X: 1\r\nY: 2\r\n"),
            (" 0\r\nX: 1\r\n", "X: 1\r\n"),
            ("X[]: 1\r\nY(Z): 2\r\n", "X[]: 1\r\nY(Z): 2\r\n"),
            ("X: 1\r\nno field\r\nY: 2\r\n", "X: 1\r\nY: 2\r\n"),
            (
                "X: 1\r\nno field\r\n folded\r\nY: 2\r\n",
                "X: 1\r\nY: 2\r\n",
            ),
            ("X Y: 1\r\n: 2\r\nY: 3\r\n", "Y: 3\r\n"),
            (
                "X: \u{1}\u{b}\u{c}\u{1b}\u{7f}\r\n",
                "X: \u{1}\u{b}\u{c}\u{1b}\u{7f}\r\n",
            ),
            ("X: 1\nY: 2\n", "X: 1\r\nY: 2\r\n"),
            ("X: 1\r\r\n", "X: 1\r\n"),
        ] {
            let head = response(format!("HTTP/1.1 200 OK\r\n{sent}\r\n").as_bytes());
            assert_eq!(
                head.unwrap(),
                format!("HTTP/1.1 200 OK\r\n{passed}"),
                "{sent:?}"
            );
        }
    }

    #[test]
    fn a_status_line_is_read_as_applications_write_it() {
        for (sent, passed) in [
            ("HTTP/1.1 200", "200 "),
            ("HTTP/1.0 200 ", "200 "),
            ("HTTP/1.1  200 OK", "200 OK"),
            ("HTTP/1.2 200 OK", "200 OK"),
            ("HTTP/2.0 200 OK", "200 OK"),
            ("HTTP/1.1 403.14 Forbidden", "403 Forbidden"),
            ("HTTP/1.1 200 a\u{1}b", "200 a\u{1}b"),
            ("HTTP/1.1 200 a\0b", "200 "),
            ("HTTP/1.1 200 OK ", "200 OK "),
            ("\r\n\nHTTP/1.1 200 OK", "200 OK"),
        ] {
            let head = response(format!("{sent}\r\n\r\n").as_bytes()).unwrap();
            assert_eq!(head, format!("HTTP/1.1 {passed}\r\n"), "{sent:?}");
        }
        for line in [
            "HTTP/1.1 20 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 099 x",
            "HTTP/1.1 200OK",
            "HTTP/1.1",
            "HTTP/11 200 OK",
            "http/1.1 200 OK",
            "ICY 200 OK",
            "HTTP/1.1\t200 OK",
            "HTTP/1.1 200 a\rb",
            "\x16\x03\x01",
            "<html>",
        ] {
            assert_eq!(
                response(format!("{line}\r\n\r\n").as_bytes()),
                Err(BadHead::Status),
                "{line:?}"
            );
        }
        let mut head = AnswerHead::default();
        assert_eq!(head.parse(b"SSH-2.0-x", 10), Err(BadHead::Status));
    }

    #[test]
    fn what_of_a_response_can_not_be_saved_is_named_and_no_value_with_it() {
        for (line, told) in [
            ("X: a\rb", "line 3 (X) has a CR or a NUL in it"),
            (
                "Set-Cookie: secret=\0",
                "line 3 (Set-Cookie) has a CR or a NUL in it",
            ),
            ("secret\0", "line 3 has a CR or a NUL in it"),
            (
                "Content-Length 5",
                "line 3 is no field, and may say where the body ends",
            ),
            (
                "Content-Length[]: 5",
                "line 3 (Content-Length[]) could be read as another field",
            ),
        ] {
            let head = response(format!("HTTP/1.1 200 OK\r\nA: 1\r\n{line}\r\n\r\n").as_bytes());
            assert_eq!(head.unwrap_err().to_string(), told);
        }
        let long = format!(
            "HTTP/1.1 200 OK\r\n{}\u{1b}: \0\r\n\r\n",
            "\u{7f}".repeat(100)
        );
        let told = response(long.as_bytes()).unwrap_err().to_string();
        assert_eq!(
            told,
            format!("line 2 ({}…) has a CR or a NUL in it", "\\x7f".repeat(40))
        );
    }

    #[test]
    fn a_response_that_is_not_whole_is_waited_for() {
        let text = b"\r\nHTTP/1.1 200 OK\r\nX : \x01\r\n 2\r\nZ\r\n\r\n";
        let mut head = AnswerHead::default();
        for length in 0..text.len() {
            assert_eq!(head.parse(&text[..length], 10), Ok(None), "{length}");
        }
        assert_eq!(
            head.parse(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n", 1),
            Err(BadHead::TooManyFields)
        );
    }
}
