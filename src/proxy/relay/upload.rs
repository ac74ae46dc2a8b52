//! The request's body on its way to the primary, cloned into copies as it passes.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    super::{Pipeline, downstream::Downstream, prepare::Prepared, refusal::Refusal},
    Download,
};
use crate::{
    capture::RecordedBody,
    config::Limits,
    exchange::Exchange,
    http::{BodyReader, Framing, Headers, Part, Turn, is_same_name, later, strip_trailers},
    tee::Tap,
    telemetry::metrics::ProxyCount,
    upstream::Connection,
};

/// The request's body on its way.
pub(in crate::proxy) struct Upload {
    pub(in crate::proxy) reader: BodyReader,
    chunked: bool,
    /// What the capture keeps of it.
    pub(in crate::proxy) kept: Option<Box<RecordedBody>>,
    passed: u64,
    limit: Option<u64>,
    /// When the last piece came; the request's arrival where none did yet.
    pub(super) last: Instant,
    /// The client waits for `100 Continue` before it sends any (RFC 9110, 10.1.1).
    pub(super) waits: bool,
    pub(super) state: Sending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Going,
    Done,
    /// The primary takes no more of it.
    Stopped,
}

impl Upload {
    pub(in crate::proxy) fn new(
        Prepared { framing, waits, .. }: Prepared,
        kept: Option<Box<RecordedBody>>,
        exchange: &Exchange,
        pipeline: &Pipeline,
    ) -> Self {
        let limits = &pipeline.limits;
        let reader = body_reader(framing, limits);
        let state = if reader.is_done() {
            Sending::Done
        } else {
            Sending::Going
        };
        Self {
            reader,
            chunked: framing == Framing::Chunked,
            kept,
            passed: 0,
            limit: limits.body_bytes.map(|limit| limit.0),
            last: exchange.received,
            waits,
            state,
        }
    }

    pub(in crate::proxy) fn is_done(&self) -> bool {
        self.state == Sending::Done
    }

    /// It goes no further. Returns whether it was still going.
    pub(super) fn stop(&mut self) -> bool {
        let goes = self.state == Sending::Going;
        if goes {
            self.state = Sending::Stopped;
        }
        goes
    }

    /// Whether the rest of it is passed on although its answer is through: what is still to come from the client unless
    /// the primary closes, and in any case what was taken from it.
    pub(super) fn goes_on(&self, download: &Download, primary: &Connection) -> bool {
        match self.state {
            Sending::Going => !self.waits && download.reader.keeps_connection(),
            Sending::Done => !primary.wire.out.is_empty(),
            Sending::Stopped => false,
        }
    }

    /// Nothing of the body was taken from the client: the same request may be sent once more.
    pub(in crate::proxy) fn is_untouched(&self) -> bool {
        self.is_done() && self.passed == 0 && !self.chunked
    }

    /// Passes on what came, until more has to come.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Downstream,
        primary: &mut Connection,
        (pipeline, tap): (&Pipeline, &mut Tap),
    ) -> Poll<Result<(), Broken>> {
        let mut turn = Turn::begin();
        loop {
            let more = self.collect(client, primary, (pipeline, tap))?;
            ready!(primary.wire.poll_flush(cx)).map_err(Broken::ByPrimary)?;
            let came = match more {
                _ if self.is_done() => return Poll::Ready(Ok(())),
                true => 0,
                false => match ready!(client.poll_fill(cx)) {
                    Ok(0) | Err(_) => return Poll::Ready(Err(Broken::ByClient(BROKEN_BODY))),
                    Ok(came) => {
                        self.last = Instant::now();
                        came
                    }
                },
            };
            if !turn.goes_on(came) {
                return later(cx);
            }
        }
    }

    /// Puts what came into the primary's outbox. Returns whether there may be more of it.
    fn collect(
        &mut self,
        client: &mut Downstream,
        primary: &mut Connection,
        (pipeline, tap): (&Pipeline, &mut Tap),
    ) -> Result<bool, Broken> {
        while self.state == Sending::Going {
            if !primary.wire.out.has_room() {
                return Ok(true);
            }
            let part = self.reader.next(&mut client.wire.buf);
            match part.map_err(|_| Broken::ByClient(BROKEN_BODY))? {
                Part::Piece(length) => {
                    self.passed += length as u64;
                    if self.limit.is_some_and(|limit| self.passed > limit) {
                        return Err(Broken::ByClient(Refusal::BodyTooLarge));
                    }
                    pipeline
                        .metrics
                        .count(ProxyCount::RequestBytes, length as u64);
                    self.pass(length, client, primary, tap);
                    if !self.chunked && self.reader.is_done() {
                        self.end(None, primary, tap);
                    }
                }
                Part::Trailers(mut trailers) => {
                    strip_trailers(&mut trailers);
                    pipeline.marks.strip(&mut trailers);
                    // There is one id, and it was told.
                    let id = pipeline.request_id.as_bytes();
                    trailers.remove_named(|name| is_same_name(name, id));
                    self.end(Some(&trailers), primary, tap);
                }
                Part::End => self.end(None, primary, tap),
                Part::More => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Passes a piece on, to the primary and to the copies.
    fn pass(
        &mut self,
        length: usize,
        client: &mut Downstream,
        primary: &mut Connection,
        tap: &mut Tap,
    ) {
        self.waits = false;
        let (out, wire) = (&mut primary.wire.out, &mut client.wire);
        if self.chunked {
            out.begin_chunk(length);
        }
        let kept = RecordedBody::notice(&mut self.kept, &wire.buf[..length]);
        let copied = tap.takes_body();
        if copied || kept.is_some() {
            let buffer = wire.buffer();
            let piece = wire.buf.split_to(length).freeze();
            if copied {
                tap.push(&piece, buffer);
            }
            if let Some(kept) = kept {
                kept.share(&piece, buffer);
            }
            out.shared_piece(piece);
        } else {
            out.piece(&mut wire.buf, length);
        }
        if self.chunked {
            out.end_chunk();
        }
    }

    fn end(&mut self, trailers: Option<&Headers>, primary: &mut Connection, tap: &mut Tap) {
        if self.chunked {
            primary.wire.out.last_chunk(trailers);
        }
        if let (Some(kept), Some(trailers)) = (&mut self.kept, trailers) {
            kept.trailers(trailers);
        }
        tap.end(trailers);
        self.state = Sending::Done;
    }
}

const BROKEN_BODY: Refusal =
    Refusal::Malformed("the body broke off or is not framed as its header says");

/// Reads a request's body that is framed so.
pub(in crate::proxy) fn body_reader(framing: Framing, limits: &Limits) -> BodyReader {
    BodyReader::new(framing, limits.header_bytes.bytes(), limits.header_count)
}

/// Why a request's body goes no further.
pub(super) enum Broken {
    ByClient(Refusal),
    ByPrimary(io::Error),
}
