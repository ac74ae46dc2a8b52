//! What an exchange passes on to the shadow side while it is under way.

use std::{net::IpAddr, rc::Rc, sync::Arc};

use bytes::Bytes;
use smallvec::SmallVec;

use super::{
    Budget,
    piece::{Buffer, Charges},
    valve::{Flow, Message, Mirrored, Part, Valve},
};
use crate::{
    exchange::{Exchange, PrimaryResponse, RecordedResponse},
    http::{Headers, RequestHead},
    ledger::{Entry, Outcome},
};

/// Somebody who gets copies, as one worker sees it. Nothing here may block.
pub(crate) trait Recipient {
    /// Counts the request, and says whether a copy of it is wanted: `None` where it was settled already.
    fn select(&self, head: &RequestHead, peer: Option<IpAddr>) -> Option<Entry>;
    /// How many bytes of a body are kept for one copy until they are sent.
    fn body_buffer(&self) -> usize;
    /// How many bytes of the primary's response are wanted with its head; `None` where it is not.
    fn wants_answer(&self) -> Option<u64>;
    /// The way to it.
    fn valve(&self) -> Rc<Valve>;
    /// The next place in the order of its requests, where it keeps an order.
    fn sequence(&self) -> Option<u64>;
    /// Counts a request that is not copied, for a reason that has nothing to do with this recipient.
    fn leave_out(&self, outcome: Outcome);
}

/// What a copy costs beside its head and its body: the exchange, the entry, its messages, a place in a queue.
const COPY: usize = 512;

/// An exchange's way to those who get copies of it. Dropped before its end, it says that the body was cut and that no
/// more comes.
#[derive(Default)]
pub(crate) struct Tap {
    copies: SmallVec<[Branch; 1]>,
    budget: Option<Arc<Budget>>,
    charges: Charges,
    /// So many bytes of the primary's response are wanted.
    wanted: Option<u64>,
}

/// The way to one of them.
struct Branch {
    valve: Rc<Valve>,
    number: u64,
    /// As long as it takes the body.
    body: Option<Body>,
}

struct Body {
    flow: Arc<Flow>,
    limit: usize,
}

impl Branch {
    fn put(&self, part: Part) {
        self.valve.put(Message::Part(self.number, part));
    }
}

impl Tap {
    /// Makes a copy for each recipient that wants one.
    pub(crate) fn open(
        exchange: &Arc<Exchange>,
        has_body: bool,
        recipients: &[Rc<dyn Recipient>],
        budget: &Arc<Budget>,
    ) -> Self {
        let mut tap = Self::default();
        for recipient in recipients {
            let Some(entry) = recipient.select(&exchange.head, exchange.peer) else {
                continue;
            };
            // The first copy keeps the head alive for all of them; each is charged, since each may be the last.
            let Some(held) = budget.hold(exchange.head.size() + COPY) else {
                entry.settle(Outcome::OverBudget);
                continue;
            };
            let valve = recipient.valve();
            if !valve.has_room() {
                entry.settle(Outcome::QueueFull);
                continue;
            }
            let number = valve.number();
            let flow = has_body.then(Arc::<Flow>::default);
            valve.put(Message::Request(Mirrored {
                number,
                sequence: recipient.sequence(),
                exchange: Arc::clone(exchange),
                entry,
                flow: flow.clone(),
                held,
            }));
            tap.wanted = tap.wanted.max(recipient.wants_answer());
            tap.copies.push(Branch {
                valve,
                number,
                body: flow.map(|flow| Body {
                    flow,
                    limit: recipient.body_buffer(),
                }),
            });
        }
        if has_body && !tap.copies.is_empty() {
            tap.budget = Some(Arc::clone(budget));
        }
        tap
    }

    /// Whether any copy takes pieces of the body.
    pub(crate) fn takes_body(&mut self) -> bool {
        let mut takes = false;
        for copy in &mut self.copies {
            if copy.body.as_ref().is_some_and(|body| body.flow.is_closed()) {
                copy.body = None;
            }
            takes |= copy.body.is_some();
        }
        takes
    }

    /// A piece of the body passes; it is a slice of this buffer.
    pub(crate) fn push(&mut self, bytes: &Bytes, buffer: Buffer) {
        let Some(budget) = &self.budget else { return };
        let Some(piece) = self.charges.charge(bytes, buffer, budget) else {
            return self.fail(Outcome::OverBudget);
        };
        for copy in &mut self.copies {
            let Some(body) = &copy.body else { continue };
            if body.flow.pass(bytes.len()) > body.limit {
                copy.put(Part::Failed(Outcome::BodyOverrun));
                copy.body = None;
            } else {
                copy.put(Part::Piece(piece.clone()));
            }
        }
    }

    /// The body is whole.
    pub(crate) fn end(&mut self, trailers: Option<&Headers>) {
        for copy in &mut self.copies {
            if copy.body.take().is_some() {
                copy.put(Part::End(trailers.map(|trailers| trailers.clone().into())));
            }
        }
    }

    /// The body will never be whole.
    pub(crate) fn fail(&mut self, outcome: Outcome) {
        for copy in &mut self.copies {
            if copy.body.take().is_some() {
                copy.put(Part::Failed(outcome));
            }
        }
    }

    /// How many bytes of the body of the primary's response are wanted with its head; `None` where it is not.
    pub(crate) fn wanted(&self) -> Option<u64> {
        self.wanted
    }

    /// The head of the primary's response is there.
    pub(crate) fn answered(&self, answer: PrimaryResponse) {
        for copy in &self.copies {
            copy.valve.put(Message::Answered(copy.number, answer));
        }
    }

    /// All that comes of the primary has come: its response, where it was wanted.
    pub(crate) fn over(&mut self, told: Option<RecordedResponse>) {
        let told = told.map(Arc::new);
        self.fail(Outcome::BodyCut);
        for copy in self.copies.drain(..) {
            let told = told.clone();
            copy.valve.put(Message::Over(copy.number, told));
        }
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.over(None);
    }
}
