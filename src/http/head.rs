//! A message's head: its start line and its fields, as they came, ready to be looked at and edited.

use std::{cell::RefCell, mem::MaybeUninit};

use super::{
    headers::{Headers, Known, Span},
    line_name::LineName,
};

/// The version that a message says it is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Version {
    Http10,
    #[default]
    Http11,
}

impl Version {
    pub(super) fn of(minor: Option<u8>) -> Self {
        if minor == Some(0) {
            Self::Http10
        } else {
            Self::Http11
        }
    }

    pub(crate) const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Http10 => b"HTTP/1.0",
            Self::Http11 => b"HTTP/1.1",
        }
    }
}

/// Why bytes are no head.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadHead {
    #[error("it is no HTTP/1.x message, or could be read in two ways")]
    Malformed,
    #[error("it has more fields than allowed")]
    TooManyFields,
    /// Of a response.
    #[error("it does not begin with a status line, such as HTTP/1.1 200 OK")]
    Status,
    /// Of a response; the line's number, the status line being the first.
    #[error("line {0}{1} {2}")]
    Line(usize, LineName, &'static str),
}

impl From<httparse::Error> for BadHead {
    fn from(error: httparse::Error) -> Self {
        match error {
            httparse::Error::TooManyHeaders => Self::TooManyFields,
            _ => Self::Malformed,
        }
    }
}

/// The head of a request (RFC 9112, 3).
#[derive(Clone, Debug, Default)]
pub(crate) struct RequestHead {
    pub(super) method: Span,
    pub(super) target: Span,
    pub(crate) version: Version,
    pub(crate) headers: Headers,
}

thread_local! {
    /// Heads of requests that are over, for the next ones.
    static SPARE_HEADS: RefCell<Vec<RequestHead>> = const { RefCell::new(Vec::new()) };
}

/// Limits of the heads that are kept on a thread, and of the bytes of each.
const SPARES: usize = 64;
const SPARE: usize = 4 * 1024;
/// A connection keeps no more for the head of its next answer.
const LARGE: usize = 64 * 1024;

impl RequestHead {
    /// Memory for a head: what a [`reuse`](Self::reuse) before gave back, or none yet.
    pub(crate) fn spare() -> Self {
        SPARE_HEADS.with_borrow_mut(Vec::pop).unwrap_or_default()
    }

