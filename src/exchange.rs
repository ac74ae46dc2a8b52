//! One request with the primary's answer to it, as the rooms hand it to each other.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{http::RequestHead, telemetry::text::shown};

/// What an answer was like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PrimaryResponse {
    pub(crate) status: u16,
    /// From the request's arrival to the answer's header.
    pub(crate) after: Duration,
}

/// A request as it goes to the primary. Nothing of it changes, so that both sides may look at it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) head: RequestHead,
    /// Who sent it, where the connection tells.
    pub(crate) peer: Option<IpAddr>,
    pub(crate) received: Instant,
    /// The name of the field with the request's id.
    id_field: Arc<str>,
}

impl Exchange {
    pub(crate) fn new(
        head: RequestHead,
        peer: Option<IpAddr>,
        id_field: &Arc<str>,
        received: Instant,
    ) -> Arc<Self> {
        Arc::new(Self {
            head,
            peer,
            received,
            id_field: Arc::clone(id_field),
        })
    }

    /// What tells it from all others that there are at the time, and from most before; never 0.
    pub(crate) fn number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        std::ptr::from_ref(self).hash(&mut hasher);
        self.received.hash(&mut hasher);
        hasher.finish().max(1)
    }

    /// The request's id.
    pub(crate) fn id(&self) -> &[u8] {
        let mut ids = self.head.headers.named(self.id_field.as_bytes());
        ids.next().unwrap_or_default()
    }

    /// Gives a head that somebody wrote the id of this exchange.
    pub(crate) fn name(&self, head: &mut RequestHead) {
        let field = self.id_field.as_bytes();
        let is_named = {
            let mut ids = head.headers.named(field);
            ids.next().unwrap_or_default() == self.id() && ids.next().is_none()
        };
        if !is_named && !self.id().is_empty() {
            head.headers.set(field, self.id());
        }
    }

    /// The request's id as text, for logs.
    pub(crate) fn id_text(&self) -> Cow<'_, str> {
        shown(self.id())
    }

    /// The method as text, for logs.
    pub(crate) fn method_text(&self) -> Cow<'_, str> {
        shown(self.head.method())
    }

    /// The target's path without its query, for logs.
    pub(crate) fn path_text(&self) -> Cow<'_, str> {
        shown(self.head.path())
    }

    /// Takes the memory of its head, where nobody else holds the exchange any more.
    pub(crate) fn into_head(self: Arc<Self>) -> Option<RequestHead> {
        Arc::into_inner(self).map(|exchange| exchange.head)
    }
}
