//! The body of a copy: the primary path pushes pieces in, the shadow's connection takes them out.

use std::{
    cell::RefCell,
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use bytes::Buf;
use http::HeaderMap;
use http_body::{Body, Frame};

use super::Piece;
use crate::{http::BoxError, ledger::Outcome};

/// What is on its way between the two sides.
#[derive(Debug)]
struct Channel {
    pieces: VecDeque<Piece>,
    trailers: Option<HeaderMap>,
    /// Bytes in `pieces`.
    kept: usize,
    limit: usize,
    state: State,
    waker: Option<Waker>,
    /// Of whoever waits for the body to fail.
    mourner: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The body is whole.
    Ended,
    /// It never will be, and this is why.
    Failed(Outcome),
    /// Nobody takes pieces any more.
    Closed,
}

impl Channel {
    fn end(&mut self, state: State) {
        if self.state == State::Open {
            self.state = state;
            if matches!(state, State::Failed(_)) {
                self.pieces.clear();
                self.kept = 0;
                if let Some(mourner) = self.mourner.take() {
                    mourner.wake();
                }
            }
            if let Some(waker) = self.waker.take() {
                waker.wake();
            }
        }
    }
}

/// The primary path's side. Dropped before the end, it says that the body was cut.
#[derive(Debug)]
pub(crate) struct CopySource(Rc<RefCell<Channel>>);

impl CopySource {
    /// Passes a piece on; one that exceeds what is kept for a copy fails it.
    pub(super) fn push(&self, piece: Piece) {
        let mut channel = self.0.borrow_mut();
        if channel.state != State::Open {
            return;
        }
        channel.kept += piece.remaining();
        if channel.kept > channel.limit {
            channel.end(State::Failed(Outcome::BodyOverrun));
            return;
        }
        channel.pieces.push_back(piece);
        if let Some(waker) = channel.waker.take() {
            waker.wake();
        }
    }

    /// Whether anybody still takes pieces.
    pub(super) fn is_open(&self) -> bool {
        self.0.borrow().state == State::Open
    }

    /// The body is whole.
    pub(super) fn end(&self, trailers: Option<HeaderMap>) {
        let mut channel = self.0.borrow_mut();
        channel.trailers = trailers;
        channel.end(State::Ended);
    }

    /// The body will never be whole.
    pub(crate) fn fail(&self, outcome: Outcome) {
        self.0.borrow_mut().end(State::Failed(outcome));
    }
}

impl Drop for CopySource {
    fn drop(&mut self) {
        self.fail(Outcome::BodyCut);
    }
}

/// The shadow's side. The default is the body of a request that has none.
#[derive(Debug, Default)]
pub(crate) struct CopyBody(Option<Rc<RefCell<Channel>>>);

impl CopyBody {
    /// A view of the same body that tells why it failed, for whoever gives the body away.
    pub(crate) fn fate(&self) -> Fate {
        Fate(self.0.clone())
    }
}

impl Drop for CopyBody {
    fn drop(&mut self) {
        if let Some(channel) = &self.0 {
            let mut channel = channel.borrow_mut();
            if channel.state == State::Open || channel.state == State::Ended {
                channel.state = State::Closed;
            }
            channel.pieces.clear();
            channel.kept = 0;
        }
    }
}

/// Tells what became of a copy's body.
#[derive(Debug)]
pub(crate) struct Fate(Option<Rc<RefCell<Channel>>>);

impl Fate {
    /// Why the body is not whole, if it isn't.
    pub(crate) fn failure(&self) -> Option<Outcome> {
        match self.0.as_ref()?.borrow().state {
            State::Failed(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// Waits until the body fails; for ever where it never does.
    pub(crate) async fn failed(&self) -> Outcome {
        std::future::poll_fn(|cx| {
            let Some(channel) = &self.0 else {
                return Poll::Pending;
            };
            let mut channel = channel.borrow_mut();
            if let State::Failed(outcome) = channel.state {
                return Poll::Ready(outcome);
            }
            channel.mourner = Some(cx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Whether the client is still sending it.
    pub(crate) fn is_coming(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|channel| channel.borrow().state == State::Open)
    }
}

/// Both sides of a copy's body that keeps at most `limit` bytes.
pub(super) fn channel(limit: usize) -> (CopySource, CopyBody) {
    let channel = Rc::new(RefCell::new(Channel {
        pieces: VecDeque::new(),
        trailers: None,
        kept: 0,
        limit,
        state: State::Open,
        waker: None,
        mourner: None,
    }));
    (CopySource(Rc::clone(&channel)), CopyBody(Some(channel)))
}

/// A copy's body ended before it was whole.
#[derive(Debug, thiserror::Error)]
#[error("the copy's body is not whole: {}", .0.as_str())]
struct NotWhole(Outcome);

impl Body for CopyBody {
    type Data = Piece;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, BoxError>>> {
        let Some(channel) = &self.0 else {
            return Poll::Ready(None);
        };
        let mut channel = channel.borrow_mut();
        if let Some(piece) = channel.pieces.pop_front() {
            channel.kept -= piece.remaining();
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        match channel.state {
            State::Open => {
                channel.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Ended => Poll::Ready(
                channel
                    .trailers
                    .take()
                    .map(|trailers| Ok(Frame::trailers(trailers))),
            ),
            State::Failed(outcome) => Poll::Ready(Some(Err(NotWhole(outcome).into()))),
            State::Closed => Poll::Ready(None),
        }
    }

    // A body that turns out to be empty is still one: it keeps its framing.
    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http_body_util::BodyExt;

    use super::{super::Budget, *};

    fn piece(text: &'static str) -> Piece {
        let held = Budget::new(100).hold(text.len()).map(Arc::new);
        Piece::new(Bytes::from_static(text.as_bytes()), held.unwrap())
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn a_body_that_fits_arrives_whole_however_late_it_is_taken() {
        let (source, mut body) = channel(10);
        source.push(piece("hello"));
        source.push(piece("world"));
        source.end(None);
        drop(source);
        let mut got = Vec::new();
        run(async {
            while let Some(frame) = body.frame().await {
                got.extend_from_slice(frame.unwrap().into_data().unwrap().chunk());
            }
        });
        assert_eq!(got, b"helloworld");
        assert_eq!(body.fate().failure(), None);
    }

    #[test]
    fn a_body_that_outruns_its_shadow_fails_and_gives_everything_back() {
        let budget = Budget::new(100);
        let (source, mut body) = channel(10);
        let held = Arc::new(budget.hold(8).unwrap());
        source.push(Piece::new(Bytes::from_static(b"12345678"), held));
        source.push(piece("90123"));
        assert_eq!(body.fate().failure(), Some(Outcome::BodyOverrun));
        assert_eq!(budget.used(), 0);
        assert!(run(body.frame()).unwrap().is_err());
        assert!(!source.is_open());
    }

    #[test]
    fn a_body_that_is_dropped_before_its_end_is_never_whole() {
        let (source, mut body) = channel(10);
        drop(source);
        assert_eq!(body.fate().failure(), Some(Outcome::BodyCut));
        assert!(run(body.frame()).unwrap().is_err());
    }
}
