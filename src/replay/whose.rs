//! Whose a request is, where sessions are kept alive on the target.

use std::sync::Arc;

use parking_lot::Mutex;

use crate::{
    compare::Counterpart,
    http::RequestHead,
    identity::{Identity, SessionId},
};

/// Whose a request is.
#[derive(Debug)]
pub(super) struct Whose {
    /// What is known in its round.
    pub(super) known: Arc<Mutex<Identity>>,
    pub(super) session: SessionId,
    /// As its client sent it.
    pub(super) head: Box<RequestHead>,
    /// Ids that were put into it.
    pub(super) put_in: Vec<Counterpart>,
}

impl Whose {
    /// What it holds in memory.
    pub(super) fn size(&self) -> usize {
        self.head.size() + size_of::<RequestHead>()
    }
}
