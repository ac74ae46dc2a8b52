//! A pair on its way to the comparer: both responses as they were recorded, which keep their share of the budget.

use std::{
    borrow::Cow,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;

use crate::{
    compare::{Answer, Asked, Counterpart, PairIn, Resent, ResentBody},
    exchange::Exchange,
    http::{Headers, Known, RequestHead, now},
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
    sent: SentCopy,
}

/// What is known of the copy of a request.
pub(crate) struct SentCopy {
    /// As much of its body as was recorded.
    pub(crate) body: Option<Recording>,
    /// All of its body was sent.
    pub(crate) is_whole: bool,
    /// The head that a script wrote.
    pub(crate) head_by_script: Option<RequestHead>,
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
    pub(crate) fn new(exchange: &Exchange, sent: SentCopy) -> Self {
        Self {
            id: exchange.id_text().into_owned(),
            head: exchange.head.clone(),
            sent,
        }
    }

    /// The request as it may be sent once more.
    pub(super) fn resent(&self) -> Resent {
        let by_script = self.sent.head_by_script.as_ref();
        let head = by_script.unwrap_or(&self.head).clone();
        let recorded = self.sent.body.as_ref();
        let is_all = |body: &&Recording| body.kept() == Kept::All && self.sent.is_whole;
        let body = match recorded.filter(is_all) {
            None => ResentBody::Cut,
            Some(body) if body.length() == 0 && !has_body(&head) => ResentBody::None,
            Some(body) => ResentBody::Whole(Bytes::copy_from_slice(&body.bytes(usize::MAX))),
        };
        Resent { head, body }
    }

    /// Shows the request as the comparer takes it.
    fn with<T>(&self, look: impl FnOnce(Asked<'_>) -> T) -> T {
        let body = self
            .sent
            .body
            .as_ref()
            .filter(|body| body.kept() == Kept::All);
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

fn has_body(head: &RequestHead) -> bool {
    head.headers.has(Known::ContentLength) || head.headers.has(Known::TransferEncoding)
}

fn headers(headers: &Headers) -> Vec<(&[u8], &[u8])> {
    headers.iter().collect()
}
