//! What the administrative interface shows and changes of the running program.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::UNIX_EPOCH,
};

use tokio::sync::oneshot;

use super::{history, live::Live, rules::RuleChange, shared::Shared};
use crate::{
    admin::{
        self, About, Administration, CaptureState, Order, Reloading, Replaying, RuleAdded,
        RuleRefused, RuleRemoved, SampleState, ShadowState,
    },
    capture,
    compare::{Comparison, NoExample, NotResent, Report, WholeExample},
    config::Secret,
    ledger::Ledger,
    lifecycle::Phase,
    shadow::{Change, Shadow, State},
    telemetry::{
        history::{EventKind, Events, History},
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
        let (live, events) = (self.live.load(), &self.resources.events);
        let shadows = live.shadows.iter();
        shadows.map(|shadow| state(shadow, events)).collect()
    }

    fn about(&self) -> About {
        About {
            version: env!("CARGO_PKG_VERSION"),
            started: self.started,
            listen: self.listen.iter().map(ToString::to_string).collect(),
            primary: self.live.load().config.primary.address.to_string(),
        }
    }

    fn history(&self) -> History {
        history::history(self)
    }

    fn captures(&self) -> Vec<CaptureState> {
        let live = self.live.load();
        let (Some(capture), Some(settings)) = (&self.capture, &live.config.capture) else {
            return Vec::new();
        };
        let capture::Progress { file, trouble } = capture.progress();
        let records = self.captured.outcomes();
        vec![CaptureState {
            pattern: settings.file.to_string(),
            file,
            bytes: self.captured.written_bytes(),
            records: records
                .map(|(outcome, count)| (outcome.as_str(), count))
                .collect(),
            queued_bytes: capture.queued(),
            trouble,
        }]
    }

    fn configuration(&self) -> String {
        let shown = self.live.load().config.shown();
        shown.unwrap_or_else(|error| format!("# it can't be shown as TOML: {error}\n"))
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
            Order::Build(build) => {
                shadow.set_build(&build);
                None
            }
        };
        if let Some(what) = changed {
            self.resources
                .events
                .add(EventKind::Change, Some(name), &what);
            tracing::warn!(
                shadow = name,
                what,
                "a shadow was changed over the administrative interface"
            );
        }
        true
    }

    fn compared(&self) -> Vec<String> {
        let comparisons = self.comparisons(None);
        let names = comparisons.iter().map(|comparison| comparison.name());
        names.map(str::to_owned).collect()
    }

    fn reports(&self, shadow: Option<&str>) -> Vec<Arc<Report>> {
        let comparisons = self.comparisons(shadow);
        comparisons
            .iter()
            .map(|comparison| comparison.shown())
            .collect()
    }

    fn exact_reports(&self, shadow: Option<&str>) -> Vec<Arc<Report>> {
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

    fn add_rule(&self, rule: &[u8]) -> Result<RuleAdded, RuleRefused> {
        let live = self.live.load();
        let added = self.rule_change(&live).add(rule)?;
        if added.is_new {
            let what = format!("the rule {} was made", added.id);
            self.resources.events.add(EventKind::Change, None, &what);
        }
        Ok(added)
    }

    fn remove_rule(&self, id: &str) -> Result<RuleRemoved, RuleRefused> {
        let live = self.live.load();
        let removed = self.rule_change(&live).remove(id)?;
        let what = format!("the rule {id} was taken back");
        self.resources.events.add(EventKind::Change, None, &what);
        Ok(removed)
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

fn state(shadow: &Shadow, events: &Events) -> ShadowState {
    let (control, settings) = (&shadow.control, shadow.settings());
    let history = control.history().into_iter();
    let breaker_changed = events.last(EventKind::Breaker, shadow.name());
    ShadowState {
        name: shadow.name().to_owned(),
        address: settings.address.to_string(),
        role: settings.role,
        compare: settings.compare,
        identity: settings.identity.is_some(),
        build: shadow.build(),
        breaker_changed: breaker_changed.map(|event| event.at),
        low_priority: shadow.has_low_priority.load(Relaxed),
        paused: control.is_paused(),
        sample: SampleState {
            percent: control.sample(),
            configured: settings.sample.percent,
            by: settings.sample.by.to_string(),
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
    fn rule_change<'a>(&'a self, live: &'a Live) -> RuleChange<'a> {
        RuleChange {
            compare: &live.config.compare,
            thread: &self.resources.compare,
        }
    }

    /// The comparison of the shadow of this name, or of all.
    fn comparisons(&self, shadow: Option<&str>) -> Vec<Arc<Comparison>> {
        let mut comparisons = self.resources.compare.comparisons();
        comparisons.retain(|comparison| shadow.is_none_or(|shadow| comparison.name() == shadow));
        comparisons
    }
}
