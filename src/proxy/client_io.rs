//! A client's connection as hyper reads and writes it, with what hyper leaves to others.
//!
//! Between two requests: time limits, and hyper's own bare error answers made into ours. During one: a
//! client that shut its sending side is still served, one that left is not. At the end: what a client still
//! sends is read away, so that the kernel does not answer it with a reset that takes our answer with it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::line::Line;
use crate::{config::Timeouts, net::Stream};

/// Makes the bytes of an answer to a request that never became one.
pub(super) type Explainer = Box<dyn Fn(Unread) -> Vec<u8> + Send>;

/// Why a request never became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    Malformed,
    HeaderTooLarge,
    TargetTooLong,
    HeaderTimeout,
}

/// A client's connection.
pub(super) struct ClientIo {
    stream: Stream,
    line: Arc<Line>,
    times: Times,
    explain: Explainer,
    clock: Option<(Pin<Box<Sleep>>, Instant)>,
    idle_since: Instant,
    /// No request came on it yet.
    new: bool,
    /// Bytes of a header came that is not whole, since when.
    head_since: Option<Instant>,
    head_begun: bool,
    /// The request line is whole.
    line_whole: bool,
    held_end: Option<Pin<Box<Sleep>>>,
    /// What takes the place of hyper's own answer, and how much of it is written.
    own_answer: Option<(Vec<u8>, usize)>,
    farewell: Option<Pin<Box<Sleep>>>,
    /// When a client that reads nothing of its answer is given up.
    stalled_until: Option<Pin<Box<Sleep>>>,
}

/// The time limits of a client's connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    header: Duration,
    keep_alive: Duration,
    half_close: Duration,
    write: Duration,
}

impl From<&Timeouts> for Times {
    fn from(timeouts: &Timeouts) -> Self {
        Self {
            header: timeouts.client_header.0,
            keep_alive: timeouts.keep_alive.0,
            half_close: timeouts.half_close.0,
            write: timeouts.idle.0,
        }
    }
}

/// How often a unix client that shut its sending side is asked whether it left.
const ASK: Duration = Duration::from_millis(200);
/// How long a client may go on sending after the last answer.
const FAREWELL: Duration = Duration::from_secs(2);

impl ClientIo {
    pub(super) fn new(stream: Stream, line: Arc<Line>, times: Times, explain: Explainer) -> Self {
        Self {
            stream,
            line,
            times,
            explain,
            clock: None,
            idle_since: Instant::now(),
            new: true,
            head_since: None,
            head_begun: false,
            line_whole: false,
            held_end: None,
            own_answer: None,
            farewell: None,
            stalled_until: None,
        }
    }

