//! A shadow as all threads share it.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use super::{
    breaker::{Breaker, Change, State},
    builds::Builds,
    control::Control,
    copy_head::CopyHeads,
    difference::DifferenceLog,
    limit::Limit,
    order::Tickets,
    queue::Places,
    request_view::RequestView,
    rewrite::{BadAuthorization, authorization as read_authorization},
    select::Selection,
    sessions::Sessions,
};
use crate::{
    compare::Compared,
    config::{self, Build, ClientAddress, OrderBy, is_same},
    http::{Marks, RequestHead, ResponseHead},
    identity::RESPONSE_BYTES,
    ledger::Account,
    net::{Connector, TlsError},
    script::Script,
    telemetry::{
        history::{EventKind, Events},
        metrics::ShadowMetrics,
        rate::RateLimit,
    },
    upstream::{Reading, Share},
};

/// A shadow as all threads share it.
pub(crate) struct Shadow {
    pub(super) settings: config::Shadow,
    /// Which of the shadow side's threads looks after it, counted on past their number.
    pub(super) thread: usize,
    /// That thread has the lowest priority.
    pub(crate) has_low_priority: AtomicBool,
    pub(super) connector: Connector,
    pub(crate) account: Arc<Account>,
    pub(crate) metrics: Arc<ShadowMetrics>,
    pub(super) breaker: Arc<Breaker>,
    pub(super) places: Arc<Places>,
    /// Of the order that its copies keep.
    pub(super) tickets: Arc<Tickets>,
    pub(super) connections: Arc<Share>,
    pub(super) failures: RateLimit,
    /// What was changed while it runs outlives a reload.
    pub(crate) control: Arc<Control>,
    /// The configuration says the same of the sample as before.
    same_sample: bool,
    pub(super) limit: Arc<Limit>,
    /// Where copies go through one before they are sent.
    pub(super) script: Option<Arc<Script>>,
    /// Where its responses are compared.
    pub(super) compared: Option<Compared>,
    /// Where sessions of production are followed.
    pub(crate) sessions: Option<Arc<Sessions>>,
    /// Each thread has a copy of these two.
    pub(super) selection: Selection,
    pub(super) copy_heads: CopyHeads,
    pub(super) differences: Arc<DifferenceLog>,
    builds: Arc<Builds>,
    pub(super) events: Arc<Events>,
    pub(super) common: Common,
}

/// A shadow can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShadowError {
    #[error("shadow {0:?}")]
    Tls(String, #[source] TlsError),
    #[error("shadow {0:?}: rewrite.authorization")]
    Authorization(String, #[source] BadAuthorization),
}

/// What every shadow is set up with, beside settings of its own. A reload keeps a shadow where both are as they were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Common {
    pub(crate) workers: usize,
    /// How many connections this shadow may have at most, whatever it asks for.
    pub(crate) connections: usize,
    pub(crate) marks: Marks,
    pub(crate) client_address: Arc<ClientAddress>,
    pub(crate) reading: Reading,
}

/// What one shadow is set up with.
pub(crate) struct Setup {
    pub(crate) settings: config::Shadow,
    /// Where copies go through one before they are sent.
    pub(crate) script: Option<Arc<Script>>,
    /// Where its responses are compared.
    pub(crate) compared: Option<Compared>,
    pub(crate) common: Common,
    pub(crate) differences: Arc<DifferenceLog>,
    /// Where it tells what happens to it.
    pub(crate) events: Arc<Events>,
}

