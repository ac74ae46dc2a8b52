//! Responses: each line is read by itself, and written anew as any client reads it.

use memchr::{memchr, memchr2};

use super::{is_empty, looks_like};
use crate::http::{
    BadHead, ResponseHead, Version,
    headers::{Headers, Known, trim},
    line_name::LineName,
};

impl ResponseHead {
    /// As `parse`, whatever the head looks like.
    #[inline(never)]
    pub(in crate::http) fn read_any(
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
        self.headers.clear();
        self.reason = self.headers.note(reason);
        self.headers
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

impl Headers {
    /// Headers of a response that stand alone, such as trailers: `bytes` begins with them and their empty line.
    pub(in crate::http) fn parse_tolerantly(bytes: &[u8], most: usize) -> Result<Self, BadHead> {
        let mut headers = Self::default();
        match headers.read_tolerantly(bytes, 0, most)? {
            Some(_) => Ok(headers),
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
            if memchr2(b'\r', 0, line).is_some() || line.is_empty() {
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
                if is_framing(name) || speaks_of_framing(name) {
                    return bad("is not a field, and may say where the body ends");
                }
                tracing::debug!(
                    number,
                    "left out a line of a response's header that is not a field"
                );
                continue;
            };
            if is_framing(name) {
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

/// Whether a reader that passes over what is odd in this name finds one that says where a body ends.
fn is_framing(name: &[u8]) -> bool {
    let known = looks_like(name);
    known == Known::ContentLength || known == Known::TransferEncoding
}

/// Whether a line that is not a field begins as one that says where a body ends.
fn speaks_of_framing(name: &[u8]) -> bool {
    let begins_with = |known: &[u8]| {
        let start = name.get(..known.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(known))
    };
    begins_with(b"content-length") || begins_with(b"transfer-encoding")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What is passed on of this response's head.
    fn response(text: &[u8]) -> Result<String, BadHead> {
        let mut head = ResponseHead::default();
        assert_eq!(head.parse(text, 10)?, Some(text.len()), "{text:?}");
        let mut out = Vec::new();
        head.write(&mut out);
        Ok(out.iter().copied().map(char::from).collect())
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
        let mut head = ResponseHead::default();
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
                "line 3 is not a field, and may say where the body ends",
            ),
            (
                "Content-Length\u{b}: 5",
                "line 3 (Content-Length\\x0b) is not a field, and may say where the body ends",
            ),
            (
                "\u{1}Transfer-Encoding: chunked",
                "line 3 (\\x01Transfer-Encoding) is not a field, and may say where the body ends",
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
        let mut head = ResponseHead::default();
        for length in 0..text.len() {
            assert_eq!(head.parse(&text[..length], 10), Ok(None), "{length}");
        }
        assert_eq!(
            head.parse(b"HTTP/1.1 200 OK\r\nA: 1\r\nB: 2\r\n", 1),
            Err(BadHead::TooManyFields)
        );
    }

    proptest! {
        /// Nothing that has a strict reading gets another one.
        #[test]
        fn what_a_strict_reader_takes_is_read_as_there(
            start in "HTTP/1.[01] [1-9][0-9]{2}( [ -~\\t\u{e9}]{0,5})?\r?\n",
            lines in proptest::collection::vec("[!-~]{1,5}:[ \t]{0,2}[ -~\t\u{e9}]{0,8}\r?\n", 0..5),
            end in "\r?\n",
        ) {
            let text = format!("{start}{}{end}", lines.concat());
            let mut slots = [httparse::EMPTY_HEADER; 10];
            let mut strict = httparse::Response::new(&mut slots);
            if let Ok(httparse::Status::Complete(length)) = strict.parse(text.as_bytes()) {
                let mut head = ResponseHead::default();
                let read = head.read_any(text.as_bytes(), 10);
                let hidden = |name: &str| looks_like(name.as_bytes()) != Known::Other;
                prop_assert!(!strict.headers.iter().any(|header| hidden(header.name)));
                prop_assert_eq!(read, Ok(Some(length)));
                prop_assert_eq!(Some(head.status), strict.code);
                let headers = strict.headers.iter().map(|header| (header.name.as_bytes(), header.value));
                prop_assert!(head.headers.iter().eq(headers));
            }
        }
    }
}
