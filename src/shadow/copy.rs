//! A copy on the shadow side: its request, and its body as production passes it on.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;

use super::{limit::Permit, order::Turn, pair::Pair, queue::Seat};
use crate::{
    http::{Headers, RequestHead},
    ledger::{Entry, Outcome},
    script::Ticket,
    tee::{Flow, Held, Part, Piece},
};

/// What a shadow gets: an exchange's request, not yet marked or rewritten, with all that it has to give back when it has
/// ended.
pub(super) struct ShadowCopy {
    pub(super) pair: Rc<Pair>,
    /// That of a copy without a body; otherwise the body has it.
    entry: Option<Entry>,
    pub(super) body: CopyBody,
    /// The head that a script wrote in place of the exchange's.
    written: Option<Box<RequestHead>>,
    /// What the script knows it by.
    pub(super) ticket: Option<Ticket>,
    /// Its turn among the copies of its session, and a seat for as long as it has not come.
    pub(super) turn: Option<Turn>,
    pub(super) seat: Option<Seat>,
    /// Its place among the copies that there may be at a time.
    pub(super) permit: Option<Permit>,
    /// The head's share of the budget.
    _held: Held,
}

impl ShadowCopy {
    /// A copy and, where it has a body, the end that this comes in at.
    pub(super) fn new(
        pair: Rc<Pair>,
        entry: Entry,
        flow: Option<Arc<Flow>>,
        held: Held,
    ) -> (Self, Option<CopySource>) {
        let (source, body, entry) = match flow {
            Some(flow) => {
                let (source, body) = channel(flow, entry);
                (Some(source), body, None)
            }
            None => (None, CopyBody::default(), Some(entry)),
        };
        let copy = Self {
            pair,
            entry,
            body,
            written: None,
            ticket: None,
            turn: None,
            seat: None,
            permit: None,
            _held: held,
        };
        (copy, source)
    }

    /// The head that it is sent with, before it is rewritten for its shadow.
    pub(super) fn head(&self) -> &RequestHead {
        let written = self.written.as_deref();
        written.unwrap_or(&self.pair.exchange().head)
    }

    /// Another head and another body take the place of what the exchange has.
    pub(super) fn write(&mut self, mut head: RequestHead, body: Bytes, cost: Held) {
        // What names the request in all logs stays true.
        self.pair.exchange().name(&mut head);
        self.entry = self.entry.take().or_else(|| self.body.take_entry());
        self.body = if body.is_empty() {
            CopyBody::default()
        } else {
            CopyBody::whole(Piece::own(body, cost))
        };
        self.written = Some(Box::new(head));
    }

    /// Another head takes the place of the exchange's; the body stays.
    pub(super) fn write_head(&mut self, head: Box<RequestHead>) {
        self.written = Some(head);
    }

    /// Ends it, unless its body failed before.
    pub(super) fn settle(mut self, outcome: Outcome) {
        let entry = self.entry.take().or_else(|| self.body.take_entry());
        // Given back first: callers who see the outcome may count on it.
        drop(self);
        if let Some(entry) = entry {
            entry.settle(outcome);
        }
    }
}

impl Drop for ShadowCopy {
    fn drop(&mut self) {
        self.pair.copy_is_gone();
    }
}

/// What came of a body and was not taken yet.
#[derive(Debug)]
struct Channel {
    pieces: VecDeque<Piece>,
    trailers: Option<Box<Headers>>,
    state: State,
    waker: Option<Waker>,
    /// How much is on its way; none of a body that a script wrote.
    flow: Option<Arc<Flow>>,
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
                self.clear();
                if let Some(entry) = self.entry.take() {
                    entry.settle(outcome);
                }
            }
            self.wake();
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn took(&self, piece: &Piece) {
        if let Some(flow) = &self.flow {
            flow.take(piece.bytes.len());
        }
    }

    fn clear(&mut self) {
        for piece in std::mem::take(&mut self.pieces) {
            self.took(&piece);
        }
    }
}

/// Where a body comes in. Dropped before the end, it says that the body was cut.
#[derive(Debug)]
pub(super) struct CopySource(Rc<RefCell<Channel>>);

impl CopySource {
    /// What follows of the body.
    pub(super) fn push(&self, part: Part) {
        let mut channel = self.0.borrow_mut();
        match part {
            Part::Piece(piece) if channel.state == State::Open => {
                channel.pieces.push_back(piece);
                channel.wake();
            }
            Part::Piece(piece) => channel.took(&piece),
            Part::End(trailers) => {
                channel.trailers = trailers;
                channel.end(State::Ended);
            }
            Part::Failed(outcome) => channel.end(State::Failed(outcome)),
        }
    }
}

impl Drop for CopySource {
    fn drop(&mut self) {
        self.push(Part::Failed(Outcome::BodyCut));
    }
}

/// The body of a copy. The default is that of a request that has none.
#[derive(Debug, Default)]
pub(super) struct CopyBody(Option<Rc<RefCell<Channel>>>);

