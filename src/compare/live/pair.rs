//! A pair on its way to the comparer: both responses as they were recorded, which keep their share of the budget.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use crate::{
    compare::{Answer, Asked, Counterpart, PairIn},
    exchange::Exchange,
    http::{Headers, RequestHead, now},
    tee::{Kept, RecordedResponse, Recording},
    telemetry::text::unix_millis,
};

/// A request and the two responses to it.
pub(crate) struct LivePair {
    pub(crate) request: ComparedRequest,
    pub(crate) primary: LiveResponse,
    pub(crate) shadow: LiveResponse,
    /// Ids in it that are different on the shadow.
    pub(crate) counterparts: Vec<Counterpart>,
}

/// A request as production got it.
pub(crate) struct ComparedRequest {
    pub(super) id: String,
    pub(super) head: RequestHead,
    body: Option<Recording>,
}

/// A response, and when it came.
pub(crate) struct LiveResponse {
    pub(crate) response: Arc<RecordedResponse>,
    /// When its head came.
    pub(crate) at: Instant,
    /// From the request to its head.
    pub(crate) took: Duration,
}

/// Bytes of a request's body that are kept: they may name its operation (GraphQL, JSON-RPC).
pub(crate) const REQUEST_BODY: u64 = 16 * 1024;

impl ComparedRequest {
    /// `body`: as much of it as was recorded.
    pub(crate) fn new(exchange: &Exchange, body: Option<Recording>) -> Self {
        Self {
            id: exchange.id_text().into_owned(),
            head: exchange.head.clone(),
            body,
        }
    }

    /// Shows the request as the comparer takes it.
    fn with<T>(&self, look: impl FnOnce(Asked<'_>) -> T) -> T {
        let body = self.body.as_ref().filter(|body| body.kept() == Kept::All);
        let body = body.map(|body| body.bytes(usize::MAX));
        look(Asked {
            method: self.head.method(),
            target: self.head.target(),
            headers: headers(&self.head.headers),
            body: body.as_deref(),
        })
    }
}

impl LivePair {
    /// Shows the pair as the comparer takes it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&PairIn<'_>) -> T) -> T {
        self.request.with(|asked| {
            let (primary, shadow) = (self.primary.body(), self.shadow.body());
            look(&PairIn {
                request_id: &self.request.id,
                asked,
                primary: self.primary.answer(&primary),
                shadow: self.shadow.answer(&shadow),
                counterparts: &self.counterparts,
            })
        })
    }

    /// Whether the budget had room for both.
    pub(super) fn is_kept(&self) -> bool {
        let responses = [&self.primary.response, &self.shadow.response];
        let mut kept = responses.iter().map(|response| response.body.kept());
        kept.all(|kept| kept != Kept::Nothing)
    }
}

impl LiveResponse {
    pub(crate) fn body(&self) -> Cow<'_, [u8]> {
        self.response.body.bytes(usize::MAX)
    }

    /// The response as the comparer takes it.
    pub(crate) fn answer<'a>(&'a self, body: &'a [u8]) -> Answer<'a> {
        let RecordedResponse {
            head,
            body: recording,
            is_whole,
        } = &*self.response;
        Answer {
            status: head.status,
            headers: headers(&head.headers),
            body,
            length: recording.length(),
            is_whole: *is_whole && recording.kept() == Kept::All,
            at: unix_millis(SystemTime::now() - now().saturating_duration_since(self.at)),
            took: self.took,
        }
    }
}

fn headers(headers: &Headers) -> Vec<(&[u8], &[u8])> {
    headers.iter().collect()
}
