//! Pairs of which one side, or both, comes from a capture: messages as they stand in its records.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    answer::{Answer, Asked, Counterpart, PairIn},
    comparer::Comparer,
    live::REQUEST_BODY,
};
use crate::{
    capture::{Answered, Record, split_head},
    http::{
        Framing, Headers, Known, MOST_FIELDS, RequestHead, ResponseHead, unchunked, whole_response,
    },
};

/// An exchange of a capture, with what comparing needs of it: it waits for another response to the same request.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Captured {
    pub(crate) id: Vec<u8>,
    /// Its head, and a body that may name its operation.
    pub(crate) request: Vec<u8>,
    pub(crate) response: Option<CapturedResponse>,
}

/// A response as a record has it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CapturedResponse {
    /// Its head and its body; empty where it was not captured.
    message: Vec<u8>,
    /// Bytes of its body, where the end of it is left out here.
    length: Option<u64>,
    /// Something is missing at its end.
    is_cut: bool,
    /// Milliseconds since 1970 when its head came.
    at: i64,
    /// From the request to its head.
    took: Duration,
}

/// How much of a response was captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Nothing,
    Head,
    /// So many bytes of its body.
    Start(usize),
    Whole,
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

impl Captured {
    /// Keeps so many bytes of the response's body at most.
    pub(crate) fn of(record: &Record<'_>, most: usize) -> Self {
        let response = record.answer;
        Self {
            id: record.id.to_vec(),
            request: asked_part(record.request).to_vec(),
            response: response.map(|answer| CapturedResponse::of(record.time, &answer, most)),
        }
    }

    /// How much of the response to a request with this method was captured.
    pub(crate) fn extent(&self, method: &[u8]) -> Extent {
        let read = self.response.as_ref();
        let Some((response, (head, body))) =
            read.and_then(|response| Some((response, response.read()?)))
        else {
            return Extent::Nothing;
        };
        match Missing::of(&head, &body, response, method) {
            Missing::Nothing => Extent::Whole,
            Missing::End => Extent::Start(body.len()),
            Missing::Body => Extent::Head,
        }
    }

    /// Shows the response to a request with this method, where its head was captured at least.
    pub(crate) fn answered<T>(
        &self,
        method: &[u8],
        look: impl FnOnce(&Answer<'_>) -> T,
    ) -> Option<T> {
        let response = self.response.as_ref()?;
        let (head, body) = response.read()?;
        let missing = Missing::of(&head, &body, response, method);
        Some(look(&response.response(&head, &body, missing).answer()))
    }

    /// Shows the response's headers, where they were captured.
    pub(crate) fn with_headers(&self, look: impl FnOnce(&Headers)) {
        let mut head = ResponseHead::default();
        if let Some(response) = &self.response
            && let Ok(Some(_)) = head.parse(&response.message, MOST_FIELDS)
        {
            look(&head.headers);
        }
    }

    /// Bytes that it holds.
    pub(crate) fn size(&self) -> usize {
        let response = self.response.as_ref();
        let response = response.map_or(0, |response| response.message.len());
        self.id.len() + self.request.len() + response + size_of::<Self>()
    }
}

fn asked_part(request: &[u8]) -> &[u8] {
    let (head, body) = split_head(request);
    if body.len() as u64 <= REQUEST_BODY {
        request
    } else {
        head
    }
}

impl CapturedResponse {
    fn of(time: u64, answer: &Answered<'_>, most: usize) -> Self {
        let (message, length) = match shorten(answer.message, most) {
            Some((message, length)) => (message, Some(length)),
            None => (answer.message.to_vec(), None),
        };
        let at = time.saturating_add(answer.after) / 1_000_000;
        Self {
            message,
            length,
            is_cut: answer.cut,
            at: i64::try_from(at).unwrap_or(i64::MAX),
            took: Duration::from_nanos(answer.after),
        }
    }

    /// Its head, and its body without chunks; what was shortened has none.
    fn read(&self) -> Option<(ResponseHead, Vec<u8>)> {
        if self.length.is_none() {
            return whole_response(&self.message);
        }
        let mut head = ResponseHead::default();
        let length = head.parse(&self.message, MOST_FIELDS).ok()??;
        Some((head, self.message[length..].to_vec()))
    }

