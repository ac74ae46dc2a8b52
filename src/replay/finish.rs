//! The last steps of a request before it is sent: rewritten as for a shadow, and marked.

use std::sync::Arc;

use super::options::Edit;
use crate::http::RequestHead;

/// The last steps of a request before it is sent.
pub(super) struct Finish {
    edit: Option<Arc<dyn Edit>>,
    /// What every head gets in the end.
    marks: Vec<u8>,
    /// These steps are taken when the request is sent, by [`Finish::last`].
    is_put_off: bool,
}

impl Finish {
    pub(super) fn new(edit: Option<Arc<dyn Edit>>, marks: Vec<u8>) -> Self {
        Self {
            edit,
            marks,
            is_put_off: false,
        }
    }

    /// The steps are taken when a request is sent, and not when it is read.
    pub(super) fn put_off(self) -> Self {
        Self {
            is_put_off: true,
            ..self
        }
    }

    /// Whether it is to be sent; `status` is that of production's answer.
    pub(super) fn selects(&self, head: &RequestHead, status: Option<u16>) -> bool {
        let edit = self.edit.as_ref();
        edit.is_none_or(|edit| edit.selects(head, status))
    }

    /// Writes a head without its empty line, with the last steps where they are not put off; `as_it_was` is what it is where nothing changes it. Returns how long its
    /// method and its target are.
    pub(super) fn write(
        &self,
        head: &mut RequestHead,
        as_it_was: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> (usize, usize) {
        let edit = self.edit.as_ref().filter(|_| !self.is_put_off);
        match (edit, as_it_was) {
            (None, Some(text)) => out.extend_from_slice(text),
            (edit, _) => {
                if let Some(edit) = edit {
                    edit.rewrite(head);
                }
                head.write(head.version, out);
            }
        }
        if !self.is_put_off {
            out.extend_from_slice(&self.marks);
        }
        (head.method().len(), head.target().len())
    }

    /// Writes a head with the last steps, which were put off. Returns the same.
    pub(super) fn last(&self, head: &mut RequestHead, out: &mut Vec<u8>) -> (usize, usize) {
        if let Some(edit) = &self.edit {
            edit.rewrite(head);
        }
        head.write(head.version, out);
        out.extend_from_slice(&self.marks);
        (head.method().len(), head.target().len())
    }
}
