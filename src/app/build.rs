//! From a configuration to a program that is ready to run: everything that can fail, fails here.

use std::{
    sync::{Arc, Weak},
    time::SystemTime,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::{
    AppError,
    generation::Generation,
    live::{Live, SharedResources},
    shared::{ReloadRequest, Shared},
    watchdog::Watchdog,
};
use crate::{
    capture,
    compare::{CompareThread, Probes},
    config::{self, Address, Config, Listen, Sources, is_default},
    ledger::Ledger,
    lifecycle::Phases,
    net::{Bound, Greeter, Inherited, Predecessor, ServerTlsLoader, bind},
    script::ProcessPool,
    shadow::{self, DifferenceLog, Threads},
    tee::Budget,
    telemetry::{
        history::Rings,
        metrics::{CaptureMetrics, CaptureOutcome, PoolMetrics, ProxyMetrics},
    },
};

/// The program, its sockets bound, nothing of it running.
pub(crate) struct App {
    pub(super) sockets: Sockets,
    pub(super) shared: Arc<Shared>,
    pub(super) phases: Phases,
    pub(super) sources: Sources,
    /// Reloads that the administration asks for.
    pub(super) reloads: UnboundedReceiver<ReloadRequest>,
}

/// Every socket that is listened on.
pub(super) struct Sockets {
    pub(super) listeners: Vec<Bound>,
    pub(super) admin: Option<Bound>,
    pub(super) takeover: Option<Bound>,
    /// The process that has the same sockets and serves until this one does.
    pub(super) predecessor: Option<Predecessor>,
}

impl Sockets {
    /// Those of systemd and of a process that this one takes over from, where there are any; others are opened.
    fn open(config: &Config) -> Result<Self, AppError> {
        let mut inherited = Inherited::from_systemd()?;
        let mut predecessor = None;
        let meeting = config.takeover.as_ref().map(|takeover| &takeover.socket);
        if let Some(Address::Unix(path)) = meeting
            && inherited.is_empty()
        {
            let asked = Predecessor::ask(path)
                .map_err(|error| AppError::Takeover(path.display().to_string(), error))?;
            if let Some((process, sockets)) = asked {
                (predecessor, inherited) = (Some(process), sockets);
            }
        }
        let listeners = config.listen.iter();
        let listeners = listeners
            .map(|listen| bind(listen, &mut inherited))
            .collect::<Result<_, _>>()?;
        let mut private = |address: &Address| {
            let listen = Listen::private(address.clone());
            bind(&listen, &mut inherited)
        };
        let admin = config.admin.as_ref();
        let admin = admin.map(|admin| private(&admin.address)).transpose()?;
        let takeover = meeting.map(&mut private).transpose()?;
        // What the old process had beyond that ends with it.
        if predecessor.is_none() {
            inherited.finish()?;
        }
        Ok(Self {
            listeners,
            admin,
            takeover,
            predecessor,
        })
    }
}

impl App {
    /// Binds sockets and loads certificates. `sources` is where a reload reads again.
    pub(crate) fn build(config: Config, sources: Sources) -> Result<Self, AppError> {
        let workers = config.workers;
        let greeters = config.listen.iter().map(greeter);
        let greeters = greeters.collect::<Result<_, _>>()?;
        let resources = SharedResources {
            ledger: Arc::new(Ledger::new(workers)),
            primary_metrics: Arc::new(PoolMetrics::new(workers)),
            differences: Arc::new(DifferenceLog::new(config.log.differences_per_second)),
            budget: Budget::new(config.limits.shadow_memory.bytes()),
            process_pool: ProcessPool::default(),
            compare: CompareThread::new(),
            events: Arc::default(),
        };
        let (ledger, budget) = (&resources.ledger, &resources.budget);
        let threads = config.shadow_threads.unwrap_or(config.shadow.len());
        let threads = Threads::new(threads, budget, ledger, resources.compare.spent());
        let probes: Weak<dyn Probes> = Arc::<Threads>::downgrade(&threads);
        resources.compare.set_probes(probes);
        let live = Live::build(config, &resources, None)?;
        live.comparing.put_in_place();
        for shadow in &live.shadows {
            ledger.enter(shadow.name(), &shadow.account);
            shadow.report_sessions();
            shadow.report_build();
        }
        let sockets = Sockets::open(&live.config)?;
        let captured = Arc::new(CaptureMetrics::new(workers));
        // After the sockets: a process whose address is taken leaves no empty file behind.
        let capture = match &live.config.capture {
            Some(settings) => Some(capture::Running::start(
                settings.clone(),
                capture::destination(settings),
                captured_only(settings, &live.config),
                budget,
                &captured,
            )?),
            None => None,
        };
        let phases = Phases::new();
        let (to_reload, reloads) = mpsc::unbounded_channel();
        let listen = live.config.listen.iter().zip(&sockets.listeners);
        let listen = listen.map(|(listen, bound)| listen.address.at_port(bound.port()));
        let shared = Shared {
            listen: listen.collect(),
            rings: Mutex::new(Rings::new()),
            workers,
            threads,
            resources,
            greeters,
            live: ArcSwap::from_pointee(live),
            generation: Generation::new(workers),
            capture,
            captured,
            metrics: Arc::new(ProxyMetrics::new(workers)),
            clients: Arc::default(),
            listening: Arc::default(),
            phase: phases.watch(),
            watchdog: Watchdog::new(workers),
            to_reload,
            started: SystemTime::now(),
        };
        Ok(Self {
            sockets,
            shared: Arc::new(shared),
            phases,
            sources,
            reloads,
        })
    }

    /// What compares the responses of shadows.
    pub(crate) fn compare(&self) -> Arc<CompareThread> {
        Arc::clone(&self.shared.resources.compare)
    }

    /// The counts, as they go on while it runs.
    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.shared.resources.ledger)
    }
}

/// Which requests are captured, where not all of them are.
fn captured_only(settings: &config::Capture, config: &Config) -> Option<capture::Select> {
    let selects = shadow::selects(&settings.select);
    let client_address = config.client_address.clone();
    (!is_default(&settings.select)).then(|| {
        let select: capture::Select = Box::new(move |head, peer| {
            let is_selected = selects(head, peer, &client_address);
            is_selected.then_some(()).ok_or(CaptureOutcome::Filtered)
        });
        select
    })
}

fn greeter(listen: &Listen) -> Result<Greeter, AppError> {
    let tls = listen.tls.as_ref().map(ServerTlsLoader::load).transpose();
    tls.map(Greeter::new)
        .map_err(|error| AppError::ListenTls(listen.address.to_string(), error))
}
