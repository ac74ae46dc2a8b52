//! The thread that serves no client: it starts the workers, listens to signals, and ends everything in order.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    time::{interval, sleep},
};

use super::{App, AppError, shared::Shared, worker};
use crate::{
    admin,
    config::Sources,
    ledger::Outcome,
    lifecycle::{Phase, Phases, Signal, Signals},
    net::{Bound, Handover, ServerTlsLoader},
};

/// How often a stop looks whether everything is done.
const LOOK: Duration = Duration::from_millis(10);
/// How often shadows that get nothing are looked for.
const SHADOW_CHECK: Duration = Duration::from_secs(30);

impl App {
    /// Runs until a signal stops it; `until` stops it, too.
    ///
    /// # Errors
    /// Where the system refuses what a thread needs.
    pub(crate) fn run(self, until: impl Future<Output = ()>) -> Result<(), AppError> {
        let Self {
            listeners,
            shared,
            admin,
            phases,
            sources,
        } = self;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let workers = start_workers(&shared, &listeners)?;
        let outcome = runtime.block_on(async {
            let mut signals = Signals::listen()?;
            announce(&shared, &listeners, admin.as_ref());
            if let (Some(bound), Some(settings)) = (admin, &shared.config.admin) {
                let (source, token) = (Arc::clone(&shared), settings.token.clone());
                tokio::spawn(async move {
                    if let Err(error) = admin::serve(&bound, source, token).await {
                        tracing::error!(%error, "the administrative interface ended");
                    }
                });
            }
            tokio::spawn(warn_of_idle_shadows(Arc::clone(&shared)));
            wait_for_stop(&shared, &sources, &mut signals, until).await;
            // Closed here, too: nobody is to wait in a backlog that no one looks at.
            drop(listeners);
            stop(&shared, &phases, &mut signals).await;
            Ok(())
        });
        phases.advance(Phase::Stopped);
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
        end_capture(&shared);
        say_ledger(&shared);
        outcome
    }
}

fn start_workers(
    shared: &Arc<Shared>,
    listeners: &[Bound],
) -> io::Result<Vec<thread::JoinHandle<()>>> {
    let between = Handover::between(shared.config.workers);
    let start = |(index, (handover, inbox))| {
        let shared = Arc::clone(shared);
        let listeners = listeners
            .iter()
            .map(Bound::share)
            .collect::<Result<Vec<_>, _>>()?;
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                if let Err(error) = worker::run(index, &shared, listeners, handover, inbox) {
                    tracing::error!(%error, worker = index, "a worker could not start");
                }
            })
    };
    between.into_iter().enumerate().map(start).collect()
}

async fn wait_for_stop(
    shared: &Shared,
    sources: &Sources,
    signals: &mut Signals,
    until: impl Future<Output = ()>,
) {
    let mut until = std::pin::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => return,
            signal = signals.next() => match signal {
                Signal::Stop => return,
                Signal::Reload => reload(shared, sources),
            },
        }
    }
}

/// Reads certificates again; a configuration or a file that is wrong changes nothing.
fn reload(shared: &Shared, sources: &Sources) {
    let config = match sources.load() {
        Ok(config) => config,
        Err(wrong) => {
            for mistake in wrong.mistakes {
                tracing::error!(%mistake, "the configuration is wrong; nothing is changed");
            }
            return;
        }
    };
    let mut fresh = Vec::new();
    for (greeter, old) in shared.greeters.iter().zip(&shared.config.listen) {
        let new = config.listen.iter().find(|new| new.address == old.address);
        let Some(tls) = new.and_then(|new| new.tls.as_ref()) else {
            continue;
        };
        match ServerTlsLoader::load(tls) {
            Ok(loaded) => fresh.push((greeter, loaded)),
            Err(error) => {
                return tracing::error!(%error, "a certificate can't be used; nothing is changed");
            }
        }
    }
    let certificates = fresh.len();
    for (greeter, loaded) in fresh {
        greeter.show(loaded);
    }
    tracing::info!(
        certificates,
        "read the certificates again; other settings need a restart"
    );
}

