//! What all workers share: read without locks, counted with atomics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use arc_swap::ArcSwap;
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    comparing,
    live::{Live, SharedResources},
    watchdog::Watchdog,
};
use crate::{
    admin::{self, Reloading},
    capture,
    compare::{Comparison, NoExample, Report, WholeExample},
    config::Secret,
    ledger::Ledger,
    lifecycle::{Phase, Watch},
    net::Greeter,
    shadow::{Change, Shadow, State, Threads},
    telemetry::{
        log_queue,
        metrics::{self, CaptureMetrics, ProxyMetrics, Samples},
    },
};

/// Gets the outcome of a reload: what changed, or every mistake.
pub(super) type ReloadRequest = oneshot::Sender<Result<String, Vec<String>>>;

/// What all workers share.
pub(crate) struct Shared {
    pub(super) resources: SharedResources,
    pub(super) workers: usize,
    /// Those of the shadow side.
    pub(super) threads: Arc<Threads>,
    /// What a reload changes.
    pub(super) live: ArcSwap<Live>,
    /// Counts the changes of it: workers wait for the next.
    pub(super) generation: watch::Sender<u64>,
    /// Workers that have not taken up the last change yet.
    pub(super) behind: AtomicUsize,
    /// One for each listener of the configuration.
    pub(super) greeters: Vec<Greeter>,
    pub(super) capture: Option<capture::Running>,
    pub(super) captured: Arc<CaptureMetrics>,
    pub(super) metrics: Arc<ProxyMetrics>,
    pub(super) clients: Arc<AtomicUsize>,
    /// Listening sockets that workers have open.
    pub(super) listening: Arc<AtomicUsize>,
    pub(super) phase: Watch,
    pub(super) watchdog: Watchdog,
    /// Asks for a reload.
    pub(super) to_reload: mpsc::UnboundedSender<ReloadRequest>,
    pub(super) started: SystemTime,
}

impl Shared {
    /// A place for one more client, unless there are too many.
    pub(super) fn admit(&self) -> Option<Counted> {
        let live = self.live.load();
        let limit = live.config.limits.connections.min(live.descriptors.clients);
        drop(live);
        let (admission, before) = Counted::new(&self.clients);
        (before < limit).then_some(admission)
    }

    /// Puts what was loaded in place of what ran. From here on nothing can fail.
    pub(super) fn put_in_place(&self, live: Live) {
        self.resources
            .budget
            .set_limit(live.config.limits.shadow_memory.bytes());
        self.resources
            .differences
            .set(live.config.log.differences_per_second);
        for shadow in &live.shadows {
            self.resources.ledger.enter(shadow.name(), &shadow.account);
            shadow.take_effect();
        }
        live.comparing.put_in_place();
        self.live.store(Arc::new(live));
    }

    /// The comparison of the shadow of this name, or of all.
    fn comparisons(&self, shadow: Option<&str>) -> Vec<Arc<Comparison>> {
        let mut comparisons = self.resources.compare.comparisons();
        comparisons.retain(|comparison| shadow.is_none_or(|shadow| comparison.name() == shadow));
        comparisons
    }

    /// Whether no client is here, and none can come any more.
    pub(super) fn is_deserted(&self) -> bool {
        self.listening.load(Relaxed) == 0
            && self.clients.load(Relaxed) == 0
            && self.metrics.exchanges() == 0
    }
}

