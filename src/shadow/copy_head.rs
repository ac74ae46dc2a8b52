//! How the copies of a shadow look: rewritten and marked. The primary's request stays as it is.

use std::borrow::Cow;

use super::rewrite::Rewriting;
use crate::{
    config,
    http::{Marks, RequestHead},
    upstream::SentHead,
};

/// How the copies of a shadow look.
#[derive(Clone)]
pub(super) struct CopyHeads {
    rewriting: Rewriting,
    marks: Marks,
    /// The lines that make a request a copy for this shadow.
    added: Vec<u8>,
}

impl CopyHeads {
    /// With the `Authorization` that was read, where the configuration has one.
    pub(super) fn new(
        settings: &config::Shadow,
        marks: &Marks,
        authorization: Option<String>,
    ) -> Self {
        let mut added = Vec::new();
        marks.write(settings.name.as_str(), &mut added);
        Self {
            rewriting: Rewriting::new(settings, authorization),
            marks: marks.clone(),
            added,
        }
    }

    /// A request's head as this shadow gets it.
    pub(super) fn of<'a>(&'a self, head: &'a RequestHead) -> SentHead<'a> {
        let is_mark = |name: &[u8]| self.marks.is_mark(name);
        let has_mark = head.headers.iter().any(|(name, _)| is_mark(name));
        let mut head = Cow::Borrowed(head);
        if has_mark || !self.rewriting.is_empty() {
            let head = head.to_mut();
            self.rewriting.apply(head);
            head.headers.remove_named(is_mark);
        }
        SentHead::Fields {
            head,
            added: &self.added,
        }
    }
}
