//! The tee: what clones a request into copies, within the budget.
//!
//! The primary path pushes and never waits: a copy that can't take more is given up, with its outcome.

mod branches;
mod budget;
mod copy;
mod piece;

pub(crate) use branches::Branches;
pub(crate) use budget::{Budget, Held};
pub(crate) use copy::{CopyBody, CopyPart, CopySource};
pub(crate) use piece::Piece;

use std::{net::IpAddr, rc::Rc, sync::Arc};

use bytes::Bytes;

use crate::{
    exchange::Exchange,
    http::RequestHead,
    ledger::{Entry, Outcome},
};

/// What a shadow gets: an exchange's request, not yet marked or rewritten.
pub(crate) struct Copy {
    pub(crate) exchange: Rc<Exchange>,
    /// That of a copy without a body; otherwise the body has it.
    entry: Option<Entry>,
    pub(crate) body: CopyBody,
    /// The head that a script wrote in place of the exchange's.
    written: Option<Box<RequestHead>>,
    /// The head's share of the budget.
    _held: Held,
}

impl Copy {
    /// What it is sent with: its exchange, its head, its body.
    pub(crate) fn parts(&mut self) -> (&Rc<Exchange>, &RequestHead, &mut CopyBody) {
        let head = self.written.as_deref().unwrap_or(&self.exchange.head);
        (&self.exchange, head, &mut self.body)
    }

    /// Another head and another body take the place of what the exchange has.
    pub(crate) fn write(&mut self, mut head: RequestHead, body: Bytes, cost: Held) {
        // What names the request in all logs stays true.
        self.exchange.name(&mut head);
        self.entry = self.entry.take().or_else(|| self.body.take_entry());
        self.body = if body.is_empty() {
            CopyBody::default()
        } else {
            CopyBody::whole(Piece::own(body, cost))
        };
        self.written = Some(Box::new(head));
    }

    /// Ends it, unless its body failed before.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        let entry = self.entry.take().or_else(|| self.body.take_entry());
        // Given back first: whoever sees the outcome may count on it.
        drop(self);
        if let Some(entry) = entry {
            entry.settle(outcome);
        }
    }
}

/// Somebody who gets copies. Nothing here may block.
pub(crate) trait Recipient {
    /// Counts the request, and says whether a copy of it is wanted: `None` where it was settled already.
    fn select(&self, head: &RequestHead, peer: Option<IpAddr>) -> Option<Entry>;

    /// How many bytes of a body are kept for one copy until they are sent.
    fn body_buffer(&self) -> usize;

    /// Takes a copy that `select` wanted.
    fn offer(&self, copy: Copy);

    /// Counts a request that is not copied, for a reason that has nothing to do with this recipient.
    fn leave_out(&self, outcome: Outcome);
}

/// What a copy costs beside its head and its body: the exchange, the entry, the channel, a place in a queue.
const COPY: usize = 512;

/// Makes a copy for each recipient that wants one.
///
/// Returns where the request's body has to be pushed into.
pub(crate) fn split(
    exchange: &Rc<Exchange>,
    has_body: bool,
    recipients: &[Rc<dyn Recipient>],
    budget: &Arc<Budget>,
) -> Branches {
    let mut branches = Branches::new(budget);
    for recipient in recipients {
        let Some(entry) = recipient.select(&exchange.head, exchange.peer) else {
            continue;
        };
        // The first copy keeps the head alive for all of them; each is charged, since each may be the last.
        let Some(held) = budget.hold(exchange.head.size() + COPY) else {
            entry.settle(Outcome::OverBudget);
            continue;
        };
        let (entry, body) = if has_body {
            let (source, body) = copy::channel(recipient.body_buffer(), entry);
            branches.add(source);
            (None, body)
        } else {
            (Some(entry), CopyBody::default())
        };
        recipient.offer(Copy {
            exchange: Rc::clone(exchange),
            entry,
            body,
            written: None,
            _held: held,
        });
    }
    branches
}
