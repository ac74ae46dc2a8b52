//! A request's body on its way to the primary, cloned into copies as it passes.

use std::{
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use super::{Budget, CopySource, Piece, piece::Cost};
use crate::{
    exchange::{BodyEnd, Exchange},
    http::{BoxError, IdleTimer, Marks},
    ledger::Outcome,
};

/// What a client's body may be like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InboundLimits {
    /// Between two pieces.
    pub(crate) idle: Duration,
    pub(crate) bytes: Option<u64>,
}

/// A request's body on its way to the primary.
pub(crate) struct Inbound {
    body: Incoming,
    exchange: Rc<Exchange>,
    limits: InboundLimits,
    idle: IdleTimer,
    passed: u64,
    gate: Option<Arc<Gate>>,
    copies: Vec<CopySource>,
    budget: Arc<Budget>,
    marks: Rc<Marks>,
    cost: Cost,
    ended: bool,
    last_piece: Rc<std::cell::Cell<Instant>>,
}

impl Inbound {
    pub(crate) fn new(
        body: Incoming,
        exchange: &Rc<Exchange>,
        limits: InboundLimits,
        copies: Vec<CopySource>,
        budget: &Arc<Budget>,
        marks: &Rc<Marks>,
    ) -> Self {
        Self {
            body,
            limits,
            idle: IdleTimer::new(limits.idle),
            passed: 0,
            gate: None,
            copies,
            budget: Arc::clone(budget),
            marks: Rc::clone(marks),
            cost: Cost::default(),
            ended: false,
            last_piece: Rc::new(std::cell::Cell::new(exchange.received)),
            exchange: Rc::clone(exchange),
        }
    }

    /// Holds the body back until the primary says `100 Continue` (RFC 9110, 10.1.1).
    pub(crate) fn behind(mut self, gate: Arc<Gate>) -> Self {
        self.gate = Some(gate);
        self
    }

    /// When the last piece passed; the request's arrival where none did yet.
    pub(crate) fn last_piece(&self) -> Rc<std::cell::Cell<Instant>> {
        Rc::clone(&self.last_piece)
    }

    fn clone_into_copies(&mut self, bytes: &Bytes) {
        self.copies.retain(CopySource::is_open);
        if self.copies.is_empty() {
            return;
        }
        let Some(held) = self.budget.hold(self.cost.of(bytes)) else {
            self.fail_copies(Outcome::OverBudget);
            return;
        };
        let piece = Piece::new(bytes.clone(), Arc::new(held));
        for copy in &self.copies {
            copy.push(piece.clone());
        }
    }

    fn fail_copies(&mut self, outcome: Outcome) {
        for copy in self.copies.drain(..) {
            copy.fail(outcome);
        }
    }

    fn break_off(&mut self, end: BodyEnd) {
        self.exchange.set_body_end(end);
        let outcome = match end {
            BodyEnd::TooLarge => Outcome::NotForwarded,
            _ => Outcome::ClientAborted,
        };
        self.fail_copies(outcome);
        self.ended = true;
    }

    fn end(&mut self, trailers: Option<&http::HeaderMap>) {
        self.ended = true;
        for copy in self.copies.drain(..) {
            copy.end(trailers.cloned());
        }
    }
}

/// Why a client's body was not passed on to its end.
#[derive(Debug, thiserror::Error)]
enum BrokenOff {
    #[error("the client's body is larger than limits.body_bytes")]
    TooLarge,
    #[error("the client sent nothing of its body for timeouts.idle")]
    TooSlow,
    #[error("the client broke off its body")]
    Broken(#[source] hyper::Error),
}

impl Body for Inbound {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this
            .gate
            .as_ref()
            .is_some_and(|gate| gate.poll_open(cx).is_pending())
        {
            return Poll::Pending;
        }
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.idle.progress();
                this.last_piece.set(Instant::now());
                let frame = match frame.into_trailers() {
                    Ok(mut trailers) => {
                        this.marks.strip(&mut trailers);
                        this.end(Some(&trailers));
                        return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
                    }
                    Err(frame) => frame,
                };
                if let Some(bytes) = frame.data_ref() {
                    this.passed += bytes.len() as u64;
                    if this.limits.bytes.is_some_and(|limit| this.passed > limit) {
                        this.break_off(BodyEnd::TooLarge);
                        return Poll::Ready(Some(Err(BrokenOff::TooLarge.into())));
                    }
                    this.clone_into_copies(bytes);
                    if this.body.is_end_stream() {
                        this.end(None);
                    }
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.break_off(BodyEnd::Broken);
                Poll::Ready(Some(Err(BrokenOff::Broken(error).into())))
            }
            Poll::Ready(None) => {
                this.end(None);
                Poll::Ready(None)
            }
            Poll::Pending => {
                if this.idle.poll_idle(cx).is_ready() {
                    this.break_off(BodyEnd::TooSlow);
                    return Poll::Ready(Some(Err(BrokenOff::TooSlow.into())));
                }
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Inbound {
    /// A body of a known length is often dropped with its last byte, before it says that it ended. One that
    /// is dropped before is cut: by the client, or else by a primary that does not read on.
    fn drop(&mut self) {
        if self.ended {
        } else if self.body.is_end_stream() {
            self.end(None);
        } else if self.exchange.body_end() != BodyEnd::Fine {
            self.fail_copies(Outcome::ClientAborted);
        }
    }
}

/// Closed until the primary says `100 Continue`, or does not say anything for a while.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    open: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Gate {
    /// Lets the body through.
    pub(crate) fn open(&self) {
        self.open.store(true, Relaxed);
        if let Some(waker) = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            waker.wake();
        }
    }

    fn poll_open(&self, cx: &Context<'_>) -> Poll<()> {
        if self.open.load(Relaxed) {
            return Poll::Ready(());
        }
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        if self.open.load(Relaxed) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}
