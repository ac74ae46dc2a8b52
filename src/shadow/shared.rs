//! A shadow as all workers share it.

use std::{net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use super::{
    breaker::{Breaker, State},
    control::Control,
    difference::{DifferenceLog, Pair},
    form::Form,
    limit::Limit,
    order::Slots,
    queue::Places,
    rewrite::{BadAuthorization, authorization as read_authorization},
    seen::Seen,
    select::Selection,
};
use crate::{
    client::{Reading, Share},
    config::{self, ClientAddress},
    exchange::Exchange,
    http::{Marks, RequestHead},
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
    pub(super) breaker: Breaker,
    pub(super) places: Arc<Places>,
    pub(super) connections: Arc<Share>,
    pub(super) failures: RateLimit,
    pub(super) reading: Reading,
    pub(crate) control: Control,
    pub(super) limit: Arc<Limit>,
    /// Where copies are to keep their order.
    pub(super) slots: Option<Arc<Slots>>,
    /// Each worker has a copy of these two.
    pub(super) selection: Selection,
    pub(super) form: Form,
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
    /// # Errors
    /// Where a certificate file can't be used.
    pub(crate) fn new(
        settings: config::Shadow,
        account: Arc<Account>,
        common: &Common<'_>,
    ) -> Result<Arc<Self>, ShadowError> {
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
        let slots = settings.order_by.as_ref();
        Ok(Arc::new(Self {
            connector,
            account,
            metrics: Arc::new(ShadowMetrics::new(common.workers)),
            breaker: Breaker::new(settings.breaker.failures, settings.breaker.pause.0),
            places: Places::new(settings.max_in_flight, settings.queue, common.workers),
            connections: Share::new(settings.max_connections.min(common.connections)),
            failures: RateLimit::new(1, Duration::from_secs(10)),
            reading: common.reading,
            control: Control::new(settings.sample.percent),
            limit: Limit::new(&settings.limit),
            slots: slots.map(|_| Slots::new(settings.queue)),
            selection: Selection::new(&settings.select),
            form: Form::new(&settings, common.marks, authorization),
            client_address: Arc::clone(common.client_address),
            differences: Arc::clone(common.differences),
            settings,
        }))
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
    pub(super) fn seen<'a>(&'a self, head: &'a RequestHead, peer: Option<IpAddr>) -> Seen<'a> {
        Seen {
            head,
            peer,
            client_address: &self.client_address,
        }
    }

    /// What the configuration says.
    pub(crate) fn settings(&self) -> &config::Shadow {
        &self.settings
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