    fn response<'a>(
        &self,
        head: &'a ResponseHead,
        body: &'a [u8],
        missing: Missing,
    ) -> ResponseOf<'a> {
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

/// A response with so many bytes of its body at most, without chunks, and how long the body was; `None` where it is not
/// longer.
fn shorten(message: &[u8], most: usize) -> Option<(Vec<u8>, u64)> {
    let (head, rest) = split_head(message);
    if rest.len() <= most {
        return None;
    }
    let (_, body) = whole_response(message)?;
    let kept = &body[..body.len().min(most)];
    Some(([head, kept].concat(), body.len() as u64))
}

/// Takes a captured exchange and another response to its request, or why there is none. What can't be compared is counted
/// with its reason. `counterparts` are ids in it that are different on the other side.
pub(crate) fn captured_pair(
    comparer: &mut Comparer,
    captured: &Captured,
    shadow: Result<ResponseOf<'_>, &'static str>,
    counterparts: &[Counterpart],
) {
    let Some(primary) = &captured.response else {
        return comparer.not_compared("no_primary");
    };
    let mut shadow = match shadow {
        Ok(shadow) => shadow,
        Err(why) => return comparer.not_compared(why),
    };
    let mut head = RequestHead::default();
    let Ok(Some(length)) = head.parse(&captured.request, MOST_FIELDS) else {
        return comparer.not_compared("malformed");
    };
    let Some((theirs, body)) = primary.read() else {
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
    let is_chunked = Framing::of_request(&head) == Ok(Framing::Chunked);
    let request_body = unchunked(is_chunked, &captured.request[length..]);
    let id = String::from_utf8_lossy(&captured.id);
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
        counterparts,
    });
}

/// As that, of two captured exchanges.
pub(crate) fn captured_pair_of_two(comparer: &mut Comparer, one: &Captured, other: &Captured) {
    let method = one.request.split(|byte| *byte == b' ').next();
    let Some(response) = &other.response else {
        return captured_pair(comparer, one, Err("no_response"), &[]);
    };
    let Some((head, body)) = response.read() else {
        return captured_pair(comparer, one, Err("not_captured"), &[]);
    };
    let shadow = match Missing::of(&head, &body, response, method.unwrap_or_default()) {
        Missing::Body => Err("no_body"),
        missing => Ok(response.response(&head, &body, missing)),
    };
    captured_pair(comparer, one, shadow, &[]);
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
    fn of(head: &ResponseHead, body: &[u8], captured: &CapturedResponse, method: &[u8]) -> Self {
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

    pub(crate) fn answer(&self) -> Answer<'_> {
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

fn lines(headers: &Headers) -> Vec<(&[u8], &[u8])> {
    headers.iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Settings, counts::Counts};

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    fn answered(message: &str) -> Answered<'_> {
        Answered {
            message: message.as_bytes(),
            ..Answered::default()
        }
    }

    fn cut(message: &str) -> Answered<'_> {
        Answered {
            cut: true,
            ..answered(message)
        }
    }

    fn captured(request: &[u8], answer: Answered<'_>) -> Captured {
        let record = Record {
            id: b"1",
            request,
            answer: Some(answer),
            ..Record::default()
        };
        Captured::of(&record, 1 << 20)
    }

    fn take(comparer: &mut Comparer, request: &[u8], [one, other]: [Answered<'_>; 2]) {
        let [one, other] = [one, other].map(|answer| captured(request, answer));
        captured_pair_of_two(comparer, &one, &other);
    }

    fn counts(request: &[u8], primary: Answered<'_>, shadow: &str) -> Counts {
        let mut comparer = Comparer::new(Settings::default());
        take(&mut comparer, request, [primary, answered(shadow)]);
        comparer.counts()
    }

    #[test]
    fn chunks_of_one_side_are_no_difference_and_what_was_not_captured_is_counted() {
        let mut comparer = Comparer::new(Settings::default());
        let chunked =
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
        for (one, other) in [(chunked, sized), (sized, ""), ("", sized)] {
            take(&mut comparer, REQUEST, [one, other].map(answered));
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
        let of_same = counts(REQUEST, head, same);
        assert_eq!((of_same.recorded, of_same.not_compared["no_body"]), (0, 1));
        let of_failed = counts(REQUEST, head, failed);
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
            let counts = counts(REQUEST, answered(&captured), &whole);
            assert_eq!((counts.recorded, counts.not_compared[reason]), (0, 1));
        }
    }

    #[test]
    fn what_has_no_body_is_whole_though_only_heads_were_captured() {
        let request = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
        let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
        let counts = counts(request, cut(head), head);
        assert_eq!((counts.identical, counts.not_compared.len()), (1, 0));
    }

    #[test]
    fn of_a_body_that_was_cut_as_much_is_compared_as_was_captured() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n";
        let captured = format!(r#"{head}{{"a":1,"b":[2,"#);
        let same = format!(r#"{head}{{"a":1,"b":[2,3]}}"#);
        let of_same = counts(REQUEST, cut(&captured), &same);
        assert_eq!(
            (of_same.recorded, of_same.not_compared["truncated"]),
            (0, 1)
        );
        let other = format!(r#"{head}{{"a":7,"b":[2,3]}}"#);
        let of_other = counts(REQUEST, cut(&captured), &other);
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
            let (one, other) = (answered(&captured), answer(shadow));
            take(&mut comparer, REQUEST, [one, answered(&other)]);
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
        let answer = Answered {
            message: chunked,
            ..Answered::default()
        };
        let (_, body) = CapturedResponse::of(0, &answer, 3).read().unwrap();
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
