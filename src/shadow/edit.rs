//! Selects and rewrites requests as a shadow's settings say, without any shadow: for a replay.

use super::{
    request_view::RequestView,
    rewrite::{BadAuthorization, Rewriting, authorization},
    sample,
    select::{Answered, Selection, Verdict},
};
use crate::{
    config::{self, ClientAddress},
    http::RequestHead,
};

/// What a shadow's settings make of a request.
pub(crate) struct Editor {
    sample: config::Sample,
    selection: Selection,
    rewriting: Rewriting,
    client_address: ClientAddress,
}

impl Editor {
    /// # Errors
    /// Where `rewrite.authorization` can't be read.
    pub(crate) fn new(
        settings: &config::Shadow,
        client_address: &ClientAddress,
    ) -> Result<Self, BadAuthorization> {
        let from = settings.rewrite.authorization.as_ref();
        let value = from.map(authorization).transpose()?;
        Ok(Self {
            selection: Selection::new(&settings.select),
            rewriting: Rewriting::new(settings, value),
            client_address: client_address.clone(),
            sample: settings.sample.clone(),
        })
    }

    /// Whether the shadow would get it. The primary's status is that which was captured, if any was.
    pub(crate) fn selects(&self, head: &RequestHead, status: Option<u16>) -> bool {
        let seen = RequestView {
            head,
            peer: None,
            client_address: &self.client_address,
        };
        let (verdict, _) = self.selection.judge(seen, Answered::With(status));
        verdict != Verdict::Filtered
            && sample::draw(&self.sample, self.sample.percent, seen).is_in()
    }

    /// Rewrites a head as a copy's.
    pub(crate) fn rewrite(&self, head: &mut RequestHead) {
        self.rewriting.apply(head);
    }
}
