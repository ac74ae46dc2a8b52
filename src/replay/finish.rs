//! The last steps of a request before it is sent: rewritten as for a shadow, and marked.

use std::sync::Arc;

use super::options::Edit;
use crate::http::RequestHead;

/// The last steps of a request before it is sent.
pub(super) struct Finish {
    edit: Option<Arc<dyn Edit>>,
    /// What every head gets in the end.
    marks: Vec<u8>,
}

impl Finish {
    pub(super) fn new(edit: Option<Arc<dyn Edit>>, marks: Vec<u8>) -> Self {
        Self { edit, marks }
    }

    /// Whether it is to be sent; `status` is that of production's answer.
    pub(super) fn selects(&self, head: &RequestHead, status: Option<u16>) -> bool {
        let edit = self.edit.as_ref();
        edit.is_none_or(|edit| edit.selects(head, status))
    }

    /// Writes a head without its empty line; `as_it_was` is what it is where nothing changes it. Returns how long its
    /// method and its target are.
    pub(super) fn write(
        &self,
        head: &mut RequestHead,
        as_it_was: Option<&[u8]>,
        out: &mut Vec<u8>,
    ) -> (usize, usize) {
        match (&self.edit, as_it_was) {
            (None, Some(text)) => out.extend_from_slice(text),
            (edit, _) => {
                if let Some(edit) = edit {
                    edit.rewrite(head);
                }
                head.write(head.version, out);
            }
        }
        out.extend_from_slice(&self.marks);
        (head.method().len(), head.target().len())
    }
}
