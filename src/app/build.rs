//! From a configuration to a program that is ready to run: everything that can fail, fails here.

use std::{sync::Arc, time::SystemTime};

use super::{AppError, shared::Shared};
use crate::{
    capture,
    client::Reading,
    config::{self, Address, ClientTls, Config, Listen, Mistake, Primary, Sources},
    http::Marks,
    ledger::Ledger,
    lifecycle::Phases,
    net::{
        Bound, ClientTlsLoader, Connector, Descriptors, Greeter, ServerTlsLoader, TlsError, bind,
    },
    shadow::{Common, DifferenceLog, Pair, Shadow},
    tee::Budget,
    telemetry::metrics::{CaptureMetrics, PoolMetrics, ProxyMetrics},
};

/// The program, its sockets bound, nothing of it running.
pub(crate) struct App {
    pub(super) listeners: Vec<Bound>,
    pub(super) shared: Arc<Shared>,
    pub(super) admin: Option<Bound>,
    pub(super) phases: Phases,
    pub(super) sources: Sources,
}

impl App {
    /// Binds sockets and loads certificates. `sources` is where a reload reads again.
    ///
    /// # Errors
    /// Where an address is taken or a file can't be used.
    pub(crate) fn build(config: Config, sources: Sources) -> Result<Self, AppError> {
        let workers = config.workers;
        let wanted = config
            .shadow
            .iter()
            .map(|shadow| shadow.max_connections)
            .sum();
        let descriptors = Descriptors::share(workers, config.limits.connections, wanted);
        let (mut listeners, mut greeters) = (Vec::new(), Vec::new());
        for listen in &config.listen {
            greeters.push(greeter(listen)?);
            listeners.push(bind(listen)?);
        }
        let admin = config
            .admin
            .as_ref()
            .map(|admin| bind(&Listen::private(admin.address.clone())))
            .transpose()?;
        let primary = &config.primary;
        let connector = Connector::new(
            primary.address.clone(),
            &primary.tls,
            config.timeouts.connect.0,
        )
        .map_err(AppError::PrimaryTls)?;
        let ledger = Arc::new(Ledger::new(workers));
        let marks = Marks::new(&config.mark);
        let differences = Arc::new(DifferenceLog::new(config.log.differences_per_second));
        let common = Common {
            workers,
            connections: (descriptors.shadows / config.shadow.len().max(1)).max(1),
            marks: &marks,
            differences: &differences,
            reading: Reading {
                header_bytes: config.limits.header_bytes.bytes(),
                header_count: config.limits.header_count,
            },
        };
        let mut shadows = Vec::new();
        for settings in &config.shadow {
            let account = ledger.account(settings.name.as_str());
            shadows.push(Shadow::new(settings.clone(), account, &common)?);
        }
        let budget = Budget::new(config.limits.shadow_memory.bytes());
        let captured = Arc::new(CaptureMetrics::new(workers));
        let capture = match &config.capture {
            Some(settings) => Some(capture::Running::start(
                settings.clone(),
                None,
                &budget,
                &captured,
            )?),
            None => None,
        };
        let phases = Phases::new();
        let shared = Shared {
            greeters,
            primary: connector,
            primary_metrics: Arc::new(PoolMetrics::default()),
            shadows,
            capture,
            captured,
            budget,
            ledger,
            metrics: Arc::new(ProxyMetrics::new(workers)),
            marks,
            descriptors,
            clients: 0.into(),
            listening: 0.into(),
            differences,
            phase: phases.watch(),
            started: SystemTime::now(),
            config,
        };
        Ok(Self {
            listeners,
            shared: Arc::new(shared),
            admin,
            phases,
            sources,
        })
    }

    /// Shows every pair of answers to `observer`.
    pub(crate) fn observe(self, observer: impl Fn(&Pair<'_>) + Send + Sync + 'static) -> Self {
        self.shared.differences.observe(Arc::new(observer));
        self
    }

    /// The counts, as they go on while it runs.
    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.shared.ledger)
    }
}

fn greeter(listen: &Listen) -> Result<Greeter, AppError> {
    let tls = listen.tls.as_ref().map(ServerTlsLoader::load).transpose();
    tls.map(Greeter::new)
        .map_err(|error| AppError::ListenTls(listen.address.to_string(), error))
}

/// Looks into every file that these settings name, without binding anything. `place` is where they were said.
pub(crate) fn check_files<'a>(
    place: &str,
    listen: impl Iterator<Item = Option<&'a Listen>>,
    primary: Option<&Primary>,
    shadows: impl Iterator<Item = Option<&'a config::Shadow>>,
) -> Vec<Mistake> {
    let mut mistakes = Vec::new();
    let mut note = |table: String, wrong: Vec<(&str, TlsError)>| {
        for (key, error) in wrong {
            let key = [&table, "tls", key].join(".");
            mistakes.push(Mistake {
                place: place.to_owned(),
                key: key.trim_end_matches('.').to_owned(),
                what: with_causes(&error),
            });
        }
    };
    for (index, listen) in listen.enumerate() {
        if let Some(tls) = listen.and_then(|listen| listen.tls.as_ref()) {
            note(format!("listen[{index}]"), ServerTlsLoader::mistakes(tls));
        }
    }
    let of = |address: &Address, tls: &ClientTls| {
        if address.is_tls() {
            ClientTlsLoader::mistakes(tls, address)
        } else {
            Vec::new()
        }
    };
    if let Some(primary) = primary {
        note("primary".into(), of(&primary.address, &primary.tls));
    }
    for (index, shadow) in shadows.enumerate() {
        if let Some(shadow) = shadow {
            note(format!("shadow[{index}]"), of(&shadow.address, &shadow.tls));
        }
    }
    mistakes
}

fn with_causes(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
