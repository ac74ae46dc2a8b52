//! The body of a message as it passes, kept for the capture.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    http::Headers,
    tee::{Budget, Held},
};

/// What passed of a body so far: small ones are copied, larger ones shared with the path.
#[derive(Debug)]
pub(crate) struct RecordedBody {
    pub(super) text: Vec<u8>,
    pub(super) pieces: Vec<Bytes>,
    pub(super) trailers: Vec<u8>,
    length: u64,
    limit: u64,
    state: State,
    budget: Arc<Budget>,
    pub(super) held: Option<Held>,
    buffer: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// All that passed is kept.
    Open,
    /// It was larger than what is kept.
    OverLimit,
    /// The budget was used up.
    OverBudget,
}

/// So much is copied: a shared piece keeps the whole buffer alive that it stands in.
const SMALL: usize = 4096;
/// What a piece and a buffer cost beside their bytes.
const PIECE: usize = 64;

impl RecordedBody {
    pub(crate) fn new(limit: u64, budget: &Arc<Budget>) -> Self {
        Self {
            text: Vec::new(),
            pieces: Vec::new(),
            trailers: Vec::new(),
            length: 0,
            limit,
            state: State::Open,
            budget: Arc::clone(budget),
            held: None,
            buffer: 0,
        }
    }

    /// A piece passes, which `kept` may be there for. Returns it where it wants the piece itself, by
    /// [`RecordedBody::share`].
    pub(crate) fn notice<'a>(
        kept: &'a mut Option<Box<Self>>,
        piece: &[u8],
    ) -> Option<&'a mut Self> {
        let kept = kept.as_deref_mut()?;
        kept.pass(piece).then_some(kept)
    }

    /// A piece passes. Returns whether it is to be shared.
    fn pass(&mut self, piece: &[u8]) -> bool {
        let before = self.length;
        self.length += piece.len() as u64;
        if self.state != State::Open {
            return false;
        }
        if self.length > self.limit {
            // What fits is kept: an answer may be cut.
            let fits = usize::try_from(self.limit - before).unwrap_or(usize::MAX);
            if self.pieces.is_empty() && self.text.len() + fits <= SMALL && self.hold(fits) {
                self.text.extend_from_slice(&piece[..fits]);
            }
            self.state = State::OverLimit;
            return false;
        }
        if !self.pieces.is_empty() || self.text.len() + piece.len() > SMALL {
            return true;
        }
        if self.hold(piece.len()) {
            self.text.extend_from_slice(piece);
        }
        false
    }

    /// Keeps a piece by reference; it is a slice of this buffer, which is so large.
    pub(crate) fn share(&mut self, piece: &Bytes, (buffer, size): (u64, usize)) {
        let cost = if buffer == self.buffer && !self.pieces.is_empty() {
            PIECE
        } else {
            size.max(piece.len()) + 2 * PIECE
        };
        if self.hold(cost) {
            self.buffer = buffer;
            self.pieces.push(piece.clone());
        }
    }

    /// The fields behind the last chunk.
    pub(crate) fn trailers(&mut self, trailers: &Headers) {
        trailers.write(&mut self.trailers);
    }

    fn hold(&mut self, bytes: usize) -> bool {
        let fits = if let Some(held) = &self.held {
            held.grow(bytes)
        } else {
            self.held = self.budget.hold(bytes);
            self.held.is_some()
        };
        if !fits {
            self.state = State::OverBudget;
            self.text = Vec::new();
            self.pieces = Vec::new();
            self.held = None;
        }
        fits
    }

    /// All that is kept in one piece, whether it is all that passed, and what it costs.
    pub(crate) fn into_body(self) -> (Vec<u8>, bool, Option<Held>) {
        let Self {
            mut text, pieces, ..
        } = self;
        for piece in &pieces {
            text.extend_from_slice(piece);
        }
        (text, self.state == State::Open, self.held)
    }

    /// What it takes of the budget.
    pub(super) fn cost(&self) -> usize {
        self.held.as_ref().map_or(0, Held::bytes)
    }

    pub(super) fn state(&self) -> State {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(kept: &mut RecordedBody, piece: &'static [u8], buffer: u64) {
        if kept.pass(piece) {
            kept.share(&Bytes::from_static(piece), (buffer, 16_384));
        }
    }

    #[test]
    fn small_pieces_are_copied_and_large_ones_cost_their_buffer_once() {
        let budget = Budget::new(100_000);
        let mut kept = RecordedBody::new(1 << 20, &budget);
        pass(&mut kept, b"small", 1);
        assert_eq!(budget.used(), 5);
        pass(&mut kept, &[0; 8000], 1);
        pass(&mut kept, &[0; 8000], 1);
        assert_eq!(budget.used(), 5 + 16_384 + 3 * PIECE);
        pass(&mut kept, b"x", 2);
        assert_eq!((kept.text.len(), kept.pieces.len()), (5, 3));
        drop(kept);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn what_is_too_much_is_said_and_gives_back_what_it_held() {
        let budget = Budget::new(10_000);
        let mut kept = RecordedBody::new(1 << 20, &budget);
        pass(&mut kept, &[0; 8000], 1);
        assert_eq!((kept.state(), budget.used()), (State::OverBudget, 0));
        let mut kept = RecordedBody::new(10, &budget);
        pass(&mut kept, b"12345678", 1);
        pass(&mut kept, b"901", 1);
        assert_eq!(
            (kept.state(), &kept.text[..]),
            (State::OverLimit, &b"1234567890"[..])
        );
    }
}
