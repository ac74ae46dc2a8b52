//! The request's body on its way to the primary, cloned into copies as it passes.

use std::{
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    super::{downstream::Downstream, prepare::Prepared, refusal::Refusal},
    Passing,
};
use crate::{
    config::Limits,
    http::{
        BodyReader, Framing, Headers, Parsed, Tap, Turn, is_same_name, later, now, show,
        strip_trailers,
    },
    tee::Recording,
    telemetry::metrics::ProxyCount,
    upstream::{BadResponse, Call, RequestBody},
};

/// The request's body on its way.
pub(in crate::proxy) struct Upload {
    pub(in crate::proxy) reader: BodyReader,
    pub(in crate::proxy) body: RequestBody<'static>,
    /// What the capture keeps of it.
    pub(in crate::proxy) kept: Option<Box<Recording>>,
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
        kept: Option<Box<Recording>>,
        of: &Passing<'_>,
    ) -> Self {
        let limits = &of.pipeline.limits;
        let reader = body_reader(framing, limits);
        let (state, body) = if reader.is_done() {
            (Sending::Done, RequestBody::None)
        } else {
            let chunked = framing == Framing::Chunked;
            (Sending::Going, RequestBody::Parts { chunked })
        };
        Self {
            reader,
            body,
            kept,
            passed: 0,
            limit: limits.body_bytes.map(|limit| limit.0),
            last: of.exchange.received,
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
    pub(super) fn goes_on(&self, call: &Call) -> bool {
        match self.state {
            Sending::Going => !self.waits && call.response().stays_open(),
            Sending::Done => !call.is_flushed(),
            Sending::Stopped => false,
        }
    }

    /// Passes on what came, until more has to come.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Downstream,
        call: &mut Call,
        of: &mut Passing<'_>,
    ) -> Poll<Result<(), Broken>> {
        let mut turn = Turn::begin();
        loop {
            let more = self.collect(client, call, of)?;
            if !ready!(call.poll_flush(cx)).map_err(Broken::Stale)? {
                return Poll::Ready(Err(Broken::ByPrimary));
            }
            let came = match more {
                _ if self.is_done() => return Poll::Ready(Ok(())),
                true => 0,
                false => match ready!(client.poll_fill(cx)) {
                    Ok(0) | Err(_) => return Poll::Ready(Err(Broken::ByClient(BROKEN_BODY))),
                    Ok(came) => {
                        self.last = now();
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
        call: &mut Call,
        of: &mut Passing<'_>,
    ) -> Result<bool, Broken> {
        let pipeline = of.pipeline;
        while self.state == Sending::Going {
            if !call.has_room() {
                return Ok(true);
            }
            let part = self.reader.next(&mut client.wire.buf);
            match part.map_err(|_| Broken::ByClient(BROKEN_BODY))? {
                Parsed::Piece(length) => {
                    self.passed += length as u64;
                    if self.limit.is_some_and(|limit| self.passed > limit) {
                        return Err(Broken::ByClient(Refusal::BodyTooLarge));
                    }
                    pipeline
                        .metrics
                        .count(ProxyCount::RequestBytes, length as u64);
                    self.waits = false;
                    let kept = self.kept.as_deref_mut().map(|kept| kept as &mut dyn Tap);
                    call.put(show([Some(&mut of.copies), kept], &mut client.wire, length));
                    let is_sized = matches!(self.body, RequestBody::Parts { chunked: false });
                    if is_sized && self.reader.is_done() {
                        self.end(None, call, of);
                    }
                }
                Parsed::Trailers(mut trailers) => {
                    strip_trailers(&mut trailers);
                    pipeline.marks.strip(&mut trailers);
                    // There is one id, and it was told.
                    let id = pipeline.request_id.as_bytes();
                    trailers.remove_named(|name| is_same_name(name, id));
                    self.end(Some(&trailers), call, of);
                }
                Parsed::End => self.end(None, call, of),
                Parsed::More => return Ok(false),
            }
        }
        Ok(false)
    }

    fn end(&mut self, trailers: Option<&Headers>, call: &mut Call, of: &mut Passing<'_>) {
        call.put_end(trailers);
        if let Some(kept) = &mut self.kept {
            kept.end(trailers);
        }
        of.copies.end(trailers);
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
    ByPrimary,
    /// The primary closed the connection before any of it was written.
    Stale(BadResponse),
}
