//! Requests: any byte but CR, LF and NUL in a value, any above 127 in a target, names that are no tokens.

use memchr::memchr;

use super::{is_empty, looks_like};
use crate::http::{
    BadHead, RequestHead,
    fast_path::IN_TOKENS,
    headers::{Headers, Known},
};

/// What stands in for a byte that is passed though httparse refuses it: one that it takes in a value, and nowhere else.
const IN_VALUE: u8 = 0xff;
/// As that, in a target or in a name.
const IN_WORD: u8 = b'x';

impl RequestHead {
    /// As `read_any`, with any byte but CR, LF and NUL in a value, any above 127 in the target, and any version of
    /// HTTP/1. Headers whose names are no tokens are taken off, as nginx does.
    ///
    /// httparse stays the judge of the form: it reads a copy in which those bytes are replaced.
    #[cold]
    pub(in crate::http) fn read_tolerantly(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        let read = masked(bytes, true)?;
        let length = self.read_as(bytes, &read, most_fields)?;
        if length.is_some() {
            self.headers.take_off_odd()?;
        }
        Ok(length)
    }
}

impl Headers {
    /// As [`Headers::parse`], as tolerant as a request's head is read.
    #[cold]
    pub(in crate::http) fn read_masked(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<(), BadHead> {
        let read = masked(bytes, false)?;
        self.read_as(bytes, &read, most_fields)?;
        self.take_off_odd()
    }

    /// Takes off a request what has no token for its name.
    fn take_off_odd(&mut self) -> Result<(), BadHead> {
        let is_odd = |name: &[u8]| !name.iter().all(|byte| IN_TOKENS[usize::from(*byte)]);
        let mut names = self.iter().map(|(name, _)| name);
        if names.any(|name| looks_like(name) != Known::Other) {
            return Err(BadHead::Malformed);
        }
        drop(names);
        if self.iter().any(|(name, _)| is_odd(name)) {
            tracing::debug!("took off a request's header with an invalid name");
            self.remove_named(is_odd);
        }
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
    let end = line.len() - usize::from(line.ends_with(b"\r"));
    if let Some((minor, before)) = line[..end].split_last_mut()
        && before.ends_with(b" HTTP/1.")
        && (b'2'..=b'9').contains(minor)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Version;

    /// What is passed on of a request's head with these lines.
    fn request(lines: &[u8]) -> Result<Vec<u8>, BadHead> {
        let text = [b"GET / HTTP/1.1\r\n", lines, b"\r\n\r\n"].concat();
        let mut head = RequestHead::default();
        assert_eq!(head.parse(&text, 10)?, Some(text.len()));
        let mut out = Vec::new();
        head.headers.write(&mut out);
        Ok(out)
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
        let trailers = Headers::parse(b"X[]: 1\r\nY: a\x01b\r\n\r\n", 10).unwrap();
        let mut out = Vec::new();
        trailers.write(&mut out);
        assert_eq!(out, b"Y: a\x01b\r\n");
        assert!(Headers::parse(b"X : 1\r\n\r\n", 10).is_err());
    }

    #[test]
    fn a_request_that_is_not_whole_is_waited_for() {
        let text = b"GET /\xe9 HTTP/1.1\r\nX[]: 1\r\nY: \x01\r\n\r\n";
        let mut head = RequestHead::default();
        for length in 0..text.len() {
            assert_eq!(head.parse(&text[..length], 10), Ok(None), "{length}");
        }
    }
}
