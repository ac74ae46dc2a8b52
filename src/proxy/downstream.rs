//! A client's end of its connection: the requests that come on it, its leaving, its farewell.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{Pipeline, refusal::Refusal};
use crate::{
    http::{Alarm, BadHead, BodyReader, HeadScan, Parsed, RequestHead, ResponseHead, Wire, now},
    net::Stream,
};

/// A client's end of its connection.
pub(super) struct Downstream {
    pub(super) wire: Wire<Stream>,
    /// The memory of the last answer's head, for the next one's.
    pub(super) answer_head: ResponseHead,
    /// When the request that is being answered, or is coming, arrived.
    pub(super) arrived: Instant,
    /// For whatever is waited for, between requests and during one.
    pub(super) alarm: Alarm,
    /// All bytes of the request's head came at `arrived`.
    pub(super) came_whole: bool,
    /// No request came on it yet.
    is_new: bool,
    /// It is idle, and has given its memory back.
    rests: bool,
    scan: HeadScan,
    /// It sends no more: since when, and when it is asked next whether it left.
    ended: Option<(Instant, Alarm)>,
}

/// What comes next on a client's connection.
pub(super) enum Next {
    /// A request, with its head.
    Request(RequestHead),
    /// What is no request, and can't become one.
    Refused(Refusal),
    /// Nothing.
    End,
}

/// How often a unix client that shut its sending side is asked whether it left.
const ASK: Duration = Duration::from_millis(200);
/// How long a connection is idle before it gives its memory back.
const REST: Duration = Duration::from_secs(1);
/// How long a client may go on sending after the last answer.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that may come ahead of a response before no more is read.
const AHEAD: usize = 64 * 1024;

impl Downstream {
    pub(super) fn new(stream: Stream, now: Instant) -> Self {
        Self {
            wire: Wire::new(stream),
            answer_head: ResponseHead::default(),
            arrived: now,
            alarm: Alarm::default(),
            came_whole: false,
            is_new: true,
            rests: false,
            scan: HeadScan::default(),
            ended: None,
        }
    }

