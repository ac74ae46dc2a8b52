//! A piece of a body, with its share of the budget.

use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::Held;

/// Bytes that are shared with the primary path, and what they cost the budget until they are written.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    bytes: Bytes,
    _held: Option<Arc<Held>>,
}

impl Piece {
    pub(super) fn new(bytes: Bytes, held: Arc<Held>) -> Self {
        Self {
            bytes,
            _held: Some(held),
        }
    }
}

impl From<Bytes> for Piece {
    /// Bytes that nobody charges for, such as those of a request that is no copy.
    fn from(bytes: Bytes) -> Self {
        Self { bytes, _held: None }
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, n: usize) {
        self.bytes.advance(n);
    }
}

/// What keeping a piece really costs: a piece keeps the whole read buffer alive that it is a slice of.
#[derive(Debug, Default)]
pub(super) struct Cost {
    /// Where the last piece ended.
    end: usize,
}

impl Cost {
    /// hyper's read buffers have at least this size.
    const READ_BUFFER: usize = 8192;
    /// Between two pieces of one buffer there is at most a chunk's frame.
    const GAP: usize = 64;

    /// The cost of `bytes`, given the pieces before: a piece of the same buffer costs its own length.
    pub(super) fn of(&mut self, bytes: &Bytes) -> usize {
        let start = bytes.as_ptr().addr();
        let same_buffer = start >= self.end && start - self.end <= Self::GAP;
        self.end = start + bytes.len();
        if same_buffer {
            bytes.len()
        } else {
            bytes.len().max(Self::READ_BUFFER)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_piece_costs_the_buffer_that_it_keeps_alive() {
        let buffer = Bytes::from(vec![0; 10_000]);
        let mut cost = Cost::default();
        assert_eq!(cost.of(&buffer.slice(0..10)), 8192);
        assert_eq!(cost.of(&buffer.slice(16..26)), 10);
        assert_eq!(cost.of(&Bytes::from(vec![0; 20_000])), 20_000);
    }
}
