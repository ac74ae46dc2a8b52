//! The body that clones itself into copies, within the budget.
//!
//! The primary path pushes and never waits: a copy that can't take more is given up, with its outcome.

mod budget;
mod copy;
mod inbound;
mod piece;

pub(crate) use budget::{Budget, Held};
pub(crate) use copy::{CopyBody, CopySource};
pub(crate) use inbound::{Gate, Inbound, InboundLimits};
pub(crate) use piece::Piece;

use std::rc::Rc;

use http::request::Parts;

use crate::{
    exchange::Exchange,
    ledger::{Entry, Outcome},
};

/// What a shadow gets: an exchange's request, not yet marked or rewritten.
pub(crate) struct Copy {
    pub(crate) exchange: Rc<Exchange>,
    pub(crate) entry: Entry,
    pub(crate) head: Parts,
    pub(crate) body: CopyBody,
    /// The head's share of the budget.
    pub(crate) held: Held,
}

/// Somebody who gets copies. Nothing here may block.
pub(crate) trait Recipient {
    /// Counts the request, and says whether a copy of it is wanted: `None` where it was settled already.
    fn select(&self, head: &Parts) -> Option<Entry>;

    /// How many bytes of a body are kept for one copy until they are sent.
    fn body_buffer(&self) -> usize;

    /// Takes a copy that `select` wanted.
    fn offer(&self, copy: Copy);

    /// Counts a request that is not copied, for a reason that has nothing to do with this recipient.
    fn leave_out(&self, outcome: Outcome);
}

/// hyper's header values are slices of its read buffer, which they keep alive, and which has at least this size.
const READ_BUFFER: usize = 8192;
/// What a header field costs beside its bytes.
const FIELD: usize = 128;

/// What a copy's head is charged with.
fn cost_of(head: &Parts) -> usize {
    let fields = head
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + FIELD);
    fields.sum::<usize>().max(READ_BUFFER)
}

/// Makes a copy for each recipient that wants one.
///
/// Returns what the request's body has to be pushed into; empty where nobody wants a copy.
pub(crate) fn split(
    exchange: &Rc<Exchange>,
    head: &Parts,
    has_body: bool,
    recipients: &[Rc<dyn Recipient>],
    budget: &std::sync::Arc<Budget>,
) -> Vec<CopySource> {
    let mut sources = Vec::new();
    for recipient in recipients {
        let Some(entry) = recipient.select(head) else {
            continue;
        };
        let Some(charge) = budget.hold(cost_of(head)) else {
            entry.settle(Outcome::OverBudget);
            continue;
        };
        let body = if has_body {
            let (source, body) = copy::channel(recipient.body_buffer());
            sources.push(source);
            body
        } else {
            CopyBody::default()
        };
        let copy = Copy {
            exchange: Rc::clone(exchange),
            entry,
            head: head.clone(),
            body,
            held: charge,
        };
        recipient.offer(copy);
    }
    sources
}
