//! What crosses from production to the shadow side.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use super::{Held, Piece, RecordedResponse, doorbell::Urgency};
use crate::{
    exchange::{Exchange, PrimaryResponse},
    http::Headers,
    ledger::{Entry, Outcome},
};

/// What crosses from production to the shadow side.
pub(crate) enum Message {
    /// A request of which a copy is to be made.
    Request(Mirrored),
    /// What follows of the body of the copy with this number.
    Part(u64, Part),
    /// The head of the primary's response to the request with this number.
    Answered(u64, PrimaryResponse),
    /// Nothing more comes of this request: its last message.
    Over(u64, Option<Arc<RecordedResponse>>),
}

/// A request of which a copy is to be made.
pub(crate) struct Mirrored {
    /// Its number in its valve.
    pub(crate) number: u64,
    /// Its place in the order of all requests to one shadow, where that keeps an order.
    pub(crate) sequence: Option<u64>,
    pub(crate) exchange: Arc<Exchange>,
    pub(crate) entry: Entry,
    /// How much of its body is on its way; `None` where it has none.
    pub(crate) flow: Option<Arc<Flow>>,
    /// The head's share of the budget.
    pub(crate) held: Held,
}

/// A part of a message's body.
#[derive(Debug)]
pub(crate) enum Part {
    Piece(Piece),
    /// The body is whole; the fields behind its last chunk.
    End(Option<Box<Headers>>),
    /// It never will be, and this is why.
    Failed(Outcome),
}

/// How much of one body is on its way, counted by both sides.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// Bytes that production passed on and the shadow did not take yet.
    kept: AtomicUsize,
    closed: AtomicBool,
}

impl Flow {
    /// Production passes bytes on. Returns how many are on their way with them.
    pub(super) fn pass(&self, bytes: usize) -> usize {
        self.kept.fetch_add(bytes, Relaxed) + bytes
    }

    /// The shadow side took bytes.
    pub(crate) fn take(&self, bytes: usize) {
        self.kept.fetch_sub(bytes, Relaxed);
    }

    /// Nobody takes any more of it.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Relaxed)
    }
}

impl Message {
    /// Whether a thread is woken for it.
    pub(super) fn touches(&self) -> Urgency {
        match self {
            Self::Request(_) | Self::Part(..) => Urgency::Urgently,
            Self::Answered(..) | Self::Over(..) => Urgency::Lazily,
        }
    }
}
