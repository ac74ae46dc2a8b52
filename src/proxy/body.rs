//! The bodies of the primary path: of a request to the primary, and of an answer to a client.

use std::{
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{header::CONTENT_LENGTH, response};
use http_body::{Body, Frame, SizeHint};

use crate::{
    client::AnswerBody,
    exchange::{BodyEnd, Exchange},
    http::{BoxError, IdleTimer},
    tee::Inbound,
};

/// The body of a request to the primary.
#[derive(Default)]
pub(crate) enum RequestBody {
    #[default]
    Empty,
    Inbound(Box<Inbound>),
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            Self::Empty => Poll::Ready(None),
            Self::Inbound(body) => Pin::new(&mut **body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Inbound(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Inbound(body) => body.size_hint(),
        }
    }
}

/// The body of an answer to a client.
pub(crate) struct ClientBody {
    kind: Kind,
    watches: [Option<Watch>; 2],
    sent: u64,
    whole: bool,
}

enum Kind {
    Empty,
    /// None, and the header declares a length: to HEAD, 204 and 304 not even that of none (RFC 9110, 8.6).
    /// hyper writes the header where it stands only if the body knows that length, too.
    Declared(u64),
    Text(Option<Bytes>),
    Passed(Box<Passed>),
}

/// The primary's answer, as it comes.
struct Passed {
    body: AnswerBody<RequestBody>,
    idle: IdleTimer,
    exchange: Rc<Exchange>,
}

/// Called once when an answer is done with: with the bytes that were sent, and whether they are all.
pub(crate) struct Watch(Box<dyn FnOnce(u64, bool)>);

impl Watch {
    pub(super) fn new(done: impl FnOnce(u64, bool) + 'static) -> Self {
        Self(Box::new(done))
    }
}

/// Why the primary's answer was not passed on to its end.
#[derive(Debug, thiserror::Error)]
enum CutOff {
    #[error("the primary broke off its answer")]
    Broken(#[source] hyper::Error),
    #[error("the primary sent nothing of its answer for timeouts.idle")]
    TooSlow,
}

impl ClientBody {
    fn new(kind: Kind) -> Self {
        let whole = !matches!(kind, Kind::Passed(_));
        Self {
            kind,
            watches: [None, None],
            sent: 0,
            whole,
        }
    }

    pub(super) fn text(text: String) -> Self {
        Self::new(Kind::Text(Some(text.into())))
    }

    /// Of an answer that has none.
    pub(super) fn empty(head: &response::Parts) -> Self {
        let declared = head
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse().ok());
        Self::new(declared.map_or(Kind::Empty, Kind::Declared))
    }

    pub(super) fn passed(
        body: AnswerBody<RequestBody>,
        idle: Duration,
        exchange: Rc<Exchange>,
    ) -> Self {
        Self::new(Kind::Passed(Box::new(Passed {
            body,
            idle: IdleTimer::new(idle),
            exchange,
        })))
    }

    /// Has `watch` called when the answer is done with.
    pub(super) fn watch(&mut self, watch: Watch) {
        let free = self.watches.iter_mut().find(|place| place.is_none());
        debug_assert!(
            free.is_some(),
            "an answer is watched by the stack and by its connection"
        );
        if let Some(place) = free {
            *place = Some(watch);
        }
    }
}

impl Passed {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Err(error))) => {
                let request_id = self.exchange.id_text();
                tracing::debug!(%request_id, %error, "the primary broke off its answer");
                Poll::Ready(Some(Err(CutOff::Broken(error))))
            }
            Poll::Ready(Some(Ok(frame))) => {
                self.idle.progress();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                std::task::ready!(self.idle.poll_idle(cx));
                Poll::Ready(Some(Err(CutOff::TooSlow)))
            }
        }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = match &mut this.kind {
            Kind::Empty | Kind::Declared(_) => None,
            Kind::Text(text) => text.take().map(|text| Ok(Frame::data(text))),
            Kind::Passed(passed) => std::task::ready!(passed.poll(cx)),
        };
        match &frame {
            None => this.whole = true,
            Some(Ok(frame)) => {
                this.sent += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
                this.whole |= this.is_end_stream();
            }
            Some(Err(_)) => {}
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Empty => true,
            Kind::Declared(_) => false,
            Kind::Text(text) => text.is_none(),
            Kind::Passed(passed) => passed.body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Empty => SizeHint::with_exact(0),
            Kind::Declared(length) => SizeHint::with_exact(*length),
            Kind::Text(text) => {
                SizeHint::with_exact(text.as_ref().map_or(0, |text| text.len() as u64))
            }
            Kind::Passed(passed) => passed.body.size_hint(),
        }
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if let (Kind::Passed(passed), false) = (&self.kind, self.whole) {
            // Nobody reads on: a request's body that is still coming is broken off with it.
            passed.exchange.set_body_end(BodyEnd::Broken);
        }
        for Watch(done) in self.watches.iter_mut().filter_map(Option::take) {
            done(self.sent, self.whole);
        }
    }
}
