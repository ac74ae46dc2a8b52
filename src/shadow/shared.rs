//! A shadow as all threads share it.

use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use super::{
    breaker::{Breaker, Change, State},
    control::Control,
    copy_head::CopyHeadWriter,
    difference::{DifferenceLog, Pair},
    limit::Limit,
    queue::Places,
    request_view::RequestView,
    rewrite::{BadAuthorization, authorization as read_authorization},
    select::Selection,
};
use crate::{
    compare::Compared,
    config::{self, ClientAddress, is_same},
    http::{Marks, RequestHead},
    ledger::Account,
    net::{Connector, TlsError},
    script::Script,
    telemetry::{metrics::ShadowMetrics, rate::RateLimit},
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
    pub(super) connections: Arc<Share>,
    /// How many it may have, once it is in effect.
    connection_limit: usize,
    pub(super) failures: RateLimit,
    pub(super) reading: Reading,
    /// What was changed while it runs outlives a reload.
    pub(crate) control: Arc<Control>,
    /// The configuration says the same of the sample as before.
    same_sample: bool,
    pub(super) limit: Arc<Limit>,
    /// Where copies go through one before they are sent.
    pub(super) script: Option<Arc<Script>>,
    /// Where its responses are compared.
    pub(super) compared: Option<Compared>,
    /// Each thread has a copy of these two.
    pub(super) selection: Selection,
    pub(super) head_writer: CopyHeadWriter,
    client_address: Arc<ClientAddress>,
    differences: Arc<DifferenceLog>,
}

/// A shadow can't be set up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ShadowError {
    #[error("shadow {0:?}")]
    Tls(String, #[source] TlsError),
    #[error("shadow {0:?}: rewrite.authorization")]
    Authorization(String, #[source] BadAuthorization),
}

/// What every shadow is set up with.
pub(crate) struct Common<'a> {
    pub(crate) workers: usize,
    /// How many connections this shadow may have at most, whatever it asks for.
    pub(crate) connections: usize,
    pub(crate) marks: &'a Marks,
    pub(crate) client_address: &'a Arc<ClientAddress>,
    pub(crate) differences: &'a Arc<DifferenceLog>,
    pub(crate) reading: Reading,
}

impl Shadow {
    /// `before` is the shadow of this name that it takes the place of: what is counted and what is under way goes on.
    /// Nothing of it changes until [`Shadow::take_effect`].
    ///
    /// # Errors
    /// Where a certificate file can't be used.
    pub(crate) fn new(
        settings: config::Shadow,
        account: Arc<Account>,
        script: Option<Arc<Script>>,
        compared: Option<Compared>,
        common: &Common<'_>,
        thread: usize,
        before: Option<&Self>,
    ) -> Result<Arc<Self>, ShadowError> {
        let connector = Connector::new(
            settings.address.clone(),
            &settings.tls,
            settings.connect_timeout.0,
        )
        .map_err(|error| ShadowError::Tls(settings.name.to_string(), error))?;
        let connector = match before {
            Some(before) => connector.after(&before.connector),
            None => connector,
        };
        let authorization = settings.rewrite.authorization.as_ref();
        let authorization = authorization
            .map(read_authorization)
            .transpose()
            .map_err(|error| ShadowError::Authorization(settings.name.to_string(), error))?;
        let connection_limit = settings.max_connections.min(common.connections);
        let breaker = Breaker::new(settings.breaker.failures, settings.breaker.pause.0);
        let same_breaker = before.filter(|before| {
            before.settings.address == settings.address
                && before.settings.breaker == settings.breaker
        });
        let same_limit = before.filter(|before| is_same(&before.settings.limit, &settings.limit));
        let same_sample =
            before.is_none_or(|before| before.settings.sample.percent == settings.sample.percent);
        Ok(Arc::new(Self {
            // One that stays shares its places with what it was, and they need one thread.
            thread: before.map_or(thread, |before| before.thread),
            has_low_priority: AtomicBool::new(false),
            connector,
            account,
            metrics: before.map_or_else(
                || Arc::new(ShadowMetrics::new(common.workers)),
                |before| Arc::clone(&before.metrics),
            ),
            breaker: same_breaker
                .map_or_else(|| Arc::new(breaker), |before| Arc::clone(&before.breaker)),
            places: before.map_or_else(
                || Places::new(settings.max_in_flight, settings.queue),
                |before| Arc::clone(&before.places),
            ),
            connections: before.map_or_else(
                || Share::new(connection_limit),
                |before| Arc::clone(&before.connections),
            ),
            connection_limit,
            failures: RateLimit::new(1, Duration::from_secs(10)),
            reading: common.reading,
            control: before.map_or_else(
                || Arc::new(Control::new(settings.sample.percent)),
                |before| Arc::clone(&before.control),
            ),
            same_sample,
            limit: same_limit.map_or_else(
                || Limit::new(&settings.limit),
                |before| Arc::clone(&before.limit),
            ),
            script,
            compared,
            selection: Selection::new(&settings.select),
            head_writer: CopyHeadWriter::new(&settings, common.marks, authorization),
            client_address: Arc::clone(common.client_address),
            differences: Arc::clone(common.differences),
            settings,
        }))
    }

    /// Its limits hold from now on, also for what its predecessor has under way.
    pub(crate) fn take_effect(&self) {
        self.places
            .resize(self.settings.max_in_flight, self.settings.queue);
        self.connections.resize(self.connection_limit);
        if !self.same_sample {
            self.control.set_sample(self.settings.sample.percent);
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.settings.name.as_str()
    }

    /// Whether its copies go through this script, or through none.
    pub(crate) fn has_script(&self, script: Option<&Arc<Script>>) -> bool {
        match (&self.script, script) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (None, None) => true,
            _ => false,
        }
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
            client_address: &self.client_address,
        }
    }

    /// Tells the operator of a change of the breaker.
    #[cold]
    pub(super) fn tell(&self, change: Change) {
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

    /// What the configuration says.
    pub(crate) fn settings(&self) -> &config::Shadow {
        &self.settings
    }

    /// Notes a pair of answers.
    pub(super) fn note(&self, pair: &Pair<'_>) {
        self.differences.note(self.name(), &self.metrics, pair);
    }
}
