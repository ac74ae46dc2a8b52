//! An answer as it is read from a connection that speaks HTTP/1.

use bytes::{Buf, BytesMut};

use crate::http::{
    BadBody, BadFraming, BadHead, BodyReader, Framing, HeadScan, Headers, Known, Parsed,
    ResponseHead, Version, has_option, settle,
};

/// How answers are read: the largest header that is taken, and the largest trailers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) header_bytes: usize,
    pub(crate) header_count: usize,
}

/// Why what came is not a response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadResponse {
    #[error("the response's header is malformed")]
    Head(#[source] BadHead),
    #[error("the response's header has more lines than limits.response_header_count")]
    TooManyFields,
    #[error("the response's header is larger than limits.response_header_bytes")]
    HeadTooLarge,
    #[error(
        "more than {MOST_INTERIM} interim responses (1xx), or too large ones, came before the response"
    )]
    TooManyInterim,
    #[error("where the response ends can't be told")]
    Framing(#[from] BadFraming),
    #[error("the response's body is malformed")]
    Body(#[from] BadBody),
    #[error("the connection ended before the response was whole")]
    Ended,
    #[error("the connection broke")]
    Io(#[from] std::io::Error),
}

impl From<BadHead> for BadResponse {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::TooManyFields => Self::TooManyFields,
            bad => Self::Head(bad),
        }
    }
}

/// Reads the answer to one request.
#[derive(Debug)]
pub(crate) struct ResponseReader {
    reading: Reading,
    to_head: bool,
    body: Option<BodyReader>,
    after: After,
    /// Its head does not say how long it is.
    has_no_length: bool,
    scan: HeadScan,
    /// Interim heads that were taken, and their bytes.
    interim: u32,
    interim_bytes: usize,
}

/// What becomes of the connection behind an answer (RFC 9112, 9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Closed,
    /// It is kept, but the answer has no body and says that one follows.
    Doubtful,
    Kept,
}

impl After {
    fn of(head: &ResponseHead, framing: Framing) -> Self {
        let headers = &head.headers;
        let says_close = has_option(headers, b"close");
        let old = head.version == Version::Http10 && !has_option(headers, b"keep-alive");
        if says_close || old || framing == Framing::Close || head.status == 101 {
            Self::Closed
        } else if matches!(head.status, 204 | 304) && announces_body(headers) {
            Self::Doubtful
        } else {
            Self::Kept
        }
    }
}

/// Interim answers (RFC 9110, 15.2) before the final one: a server that works for long may send `102` or `103` now and
/// then, and one that does nothing else must not keep anybody busy.
const MOST_INTERIM: u32 = 100;

impl ResponseReader {
    /// For the response to a request whose method is HEAD, or another.
    pub(super) fn new(to_head: bool, reading: Reading) -> Self {
        Self {
            reading,
            to_head,
            body: None,
            after: After::Closed,
            has_no_length: false,
            scan: HeadScan::default(),
            interim: 0,
            interim_bytes: 0,
        }
    }

    /// The next head, where it is whole in what came. Interim ones (1xx) come before the final one.
    ///
    /// # Errors
    /// Where it can't become one.
    pub(super) fn head(
        &mut self,
        buf: &mut BytesMut,
        head: &mut ResponseHead,
    ) -> Result<Option<Framing>, BadResponse> {
        let length = if self.scan.may_be_whole(buf) {
            head.parse(buf, self.reading.header_count)?
        } else {
            None
        };
        let Some(length) = length else {
            if buf.len() > self.reading.header_bytes {
                return Err(BadResponse::HeadTooLarge);
            }
            return Ok(None);
        };
        if length > self.reading.header_bytes {
            return Err(BadResponse::HeadTooLarge);
        }
        self.scan = HeadScan::default();
        buf.advance(length);
        let framing = Framing::of_answer(head, self.to_head)?;
        if head.is_interim() {
            self.interim += 1;
            self.interim_bytes += length;
            if self.interim > MOST_INTERIM || self.interim_bytes > self.reading.header_bytes {
                return Err(BadResponse::TooManyInterim);
            }
        } else {
            self.after = After::of(head, framing);
            self.has_no_length = matches!(framing, Framing::Chunked | Framing::Close);
            let Reading {
                header_bytes,
                header_count,
            } = self.reading;
            self.body = Some(BodyReader::new(framing, header_bytes, header_count).tolerant());
        }
        if framing == Framing::None {
            settle(head);
        }
        Ok(Some(framing))
    }

    /// The next part of the body, of what came.
    ///
    /// # Errors
    /// Where what came is no such body.
    pub(super) fn part(&mut self, buf: &mut BytesMut) -> Result<Parsed, BadResponse> {
        match &mut self.body {
            Some(body) => Ok(body.next(buf)?),
            None => Ok(Parsed::More),
        }
    }

    /// The connection ended: fine where that is the body's end.
    ///
    /// # Errors
    /// Where the answer is not whole.
    pub(super) fn finish(&mut self) -> Result<(), BadResponse> {
        match &mut self.body {
            Some(body) => body.finish().map_err(|_| BadResponse::Ended),
            None => Err(BadResponse::Ended),
        }
    }

    /// Whether a head came, be it an interim one.
    pub(super) fn has_begun(&self) -> bool {
        self.interim > 0 || self.body.is_some()
    }

    /// Whether the head came, and does not say how long the body is: it may have no end.
    pub(crate) fn has_no_length(&self) -> bool {
        self.has_no_length
    }

    /// Whether this head, which came, says that the body has no end (HTML, 9.2.5).
    pub(crate) fn is_event_stream(&self, head: &ResponseHead) -> bool {
        const KIND: &[u8] = b"text/event-stream";
        let is_kind = |kind: &[u8]| {
            let start = kind.get(..KIND.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(KIND))
        };
        self.has_no_length && head.headers.named(b"Content-Type").any(is_kind)
    }

    /// Whether the head came.
    pub(crate) fn has_head(&self) -> bool {
        self.body.is_some()
    }

    /// Whether all of it was read.
    pub(crate) fn is_done(&self) -> bool {
        self.body.as_ref().is_some_and(BodyReader::is_done)
    }

    /// Whether its server keeps the connection open, once the response is done.
    pub(crate) fn stays_open(&self) -> bool {
        self.after != After::Closed && self.is_done()
    }

    /// Whether it has no body and says that one follows, which its server may send all the same (RFC 9112, 6.3).
    pub(super) fn is_doubtful(&self) -> bool {
        self.after == After::Doubtful
    }
}

/// Whether an answer that has no body says that one follows: its server may send it.
fn announces_body(headers: &Headers) -> bool {
    headers.has(Known::TransferEncoding)
        || headers
            .all(Known::ContentLength)
            .any(|length| length != b"0")
}
