//! Pairs of which one side, or both, comes from a capture: messages as they stand in its records.

use std::time::Duration;

use bytes::BytesMut;

use super::{
    answer::{Answer, Asked, PairIn},
    comparer::Comparer,
    live::REQUEST_BODY,
};
use crate::{
    capture::split_head,
    http::{BodyReader, Framing, Headers, Known, Parsed, RequestHead, ResponseHead},
};

/// A response as a record has it.
pub(crate) struct CapturedMessage<'a> {
    /// Its head and its body; empty where it was not captured.
    pub(crate) message: &'a [u8],
    /// Bytes of its body, where [`shorten`] took the end of it away.
    pub(crate) length: Option<u64>,
    /// Something is missing at its end.
    pub(crate) is_cut: bool,
    /// Milliseconds since 1970 when its head came.
    pub(crate) at: i64,
    /// From the request to its head.
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

/// What is kept of a request: its head, and a body that may name its operation.
pub(crate) fn asked_part(request: &[u8]) -> &[u8] {
    let (head, body) = split_head(request);
    if body.len() as u64 <= REQUEST_BODY {
        request
    } else {
        head
    }
}

/// A response with so many bytes of its body at most, without chunks, and how long the body was; `None` where it is not
/// longer.
pub(crate) fn shorten(message: &[u8], most: usize) -> Option<(Vec<u8>, u64)> {
    let (head, rest) = split_head(message);
    if rest.len() <= most {
        return None;
    }
    let (_, body) = read(message, None)?;
    let kept = &body[..body.len().min(most)];
    Some(([head, kept].concat(), body.len() as u64))
}

/// Takes a captured exchange and another response to its request. What can't be compared is counted with its reason.
pub(crate) fn captured_pair(
    comparer: &mut Comparer,
    id: &[u8],
    request: &[u8],
    primary: &CapturedMessage<'_>,
    mut shadow: ResponseOf<'_>,
) {
    let mut head = RequestHead::default();
    let Ok(Some(length)) = head.parse(request, LINES) else {
        return comparer.not_compared("malformed");
    };
    let Some((theirs, body)) = read(primary.message, primary.length) else {
        return comparer.not_compared("not_captured");
    };
    let missing = Missing::of(&theirs, &body, primary, head.method());
    let is_other_class = theirs.status / 100 != shadow.head.status / 100;
    if missing == Missing::Body && !is_other_class {
        return comparer.not_compared("no_body");
    }
    let mut theirs = primary.response(&theirs, &body, missing);
    if missing != Missing::Nothing {
        // How much is missing was not captured: as much of both is compared.
        theirs.cut_to(shadow.body.len());
        shadow.cut_to(theirs.body.len());
    }
    let request_body = unchunked(Framing::of_request(&head).ok(), &request[length..]);
    let id = String::from_utf8_lossy(id);
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
    let Some((head, body)) = read(shadow.message, shadow.length) else {
        return comparer.not_compared("not_captured");
    };
    let method = request.split(|byte| *byte == b' ').next();
    let missing = Missing::of(&head, &body, shadow, method.unwrap_or_default());
    if missing == Missing::Body {
        return comparer.not_compared("no_body");
    }
    let shadow = shadow.response(&head, &body, missing);
    captured_pair(comparer, id, request, primary, shadow);
}

impl<'a> CapturedMessage<'a> {
    fn response(&self, head: &'a ResponseHead, body: &'a [u8], missing: Missing) -> ResponseOf<'a> {
        let length = self.length.unwrap_or(body.len() as u64);
        ResponseOf {
            head,
            body,
            length,
            is_whole: missing == Missing::Nothing && length == body.len() as u64,
            at: self.at,
            took: self.took,
        }
    }
}

/// What of a response was not captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    Nothing,
    End,
    /// All of its body, as where only heads are captured.
    Body,
}

impl Missing {
    fn of(head: &ResponseHead, body: &[u8], captured: &CapturedMessage<'_>, method: &[u8]) -> Self {
        let length = head.headers.get(Known::ContentLength).and_then(decimal);
        let is_bodiless =
            method == b"HEAD" || matches!(head.status, 204 | 304) || length == Some(0);
        // Files of others don't say what is missing in them.
        let came = captured.length.unwrap_or(body.len() as u64);
        let is_short = length.is_some_and(|length| came < length);
        match (body.is_empty(), captured.is_cut || is_short) {
            (true, _) if is_bodiless => Self::Nothing,
            (_, false) => Self::Nothing,
            (true, true) => Self::Body,
            (false, true) => Self::End,
        }
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    str::from_utf8(text).ok()?.trim().parse().ok()
}

impl ResponseOf<'_> {
    /// Only so many bytes of it are looked at, as if no more had come.
    fn cut_to(&mut self, most: usize) {
        self.body = &self.body[..self.body.len().min(most)];
        self.length = self.body.len() as u64;
        self.is_whole = false;
    }

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

/// A response's head, and its body without chunks; what was shortened has none.
fn read(message: &[u8], shortened: Option<u64>) -> Option<(ResponseHead, Vec<u8>)> {
    let mut head = ResponseHead::default();
    let length = head.parse(message, LINES).ok()??;
    if shortened.is_some() {
        return Some((head, message[length..].to_vec()));
    }
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
    use crate::compare::{Settings, counts::Counts};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn message(text: &str) -> CapturedMessage<'_> {
        CapturedMessage {
            message: text.as_bytes(),
            length: None,
            is_cut: false,
            at: 0,
            took: Duration::ZERO,
        }
    }