impl Drop for CopyBody {
    fn drop(&mut self) {
        if let Some(channel) = &self.0 {
            let mut channel = channel.borrow_mut();
            if channel.state == State::Open || channel.state == State::Ended {
                channel.state = State::Closed;
            }
            channel.clear();
            if let Some(flow) = &channel.flow {
                flow.close();
            }
        }
    }
}

/// Both sides of a body whose flow is counted so.
fn channel(flow: Arc<Flow>, entry: Entry) -> (CopySource, CopyBody) {
    let channel = Rc::new(RefCell::new(Channel {
        pieces: VecDeque::new(),
        trailers: None,
        state: State::Open,
        waker: None,
        flow: Some(flow),
        entry: Some(entry),
    }));
    (CopySource(Rc::clone(&channel)), CopyBody(Some(channel)))
}

impl CopyBody {
    /// A body that is whole, of a copy whose entry somebody else has.
    fn whole(piece: Piece) -> Self {
        Self(Some(Rc::new(RefCell::new(Channel {
            pieces: [piece].into(),
            trailers: None,
            state: State::Ended,
            waker: None,
            flow: None,
            entry: None,
        }))))
    }

    /// Whether the request has a body, be it an empty one.
    pub(super) fn exists(&self) -> bool {
        self.0.is_some()
    }

    /// Waits until all of the body is there, or will never be, and leaves it where it is.
    pub(super) fn poll_whole(&self, cx: &mut Context<'_>) -> Poll<()> {
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
    pub(super) fn take_pieces(&mut self) -> Vec<Piece> {
        let Some(channel) = &self.0 else {
            return Vec::new();
        };
        let pieces = std::mem::take(&mut channel.borrow_mut().pieces);
        pieces.into()
    }

    /// The next part once it is there.
    pub(super) fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        let Some(channel) = &self.0 else {
            return Poll::Ready(Part::End(None));
        };
        let mut channel = channel.borrow_mut();
        if let Some(piece) = channel.pieces.pop_front() {
            channel.took(&piece);
            return Poll::Ready(Part::Piece(piece));
        }
        match channel.state {
            State::Open => {
                channel.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Ended => Poll::Ready(Part::End(channel.trailers.take())),
            State::Failed(outcome) => Poll::Ready(Part::Failed(outcome)),
            State::Closed => Poll::Ready(Part::End(None)),
        }
    }

    /// Whether it will never be whole.
    pub(super) fn is_lost(&self) -> bool {
        let state = self.0.as_ref().map(|channel| channel.borrow().state);
        matches!(state, Some(State::Failed(_)))
    }

    /// Why the body is not whole, if it isn't. Where it still may fail, the task is woken then.
    pub(super) fn failure(&self, cx: &Context<'_>) -> Option<Outcome> {
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
    fn take_entry(&self) -> Option<Entry> {
        self.0.as_ref()?.borrow_mut().entry.take()
    }

    /// Whether the client is still sending it.
    pub(super) fn is_coming(&self) -> bool {
        self.0
            .as_ref()
            .is_some_and(|channel| channel.borrow().state == State::Open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tee::Budget;

    fn piece(text: &'static str, budget: &Arc<Budget>) -> Part {
        let bytes = Bytes::from_static(text.as_bytes());
        Part::Piece(Piece::own(bytes, budget.hold(text.len()).unwrap()))
    }

    fn channel() -> (CopySource, CopyBody) {
        let entry = crate::ledger::Ledger::new(1).account("next").open();
        super::channel(Arc::default(), entry)
    }

    fn next(body: &mut CopyBody) -> Part {
        match body.poll_part(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(part) => part,
            Poll::Pending => panic!("nothing there"),
        }
    }

    fn failure(body: &CopyBody) -> Option<Outcome> {
        body.failure(&Context::from_waker(Waker::noop()))
    }

    #[test]
    fn a_body_arrives_whole_however_late_it_is_taken() {
        let budget = Budget::new(1000);
        let (source, mut body) = channel();
        source.push(piece("hello", &budget));
        source.push(piece("world", &budget));
        source.push(Part::End(None));
        drop(source);
        let mut got = Vec::new();
        while let Part::Piece(piece) = next(&mut body) {
            got.extend_from_slice(&piece.bytes);
        }
        assert_eq!(got, b"helloworld");
        assert_eq!((failure(&body), budget.used()), (None, 0));
    }

    #[test]
    fn a_body_that_fails_gives_everything_back_at_once() {
        let budget = Budget::new(1000);
        let (source, mut body) = channel();
        source.push(piece("12345678", &budget));
        source.push(Part::Failed(Outcome::BodyOverrun));
        source.push(piece("late", &budget));
        assert_eq!(failure(&body), Some(Outcome::BodyOverrun));
        assert_eq!(budget.used(), 0);
        assert!(matches!(
            next(&mut body),
            Part::Failed(Outcome::BodyOverrun)
        ));
    }

    #[test]
    fn a_body_whose_source_is_gone_before_its_end_is_never_whole() {
        let (source, mut body) = channel();
        drop(source);
        assert_eq!(failure(&body), Some(Outcome::BodyCut));
        assert!(matches!(next(&mut body), Part::Failed(Outcome::BodyCut)));
    }
}