/// Something that is counted as long as it is there.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// One more, and how many there were before.
    pub(super) fn new(counter: &Arc<AtomicUsize>) -> (Self, usize) {
        let before = counter.fetch_add(1, Relaxed);
        (Self(Arc::clone(counter)), before)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

impl admin::Source for Shared {
    fn phase(&self) -> Phase {
        self.phase.now()
    }

    fn ledger(&self) -> &Ledger {
        &self.resources.ledger
    }

    fn shadows(&self) -> Vec<admin::ShadowState> {
        let live = self.live.load();
        live.shadows.iter().map(|shadow| state(shadow)).collect()
    }

    fn change(&self, name: &str, order: admin::Order) -> bool {
        let live = self.live.load();
        let Some(shadow) = live.shadows.iter().find(|shadow| shadow.name() == name) else {
            return false;
        };
        let changed = match order {
            admin::Order::Pause => shadow.control.pause(true),
            admin::Order::Resume => shadow.control.pause(false),
            admin::Order::Sample(percent) => shadow.control.set_sample(percent),
        };
        if let Some(what) = changed {
            tracing::warn!(
                shadow = name,
                what,
                "a shadow was changed over the administrative interface"
            );
        }
        true
    }

    fn reports(&self, shadow: Option<&str>) -> Vec<Report> {
        let comparisons = self.comparisons(shadow);
        comparisons
            .iter()
            .map(|comparison| comparison.report())
            .collect()
    }

    fn example(&self, shadow: Option<&str>, cause: &str) -> Result<WholeExample, NoExample> {
        let mut why = NoExample::Off;
        for comparison in self.comparisons(shadow) {
            match comparison.whole_example(cause) {
                Ok(example) => return Ok(example),
                Err(NoExample::UnknownCause) if why != NoExample::Off => {}
                Err(other) => why = other,
            }
        }
        Err(why)
    }

    fn reset_reports(&self, shadow: Option<&str>) -> bool {
        let comparisons = self.comparisons(shadow);
        for comparison in &comparisons {
            comparison.reset();
        }
        !comparisons.is_empty()
    }

    fn add_rule(&self, rule: &[u8]) -> Result<(), String> {
        let live = self.live.load();
        comparing::add_rule(&live.config.compare, &self.comparisons(None), rule)
    }

    fn token(&self) -> Option<Secret> {
        self.live.load().config.admin.as_ref()?.token.clone()
    }

    fn reload(&self) -> Reloading {
        let (request, outcome) = oneshot::channel();
        // Where it can't be sent it is dropped, and with it ends the wait for its outcome.
        let _ = self.to_reload.send(request);
        Box::pin(async move {
            let stops = |_| Err(vec!["the process is stopping".to_owned()]);
            outcome.await.unwrap_or_else(stops)
        })
    }

    fn samples(&self) -> Samples {
        let mut samples = Samples::default();
        samples.gauge(&metrics::BUILD_INFO, &[env!("CARGO_PKG_VERSION")], 1);
        let started = self.started.duration_since(UNIX_EPOCH);
        let started = started.map_or(0, |since| since.as_secs());
        samples.gauge(&metrics::START_TIME, &[], started);
        samples.gauge(&metrics::WORKERS, &[], self.workers as u64);
        samples.counter(&metrics::LOG_LEFT_OUT, &[], log_queue::left_out());
        samples.counter(&metrics::REQUESTS, &[], self.resources.ledger.requests());
        self.metrics.samples(&mut samples);
        let budget = &self.resources.budget;
        samples.gauge(&metrics::BUDGET_USED, &[], budget.used() as u64);
        samples.gauge(&metrics::BUDGET_PEAK, &[], budget.peak() as u64);
        samples.gauge(&metrics::BUDGET_LIMIT, &[], budget.limit() as u64);
        let queued = self.capture.as_ref().map_or(0, capture::Running::queued);
        self.captured.samples(queued, &mut samples);
        self.resources.process_pool.samples(&mut samples);
        self.resources
            .primary_metrics
            .samples("primary", &mut samples);
        for (name, account) in self.resources.ledger.accounts() {
            for (outcome, count) in account.outcomes() {
                samples.counter(&metrics::COPIES, &[&name, outcome.as_str()], count);
            }
            samples.gauge(&metrics::COPIES_IN_FLIGHT, &[&name], account.in_flight());
        }
        for comparison in self.comparisons(None) {
            comparison.samples(&mut samples);
        }
        for shadow in &self.live.load().shadows {
            let (name, control) = (shadow.name(), &shadow.control);
            let has_low_priority = shadow.has_low_priority.load(Relaxed);
            for (metric, now) in [
                (&metrics::COPIES_QUEUED, shadow.queued() as u64),
                (&metrics::BREAKER, shadow.breaker() as u64),
                (&metrics::PAUSED, u64::from(control.is_paused())),
                (&metrics::LOW_PRIORITY, u64::from(has_low_priority)),
                (&metrics::SAMPLE, u64::from(control.sample().millionths())),
            ] {
                samples.gauge(metric, &[name], now);
            }
            shadow.metrics.samples(name, &mut samples);
        }
        samples
    }
}

fn state(shadow: &Shadow) -> admin::ShadowState {
    let (control, settings) = (&shadow.control, &shadow.settings().sample);
    let history = control.history().into_iter();
    admin::ShadowState {
        name: shadow.name().to_owned(),
        paused: control.is_paused(),
        sample: admin::SampleState {
            percent: control.sample(),
            configured: settings.percent,
            by: settings.by.to_string(),
        },
        breaker: match shadow.breaker() {
            State::Closed => "closed",
            State::Open => "open",
            State::Trying => "trying",
        },
        queued: shadow.queued(),
        changes: history
            .map(|Change { at, what }| admin::Change { at, what })
            .collect(),
    }
}
