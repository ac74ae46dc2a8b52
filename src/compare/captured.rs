//! Pairs of which one side, or both, comes from a capture: messages as they stand in its records.

use std::time::Duration;

use bytes::BytesMut;

use super::{
    answer::{Answer, Asked, PairIn},
    comparer::Comparer,
};
use crate::http::{BodyReader, Framing, Headers, Parsed, RequestHead, ResponseHead};

/// A response as a record has it.
pub(crate) struct CapturedMessage<'a> {
    /// Its head and its body; empty where it was not captured.
    pub(crate) message: &'a [u8],
    /// Something is missing at its end.
    pub(crate) is_cut: bool,
    /// Milliseconds since 1970 when its head came.
    pub(crate) at: i64,
    pub(crate) took: Duration,
}

/// A response with its head and what is kept of its body.
pub(crate) struct ResponseOf<'a> {
    pub(crate) head: &'a ResponseHead,
    pub(crate) body: &'a [u8],
    /// Bytes of the body that came.
    pub(crate) length: u64,
    pub(crate) is_whole: bool,
    pub(crate) at: i64,
    pub(crate) took: Duration,
}

/// No head has more lines.
const LINES: usize = 1000;

/// Takes a captured exchange and another response to its request. What can't be compared is counted with its reason.
pub(crate) fn captured_pair(
    comparer: &mut Comparer,
    id: &[u8],
    request: &[u8],
    primary: &CapturedMessage<'_>,
    shadow: &ResponseOf<'_>,
) {
    let mut head = RequestHead::default();
    let Ok(Some(length)) = head.parse(request, LINES) else {
        return comparer.not_compared("malformed");
    };
    let Some((theirs, body)) = read(primary.message) else {
        return comparer.not_compared("not_captured");
    };
    let request_body = unchunked(Framing::of_request(&head).ok(), &request[length..]);
    let id = String::from_utf8_lossy(id);
    let theirs = ResponseOf {
        head: &theirs,
        body: &body,
        length: body.len() as u64,
        is_whole: !primary.is_cut,
        at: primary.at,
        took: primary.took,
    };
    comparer.take(&PairIn {
        request_id: &id,
        asked: Asked {
            method: head.method(),
            target: head.target(),
            headers: lines(&head.headers),
            body: (!request_body.is_empty()).then_some(&request_body[..]),
        },
        primary: theirs.answer(),
        shadow: shadow.answer(),
    });
}

/// As that, of two captured responses.
pub(crate) fn captured_pair_of_two(
    comparer: &mut Comparer,
    id: &[u8],
    request: &[u8],
    primary: &CapturedMessage<'_>,
    shadow: &CapturedMessage<'_>,
) {
    let Some((head, body)) = read(shadow.message) else {
        return comparer.not_compared("not_captured");
    };
    let ours = ResponseOf {
        head: &head,
        body: &body,
        length: body.len() as u64,
        is_whole: !shadow.is_cut,
        at: shadow.at,
        took: shadow.took,
    };
    captured_pair(comparer, id, request, primary, &ours);
}

impl ResponseOf<'_> {
    fn answer(&self) -> Answer<'_> {
        Answer {
            status: self.head.status,
            headers: lines(&self.head.headers),
            body: self.body,
            length: self.length,
            is_whole: self.is_whole,
            at: self.at,
            took: self.took,
        }
    }
}

/// A response's head, and its body without chunks.
fn read(message: &[u8]) -> Option<(ResponseHead, Vec<u8>)> {
    let mut head = ResponseHead::default();
    let length = head.parse(message, LINES).ok()??;
    let framing = Framing::of_answer(&mut head, false).ok();
    Some((head, unchunked(framing, &message[length..])))
}

fn unchunked(framing: Option<Framing>, rest: &[u8]) -> Vec<u8> {
    if framing != Some(Framing::Chunked) {
        return rest.to_vec();
    }
    let (mut body, mut left) = (Vec::new(), BytesMut::from(rest));
    let mut reader = BodyReader::new(Framing::Chunked, rest.len(), LINES).tolerant();
    while let Ok(Parsed::Piece(length)) = reader.next(&mut left) {
        body.extend_from_slice(&left.split_to(length));
    }
    body
}

fn lines(headers: &Headers) -> Vec<(&[u8], &[u8])> {
    headers.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Settings;

    fn message(text: &str) -> CapturedMessage<'_> {
        CapturedMessage {
            message: text.as_bytes(),
            is_cut: false,
            at: 0,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn chunks_of_one_side_are_no_difference_and_what_was_not_captured_is_counted() {
        let mut comparer = Comparer::new(Settings::default());
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        for (one, other) in [(chunked, sized), (sized, ""), ("", sized)] {
            captured_pair_of_two(&mut comparer, b"1", request, &message(one), &message(other));
        }
        let counts = comparer.counts();
        assert_eq!(counts.recorded, 0, "{counts:?}");
        assert_eq!(counts.not_compared["not_captured"], 2);
        assert_eq!(counts.answered, 3);
    }
}