impl Shadow {
    /// What is set up so. `before` is the shadow of this name that it takes the place of: itself, where nothing changed;
    /// otherwise what is counted and what is under way goes on. Nothing of it changes until [`Shadow::take_effect`].
    ///
    /// # Errors
    /// Where a certificate file can't be used.
    pub(crate) fn set_up(
        setup: Setup,
        account: Arc<Account>,
        thread: usize,
        before: Option<&Arc<Self>>,
    ) -> Result<Arc<Self>, ShadowError> {
        if let Some(before) = before
            && before.is_set_up_so(&setup)
        {
            return Ok(Arc::clone(before));
        }
        let Setup {
            settings,
            script,
            compared,
            common,
            differences,
            events,
        } = setup;
        let connector = Connector::new(
            settings.address.clone(),
            &settings.tls,
            settings.connect_timeout.0,
        )
        .map_err(|error| ShadowError::Tls(settings.name.to_string(), error))?;
        let authorization = settings.rewrite.authorization.as_ref();
        let authorization = authorization
            .map(read_authorization)
            .transpose()
            .map_err(|error| ShadowError::Authorization(settings.name.to_string(), error))?;
        let same_breaker = before.filter(|before| {
            before.settings.address == settings.address
                && before.settings.breaker == settings.breaker
        });
        let same_limit = before.filter(|before| is_same(&before.settings.limit, &settings.limit));
        let follows = settings.identity.is_some() || settings.order_by == Some(OrderBy::Session);
        let sessions = follows.then(|| {
            let before = before.and_then(|before| before.sessions.clone());
            before.unwrap_or_else(|| {
                let (name, identity) = (settings.name.as_str(), settings.identity.as_ref());
                Arc::new(Sessions::new(name, identity))
            })
        });
        let places = go_on(before, |before| &before.places)
            .unwrap_or_else(|| Places::new(settings.max_in_flight, settings.queue));
        Ok(Arc::new(Self {
            sessions,
            tickets: go_on(before, |before| &before.tickets)
                .unwrap_or_else(|| Tickets::new(Arc::clone(&places))),
            places,
            // One that stays shares its places with what it was, and they need one thread.
            thread: before.map_or(thread, |before| before.thread),
            has_low_priority: AtomicBool::new(false),
            connector: match before {
                Some(before) => connector.after(&before.connector),
                None => connector,
            },
            account,
            metrics: go_on(before, |before| &before.metrics)
                .unwrap_or_else(|| Arc::new(ShadowMetrics::new(common.workers))),
            breaker: go_on(same_breaker, |before| &before.breaker).unwrap_or_else(|| {
                let breaker = &settings.breaker;
                Arc::new(Breaker::new(breaker.failures, breaker.pause.0))
            }),
            connections: go_on(before, |before| &before.connections)
                .unwrap_or_else(|| Share::new(settings.max_connections.min(common.connections))),
            failures: RateLimit::new(1, Duration::from_secs(10)),
            control: go_on(before, |before| &before.control)
                .unwrap_or_else(|| Arc::new(Control::new(settings.sample.percent))),
            same_sample: before
                .is_none_or(|before| before.settings.sample.percent == settings.sample.percent),
            limit: go_on(same_limit, |before| &before.limit)
                .unwrap_or_else(|| Limit::new(&settings.limit)),
            script,
            compared,
            selection: Selection::new(&settings.select),
            copy_heads: CopyHeads::new(&settings, &common.marks, authorization),
            differences,
            builds: go_on(before, |before| &before.builds).unwrap_or_default(),
            events,
            common,
            settings,
        }))
    }

    /// Whether it is what would be made of this. Behind TLS, and behind Authorization, there are files that may have
    /// changed.
    fn is_set_up_so(&self, setup: &Setup) -> bool {
        let settings = &setup.settings;
        let script = |script: &Option<Arc<Script>>| script.as_ref().map(Arc::as_ptr);
        !settings.address.is_tls()
            && settings.rewrite.authorization.is_none()
            && self.common == setup.common
            && script(&self.script) == script(&setup.script)
            && self.compared == setup.compared
            && is_same(&self.settings, settings)
    }

    /// Its limits hold from now on, also for what its predecessor has under way.
    pub(crate) fn take_effect(&self) {
        self.places
            .resize(self.settings.max_in_flight, self.settings.queue);
        let connections = self.settings.max_connections;
        self.connections
            .resize(connections.min(self.common.connections));
        if let Some(sessions) = &self.sessions {
            sessions.restore();
        }
        self.report_sessions();
        self.report_build();
        if !self.same_sample {
            self.control.set_sample(self.settings.sample.percent);
        }
    }

