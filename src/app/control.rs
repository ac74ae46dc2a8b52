//! The thread that serves no client: it starts the workers, listens to signals, and ends everything in order.

use std::{
    collections::HashMap,
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Builder,
    sync::mpsc::UnboundedReceiver,
    task::JoinHandle,
    time::{interval, sleep},
};

use super::{
    App, AppError,
    build::Sockets,
    history,
    reload::reload,
    shared::{ReloadRequest, Shared},
    worker,
};
use crate::{
    admin,
    config::{Address, Sources},
    ledger::Outcome,
    lifecycle::{Phase, Phases, Signal, Signals, systemd},
    net::{Bound, Handover},
    shadow::Sessions,
    telemetry::history::EventKind,
};

/// How often a stop looks whether everything is done.
const LOOK: Duration = Duration::from_millis(10);
/// How often shadows that get nothing are looked for.
const SHADOW_CHECK: Duration = Duration::from_secs(30);

impl App {
    /// Runs until a signal stops it, or another process takes over; `until` stops it, too.
    pub(crate) fn run(self, until: impl Future<Output = ()>) -> Result<(), AppError> {
        let Self {
            mut sockets,
            shared,
            phases,
            sources,
            mut reloads,
        } = self;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        // Before any client is served: a signal without a listener ends the process at once.
        let mut signals = {
            let _entered = runtime.enter();
            Signals::listen()?
        };
        shared.threads.begin()?;
        shared.resources.compare.begin();
        each_session(&shared, Sessions::restore);
        let workers = start_workers(&shared, &sockets.listeners)?;
        let outcome = runtime.block_on(async {
            announce(&shared, &sockets);
            let version = concat!("shadowtee ", env!("CARGO_PKG_VERSION"), " started");
            shared.resources.events.add(EventKind::Start, None, version);
            shared.resources.process_pool.begin();
            let admin = sockets.admin.as_ref().map(Bound::share).transpose()?;
            let admin = admin.map(|bound| tokio::spawn(administer(bound, Arc::clone(&shared))));
            tokio::spawn(Arc::clone(&shared.threads).replace_worn());
            tokio::spawn(warn_of_idle_shadows(Arc::clone(&shared)));
            tokio::spawn(history::sample(Arc::clone(&shared)));
            sockets.relieve();
            systemd::ready(RUNS);
            tokio::spawn(shared.watchdog.clone().report());
            let end = tokio::select! {
                end = wait_for_end(&shared, &sources, &mut signals, &mut reloads, until) => end,
                () = sockets.replaced() => End::Replaced,
            };
            // A reload that is asked for from now on is refused at once.
            drop(reloads);
            if end == End::Replaced {
                tracing::info!("another process serves on these sockets now");
                sockets.leave();
                admin.inspect(JoinHandle::abort);
            }
            // Closed here, too: no client is to wait in a backlog that is not served.
            sockets.listeners.clear();
            sockets.takeover = None;
            stop(&shared, &phases, &mut signals).await;
            Ok(())
        });
        phases.advance(Phase::Stopped);
        for worker in workers {
            if worker.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
        shared.threads.end();
        shared.resources.compare.end();
        each_session(&shared, Sessions::save);
        shared.resources.process_pool.end();
        end_capture(&shared);
        say_ledger(&shared);
        outcome
    }
}

/// Does something with what is known of the sessions on each shadow.
fn each_session(shared: &Shared, what: impl Fn(&Sessions)) {
    for shadow in &shared.live.load().shadows {
        if let Some(sessions) = &shadow.sessions {
            what(sessions);
        }
    }
}

/// Why it stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Asked,
    Replaced,
}

/// What systemd shows as the state.
const RUNS: &str = "clients are served";

async fn administer(bound: Bound, shared: Arc<Shared>) {
    if let Err(error) = admin::serve(&bound, shared).await {
        tracing::error!(%error, "the administrative interface ended");
    }
}

fn start_workers(
    shared: &Arc<Shared>,
    listeners: &[Bound],
) -> io::Result<Vec<thread::JoinHandle<()>>> {
    let between = Handover::between(shared.workers);
    let start = |(index, (handover, inbox))| {
        let shared = Arc::clone(shared);
        let listeners = listeners.iter().map(Bound::share);
        let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
        // From now on no change escapes it.
        let changes = shared.generation.follow();
        thread::Builder::new()
            .name(format!("worker-{index}"))
            .spawn(move || {
                if let Err(error) = worker::run(index, &shared, listeners, changes, handover, inbox)
                {
                    tracing::error!(%error, worker = index, "a worker could not start");
                }
            })
    };
    between.into_iter().enumerate().map(start).collect()
}