    /// Gives its memory to the next one on this thread.
    pub(crate) fn reuse(self) {
        let size = self.size();
        if size == 0 || size > SPARE {
            return;
        }
        // A thread that ends has no use for it.
        let _ = SPARE_HEADS.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            if spare.len() < SPARES {
                spare.push(self);
            }
        });
    }

    /// Reads a head from the start of `bytes` into this one, whose memory is used again.
    ///
    /// Returns its length; `None` where it is not whole.
    ///
    /// # Errors
    /// Where the bytes can't become a head, or one with more than `most_fields`.
    pub(crate) fn parse(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        match self.read_usual(bytes, most_fields) {
            None => self.read_any(bytes, most_fields),
            whole => Ok(whole),
        }
    }

    /// As `parse`, whatever the head looks like.
    #[inline(never)]
    pub(super) fn read_any(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        match self.read_as(bytes, bytes, most_fields) {
            Err(BadHead::Malformed) => self.read_tolerantly(bytes, most_fields),
            read => read,
        }
    }

    /// Reads a head from `read`, and takes its text from `bytes`, which is as long.
    pub(super) fn read_as(
        &mut self,
        bytes: &[u8],
        read: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        with_slots(most_fields, |slots| {
            let mut parsed = httparse::Request::new(&mut []);
            let length = match parsed.parse_with_uninit_headers(read, slots)? {
                httparse::Status::Complete(length) => length,
                httparse::Status::Partial => return Ok(None),
            };
            let place =
                |text: Option<&str>| Span::within(read, text.unwrap_or_default().as_bytes());
            self.method = place(parsed.method);
            self.target = place(parsed.path);
            self.version = Version::of(parsed.version);
            self.headers
                .fill(&bytes[..length], &read[..length], parsed.headers);
            Ok(Some(length))
        })
    }

    pub(crate) fn method(&self) -> &[u8] {
        self.headers.text(self.method)
    }

    /// The request-target as it was sent.
    pub(crate) fn target(&self) -> &[u8] {
        self.headers.text(self.target)
    }

    /// Another target. The caller sees to it that it is one.
    pub(crate) fn set_target(&mut self, target: &[u8]) {
        self.target = self.headers.note(target);
    }

    /// What stands behind the `?` of the target.
    pub(crate) fn query(&self) -> Option<&[u8]> {
        let target = self.target();
        let mark = target.iter().position(|byte| *byte == b'?')?;
        Some(&target[mark + 1..])
    }

    /// The target's path: without its query, and without `http://host` (RFC 9112, 3.2.2).
    pub(crate) fn path(&self) -> &[u8] {
        let target = self.target();
        let after = match target {
            [b'/', ..] => target,
            _ => match authority_of(target) {
                Some(authority) => {
                    let start =
                        authority.as_ptr().addr() - target.as_ptr().addr() + authority.len();
                    &target[start..]
                }
                None => target,
            },
        };
        let end = after.iter().position(|byte| *byte == b'?');
        match &after[..end.unwrap_or(after.len())] {
            [] => b"/",
            path => path,
        }
    }

    /// Addresses it to another host: `Host` says so, and the target names none.
    pub(crate) fn set_host(&mut self, host: &[u8]) {
        if self.is_absolute() {
            self.make_origin_form();
        }
        self.headers.set(b"Host", host);
    }

    /// Whether the target names a host, as for a proxy (RFC 9112, 3.2.2).
    fn is_absolute(&self) -> bool {
        !self.target().starts_with(b"/") && authority_of(self.target()).is_some()
    }

    /// Makes an absolute target one for the server itself (RFC 9112, 3.2.1 and 3.2.4).
    fn make_origin_form(&mut self) {
        let whole = self.method() == b"OPTIONS" && self.query().is_none();
        let mut target = match self.path() {
            b"/" if whole && !self.target().ends_with(b"/") => b"*".to_vec(),
            path => path.to_vec(),
        };
        if let Some(query) = self.query() {
            target.push(b'?');
            target.extend_from_slice(query);
        }
        self.set_target(&target);
    }

    /// As `write`, in the version that a proxy sends it on with. Without a Host it can only be a message of HTTP/1.0, which
    /// has to stay one.
    pub(crate) fn write_on(&self, out: &mut Vec<u8>) {
        let version = if self.headers.has(Known::Host) {
            Version::Http11
        } else {
            Version::Http10
        };
        self.write(version, out);
    }

    /// The start line, and the fields that are left, as they go out; the empty line is the caller's.
    pub(crate) fn write(&self, version: Version, out: &mut Vec<u8>) {
        out.reserve(self.headers.len_written() + 2);
        out.extend_from_slice(self.method());
        out.push(b' ');
        out.extend_from_slice(self.target());
        out.push(b' ');
        out.extend_from_slice(version.as_bytes());
        out.extend_from_slice(b"\r\n");
        self.headers.write(out);
    }

    /// What it holds in memory, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.headers.size()
    }
}

/// Whether a method may be repeated without another effect (RFC 9110, 9.2.2).
pub(crate) fn is_idempotent(method: &[u8]) -> bool {
    matches!(
        method,
        b"GET" | b"HEAD" | b"OPTIONS" | b"TRACE" | b"PUT" | b"DELETE"
    )
}

/// The host and port of an absolute target.
pub(crate) fn authority_of(target: &[u8]) -> Option<&[u8]> {
    let start = target.windows(3).position(|three| three == b"://")? + 3;
    let rest = &target[start..];
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?'));
    Some(&rest[..end.unwrap_or(rest.len())])
}

/// The head of an answer (RFC 9112, 4).
#[derive(Clone, Debug, Default)]
pub(crate) struct ResponseHead {
    pub(crate) status: u16,
    pub(super) reason: Span,
    pub(crate) version: Version,
    pub(crate) headers: Headers,
}

impl ResponseHead {
    /// As [`RequestHead::parse`]; what breaks a rule without being two messages is repaired.
    pub(crate) fn parse(
        &mut self,
        bytes: &[u8],
        most_fields: usize,
    ) -> Result<Option<usize>, BadHead> {
        match self.read_usual(bytes, most_fields) {
            None => self.read_any(bytes, most_fields),
            whole => Ok(whole),
        }
    }

    /// Its memory for the next one, unless that is too much to keep.
    pub(crate) fn recycle(self) -> Self {
        if self.headers.size() > LARGE {
            return Self::default();
        }
        self
    }