    /// The client takes no more of its answer: given up after a while.
    fn poll_stalled(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let until = Instant::now() + self.times.write;
        let stalled = self
            .stalled_until
            .get_or_insert_with(|| Box::pin(sleep_until(until)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Ready when the time for a header, or for a next request, is over.
    fn poll_too_late(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = match self.head_since {
            Some(since) => since + self.times.header,
            None if self.new => self.idle_since + self.times.header,
            None => self.idle_since + self.times.keep_alive,
        };
        // The clock is set back to an earlier time at once, and to a later one only when it rings: most
        // connections get their next request long before, and need no timer for it.
        let (clock, set_to) = self
            .clock
            .get_or_insert_with(|| (Box::pin(sleep_until(due)), due));
        loop {
            if *set_to > due {
                clock.as_mut().reset(due);
                *set_to = due;
            }
            ready!(clock.as_mut().poll(cx));
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            clock.as_mut().reset(due);
            *set_to = due;
        }
    }

    fn note_head(&mut self, bytes: &[u8]) {
        let goes_on = std::mem::replace(&mut self.head_begun, true);
        if self.line_whole {
            return;
        }
        let line = match bytes.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                self.line_whole = true;
                &bytes[..end]
            }
            None => bytes,
        };
        // A method may have a # in it, too.
        let target = line
            .iter()
            .position(|byte| *byte == b' ')
            .filter(|_| !goes_on)
            .map_or(line, |end| &line[end..]);
        if target.contains(&b'#') {
            self.line.note_fragment();
        }
    }

    /// The client sends no more. That is the end of an idle connection; while a request is answered it may
    /// be one that only shut its sending side.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.line.is_idle() || self.line.is_switched() {
            return Poll::Ready(Ok(()));
        }
        self.line.park(cx.waker());
        let wait = if self.stream.is_local() {
            ASK
        } else {
            self.times.half_close
        };
        loop {
            if self.stream.is_local() && self.stream.is_hung_up() {
                return Poll::Ready(Ok(()));
            }
            let held = self
                .held_end
                .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + wait)));
            ready!(held.as_mut().poll(cx));
            if !self.stream.is_local() {
                return Poll::Ready(Ok(()));
            }
            held.as_mut().reset(Instant::now() + wait);
        }
    }

    /// Writes what takes the place of hyper's own answer; ready when it is through.
    fn poll_own_answer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, written)) = &mut self.own_answer {
            if *written == bytes.len() {
                self.own_answer = None;
                break;
            }
            *written += ready!(Pin::new(&mut self.stream).poll_write(cx, &bytes[*written..]))?;
        }
        Poll::Ready(Ok(()))
    }

    /// hyper answers a header that it can't read by itself, with a status alone: what is to be written instead.
    fn replace(&mut self, hypers: &[u8]) {
        let why = match hypers.get(9..12) {
            Some(b"431") if self.line_whole => Unread::HeaderTooLarge,
            Some(b"431" | b"414") => Unread::TargetTooLong,
            _ => Unread::Malformed,
        };
        self.line.linger();
        self.own_answer = Some(((self.explain)(why), 0));
    }

    fn answer_late_header(&mut self, cx: &mut Context<'_>) {
        self.own_answer = Some(((self.explain)(Unread::HeaderTimeout), 0));
        // A client that does not even read is not waited for.
        let _ = self.poll_own_answer(cx);
        let _ = Pin::new(&mut self.stream).poll_flush(cx);
    }
}

impl AsyncRead for ClientIo {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.held_end.is_some() {
            return this.poll_end(cx);
        }
        let before = buf.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, buf) {
            Poll::Ready(Ok(())) => {
                let read = &buf.filled()[before..];
                if read.is_empty() && buf.remaining() > 0 {
                    return this.poll_end(cx);
                }
                if this.line.is_idle() {
                    this.note_head(&buf.filled()[before..]);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Pending if this.line.is_idle() => {
                if this.head_begun && this.head_since.is_none() {
                    this.head_since = Some(Instant::now());
                }
                ready!(this.poll_too_late(cx));
                if this.head_since.is_some() {
                    this.answer_late_header(cx);
                    return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
                }
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for ClientIo {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.line.is_idle() {
            if this.own_answer.is_none() {
                this.replace(bufs.first().map_or(&[], |first| first));
            }
            ready!(this.poll_own_answer(cx))?;
            return Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()));
        }
        match Pin::new(&mut this.stream).poll_write_vectored(cx, bufs) {
            Poll::Pending => this.poll_stalled(cx),
            written @ Poll::Ready(_) => {
                this.stalled_until = None;
                written
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.stream).poll_flush(cx))?;
        if this.line.is_finishing() {
            this.line.rest();
            this.new = false;
            this.idle_since = Instant::now();
            this.head_since = None;
            this.head_begun = false;
            this.line_whole = false;
            if this.held_end.is_some() {
                this.line.wake();
            }
            // hyper waits for the next request without reading again: the clock has to wake it.
            let _ = this.poll_too_late(cx);
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.line.is_cut() {
            return Poll::Ready(Ok(()));
        }
        if this.farewell.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.line.lingers() {
                return Poll::Ready(Ok(()));
            }
        }
        let farewell = this
            .farewell
            .get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + FAREWELL)));
        if farewell.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        let mut scratch = [0; 16 * 1024];
        loop {
            let mut buf = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut this.stream).poll_read(cx, &mut buf)) {
                Ok(()) if !buf.filled().is_empty() => {}
                _ => return Poll::Ready(Ok(())),
            }
        }
    }
}

impl Drop for ClientIo {
    fn drop(&mut self) {
        if self.line.is_cut() {
            self.stream.reset_on_close();
        }
    }
}
