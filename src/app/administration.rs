//! What the administrative interface shows and changes of the running program.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::UNIX_EPOCH,
};

use tokio::sync::oneshot;

use super::{comparing, shared::Shared};
use crate::{
    admin::{self, Administration, Order, Reloading, Replaying, SampleState, ShadowState},
    capture,
    compare::{Comparison, NoExample, NotResent, Report, WholeExample},
    config::Secret,
    ledger::Ledger,
    lifecycle::Phase,
    shadow::{Change, Shadow, State},
    telemetry::{
        log_queue,
        metrics::{self, Samples},
    },
};

impl Administration for Shared {
    fn phase(&self) -> Phase {
        self.phase.now()
    }

    fn ledger(&self) -> &Ledger {
        &self.resources.ledger
    }

    fn shadows(&self) -> Vec<ShadowState> {
        let live = self.live.load();
        live.shadows.iter().map(|shadow| state(shadow)).collect()
    }

    fn change(&self, name: &str, order: Order) -> bool {
        let live = self.live.load();
        let Some(shadow) = live.shadows.iter().find(|shadow| shadow.name() == name) else {
            return false;
        };
        let changed = match order {
            Order::Pause => shadow.control.pause(true),
            Order::Resume => shadow.control.pause(false),
            Order::Sample(percent) => shadow.control.set_sample(percent),
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

    fn replay(&self, shadow: Option<&str>, cause: &str, may_change: bool) -> Replaying {
        let mut found = Err(NotResent::NotCompared);
        for comparison in self.comparisons(shadow) {
            match (comparison.resend(cause, may_change), &found) {
                (Ok(resend), _) => {
                    found = Ok((comparison, resend));
                    break;
                }
                (Err(NotResent::UnknownCause), Err(why)) if *why != NotResent::NotCompared => {}
                (Err(why), _) => found = Err(why),
            }
        }
        let live = self.live.load();
        let named = |name: &str| {
            let mut shadows = live.shadows.iter();
            shadows.find(|shadow| shadow.name() == name).map(Arc::clone)
        };
        let found = found.and_then(|(comparison, resend)| {
            let shadow = named(comparison.name()).ok_or(NotResent::Removed)?;
            Ok((comparison, resend, shadow))
        });
        let threads = Arc::clone(&self.threads);
        Box::pin(async move {
            let (comparison, resend, shadow) = found?;
            tracing::info!(
                shadow = comparison.name(),
                request_id = resend.request_id(),
                "the request of an example is sent to the shadow once more, over the administrative interface"
            );
            let response = threads.resend(&shadow, resend.clone()).await;
            comparison.resent(&resend, response)
        })
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
            if let Some(sessions) = &shadow.sessions {
                sessions.samples(name, &mut samples);
            }
        }
        samples
    }
}

fn state(shadow: &Shadow) -> ShadowState {
    let (control, settings) = (&shadow.control, &shadow.settings().sample);
    let history = control.history().into_iter();
    ShadowState {
        name: shadow.name().to_owned(),
        paused: control.is_paused(),
        sample: SampleState {
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

impl Shared {
    /// The comparison of the shadow of this name, or of all.
    fn comparisons(&self, shadow: Option<&str>) -> Vec<Arc<Comparison>> {
        let mut comparisons = self.resources.compare.comparisons();
        comparisons.retain(|comparison| shadow.is_none_or(|shadow| comparison.name() == shadow));
        comparisons
    }
}
