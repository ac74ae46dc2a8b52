//! The sessions of production on one shadow: whose a copy is, what it is sent with, and what both responses to it teach.

use std::{sync::Arc, time::Duration};

use parking_lot::Mutex;

use super::request_view::RequestView;
use crate::{
    compare::LiveResponse,
    config,
    exchange::Exchange,
    http::{Headers, Known, RequestHead},
    identity::{
        Given, Identity, IdentityCounts, Learning, SessionId, Substituted, Unpaired, Whose,
    },
    tee::Listener,
};

/// Bytes of each response that are looked into.
pub(super) const RESPONSE_BYTES: u64 = 256 * 1024;

/// The sessions of production on one shadow. The shadow's thread uses it, and whoever reports of it looks at its counts; a
/// reload keeps it.
#[derive(Debug)]
pub(crate) struct Sessions {
    known: Mutex<Identity>,
    given: Arc<Heard>,
}

/// Which cookies production gives out, told before their clients have them.
#[derive(Debug)]
struct Heard(Arc<Given>);

impl Listener for Heard {
    fn responds(&self, exchange: u64, headers: &Headers) {
        if headers.named(b"set-cookie").next().is_some() {
            self.0.note(exchange, headers);
        }
    }
}

/// How much is known, and what was done so far.
pub(crate) struct SessionState {
    pub(crate) sessions: usize,
    pub(crate) known: usize,
    pub(crate) conflicts: u64,
    pub(crate) evicted: u64,
    pub(crate) counts: IdentityCounts,
}

impl Sessions {
    pub(super) fn new(settings: &config::Identity) -> Self {
        let known = Identity::new(settings.memory.bytes());
        Self {
            given: Arc::new(Heard(known.given())),
            known: Mutex::new(known),
        }
    }

    /// Whose a request is, as far as that is known.
    pub(super) fn whose(&self, request: RequestView<'_>) -> Whose {
        self.known.lock().whose(request.head, request.client())
    }

    /// The session of an exchange's request; a new one, where none is known.
    pub(super) fn session(&self, request: RequestView<'_>, exchange: &Exchange) -> SessionId {
        let mut known = self.known.lock();
        let session = known.session(request.head, request.client());
        known.decide(exchange.number(), session);
        session
    }

    pub(super) fn listener(&self) -> Arc<dyn Listener> {
        Arc::clone(&self.given) as _
    }

    /// Production responded to a request of this session.
    pub(super) fn issued(&self, session: SessionId, exchange: &Exchange, primary: &LiveResponse) {
        let body = primary.body();
        let primary = primary.answer(&body);
        self.known.lock().issued(session, &exchange.head, &primary);
    }

    /// Both sides responded, or the shadow did not.
    pub(super) fn learn(
        &self,
        session: SessionId,
        exchange: &Exchange,
        primary: &LiveResponse,
        shadow: Option<&LiveResponse>,
    ) {
        let primary_body = primary.body();
        let shadow_body = shadow.map(LiveResponse::body);
        let answer = shadow
            .zip(shadow_body.as_ref())
            .map(|(shadow, body)| shadow.answer(body));
        self.known.lock().learn(&Learning {
            session,
            head: &exchange.head,
            primary: &primary.answer(&primary_body),
            shadow: answer.as_ref(),
        });
    }

    /// What a request is sent with on the shadow. `body`: where it is to be looked into.
    pub(super) fn substitute(
        &self,
        session: SessionId,
        head: &RequestHead,
        body: Option<&[u8]>,
    ) -> Result<Substituted, Unpaired> {
        self.known.lock().substitute(session, head, body)
    }

    /// The head that a request without a body is sent with; none where it stays as it is.
    pub(super) fn head(&self, head: &RequestHead) -> Result<Option<Box<RequestHead>>, Unpaired> {
        let mut known = self.known.lock();
        let session = match known.whose(head, None) {
            Whose::Known(session) => session,
            _ => SessionId::default(),
        };
        Ok(known.substitute(session, head, None)?.head)
    }

    pub(crate) fn state(&self) -> SessionState {
        let known = self.known.lock();
        SessionState {
            sessions: known.sessions(),
            known: known.known(),
            conflicts: known.conflicts(),
            evicted: known.evicted(),
            counts: known.counts(),
        }
    }
}

/// Whether a request's body is looked into: it is of a kind that holds values, and not too long.
pub(super) fn looks_into(head: &RequestHead, settings: &config::Identity) -> bool {
    let named = |name: &[u8]| head.headers.named(name).next().unwrap_or_default().to_vec();
    let media = named(b"content-type").to_ascii_lowercase();
    let is_of_values = media.starts_with(b"application/x-www-form-urlencoded")
        || media.starts_with(b"multipart/form-data")
        || media.windows(4).any(|word| word == b"json");
    let length = head.headers.get(Known::ContentLength);
    let length = length.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse::<u64>().ok());
    is_of_values && length.is_none_or(|length| length <= settings.body_bytes.bytes() as u64)
}

/// How long a copy waits for the one before it, once that was answered.
pub(super) fn wait(settings: &config::Shadow) -> Duration {
    let identity = settings.identity.as_ref();
    identity.map_or(Duration::ZERO, |identity| identity.wait.0)
}
