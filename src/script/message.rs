//! Messages as a script sees them, and what it writes as a request again.

use bytes::Bytes;

use crate::{
    capture::message_line,
    http::{Headers, Known, RequestHead, ResponseHead, strip_request, vet},
};

/// What a request may be that a script writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) header_bytes: usize,
    pub(crate) header_count: usize,
    pub(crate) target_bytes: usize,
}

/// Which of the three messages of a copy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    /// The primary's.
    Answer,
    /// The shadow's.
    Replayed,
}

impl Kind {
    pub(super) const fn digit(self) -> u8 {
        match self {
            Self::Request => b'1',
            Self::Answer => b'2',
            Self::Replayed => b'3',
        }
    }
}

/// A request as a script wrote it, or as it was.
#[derive(Debug)]
pub(crate) struct Edited {
    pub(crate) head: RequestHead,
    pub(crate) body: Bytes,
}

/// What a script wrote is not a request that could be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NoRequest;

/// Writes a request's message: its body is whole and in no chunks.
pub(crate) fn write_request<'a>(
    head: &RequestHead,
    body: impl Iterator<Item = &'a [u8]> + Clone,
    has_body: bool,
    out: &mut Vec<u8>,
) {
    let length = body.clone().map(<[u8]>::len).sum();
    if head.headers.has(Known::TransferEncoding) {
        let mut head = head.clone();
        frame(&mut head.headers, length, has_body);
        head.write_on(out);
    } else {
        head.write_on(out);
    }
    out.extend_from_slice(b"\r\n");
    out.reserve(length);
    body.for_each(|part| out.extend_from_slice(part));
}

/// Writes an answer's message. Where its body was cut, its length stays what it was.
pub(crate) fn write_answer(head: &ResponseHead, body: &[u8], whole: bool, out: &mut Vec<u8>) {
    if head.headers.has(Known::TransferEncoding) {
        let mut head = head.clone();
        head.headers.remove(Known::TransferEncoding);
        head.headers.remove(Known::Trailer);
        if whole {
            frame(&mut head.headers, body.len(), true);
        }
        head.write(out);
    } else {
        head.write(out);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

/// Reads the request behind the first line of what a script wrote. Where its body ends is told by the line that it
/// came in, so that its length is set to that, whatever the script says.
pub(crate) fn read_request(payload: Vec<u8>, limits: &Limits) -> Result<Edited, NoRequest> {
    let (_, start) = message_line(&payload).ok_or(NoRequest)?;
    let mut head = RequestHead::default();
    let parsed = head.parse(&payload[start..], limits.header_count);
    let Ok(Some(length)) = parsed else {
        return Err(NoRequest);
    };
    // A body in chunks would be one that ends elsewhere than the message.
    if length > limits.header_bytes || head.headers.has(Known::TransferEncoding) {
        return Err(NoRequest);
    }
    let body = Bytes::from(payload).slice(start + length..);
    let has_body = !body.is_empty() || head.headers.has(Known::ContentLength);
    frame(&mut head.headers, body.len(), has_body);
    strip_request(&mut head.headers, false);
    match vet(&mut head, limits.target_bytes) {
        Ok(_) => Ok(Edited { head, body }),
        Err(_) => Err(NoRequest),
    }
}

/// Frames the body by its length.
fn frame(headers: &mut Headers, length: usize, has_body: bool) {
    if headers.has(Known::TransferEncoding) {
        headers.remove(Known::TransferEncoding);
        // What it announces is not passed on with a body in one piece.
        headers.remove(Known::Trailer);
    }
    let digits = length.to_string();
    let is_right = {
        let mut said = headers.all(Known::ContentLength);
        said.next() == Some(digits.as_bytes()) && said.next().is_none()
    };
    if has_body && !is_right {
        headers.set(b"Content-Length", digits.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        header_bytes: 1000,
        header_count: 10,
        target_bytes: 100,
    };

    fn read(text: &str) -> Result<String, NoRequest> {
        let payload = format!("1 00 5 0\n{text}").into_bytes();
        let edited = read_request(payload, &LIMITS)?;
        let mut out = Vec::new();
        edited.head.write(edited.head.version, &mut out);
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&edited.body);
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn the_length_is_that_of_the_body_whatever_the_script_says() {
        for said in [
            "",
            "Content-Length: 1\r\n",
            "Content-Length: x\r\ncontent-length: 9\r\n",
        ] {
            let text = read(&format!("PUT / HTTP/1.1\r\nHost: a\r\n{said}\r\nhello")).unwrap();
            let expected = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
            assert_eq!(text, expected);
        }
        let empty = "PUT / HTTP/1.1\r\nContent-Length: 9\r\nHost: a\r\n\r\n";
        assert_eq!(read(empty).unwrap(), empty.replace('9', "0"));
        let none = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        assert_eq!(read(none).unwrap(), none);
    }

    #[test]
    fn what_is_no_clear_request_is_refused() {
        for text in [
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n",
            "PUT / HTTP/1.1\r\nHost: a\r\n Content-Length: 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(read(text), Err(NoRequest), "{text:?}");
        }
        let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100));
        assert_eq!(read(&long), Err(NoRequest));
    }

    #[test]
    fn fields_of_one_hop_go_no_further() {
        let text =
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X\r\nX: 1\r\nUpgrade: h2c\r\n\r\n";
        assert_eq!(read(text).unwrap(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }

    #[test]
    fn a_body_in_chunks_is_one_of_a_length() {
        let mut head = RequestHead::default();
        let text = "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n";
        head.parse(text.as_bytes(), 10).unwrap().unwrap();
        let mut out = Vec::new();
        write_request(&head, [&b"he"[..], b"llo"].into_iter(), true, &mut out);
        let expected = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
