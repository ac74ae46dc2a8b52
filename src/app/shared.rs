//! What all workers share: read without locks, counted with atomics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use crate::{
    admin, capture,
    config::Config,
    http::Marks,
    ledger::Ledger,
    lifecycle::{Phase, Watch},
    net::{Connector, Descriptors, Greeter},
    shadow::{DifferenceLog, Shadow},
    tee::Budget,
    telemetry::metrics::{self, CaptureMetrics, PoolMetrics, ProxyMetrics, Samples},
};

/// What all workers share.
pub(crate) struct Shared {
    pub(super) config: Config,
    /// One for each listener of the configuration.
    pub(super) greeters: Vec<Greeter>,
    pub(super) primary: Connector,
    pub(super) primary_metrics: Arc<PoolMetrics>,
    pub(super) shadows: Vec<Arc<Shadow>>,
    pub(super) capture: Option<capture::Running>,
    pub(super) captured: Arc<CaptureMetrics>,
    pub(super) budget: Arc<Budget>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) metrics: Arc<ProxyMetrics>,
    pub(super) marks: Marks,
    pub(super) descriptors: Descriptors,
    pub(super) clients: AtomicUsize,
    /// Listening sockets that workers have open.
    pub(super) listening: AtomicUsize,
    pub(super) differences: Arc<DifferenceLog>,
    pub(super) phase: Watch,
    pub(super) started: SystemTime,
}

impl Shared {
    /// A place for one more client, unless there are too many.
    pub(super) fn admit(self: &Arc<Self>) -> Option<Admission> {
        let limit = self.config.limits.connections.min(self.descriptors.clients);
        let before = self.clients.fetch_add(1, Relaxed);
        // Dropped, it takes the one that is too many off again.
        let admission = Admission(Arc::clone(self));
        (before < limit).then_some(admission)
    }
}

impl Shared {
    /// A listening socket that is open until this is dropped.
    pub(super) fn listens(self: &Arc<Self>) -> Listens {
        self.listening.fetch_add(1, Relaxed);
        Listens(Arc::clone(self))
    }

    /// Whether no client is here, and none can come any more.
    pub(super) fn is_deserted(&self) -> bool {
        self.listening.load(Relaxed) == 0
            && self.clients.load(Relaxed) == 0
            && self.metrics.exchanges() == 0
    }
}

/// A listening socket that a worker has open.
pub(super) struct Listens(Arc<Shared>);

impl Drop for Listens {
    fn drop(&mut self) {
        self.0.listening.fetch_sub(1, Relaxed);
    }
}

/// A client among those that may be there.
pub(super) struct Admission(Arc<Shared>);

impl Drop for Admission {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Relaxed);
    }
}

impl admin::Source for Shared {
    fn phase(&self) -> Phase {
        self.phase.now()
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        samples.gauge(&metrics::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1);
        let started = self
            .started
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        samples.gauge(&metrics::START_TIME, &[], started);
        samples.gauge(&metrics::WORKERS, &[], self.config.workers as u64);
        samples.counter(&metrics::REQUESTS, &[], self.ledger.requests());
        self.metrics.samples(&mut samples);
        samples.gauge(&metrics::BUDGET_USED, &[], self.budget.used() as u64);
        samples.gauge(&metrics::BUDGET_PEAK, &[], self.budget.peak() as u64);
        samples.gauge(&metrics::BUDGET_LIMIT, &[], self.budget.limit() as u64);
        let queued = self.capture.as_ref().map_or(0, capture::Running::queued);
        self.captured.samples(queued, &mut samples);
        self.primary_metrics.samples("primary", &mut samples);
        for (name, account) in self.ledger.accounts() {
            for (outcome, count) in account.outcomes() {
                samples.counter(&metrics::COPIES, &[&name, outcome.as_str()], count);
            }
            samples.gauge(&metrics::COPIES_IN_FLIGHT, &[&name], account.in_flight());
        }
        for shadow in &self.shadows {
            samples.gauge(
                &metrics::COPIES_QUEUED,
                &[shadow.name()],
                shadow.queued() as u64,
            );
            samples.gauge(&metrics::BREAKER, &[shadow.name()], shadow.breaker() as u64);
            shadow.metrics.samples(shadow.name(), &mut samples);
        }
        samples
    }
}