fn announce(shared: &Shared, listeners: &[Bound], admin: Option<&Bound>) {
    let config = &shared.config;
    for (listen, bound) in config.listen.iter().zip(listeners) {
        let address = listen.address.at_port(bound.port());
        tracing::info!(%address, tls = listen.tls.is_some(), "clients connect here");
    }
    tracing::info!(address = %config.primary.address, "the primary is here");
    for shadow in &config.shadow {
        tracing::info!(shadow = %shadow.name, address = %shadow.address, "a shadow is here");
        if shadow.address.is_tls() && !shadow.tls.verify {
            tracing::warn!(shadow = %shadow.name, "tls.verify is off: whoever answers there gets real requests, with their cookies");
        }
    }
    if let Some(capture) = &config.capture {
        tracing::info!(file = %capture.file, "requests are captured here");
    }
    if config.shadow.is_empty() && config.capture.is_none() {
        tracing::warn!("there is no shadow: this is a plain proxy");
    }
    if config.primary.address.is_tls() && !config.primary.tls.verify {
        tracing::warn!("primary.tls.verify is off: whoever answers there gets the requests");
    }
    if let (Some(settings), Some(bound)) = (&config.admin, admin) {
        let address = settings.address.at_port(bound.port());
        tracing::info!(%address, "administration is here");
        if !address.is_local() {
            tracing::warn!(
                %address,
                "ADMINISTRATION CAN BE REACHED FROM OTHER MACHINES; bind it to 127.0.0.1 or a unix socket"
            );
        }
    }
    if shared.descriptors.clients < config.limits.connections {
        tracing::info!(
            connections = shared.descriptors.clients,
            "the file descriptors are enough for fewer connections than limits.connections ({}); ulimit -n or LimitNOFILE sets them",
            config.limits.connections
        );
    }
    tracing::info!(
        workers = config.workers,
        pid = std::process::id(),
        "shadowtee runs"
    );
}

async fn warn_of_idle_shadows(shared: Arc<Shared>) {
    let mut last: Vec<(u64, u64)> = vec![(0, 0); shared.shadows.len()];
    let mut ticks = interval(SHADOW_CHECK);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let requests = shared.ledger.requests();
        for (shadow, last) in shared.shadows.iter().zip(&mut last) {
            let answered = shadow.account.count(Outcome::Answered);
            if requests > last.0 && answered == last.1 {
                let most = shadow.account.outcomes().max_by_key(|(_, count)| *count);
                tracing::warn!(
                    shadow = shadow.name(),
                    requests = requests - last.0,
                    mostly = most
                        .filter(|(_, count)| *count > 0)
                        .map(|(outcome, _)| outcome.as_str()),
                    "the shadow answered nothing lately"
                );
            }
            *last = (requests, answered);
        }
    }
}

/// Requests in flight first, then copies; a second signal ends all of it at once.
async fn stop(shared: &Shared, phases: &Phases, signals: &mut Signals) {
    let settings = &shared.config.stop;
    tracing::info!(
        requests = shared.metrics.exchanges(),
        clients = shared.metrics.clients(),
        "stopping: finishing requests"
    );
    let orderly = async {
        phases.advance(Phase::Draining);
        if !within(settings.requests.0, || shared.is_deserted()).await {
            tracing::warn!(
                requests = shared.metrics.exchanges(),
                "stop.requests is over; these are broken off"
            );
        }
        phases.advance(Phase::Flushing);
        let copies = || {
            shared
                .ledger
                .accounts()
                .iter()
                .map(|(_, account)| account.in_flight())
                .sum::<u64>()
        };
        if !within(settings.copies.0, || copies() == 0).await {
            tracing::warn!(
                copies = copies(),
                "stop.copies is over; these are broken off"
            );
        }
    };
    tokio::select! {
        () = orderly => {}
        () = second(signals) => tracing::warn!("a second signal: ending at once"),
    }
}

async fn second(signals: &mut Signals) {
    while signals.next().await != Signal::Stop {}
}

/// Whether `done` came true within `limit`.
async fn within(limit: Duration, done: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    while !done() {
        if start.elapsed() >= limit {
            return false;
        }
        sleep(LOOK).await;
    }
    true
}

/// What the workers captured is written to its end, unless the disk takes too long.
fn end_capture(shared: &Shared) {
    let Some(capture) = &shared.capture else {
        return;
    };
    if !capture.end(shared.config.stop.copies.0) {
        tracing::warn!("stop.copies is over; the end of the capture is not written");
    }
    let outcomes: Vec<_> = shared
        .captured
        .outcomes()
        .filter(|(_, count)| *count > 0)
        .map(|(outcome, count)| format!("{} {count}", outcome.as_str()))
        .collect();
    tracing::info!(outcomes = outcomes.join(", "), "the capture");
}

fn say_ledger(shared: &Shared) {
    let requests = shared.ledger.requests();
    for (name, account) in shared.ledger.accounts() {
        let outcomes: Vec<_> = account
            .outcomes()
            .filter(|(_, count)| *count > 0)
            .map(|(outcome, count)| format!("{} {count}", outcome.as_str()))
            .collect();
        let (in_flight, outcomes) = (account.in_flight(), outcomes.join(", "));
        tracing::info!(shadow = name, requests, in_flight, outcomes, "the ledger");
    }
    tracing::info!(requests, "stopped");
}