    fn cut(text: &str) -> CapturedMessage<'_> {
        CapturedMessage {
            is_cut: true,
            ..message(text)
        }
    }

    fn counts(request: &[u8], primary: &CapturedMessage<'_>, shadow: &str) -> Counts {
        let mut comparer = Comparer::new(Settings::default());
        captured_pair_of_two(&mut comparer, b"1", request, primary, &message(shadow));
        comparer.counts()
    }

    #[test]
    fn chunks_of_one_side_are_no_difference_and_what_was_not_captured_is_counted() {
        let mut comparer = Comparer::new(Settings::default());
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        for (one, other) in [(chunked, sized), (sized, ""), ("", sized)] {
            captured_pair_of_two(&mut comparer, b"1", REQUEST, &message(one), &message(other));
        }
        let counts = comparer.counts();
        assert_eq!(counts.recorded, 0, "{counts:?}");
        assert_eq!(counts.not_compared["not_captured"], 2);
        assert_eq!(counts.answered, 3);
    }

    #[test]
    fn a_body_that_was_not_captured_is_no_difference_and_another_status_is_one() {
        let head = cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
        let same = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        let failed = "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\noops";
        let of_same = counts(REQUEST, &head, same);
        assert_eq!((of_same.recorded, of_same.not_compared["no_body"]), (0, 1));
        let of_failed = counts(REQUEST, &head, failed);
        assert_eq!(
            (of_failed.recorded, of_failed.not_compared.len()),
            (1, 0),
            "{of_failed:?}"
        );
    }

    #[test]
    fn a_body_that_is_shorter_than_its_head_says_was_not_captured_whole() {
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/plain\r\n\r\n";
        let whole = format!("{head}one two three");
        for (captured, reason) in [("", "no_body"), ("one two", "truncated")] {
            let captured = format!("{head}{captured}");
            let counts = counts(REQUEST, &message(&captured), &whole);
            assert_eq!((counts.recorded, counts.not_compared[reason]), (0, 1));
        }
    }

    #[test]
    fn what_has_no_body_is_whole_though_only_heads_were_captured() {
        let request = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let counts = counts(request, &cut(head), head);
        assert_eq!((counts.identical, counts.not_compared.len()), (1, 0));
    }

    #[test]
    fn of_a_body_that_was_cut_as_much_is_compared_as_was_captured() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        let captured = format!(r#"{head}{{"a":1,"b":[2,"#);
        let same = format!(r#"{head}{{"a":1,"b":[2,3]}}"#);
        let of_same = counts(REQUEST, &cut(&captured), &same);
        assert_eq!(
            (of_same.recorded, of_same.not_compared["truncated"]),
            (0, 1)
        );
        let other = format!(r#"{head}{{"a":7,"b":[2,3]}}"#);
        let of_other = counts(REQUEST, &cut(&captured), &other);
        assert_eq!(of_other.recorded, 1, "{of_other:?}");
    }

    #[test]
    fn a_value_that_the_capture_left_out_is_no_difference_and_one_that_is_gone_is_one() {
        let answer = |body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            )
        };
        let captured = answer(r#"{"pin":"redacted","key":"redacted-0123456789abcdef"}"#);
        for (shadow, recorded) in [(r#"{"pin":4711,"key":"k"}"#, 0), (r#"{"key":"k"}"#, 1)] {
            let mut comparer = Comparer::new(Settings {
                is_redacted: crate::capture::is_redacted,
                ..Settings::default()
            });
            let (one, other) = (message(&captured), answer(shadow));
            captured_pair_of_two(&mut comparer, b"1", REQUEST, &one, &message(&other));
            assert_eq!(comparer.counts().recorded, recorded, "{shadow}");
        }
    }

    #[test]
    fn what_is_shortened_keeps_its_length_and_loses_its_chunks() {
        let chunked =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let (short, length) = shorten(chunked, 3).unwrap();
        assert!(short.ends_with(b"\r\n\r\nhel"), "{short:?}");
        assert_eq!(length, 5);
        assert_eq!(shorten(chunked, 100), None);
        let (_, body) = read(&short, Some(length)).unwrap();
        assert_eq!(body, b"hel");
    }

    #[test]
    fn a_large_request_is_kept_without_its_body() {
        let head = "POST / HTTP/1.1\r\nContent-Length: 20000\r\n\r\n";
        let large = [head.as_bytes(), &vec![b'x'; 20_000]].concat();
        assert_eq!(asked_part(&large), head.as_bytes());
        assert_eq!(asked_part(REQUEST), REQUEST);
    }
}
