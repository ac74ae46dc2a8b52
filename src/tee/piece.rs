//! A piece of a body, with its share of the budget.

use std::sync::{Arc, Weak};

use bytes::Bytes;

use super::{Budget, Held};
use crate::http::Buffer;

/// Bytes that are shared with the primary path, and what they cost the budget until they are written.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    pub(crate) bytes: Bytes,
    _held: Arc<Held>,
}

impl Piece {
    /// Bytes that are shared with nobody.
    pub(crate) fn own(bytes: Bytes, held: Held) -> Self {
        Self {
            bytes,
            _held: Arc::new(held),
        }
    }
}

/// What a buffer costs beside its bytes, and a piece beside its buffer: a client that sends a body byte by byte makes
/// many of them.
const BUFFER: usize = 128;
const PIECE: usize = 64;

/// Charges pieces: one keeps the whole buffer alive that it is a slice of, and so do all of one buffer together.
#[derive(Debug, Default)]
pub(super) struct Charges {
    buffer: u64,
    held: Weak<Held>,
}

impl Charges {
    /// A piece of this buffer; `None` where the budget is used up.
    pub(super) fn charge(
        &mut self,
        bytes: &Bytes,
        (buffer, size): Buffer,
        budget: &Arc<Budget>,
    ) -> Option<Piece> {
        let held = match self.held.upgrade().filter(|_| self.buffer == buffer) {
            Some(held) => held,
            None => Arc::new(budget.hold(size.max(bytes.len()) + BUFFER)?),
        };
        if !held.grow(PIECE) {
            return None;
        }
        self.buffer = buffer;
        self.held = Arc::downgrade(&held);
        Some(Piece {
            bytes: bytes.clone(),
            _held: held,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_one_buffer_cost_it_once_and_until_the_last_is_gone() {
        let budget = Budget::new(20_000);
        let mut charges = Charges::default();
        let bytes = Bytes::from_static(b"0123456789");
        let first = charges.charge(&bytes, (1, 8192), &budget).unwrap();
        let second = charges.charge(&bytes, (1, 8192), &budget).unwrap();
        let whole = 8192 + BUFFER + 2 * PIECE;
        assert_eq!(budget.used(), whole);
        drop(first);
        assert_eq!(budget.used(), whole);
        let other = charges.charge(&bytes, (2, 8192), &budget).unwrap();
        assert_eq!(budget.used(), whole + 8192 + BUFFER + PIECE);
        assert!(charges.charge(&bytes, (3, 8192), &budget).is_none());
        drop((second, other));
        assert_eq!(budget.used(), 0);
        assert!(charges.charge(&bytes, (2, 8192), &budget).is_some());
    }
}
