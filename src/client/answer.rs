//! An answer as it is read from a connection.

use super::Connection;
use crate::http::Version;
use crate::http::{
    AnswerHead, BadBody, BadFraming, BadHead, BodyReader, Framing, Part, end_of_lines, has_option,
    settle,
};

/// How answers are read: the largest header that is taken, and the largest trailers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    pub(crate) header_bytes: usize,
    pub(crate) header_count: usize,
}

/// Why no answer can be read of what came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadAnswer {
    #[error("the answer's header is none")]
    Head(#[source] BadHead),
    #[error("the answer's header has more lines than limits.response_header_count")]
    TooManyFields,
    #[error("the answer's header is larger than limits.response_header_bytes")]
    HeadTooLarge,
    #[error("the answer's end can't be told")]
    Framing(#[from] BadFraming),
    #[error("the answer's body is none")]
    Body(#[from] BadBody),
    #[error("the connection ended before the answer was whole")]
    Ended,
    #[error("the connection broke")]
    Io(#[from] std::io::Error),
}

impl From<BadHead> for BadAnswer {
    fn from(bad: BadHead) -> Self {
        match bad {
            BadHead::TooManyFields => Self::TooManyFields,
            bad => Self::Head(bad),
        }
    }
}

/// Reads the answer to one request.
#[derive(Debug)]
pub(crate) struct AnswerReader {
    reading: Reading,
    to_head: bool,
    body: Option<BodyReader>,
    /// The connection may serve another request afterwards.
    keeps: bool,
    looked: usize,
    /// Something of it was taken, if only an interim head.
    began: bool,
}

impl AnswerReader {
    /// For the answer to a request with this method.
    pub(crate) fn new(method: &[u8], reading: Reading) -> Self {
        Self {
            reading,
            to_head: method == b"HEAD",
            body: None,
            keeps: false,
            looked: 0,
            began: false,
        }
    }

    /// The next head, where it is whole in what came. Interim ones (1xx) come before the final one.
    ///
    /// # Errors
    /// Where it can't become one.
    pub(crate) fn head(
        &mut self,
        connection: &mut Connection,
        head: &mut AnswerHead,
    ) -> Result<Option<Framing>, BadAnswer> {
        let buf = &mut connection.wire.buf;
        if buf.is_empty() || buf.len() == self.looked {
            return Ok(None);
        }
        // A head that comes in small pieces is not read from its start for each of them.
        let new = self.looked.saturating_sub(b"\n\r".len());
        let may_be_whole = self.looked == 0 || end_of_lines(&buf[new..]).is_some();
        if !may_be_whole && buf.len() <= self.reading.header_bytes {
            self.looked = buf.len();
            return Ok(None);
        }
        let Some(length) = head.parse(buf, self.reading.header_count)? else {
            self.looked = buf.len();
            if buf.len() > self.reading.header_bytes {
                return Err(BadAnswer::HeadTooLarge);
            }
            return Ok(None);
        };
        if length > self.reading.header_bytes {
            return Err(BadAnswer::HeadTooLarge);
        }
        self.looked = 0;
        self.began = true;
        bytes::Buf::advance(buf, length);
        let framing = Framing::of_answer(head, self.to_head)?;
        if !head.is_interim() {
            let says_close = has_option(&head.fields, b"close");
            let old = head.version == Version::Http10 && !has_option(&head.fields, b"keep-alive");
            self.keeps = !(says_close || old || framing == Framing::Close || head.status == 101);
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
    pub(crate) fn part(&mut self, connection: &mut Connection) -> Result<Part, BadAnswer> {
        match &mut self.body {
            Some(body) => Ok(body.next(&mut connection.wire.buf)?),
            None => Ok(Part::More),
        }
    }

    /// The connection ended: fine where that is the body's end.
    ///
    /// # Errors
    /// Where the answer is not whole.
    pub(crate) fn finish(&mut self) -> Result<(), BadAnswer> {
        match &mut self.body {
            Some(body) => body.finish().map_err(|_| BadAnswer::Ended),
            None => Err(BadAnswer::Ended),
        }
    }

    /// Whether `error` may only mean that the other side closed a kept connection just as the request was written to
    /// it: the connection has served before, and nothing of this answer came.
    pub(crate) fn is_stale(&self, error: &BadAnswer, connection: &Connection) -> bool {
        matches!(error, BadAnswer::Ended | BadAnswer::Io(_))
            && connection.is_used
            && !self.began
            && connection.wire.buf.is_empty()
    }

    /// Whether the head came.
    pub(crate) fn has_head(&self) -> bool {
        self.body.is_some()
    }

    /// Whether all of it was read.
    pub(crate) fn is_done(&self) -> bool {
        self.body.as_ref().is_some_and(BodyReader::is_done)
    }

    /// Whether its connection may serve another request, once the answer is done.
    pub(crate) fn keeps_connection(&self) -> bool {
        self.keeps && self.is_done()
    }
}