    /// Reports of its comparison tell what becomes of its sessions, where they are kept alive.
    pub(crate) fn report_sessions(&self) {
        if let Some(compared) = &self.compared {
            let sessions = self.sessions.clone();
            let sessions = sessions.filter(|_| self.settings.identity.is_some());
            compared.set_sessions(sessions.map(|sessions| sessions as _));
        }
    }

    /// The configuration may say which build it runs.
    pub(crate) fn report_build(&self) {
        let news = self.builds.configure(self.settings.build.as_ref());
        self.tell_build(news);
    }

    /// Somebody says which build it runs.
    pub(crate) fn set_build(&self, build: &Build) {
        self.tell_build(self.builds.set(build));
    }

    /// A response, which came at `at`, may say which build it runs.
    pub(super) fn see_build(&self, head: &ResponseHead, at: Instant) {
        let Some(name) = &self.settings.build_header else {
            return;
        };
        let mut values = head.headers.named(name.spelling().as_bytes());
        if let Some(value) = values.next() {
            self.tell_build(self.builds.see(value, at));
        }
    }

    fn tell_build(&self, news: Option<String>) {
        if let Some(build) = news {
            tracing::info!(shadow = self.name(), build, "the shadow runs another build");
            let text = format!("build {build}");
            self.events.add(EventKind::Build, Some(self.name()), &text);
        }
    }

    /// The build that it runs, where that is known.
    pub(crate) fn build(&self) -> Option<String> {
        self.builds.current()
    }

    pub(crate) fn name(&self) -> &str {
        self.settings.name.as_str()
    }

    /// Copies that wait for a place.
    pub(crate) fn queued(&self) -> usize {
        self.places.queued()
    }

    /// The breaker's state, as in its metric.
    pub(crate) fn breaker(&self) -> State {
        self.breaker.state()
    }

    /// A request as this shadow's rules and keys look at it.
    pub(super) fn seen<'a>(
        &'a self,
        head: &'a RequestHead,
        peer: Option<IpAddr>,
    ) -> RequestView<'a> {
        RequestView {
            head,
            peer,
            client_address: &self.common.client_address,
        }
    }

    /// Tells the operator of a change of the breaker.
    #[cold]
    pub(super) fn tell(&self, change: Change) {
        let text = match change {
            Change::Opened => "breaker opened: it failed too often, and gets no copies for a while",
            Change::Closed => "breaker closed: it answers again",
        };
        self.events.add(EventKind::Breaker, Some(self.name()), text);
        match change {
            Change::Opened => tracing::warn!(
                shadow = self.name(),
                pause = %self.settings.breaker.pause,
                "the shadow failed too often; it gets no copies for a while"
            ),
            Change::Closed => tracing::info!(
                shadow = self.name(),
                "the shadow answers again and gets copies"
            ),
        }
    }

    /// Whether its script is told the answers, too.
    pub(super) fn wants_answers(&self) -> bool {
        let script = self.script.as_ref();
        script.is_some_and(|script| script.settings().answers)
    }

    /// Whether copies keep an order among each other.
    pub(super) fn keeps_order(&self) -> bool {
        self.settings.order_by.is_some() || self.sessions.is_some()
    }

    /// Bytes of both responses that are wanted.
    pub(super) fn wanted_bytes(&self, for_script: Option<u64>) -> Option<u64> {
        let compared = self.compared.as_ref().map(|compared| compared.bytes);
        let for_sessions = self.sessions.as_ref().map(|_| RESPONSE_BYTES as u64);
        for_script.max(compared).max(for_sessions)
    }

    /// What the configuration says.
    pub(crate) fn settings(&self) -> &config::Shadow {
        &self.settings
    }
}

/// Something that goes on where a shadow takes the place of another.
fn go_on<T>(before: Option<&Arc<Shadow>>, what: impl Fn(&Shadow) -> &Arc<T>) -> Option<Arc<T>> {
    before.map(|before| Arc::clone(what(before)))
}
