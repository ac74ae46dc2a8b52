//! A shadow as all workers share it.

use std::{rc::Rc, sync::Arc, time::Duration};

use super::{
    breaker::{Breaker, State},
    difference::{DifferenceLog, Pair},
    queue::Places,
};
use crate::{
    client::{Reading, Share},
    config::{self, HostHeader},
    exchange::Exchange,
    http::{Marks, RequestHead, Version},
    ledger::Account,
    net::{Connector, TlsError},
    telemetry::{metrics::ShadowMetrics, rate::RateLimit},
};

/// A shadow as all workers share it.
pub(crate) struct Shadow {
    pub(super) settings: config::Shadow,
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
    /// What `Host` says, where it is not what the client said.
    pub(super) host: Option<String>,
    marks: Marks,
    differences: Arc<DifferenceLog>,
}

/// A shadow can't be set up.
#[derive(Debug, thiserror::Error)]
#[error("shadow {0:?}")]
pub(crate) struct ShadowError(String, #[source] TlsError);

/// What every shadow is set up with.
pub(crate) struct Common<'a> {
    pub(crate) workers: usize,
    /// How many connections this shadow may have at most, whatever it asks for.
    pub(crate) connections: usize,
    pub(crate) marks: &'a Marks,
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
        common: &Common<'_>,
        before: Option<&Self>,
    ) -> Result<Arc<Self>, ShadowError> {
        let connector = Connector::new(
            settings.address.clone(),
            &settings.tls,
            settings.connect_timeout.0,
        )
        .map_err(|error| ShadowError(settings.name.to_string(), error))?;
        let host = match &settings.host {
            HostHeader::Client => None,
            HostHeader::Fixed(host) => Some(String::from_utf8_lossy(host.as_bytes()).into_owned()),
            HostHeader::Address => Some(settings.address.authority()),
        };
        let connection_limit = settings.max_connections.min(common.connections);
        let breaker = Breaker::new(settings.breaker.failures, settings.breaker.pause.0);
        let same_breaker = before.filter(|before| {
            before.settings.address == settings.address
                && before.settings.breaker == settings.breaker
        });
        Ok(Arc::new(Self {
            connector,
            account,
            metrics: before.map_or_else(
                || Arc::new(ShadowMetrics::new(common.workers)),
                |before| Arc::clone(&before.metrics),
            ),
            breaker: same_breaker
                .map_or_else(|| Arc::new(breaker), |before| Arc::clone(&before.breaker)),
            places: before.map_or_else(
                || Places::new(settings.max_in_flight, settings.queue, common.workers),
                |before| Arc::clone(&before.places),
            ),
            connections: before.map_or_else(
                || Share::new(connection_limit),
                |before| Arc::clone(&before.connections),
            ),
            connection_limit,
            failures: RateLimit::new(1, Duration::from_secs(10)),
            marks: common.marks.clone(),
            reading: common.reading,
            host,
            differences: Arc::clone(common.differences),
            settings,
        }))
    }

    /// Its limits hold from now on, also for what its predecessor has under way.
    pub(crate) fn take_effect(&self) {
        self.places
            .resize(self.settings.max_in_flight, self.settings.queue);
        self.connections.resize(self.connection_limit);
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

    /// Writes a request's head as this shadow gets it: marked, and with its own `Host`.
    pub(super) fn write_head(&self, head: &RequestHead, version: Version, out: &mut Vec<u8>) {
        let has_mark = head.fields.iter().any(|(name, _)| self.marks.is_mark(name));
        if self.host.is_none() && !has_mark {
            head.write(version, out);
        } else {
            let mut head = head.clone();
            head.fields.remove_named(|name| self.marks.is_mark(name));
            if let Some(host) = &self.host {
                head.fields.set(b"Host", host.as_bytes());
            }
            head.write(version, out);
        }
        self.marks.write(self.name(), out);
        out.extend_from_slice(b"\r\n");
    }

    /// Notes the pair of answers, now or when the primary's is known.
    pub(super) fn note(self: &Arc<Self>, exchange: &Rc<Exchange>, status: u16, took: Duration) {
        let shadow = Arc::clone(self);
        exchange.with_primary(move |exchange, primary| {
            let pair = Pair {
                exchange,
                primary,
                status,
                took,
            };
            shadow
                .differences
                .note(shadow.name(), &shadow.metrics, &pair);
        });
    }
}