async fn wait_for_end(
    shared: &Shared,
    sources: &Sources,
    signals: &mut Signals,
    reloads: &mut UnboundedReceiver<ReloadRequest>,
    until: impl Future<Output = ()>,
) -> End {
    let mut until = std::pin::pin!(until);
    loop {
        let request = tokio::select! {
            () = &mut until => return End::Asked,
            signal = signals.next() => match signal {
                Signal::Stop => return End::Asked,
                Signal::Reload => None,
            },
            Some(request) = reloads.recv() => Some(request),
        };
        systemd::reloading();
        let outcome = reload(shared, sources).await;
        systemd::ready(match &outcome {
            Ok(_) => RUNS,
            Err(_) => "clients are served; the last reload was wrong and changed nothing",
        });
        if let Some(request) = request {
            // The client that asked may be gone.
            let _ = request.send(outcome);
        }
    }
}

fn announce(shared: &Shared, sockets: &Sockets) {
    let live = shared.live.load();
    let config = &live.config;
    for (listen, address) in config.listen.iter().zip(&shared.listen) {
        tracing::info!(%address, tls = listen.tls.is_some(), "clients connect here");
    }
    tracing::info!(address = %config.primary.address, "the primary is here");
    for shadow in &config.shadow {
        tracing::info!(shadow = %shadow.name, address = %shadow.address, "a shadow is here");
        if shadow.address.is_tls() && !shadow.tls.verify {
            tracing::warn!(shadow = %shadow.name, "tls.verify is off: any server that answers there gets real requests, with their cookies");
        }
    }
    if let Some(capture) = &config.capture {
        tracing::info!(file = %capture.file, "requests are captured here");
    }
    if config.shadow.is_empty() && config.capture.is_none() {
        tracing::warn!("there is no shadow: this is a plain proxy");
    }
    if config.primary.address.is_tls() && !config.primary.tls.verify {
        tracing::warn!(
            "primary.tls.verify is off: any server that answers there gets the requests"
        );
    }
    if let (Some(settings), Some(bound)) = (&config.admin, &sockets.admin) {
        let address = settings.address.at_port(bound.port());
        let page = page(&address);
        tracing::info!(%address, page, "administration is here; its page shows what happens");
        if !address.is_local() {
            tracing::warn!(
                %address,
                "ADMINISTRATION CAN BE REACHED FROM OTHER MACHINES, by anyone who has the token; it is not encrypted"
            );
        }
    }
    if live.descriptors.clients < config.limits.connections {
        tracing::info!(
            connections = live.descriptors.clients,
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

/// How a person gets to the administration's page.
fn page(address: &Address) -> String {
    match address {
        Address::Tcp { .. } => format!("http://{}/", address.authority()),
        Address::Unix(path) => format!("curl --unix-socket {} http://localhost/", path.display()),
    }
}

async fn warn_of_idle_shadows(shared: Arc<Shared>) {
    let mut last: HashMap<String, (u64, u64)> = HashMap::new();
    let mut ticks = interval(SHADOW_CHECK);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let requests = shared.resources.ledger.requests();
        for shadow in &shared.live.load().shadows {
            let answered = shadow.account.count(Outcome::Answered);
            let before = last.insert(shadow.name().to_owned(), (requests, answered));
            let before = before.unwrap_or_default();
            if requests > before.0 && answered == before.1 {
                let most = shadow.account.outcomes().max_by_key(|(_, count)| *count);
                tracing::warn!(
                    shadow = shadow.name(),
                    requests = requests - before.0,
                    mostly = most
                        .filter(|(_, count)| *count > 0)
                        .map(|(outcome, _)| outcome.as_str()),
                    "the shadow answered nothing lately"
                );
            }
        }
    }
}

/// Requests in flight first, then copies; a second signal ends all of it at once.
async fn stop(shared: &Shared, phases: &Phases, signals: &mut Signals) {
    let settings = shared.live.load().config.stop.clone();
    systemd::stopping("requests in flight are finished");
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
            let accounts = shared.resources.ledger.accounts();
            let in_flight = accounts.iter().map(|(_, account)| account.in_flight());
            in_flight.sum::<u64>()
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
    if !capture.end(shared.live.load().config.stop.copies.0) {
        tracing::warn!("stop.copies is over; the end of the capture is not written");
    }
    let outcomes = shared.captured.outcomes();
    let outcomes = listed(outcomes.map(|(outcome, count)| (outcome.as_str(), count)));
    tracing::info!(outcomes, "the capture");
}

fn say_ledger(shared: &Shared) {
    let requests = shared.resources.ledger.requests();
    for (name, account) in shared.resources.ledger.accounts() {
        let outcomes = account.outcomes();
        let outcomes = listed(outcomes.map(|(outcome, count)| (outcome.as_str(), count)));
        let in_flight = account.in_flight();
        tracing::info!(shadow = name, requests, in_flight, outcomes, "the ledger");
    }
    tracing::info!(requests, "stopped");
}

/// The outcomes that occurred, with their counts.
fn listed(outcomes: impl Iterator<Item = (&'static str, u64)>) -> String {
    let occurred = outcomes.filter(|(_, count)| *count > 0);
    let occurred: Vec<_> = occurred
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    occurred.join(", ")
}
