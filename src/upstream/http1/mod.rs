//! HTTP/1 to a server: a call on a connection, how its request is encoded, and how its response is read.
//!
//! Callers know none of it. Another wire is a folder beside this one, with a [`Call`] and a [`Connection`] that can do the
//! same; those of `upstream` are then enumerations of the two.

mod connection;
mod response;

use std::{
    io,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{Next, Pool, Request, RequestBody, SentHead};
use crate::http::{Headers, OutPiece, Outbox, Parsed, ResponseHead, Tap, is_idempotent, show};

pub(crate) use connection::Connection;
use response::ResponseReader;
pub(crate) use response::{BadResponse, Reading};

/// A request that is being sent on a connection, and its response.
pub(crate) struct Call {
    connection: Box<Connection>,
    reader: ResponseReader,
    sent: Sent,
    is_chunked: bool,
    /// All of it is there to be sent again, which has no other effect.
    is_repeatable: bool,
    /// What comes next on the connection may belong to this call: another protocol was asked for, or the response came to
    /// its end before the request was sent.
    is_unclear: bool,
    /// What the first write that failed came to.
    first_error: Option<io::Error>,
}

/// How much of a request was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    NotAll,
    All,
    /// The server takes no more of it.
    Stopped,
}

impl Call {
    /// Puts in the head, and the body where it is there; or what is left of an earlier call in which nothing was written.
    pub(in crate::upstream) fn begin(
        mut connection: Box<Connection>,
        request: &Request<'_>,
        unsent: Option<Outbox>,
        pool: &Pool,
    ) -> Self {
        let method = request.head.method();
        let out = &mut connection.wire.out;
        out.begin();
        match unsent {
            Some(unsent) => *out = unsent,
            None => write(request, out),
        }
        let in_parts = match request.body {
            RequestBody::Parts { chunked } => Some(chunked),
            RequestBody::None | RequestBody::Whole(_) => None,
        };
        Self {
            reader: ResponseReader::new(method == b"HEAD", pool.reading()),
            sent: match in_parts {
                Some(_) => Sent::NotAll,
                None => Sent::All,
            },
            is_chunked: in_parts == Some(true),
            is_repeatable: in_parts.is_none() && is_idempotent(method),
            is_unclear: request.is_upgrade,
            first_error: None,
            connection,
        }
    }

    /// Whether another piece of the request's body may be put in.
    pub(crate) fn has_room(&self) -> bool {
        self.connection.wire.out.has_room()
    }

    /// A piece of the request's body. There has to be room.
    pub(crate) fn put(&mut self, piece: OutPiece<'_>) {
        let out = &mut self.connection.wire.out;
        if self.is_chunked {
            out.chunk(piece);
        } else {
            out.piece(piece);
        }
    }

    /// The request's body is whole.
    pub(crate) fn put_end(&mut self, trailers: Option<&Headers>) {
        if self.is_chunked {
            self.connection.wire.out.last_chunk(trailers);
        }
        if self.sent == Sent::NotAll {
            self.sent = Sent::All;
        }
    }

