//! The body of a copy: the primary path pushes pieces in, the shadow's connection takes them out.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use super::Piece;
use crate::{
    http::Fields,
    ledger::{Entry, Outcome},
};

/// What is on its way between the two sides.
#[derive(Debug)]
struct Channel {
    pieces: VecDeque<Piece>,
    trailers: Option<Fields>,
    /// Bytes in `pieces`.
    kept: usize,
    limit: usize,
    state: State,
    waker: Option<Waker>,
    /// Settled as soon as the body fails, however long the copy may still wait in a queue.
    entry: Option<Entry>,
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
            if let State::Failed(outcome) = state {
                self.pieces.clear();
                self.kept = 0;
                if let Some(entry) = self.entry.take() {
                    entry.settle(outcome);
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
        channel.kept += piece.bytes.len();
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
    pub(super) fn end(&self, trailers: Option<Fields>) {
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

impl CopyBody {
    /// A body that is whole, of a copy whose entry somebody else has.
    pub(super) fn whole(piece: Piece) -> Self {
        let kept = piece.bytes.len();
        Self(Some(Rc::new(RefCell::new(Channel {
            pieces: [piece].into(),
            trailers: None,
            kept,
            limit: kept,
            state: State::Ended,
            waker: None,
            entry: None,
        }))))
    }

    /// Waits until all of the body is there, or will never be, and leaves it where it is.
    pub(crate) fn poll_whole(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(channel) = &self.0 else {
            return Poll::Ready(());
        };
        let mut channel = channel.borrow_mut();
        if channel.state == State::Open {
            channel.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// The pieces of a body that is whole; none of them are left.
    pub(crate) fn take_pieces(&mut self) -> Vec<Piece> {
        let Some(channel) = &self.0 else {
            return Vec::new();
        };
        let mut channel = channel.borrow_mut();
        channel.kept = 0;
        std::mem::take(&mut channel.pieces).into()
    }
}

/// Both sides of a copy's body that keeps at most `limit` bytes.
pub(super) fn channel(limit: usize, entry: Entry) -> (CopySource, CopyBody) {
    let channel = Rc::new(RefCell::new(Channel {
        pieces: VecDeque::new(),
        trailers: None,
        kept: 0,
        limit,
        state: State::Open,
        waker: None,
        entry: Some(entry),
    }));
    (CopySource(Rc::clone(&channel)), CopyBody(Some(channel)))
}

/// What is next in a copy's body.
#[derive(Debug)]
pub(crate) enum CopyPart {
    Piece(Piece),
    /// The fields behind the last chunk; the end follows.
    Trailers(Fields),
    End,
    /// It will never be whole, and this is why.
    Failed(Outcome),
}

impl CopyBody {
    /// Whether the request has a body, be it an empty one.
    pub(crate) fn exists(&self) -> bool {
        self.0.is_some()
    }

    /// The next part once it is there.
    pub(crate) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<CopyPart> {
        let Some(channel) = &self.0 else {
            return Poll::Ready(CopyPart::End);
        };
        let mut channel = channel.borrow_mut();
        if let Some(piece) = channel.pieces.pop_front() {
            channel.kept -= piece.bytes.len();
            return Poll::Ready(CopyPart::Piece(piece));
        }
        match channel.state {
            State::Open => {
                channel.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Ended => Poll::Ready(match channel.trailers.take() {
                Some(trailers) => CopyPart::Trailers(trailers),
                None => CopyPart::End,
            }),
            State::Failed(outcome) => Poll::Ready(CopyPart::Failed(outcome)),
            State::Closed => Poll::Ready(CopyPart::End),
        }
    }

    /// Whether it will never be whole.
    pub(crate) fn is_lost(&self) -> bool {
        let state = self.0.as_ref().map(|channel| channel.borrow().state);
        matches!(state, Some(State::Failed(_)))
    }

    /// Why the body is not whole, if it isn't. Where it still may fail, the task is woken then.
    pub(crate) fn failure(&self, cx: &Context<'_>) -> Option<Outcome> {
        let mut channel = self.0.as_ref()?.borrow_mut();
        if let State::Failed(outcome) = channel.state {
            return Some(outcome);
        }
        if channel.state == State::Open && channel.waker.is_none() {
            channel.waker = Some(cx.waker().clone());
        }
        None
    }

    /// The entry of its copy, unless it is settled.
    pub(super) fn take_entry(&self) -> Option<Entry> {
        self.0.as_ref()?.borrow_mut().entry.take()
    }

    /// Whether the client is still sending it.
    pub(crate) fn is_coming(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|channel| channel.borrow().state == State::Open)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{
        super::{Budget, piece::Charges},
        *,
    };

    fn piece(text: &'static str, budget: &std::sync::Arc<Budget>) -> Piece {
        let bytes = Bytes::from_static(text.as_bytes());
        Charges::default()
            .charge(&bytes, (0, text.len()), budget)
            .unwrap()
    }

    fn channel(limit: usize) -> (CopySource, CopyBody) {
        super::channel(limit, crate::ledger::Ledger::new(1).account("next").open())
    }

    fn next(body: &mut CopyBody) -> CopyPart {
        match body.poll_part(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(part) => part,
            Poll::Pending => panic!("nothing there"),
        }
    }

    fn failure(body: &CopyBody) -> Option<Outcome> {
        body.failure(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_body_that_fits_arrives_whole_however_late_it_is_taken() {
        let budget = Budget::new(1000);
        let (source, mut body) = channel(10);
        source.push(piece("hello", &budget));
        source.push(piece("world", &budget));
        source.end(None);
        drop(source);
        let mut got = Vec::new();
        while let CopyPart::Piece(piece) = next(&mut body) {
            got.extend_from_slice(&piece.bytes);
        }
        assert_eq!(got, b"helloworld");
        assert_eq!(failure(&body), None);
    }

    #[test]
    fn a_body_that_outruns_its_shadow_fails_and_gives_everything_back() {
        let budget = Budget::new(1000);
        let (source, mut body) = channel(10);
        source.push(piece("12345678", &budget));
        source.push(piece("90123", &budget));
        assert_eq!(failure(&body), Some(Outcome::BodyOverrun));
        assert_eq!(budget.used(), 0);
        assert!(matches!(
            next(&mut body),
            CopyPart::Failed(Outcome::BodyOverrun)
        ));
        assert!(!source.is_open());
    }

    #[test]
    fn a_body_that_is_dropped_before_its_end_is_never_whole() {
        let (source, mut body) = channel(10);
        drop(source);
        assert_eq!(failure(&body), Some(Outcome::BodyCut));
        assert!(matches!(
            next(&mut body),
            CopyPart::Failed(Outcome::BodyCut)
        ));
    }
}