    /// The next request.
    pub(super) fn poll_request(&mut self, cx: &mut Context<'_>, pipeline: &Pipeline) -> Poll<Next> {
        loop {
            if let Some(next) = self.take_head(pipeline) {
                return Poll::Ready(next);
            }
            if self.ended.is_some() {
                return Poll::Ready(Next::End);
            }
            match self.wire.poll_fill(cx) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Next::End),
                Poll::Ready(Ok(length)) if length == self.wire.buf.len() => {
                    self.arrived = now();
                    self.came_whole = true;
                    (self.is_new, self.rests) = (false, false);
                }
                Poll::Ready(Ok(_)) => self.came_whole = false,
                // A request that came already is served, though it is the last.
                Poll::Pending if self.wire.buf.is_empty() && pipeline.drain.is_closing() => {
                    return Poll::Ready(Next::End);
                }
                Poll::Pending => {
                    self.poll_rest(cx);
                    return self.poll_late(cx, pipeline);
                }
            }
        }
    }

    /// A head of what came, where it is whole.
    fn take_head(&mut self, pipeline: &Pipeline) -> Option<Next> {
        let buf = &mut self.wire.buf;
        let limits = &pipeline.limits;
        let is_short = buf.len() <= limits.header_bytes.bytes();
        if !self.scan.may_be_whole(buf) && is_short {
            return None;
        }
        let mut head = RequestHead::spare();
        let refusal = match head.parse(buf, limits.header_count) {
            Ok(Some(length)) if length <= limits.header_bytes.bytes() => {
                buf.advance(length);
                self.scan = HeadScan::default();
                return Some(Next::Request(head));
            }
            Ok(None) if buf.len() <= limits.header_bytes.bytes() => {
                head.reuse();
                return None;
            }
            Ok(_) if buf.trim_ascii_start().contains(&b'\n') => Refusal::HeaderTooLarge,
            Ok(_) => Refusal::TargetTooLong,
            Err(BadHead::TooManyFields) => Refusal::HeaderTooLarge,
            Err(_) => Refusal::Malformed(
                "the request is no HTTP/1.x message, or could be read in two ways",
            ),
        };
        Some(Next::Refused(refusal))
    }

    /// Idle connections are many: one that has been idle for a while gives its memory back.
    fn poll_rest(&mut self, cx: &mut Context<'_>) {
        let is_idle = self.wire.buf.is_empty() && !self.rests;
        if is_idle && self.alarm.poll(cx, self.arrived + REST).is_ready() {
            self.rests = true;
            self.wire.rest();
            self.answer_head = ResponseHead::default();
        }
    }

    /// Ready when the time for a head, or for a next request, is over.
    fn poll_late(&mut self, cx: &mut Context<'_>, pipeline: &Pipeline) -> Poll<Next> {
        let timeouts = &pipeline.timeouts;
        let has_begun = !self.wire.buf.is_empty();
        let patience = if has_begun || self.is_new {
            timeouts.client_header.0
        } else {
            timeouts.keep_alive.0
        };
        ready!(self.alarm.poll(cx, self.arrived + patience));
        Poll::Ready(if has_begun {
            Next::Refused(Refusal::HeaderTimeout)
        } else {
            Next::End
        })
    }

    /// An answer was sent: the client is idle from `now` on, unless a request came ahead.
    pub(super) fn rest(&mut self, now: Instant) {
        self.arrived = now;
        self.came_whole = false;
    }

    /// Ready when the client left, while nothing of it is waited for. One that only shut its sending side is
    /// still served: as long as it takes on a unix socket, where the two can be told apart, and for
    /// `half_close` on a tcp one.
    pub(super) fn poll_left(&mut self, cx: &mut Context<'_>, half_close: Duration) -> Poll<()> {
        while self.ended.is_none() {
            if self.wire.buf.len() >= AHEAD {
                return Poll::Pending;
            }
            match ready!(self.wire.poll_fill(cx)) {
                Ok(0) => self.ended = Some((now(), Alarm::default())),
                Ok(_) => {}
                Err(_) => return Poll::Ready(()),
            }
        }
        let Some((since, alarm)) = &mut self.ended else {
            return Poll::Pending;
        };
        if !self.wire.stream.is_local() {
            return alarm.poll(cx, *since + half_close);
        }
        while !self.wire.stream.is_hung_up() {
            ready!(alarm.poll(cx, *since + ASK));
            *since = now();
        }
        Poll::Ready(())
    }

    /// Reads more of a request's body: how many bytes came, 0 where the client sends no more.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.ended.is_some() {
            return Poll::Ready(Ok(0));
        }
        let length = ready!(self.wire.poll_fill(cx))?;
        if length == 0 {
            self.ended = Some((now(), Alarm::default()));
        }
        Poll::Ready(Ok(length))
    }

    /// Takes away what came of a body. Returns whether that was all of it.
    pub(super) fn skip(&mut self, rest: &mut BodyReader) -> bool {
        loop {
            match rest.next(&mut self.wire.buf) {
                Ok(Parsed::Piece(length)) => self.wire.buf.advance(length),
                Ok(Parsed::Trailers(_)) => {}
                _ => break,
            }
        }
        rest.is_done()
    }

    /// Writes what is to go out, within a time for a client that reads none of it.
    ///
    /// # Errors
    /// Where the client left, or takes too long.
    pub(super) async fn flush(&mut self, patience: Duration) -> io::Result<()> {
        let written = std::future::poll_fn(|cx| self.wire.poll_flush(cx));
        tokio::time::timeout(patience, written).await?
    }

    /// Says that nothing more is sent.
    pub(super) async fn shut(&mut self) {
        let _ = std::future::poll_fn(|cx| Pin::new(&mut self.wire.stream).poll_shutdown(cx)).await;
    }

    /// Reads away what the client still sends, for a while: the kernel answers unread bytes with a reset,
    /// which would take our answer with it.
    pub(super) async fn farewell(&mut self) {
        self.shut().await;
        let mut scratch = vec![0; 16 * 1024];
        let stream = &mut self.wire.stream;
        let read_away = std::future::poll_fn(|cx| {
            loop {
                let mut buf = ReadBuf::new(&mut scratch);
                match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buf)) {
                    Ok(()) if !buf.filled().is_empty() => {}
                    _ => return Poll::Ready(()),
                }
            }
        });
        if self.ended.is_none() {
            let _ = tokio::time::timeout(FAREWELL, read_away).await;
        }
    }
}