    /// Whether all that was put in is written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.connection.wire.out.is_empty()
    }

    /// Writes what was put in, until all of it is written. Returns whether the server takes more: one that does not may
    /// have answered before.
    ///
    /// # Errors
    /// Where a connection that was used before ended before any of the request was written.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BadResponse>> {
        if self.sent == Sent::Stopped {
            return Poll::Ready(Ok(false));
        }
        let Err(error) = ready!(self.connection.wire.poll_flush(cx)) else {
            return Poll::Ready(Ok(true));
        };
        if self.connection.is_used && self.is_unwritten() {
            return Poll::Ready(Err(BadResponse::Io(error)));
        }
        self.sent = Sent::Stopped;
        self.first_error = Some(error);
        Poll::Ready(Ok(false))
    }

    /// What is next of what came of the response; a head goes into `head`.
    ///
    /// # Errors
    /// Where it can't become a response.
    pub(crate) fn next(&mut self, head: &mut ResponseHead) -> Result<Next, BadResponse> {
        let buf = &mut self.connection.wire.buf;
        let next = if self.reader.has_head() {
            match self.reader.part(buf)? {
                Parsed::Piece(length) => Next::Piece(length),
                Parsed::Trailers(trailers) => Next::Trailers(trailers),
                Parsed::End => Next::End,
                Parsed::More => return Ok(Next::More),
            }
        } else {
            match self.reader.head(buf, head)? {
                Some(_) if head.is_interim() => Next::Interim,
                Some(framing) => Next::Head(framing),
                None => return Ok(Next::More),
            }
        };
        self.note_end();
        Ok(next)
    }

    fn note_end(&mut self) {
        let is_sent = self.sent == Sent::All && self.is_flushed();
        self.is_unclear |= self.reader.is_done() && !is_sent;
    }

    /// Reads once, where [`Next::More`] has to come: how many bytes came, 0 where the response ends with its connection.
    ///
    /// # Errors
    /// Where it ends before the response is whole.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BadResponse>> {
        let came = ready!(self.connection.wire.poll_fill(cx)).map_err(BadResponse::Io);
        if let Ok(1..) = came {
            return Poll::Ready(came);
        }
        let ended = came.and_then(|_| self.reader.finish());
        self.note_end();
        Poll::Ready(ended.map(|()| 0).map_err(|error| self.cause(error)))
    }

    /// The error that told first is the one to tell: a write that failed, rather than the end that follows it.
    #[cold]
    fn cause(&mut self, error: BadResponse) -> BadResponse {
        match (error, self.first_error.take()) {
            (BadResponse::Ended, Some(first)) => BadResponse::Io(first),
            (error, _) => error,
        }
    }

    /// The first bytes of what came.
    pub(crate) fn body(&self, length: usize) -> &[u8] {
        &self.connection.wire.buf[..length]
    }

    /// Takes away the first bytes of what came.
    pub(crate) fn skip(&mut self, length: usize) {
        bytes::Buf::advance(&mut self.connection.wire.buf, length);
    }

    /// Shows taps the first bytes of what came, and returns them on their way out.
    pub(crate) fn show(&mut self, taps: [Option<&mut dyn Tap>; 2], length: usize) -> OutPiece<'_> {
        show(taps, &mut self.connection.wire, length)
    }

    /// Gives the thread its buffer back, and returns how many bytes what came and was not taken still keeps.
    pub(crate) fn give_buffer_back(&mut self) -> usize {
        self.connection.wire.give_buffer_back();
        self.connection.wire.memory()
    }

    /// What is known of the response.
    pub(crate) fn response(&self) -> &ResponseReader {
        &self.reader
    }

    fn is_unwritten(&self) -> bool {
        self.connection.wire.out.is_untouched()
    }

    /// Whether the error may only mean that the other side closed a kept connection just as the request was written to
    /// it, and the request may be sent once more.
    pub(in crate::upstream) fn may_go_again(&self, error: &BadResponse) -> bool {
        let is_stale = matches!(error, BadResponse::Ended | BadResponse::Io(_))
            && self.connection.is_used
            && self.connection.wire.buf.is_empty()
            && !self.reader.has_begun();
        is_stale && (self.is_repeatable || self.is_unwritten())
    }

    /// What is to go out on another connection, where nothing was written on this one.
    pub(in crate::upstream) fn unsent(mut self) -> Option<Outbox> {
        let is_unwritten = self.is_unwritten();
        is_unwritten.then(|| std::mem::take(&mut self.connection.wire.out))
    }

    /// Ends the call at `now`. Its connection serves another one, unless its next bytes may be part of this response, or
    /// what it reads next part of this request.
    pub(crate) fn end(self, pool: &Rc<Pool>, now: Instant) {
        let is_clear = self.sent == Sent::All && self.is_flushed() && !self.is_unclear;
        let is_doubtful = pool.is_careful() && self.reader.is_doubtful();
        if is_clear && self.reader.stays_open() && !is_doubtful {
            pool.give_back(self.connection, now);
        }
    }

    /// Its connection, which speaks another protocol now.
    pub(crate) fn into_connection(self) -> Box<Connection> {
        self.connection
    }
}

/// Encodes a request: its head, and its body where it is there.
fn write(request: &Request<'_>, out: &mut Outbox) {
    request.head.write(out.text());
    if let RequestBody::Whole(body) = request.body
        && !body.is_empty()
    {
        out.piece(OutPiece::Shared(body.clone()));
    }
}

impl SentHead<'_> {
    /// As text, with the empty line.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Fields { head, added } => {
                head.write_on(out);
                out.extend_from_slice(added);
            }
            Self::Lines(lines) => out.extend_from_slice(lines),
        }
        out.extend_from_slice(b"\r\n");
    }
}
