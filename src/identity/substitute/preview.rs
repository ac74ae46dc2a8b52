//! What would be put into a request, told in words: values that are the shadow's secrets do not appear.

use super::{Substituted, Unpaired};
use crate::{
    config::MASK,
    http::RequestHead,
    identity::{Identity, SessionId, is_signed},
};

/// What would be put into a request.
pub(crate) struct Previewed {
    /// The request with a mask for each of the shadow's secrets.
    pub(crate) substituted: Result<Substituted, Unpaired>,
    /// What is put in, and what is not, in a line each.
    pub(crate) lines: Vec<String>,
}

/// What was told so far.
#[derive(Debug, Default)]
pub(in crate::identity) struct Preview {
    /// Where it is looked at present.
    place: String,
    lines: Vec<String>,
    /// What has no partner, seen last.
    orphan: String,
}

impl Identity {
    /// Tells what [`substitute`](Self::substitute) would put into a request.
    pub(crate) fn preview(&mut self, session: SessionId, head: &RequestHead) -> Previewed {
        if is_signed(head) {
            return Previewed {
                substituted: Ok(Substituted::default()),
                lines: vec!["nothing is put in: its client signed it".into()],
            };
        }
        self.preview = Some(Preview::default());
        let substituted = self.substitute(session, head, None);
        let Preview {
            mut lines, orphan, ..
        } = self.preview.take().unwrap_or_default();
        if substituted.is_err() {
            lines = vec![format!("would be withheld (unpaired): {orphan}")];
        }
        Previewed { substituted, lines }
    }

    /// From now on it is looked here.
    pub(super) fn look_at(&mut self, place: impl FnOnce() -> String) {
        if let Some(preview) = &mut self.preview {
            preview.place = place();
        }
    }

    /// Tells what becomes of what stands here.
    pub(super) fn tell(&mut self, what: impl FnOnce(&str) -> String) {
        if let Some(preview) = &mut self.preview {
            let line = what(&preview.place);
            if !preview.lines.contains(&line) {
                preview.lines.push(line);
            }
        }
    }

    /// What stands here has no partner.
    pub(super) fn tell_orphan(&mut self, what: impl FnOnce(&str) -> String) {
        if let Some(preview) = &mut self.preview {
            preview.orphan = what(&preview.place);
        }
    }

    /// A secret of the shadow's, as it may be shown.
    pub(super) fn shown(&self, secret: &str) -> String {
        let is_told = self.preview.is_some();
        if is_told { MASK } else { secret }.to_owned()
    }
}