    /// Whether another answer to the same request follows (RFC 9110, 15.2).
    pub(crate) fn is_interim(&self) -> bool {
        (100..200).contains(&self.status) && self.status != 101
    }

    /// The status line, and the fields that are left, as they go out; the empty line is the caller's.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.reserve(self.headers.len_written() + 64);
        out.extend_from_slice(b"HTTP/1.1 ");
        let digits = [self.status / 100, self.status / 10 % 10, self.status % 10];
        out.extend(digits.iter().map(|digit| b'0' + digit.to_le_bytes()[0]));
        out.push(b' ');
        out.extend_from_slice(self.headers.text(self.reason));
        out.extend_from_slice(b"\r\n");
        self.headers.write(out);
    }
}

/// How many fields are parsed without any allocation.
const FEW: usize = 100;

/// Calls `parse` with room for `most_fields`.
fn with_slots<'bytes, T>(
    most_fields: usize,
    parse: impl FnOnce(&mut [MaybeUninit<httparse::Header<'bytes>>]) -> T,
) -> T {
    if most_fields <= FEW {
        parse(&mut [const { MaybeUninit::uninit() }; FEW][..most_fields])
    } else {
        let mut slots = Vec::new();
        slots.resize_with(most_fields, MaybeUninit::uninit);
        parse(&mut slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> RequestHead {
        let mut head = RequestHead::default();
        assert_eq!(head.parse(text.as_bytes(), 100), Ok(Some(text.len())));
        head
    }

    #[test]
    fn a_head_is_written_as_it_came() {
        let text =
            "\r\nPUT /a?b HTTP/1.1\r\nHost: a\r\nX-A:1\r\nx-b: \t2 \r\nEmpty:\r\nX-C: 3\r\n\r\n";
        let mut out = Vec::new();
        request(text).write(Version::Http11, &mut out);
        let expected = "PUT /a?b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-b: 2\r\nEmpty: \r\nX-C: 3\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn an_answer_keeps_its_reason_whatever_it_is() {
        for line in ["HTTP/1.1 200 Fine\u{e9}", "HTTP/1.0 299 ", "HTTP/1.1 418"] {
            let text: Vec<u8> = format!("\r\n{line}\r\nA: b\r\n\r\n")
                .chars()
                .map(|c| u8::try_from(c).unwrap())
                .collect();
            let mut head = ResponseHead::default();
            assert_eq!(head.parse(&text, 100), Ok(Some(text.len())), "{line}");
            let mut out = Vec::new();
            head.write(&mut out);
            let start = out.split(|byte| *byte == b'\r').next().unwrap();
            let line = &text[2..2 + line.chars().count()];
            assert_eq!(start[13..], line[13.min(line.len())..]);
        }
    }

    #[test]
    fn a_large_head_is_not_kept_for_the_next_one() {
        for (length, kept) in [(1000, true), (100_000, false)] {
            let text = format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(length));
            let mut head = ResponseHead::default();
            head.parse(text.as_bytes(), 10).unwrap().unwrap();
            assert_eq!(head.recycle().headers.size() > 0, kept);
        }
    }

    #[test]
    fn the_path_of_every_form_of_target_is_found() {
        for (target, path) in [
            ("/a/b?c/d", "/a/b"),
            ("http://host/a?b", "/a"),
            ("http://host?b", "/"),
            ("http://host", "/"),
            ("*", "*"),
        ] {
            let head = request(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
            assert_eq!(head.path(), path.as_bytes(), "{target}");
        }
    }

    #[test]
    fn another_target_takes_the_place_of_the_first() {
        let mut head = request("GET /a?b HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n");
        assert_eq!(head.query(), Some(&b"b"[..]));
        head.set_target(b"/c");
        head.headers.append(b"Y", b"2");
        let mut out = Vec::new();
        head.write(Version::Http11, &mut out);
        let expected = "GET /c HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(head.query(), None);
    }

    #[test]
    fn more_fields_than_allowed_are_told_from_nonsense() {
        let mut head = RequestHead::default();
        let two = b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n";
        assert_eq!(head.parse(two, 1), Err(BadHead::TooManyFields));
        assert_eq!(head.parse(b"\x16\x03\x01", 1), Err(BadHead::Malformed));
        assert_eq!(head.parse(&two[..20], 2), Ok(None));
    }
}
