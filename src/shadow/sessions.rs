//! The sessions of production on one shadow: whose a copy is, what it is sent with, and what both responses to it teach.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::Mutex;

use super::request_view::RequestView;
use crate::{
    compare::{Counterpart, FollowsSessions, LiveResponse, SessionsReport, file},
    config,
    exchange::Exchange,
    http::{Headers, RequestHead},
    identity::{Given, Identity, Learning, Previewed, SessionId, Substituted, Unpaired, Whose},
    tee::Listener,
    telemetry::metrics::{self, Samples},
};

/// The sessions of production on one shadow. The shadow's thread uses it, and whoever reports of it looks at its counts; a
/// reload keeps it.
#[derive(Debug)]
pub(crate) struct Sessions {
    known: Mutex<Identity>,
    given: Arc<Heard>,
    given_up: AtomicU64,
    /// Where it is kept over a restart.
    state: Option<PathBuf>,
    is_restored: AtomicBool,
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

impl FollowsSessions for Sessions {
    fn sessions(&self) -> SessionsReport {
        self.known.lock().report()
    }
}

impl Sessions {
    /// `settings`: none, where nothing is put in and the sessions are followed for the order alone.
    /// `name`: the shadow's.
    pub(super) fn new(name: &str, settings: Option<&config::Identity>) -> Self {
        const FOR_ORDER: usize = 16 << 20;
        let memory = settings.map_or(FOR_ORDER, |settings| settings.memory.bytes());
        let known = Identity::new(memory);
        Self {
            given: Arc::new(Heard(known.given())),
            known: Mutex::new(known),
            given_up: AtomicU64::new(0),
            state: settings
                .and_then(|settings| settings.state.as_ref())
                .map(|folder| folder.join(format!("{name}.sessions"))),
            is_restored: AtomicBool::new(false),
        }
    }

    /// Whose an exchange's request is, as far as that is known.
    pub(super) fn whose(&self, request: RequestView<'_>, exchange: &Exchange) -> Whose {
        let mut known = self.known.lock();
        let whose = known.whose(request.head, request.client());
        if let Whose::Known(session) = whose {
            known.decide(exchange.number(), session);
        }
        whose
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

    /// Both sides responded, or the shadow did not. Returns ids in it that are different on the shadow.
    pub(super) fn learn(
        &self,
        session: SessionId,
        exchange: &Exchange,
        primary: &LiveResponse,
        shadow: Option<&LiveResponse>,
    ) -> Vec<Counterpart> {
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
        })
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

    /// What a kept state says of sessions, to be looked at.
    ///
    /// # Errors
    /// In words, where it can't be used.
    pub(crate) fn open(path: &Path, settings: &config::Identity) -> Result<Self, String> {
        let stored = file::load(path).map_err(|error| error.to_string())?;
        let bytes = stored.ok_or("there is no such file")?;
        let sessions = Self::new("", Some(settings));
        let restored = sessions.known.lock().restore(&bytes);
        restored.map_err(|error| error.to_string())?;
        Ok(sessions)
    }

    /// What would be put into a request; and whether its session is known.
    pub(super) fn preview(&self, request: RequestView<'_>) -> (Previewed, bool) {
        let mut known = self.known.lock();
        let session = match known.whose(request.head, request.client()) {
            Whose::Known(session) => Some(session),
            _ => None,
        };
        let previewed = known.preview(session.unwrap_or_default(), request.head);
        (previewed, session.is_some())
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

    /// What is known, and what was done, for Prometheus.
    pub(crate) fn samples(&self, name: &str, samples: &mut Samples) {
        let known = self.known.lock();
        let (ends, counts) = (known.ends(), known.counts());
        samples.gauge(&metrics::SESSIONS, &[name], known.sessions() as u64);
        for (end, count) in [("alike", ends.alive), ("otherwise", ends.lost)] {
            samples.gauge(&metrics::SESSIONS_ENDED, &[name, end], count as u64);
        }
        samples.gauge(&metrics::SESSION_VALUES, &[name], known.known() as u64);
        for (result, count) in [("learned", counts.pairs), ("nothing", counts.unlearned)] {
            samples.counter(&metrics::SESSION_PAIRS, &[name, result], count);
        }
        for (kind, count) in [
            ("cookie", counts.cookies),
            ("token", counts.tokens),
            ("latest_token", counts.newest),
            ("id", counts.ids),
            ("condition", counts.conditions),
        ] {
            samples.counter(&metrics::SUBSTITUTIONS, &[name, kind], count);
        }
        let given_up = self.given_up.load(Relaxed);
        samples.counter(&metrics::SESSION_WAITS, &[name], given_up);
        samples.counter(&metrics::SESSION_CONFLICTS, &[name], known.conflicts());
        samples.counter(&metrics::SESSION_EVICTIONS, &[name], known.evicted());
    }

    /// Takes up what an earlier run kept, once. What can't be used is moved out of the way.
    pub(crate) fn restore(&self) {
        let Some(path) = self.state.as_deref() else {
            return;
        };
        if self.is_restored.swap(true, Relaxed) {
            return;
        }
        let error = match file::load(path) {
            Ok(None) => return,
            Ok(Some(bytes)) => match self.known.lock().restore(&bytes) {
                Ok(()) => return,
                Err(error) => error.to_string(),
            },
            Err(error) => error.to_string(),
        };
        let kept_as = file::set_aside(path).ok();
        tracing::warn!(
            file = %path.display(), error,
            kept_as = kept_as.map(|path| path.display().to_string()),
            "what was known of sessions can't be used; they begin anew"
        );
    }

    /// Keeps what is known for the next run, where that is wanted.
    pub(crate) fn save(&self) {
        let Some(path) = self.state.as_deref() else {
            return;
        };
        let bytes = self.known.lock().save();
        if let Err(error) = file::replace(path, &bytes) {
            tracing::warn!(file = %path.display(), %error, "what is known of sessions can't be kept");
        }
    }

    /// The next copy of a session went though not both responses to the one before were known.
    pub(super) fn give_up(&self) {
        self.given_up.fetch_add(1, Relaxed);
    }
}

/// How long a copy waits for the one before it, once that was answered.
pub(super) fn wait(settings: &config::Shadow) -> Duration {
    let identity = settings.identity.as_ref();
    identity.map_or(Duration::ZERO, |identity| identity.wait.0)
}
