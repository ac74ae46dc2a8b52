//! The copies' share of a request's body: each piece that passes to the primary goes to them, too.

use std::sync::Arc;

use bytes::Bytes;

use super::{Budget, CopySource, piece::Buffer, piece::Charges};
use crate::{http::Fields, ledger::Outcome};

/// Whoever gets copies of the body that passes. Dropped before the end, it says that the body was cut.
#[derive(Debug)]
pub(crate) struct Branches {
    copies: Vec<CopySource>,
    budget: Arc<Budget>,
    charges: Charges,
}

impl Branches {
    pub(super) fn new(budget: &Arc<Budget>) -> Self {
        Self {
            copies: Vec::new(),
            budget: Arc::clone(budget),
            charges: Charges::default(),
        }
    }

    pub(super) fn add(&mut self, copy: CopySource) {
        self.copies.push(copy);
    }

    /// Whether any copy takes pieces.
    pub(crate) fn are_open(&mut self) -> bool {
        if !self.copies.is_empty() {
            self.copies.retain(CopySource::is_open);
        }
        !self.copies.is_empty()
    }

    /// A piece passes; it is a slice of this buffer.
    pub(crate) fn push(&mut self, bytes: &Bytes, buffer: Buffer) {
        let Some(piece) = self.charges.charge(bytes, buffer, &self.budget) else {
            return self.fail(Outcome::OverBudget);
        };
        for copy in &self.copies {
            copy.push(piece.clone());
        }
    }

    /// The body is whole.
    pub(crate) fn end(&mut self, trailers: Option<&Fields>) {
        for copy in self.copies.drain(..) {
            copy.end(trailers.cloned());
        }
    }

    /// The body will never be whole.
    pub(crate) fn fail(&mut self, outcome: Outcome) {
        for copy in self.copies.drain(..) {
            copy.fail(outcome);
        }
    }
}
