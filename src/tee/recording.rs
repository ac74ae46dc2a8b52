//! A message as it passes, kept whole: owned, charged to the budget, and free to go to another thread.

use std::{borrow::Cow, sync::Arc};

use bytes::Bytes;

use super::{Budget, Held};
use crate::http::{Buffer, Headers, ResponseHead, Tap};

/// A body as it passes: up to a limit, and within the budget. Small ones are copied, larger ones shared with the path.
#[derive(Debug)]
pub(crate) struct Recording {
    text: Vec<u8>,
    pieces: Vec<Bytes>,
    trailers: Vec<u8>,
    length: u64,
    limit: u64,
    kept: Kept,
    budget: Arc<Budget>,
    held: Option<Held>,
    buffer: u64,
    /// As much of the piece that was noticed last as is within the limit.
    fits: usize,
}

/// How much of a body is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// All that passed.
    All,
    /// It was larger than the limit.
    ToLimit,
    /// Nothing: the budget was used up.
    Nothing,
}

/// A response with as much of its body as was wanted.
#[derive(Debug)]
pub(crate) struct RecordedResponse {
    pub(crate) head: ResponseHead,
    pub(crate) body: Recording,
    /// It came to its end.
    pub(crate) is_whole: bool,
}

/// A recording in its parts.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// The body: this, and the pieces behind it.
    pub(crate) text: Vec<u8>,
    pub(crate) pieces: Vec<Bytes>,
    pub(crate) trailers: Vec<u8>,
    pub(crate) held: Option<Held>,
}

/// Up to this length a body is copied: a shared piece keeps the whole buffer alive that it stands in.
const SMALL: usize = 4096;
/// What a piece and a buffer cost beside their bytes.
const PIECE: usize = 64;

impl Recording {
    pub(crate) fn new(limit: u64, budget: &Arc<Budget>) -> Self {
        Self {
            text: Vec::new(),
            pieces: Vec::new(),
            trailers: Vec::new(),
            length: 0,
            limit,
            kept: Kept::All,
            budget: Arc::clone(budget),
            held: None,
            buffer: 0,
            fits: 0,
        }
    }

    /// Keeps a copy of a piece that passes, for callers who need its buffer again.
    pub(crate) fn copy(&mut self, piece: &[u8]) {
        let fits = self.room().min(piece.len());
        self.length += piece.len() as u64;
        if self.kept != Kept::All || !self.hold(fits) {
            return;
        }
        self.text.extend_from_slice(&piece[..fits]);
        if fits < piece.len() {
            self.kept = Kept::ToLimit;
        }
    }

    /// How many more bytes are within the limit.
    fn room(&self) -> usize {
        usize::try_from(self.limit.saturating_sub(self.length)).unwrap_or(usize::MAX)
    }

    fn hold(&mut self, bytes: usize) -> bool {
        let fits = if let Some(held) = &self.held {
            held.grow(bytes)
        } else {
            self.held = self.budget.hold(bytes);
            self.held.is_some()
        };
        if !fits {
            self.kept = Kept::Nothing;
            self.text = Vec::new();
            self.pieces = Vec::new();
            self.held = None;
        }
        fits
    }

    /// How much of the body is kept.
    pub(crate) fn kept(&self) -> Kept {
        self.kept
    }

    /// The first bytes of what is kept, `most` at most.
    pub(crate) fn bytes(&self, most: usize) -> Cow<'_, [u8]> {
        if self.pieces.is_empty() {
            return Cow::Borrowed(&self.text[..self.text.len().min(most)]);
        }
        let mut bytes = self.text.clone();
        for piece in &self.pieces {
            bytes.extend_from_slice(piece);
        }
        bytes.truncate(most);
        Cow::Owned(bytes)
    }

    /// Whether more passed than the limit.
    pub(crate) fn is_over_limit(&self) -> bool {
        self.length > self.limit
    }

    /// How many bytes passed.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that it takes of the budget.
    pub(crate) fn cost(&self) -> usize {
        self.held.as_ref().map_or(0, Held::bytes)
    }

    pub(crate) fn into_parts(self) -> Recorded {
        Recorded {
            text: self.text,
            pieces: self.pieces,
            trailers: self.trailers,
            held: self.held,
        }
    }
}

impl Tap for Recording {
    fn notice(&mut self, piece: &[u8]) -> bool {
        let fits = self.room().min(piece.len());
        let is_small = self.pieces.is_empty() && self.text.len() + fits <= SMALL;
        if is_small || self.kept != Kept::All {
            self.copy(piece);
            return false;
        }
        self.length += piece.len() as u64;
        self.fits = fits;
        if fits < piece.len() {
            self.kept = Kept::ToLimit;
        }
        fits > 0
    }

    fn share(&mut self, piece: &Bytes, (buffer, size): Buffer) {
        let cost = if buffer == self.buffer && !self.pieces.is_empty() {
            PIECE
        } else {
            size.max(piece.len()) + 2 * PIECE
        };
        if self.hold(cost) {
            self.buffer = buffer;
            // Up to the limit, wherever pieces end: what is kept of the same body is the same.
            self.pieces.push(piece.slice(..self.fits.min(piece.len())));
        }
    }

    fn end(&mut self, trailers: Option<&Headers>) {
        if let Some(trailers) = trailers {
            trailers.write(&mut self.trailers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pass(kept: &mut Recording, piece: &'static [u8], buffer: u64) {
        if kept.notice(piece) {
            kept.share(&Bytes::from_static(piece), (buffer, 16_384));
        }
    }

    #[test]
    fn small_pieces_are_copied_and_large_ones_cost_their_buffer_once() {
        let budget = Budget::new(100_000);
        let mut kept = Recording::new(1 << 20, &budget);
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
    fn what_is_kept_of_a_body_does_not_depend_on_its_pieces() {
        const BODY: &[u8] = &[7; 16_384];
        let budget = Budget::new(1_000_000);
        let kept = |sizes: &[usize]| {
            let mut kept = Recording::new(20_000, &budget);
            for size in sizes {
                pass(&mut kept, &BODY[..*size], 1);
            }
            (kept.kept(), kept.length(), kept.bytes(usize::MAX).len())
        };
        let whole = (Kept::ToLimit, 32_768, 20_000);
        assert_eq!(kept(&[16_384, 16_384]), whole);
        assert_eq!(kept(&[1_000, 15_384, 16_000, 384]), whole);
        assert_eq!(kept(&[10_000, 10_000, 12_768]), whole);
    }

    #[test]
    fn what_is_too_much_is_said_and_gives_back_what_it_held() {
        let budget = Budget::new(10_000);
        let mut kept = Recording::new(1 << 20, &budget);
        pass(&mut kept, &[0; 8000], 1);
        assert_eq!((kept.kept(), budget.used()), (Kept::Nothing, 0));
        let mut kept = Recording::new(10, &budget);
        pass(&mut kept, b"12345678", 1);
        pass(&mut kept, b"901", 1);
        assert_eq!(
            (kept.kept(), &*kept.bytes(100)),
            (Kept::ToLimit, &b"1234567890"[..])
        );
    }
}
