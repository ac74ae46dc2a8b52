//! What a reload changes: made whole of a configuration, put in place in one step.

use std::sync::Arc;

use super::{AppError, comparing::Comparing};
use crate::{
    compare::CompareThread,
    config::{self, Config, is_same},
    http::Marks,
    ledger::{Account, Ledger},
    net::{Connector, Descriptors},
    script::{self, ProcessPool, Script},
    shadow::{Common, DifferenceLog, Setup, Shadow},
    tee::Budget,
    telemetry::{history::Events, metrics::PoolMetrics},
    upstream::{PoolSettings, Reading},
};

/// A configuration with what is made of it.
pub(crate) struct Live {
    pub(super) config: Config,
    pub(super) primary: Arc<Primary>,
    pub(super) shadows: Vec<Arc<Shadow>>,
    /// The scripts that copies go through.
    scripts: Vec<Arc<Script>>,
    pub(super) marks: Marks,
    pub(super) descriptors: Descriptors,
    pub(super) comparing: Comparing,
}

/// How the primary is connected to. The same one means that pools of connections are kept.
pub(super) struct Primary {
    pub(super) connector: Connector,
    pub(super) pool: PoolSettings,
}

/// What every configuration uses, and no reload replaces.
pub(super) struct SharedResources {
    pub(super) ledger: Arc<Ledger>,
    pub(super) primary_metrics: Arc<PoolMetrics>,
    pub(super) differences: Arc<DifferenceLog>,
    pub(super) budget: Arc<Budget>,
    pub(super) process_pool: ProcessPool,
    pub(super) compare: Arc<CompareThread>,
    pub(super) events: Arc<Events>,
}

impl Live {
    /// Loads every file that the configuration names. `before` is what runs; where nothing changed for a target, its
    /// connections stay. Nothing that runs is changed.
    pub(super) fn build(
        config: Config,
        resources: &SharedResources,
        before: Option<&Self>,
    ) -> Result<Self, AppError> {
        let wanted = config.shadow.iter().map(|shadow| shadow.max_connections);
        let descriptors =
            Descriptors::share(config.workers, config.limits.connections, wanted.sum());
        let marks = before.map_or_else(
            || Marks::new(&config.mark),
            |before| before.marks.changed(&config.mark),
        );
        let reading = Reading {
            header_bytes: config.limits.response_header_bytes.bytes(),
            header_count: config.limits.response_header_count,
        };
        let mut live = Self {
            primary: primary(&config, reading, resources, before)?,
            shadows: Vec::new(),
            scripts: Vec::new(),
            marks,
            descriptors,
            comparing: Comparing::new(&config, &resources.compare)?,
            config,
        };
        live.shadows = live.build_shadows(reading, resources, before)?;
        Ok(live)
    }

    /// The script that a shadow's copies go through: one that runs, where it is to be the same.
    fn script(
        &mut self,
        settings: &config::Shadow,
        resources: &SharedResources,
        before: Option<&Self>,
    ) -> Result<Option<Arc<Script>>, AppError> {
        let Some((name, script)) = self.config.script_of(settings) else {
            return Ok(None);
        };
        let limits = script_limits(&self.config.limits);
        let old = before.into_iter().flat_map(|before| &before.scripts);
        let mut known = self.scripts.iter().chain(old);
        let known = known.find(|known| known.is(&name, script, limits));
        let script = if let Some(known) = known {
            Arc::clone(known)
        } else {
            let (budget, process_pool) = (&resources.budget, &resources.process_pool);
            Script::start(name, script.clone(), limits, budget, process_pool)?
        };
        self.scripts.push(Arc::clone(&script));
        Ok(Some(script))
    }

    fn build_shadows(
        &mut self,
        reading: Reading,
        resources: &SharedResources,
        before: Option<&Self>,
    ) -> Result<Vec<Arc<Shadow>>, AppError> {
        let shadows = self.config.shadow.clone();
        let common = Common {
            workers: self.config.workers,
            connections: (self.descriptors.shadows / shadows.len().max(1)).max(1),
            marks: self.marks.clone(),
            client_address: Arc::new(self.config.client_address.clone()),
            reading,
        };
        let mut build = |(index, settings): (usize, config::Shadow)| {
            let name = settings.name.as_str();
            let mut old = before.into_iter().flat_map(|before| &before.shadows);
            let old = old.find(|shadow| shadow.name() == name);
            let account = resources.ledger.account(name);
            let setup = Setup {
                script: self.script(&settings, resources, before)?,
                compared: self.comparing.of(&settings, &self.config.compare),
                common: common.clone(),
                differences: Arc::clone(&resources.differences),
                events: Arc::clone(&resources.events),
                settings,
            };
            Shadow::set_up(setup, account, index, old).map_err(AppError::from)
        };
        shadows.into_iter().enumerate().map(&mut build).collect()
    }

    /// Accounts of the ledger whose shadows are not here.
    pub(super) fn absent(&self, ledger: &Ledger) -> Vec<Arc<Account>> {
        let is_here = |account: &Arc<Account>| {
            let mut shadows = self.shadows.iter();
            shadows.any(|shadow| Arc::ptr_eq(&shadow.account, account))
        };
        let accounts = ledger.accounts().into_iter().map(|(_, account)| account);
        accounts.filter(|account| !is_here(account)).collect()
    }
}

/// What a request may be that a script writes: as one of a client.
fn script_limits(limits: &config::Limits) -> script::Limits {
    script::Limits {
        header_bytes: limits.header_bytes.bytes(),
        header_count: limits.header_count,
        target_bytes: limits.target_bytes.bytes(),
    }
}

fn primary(
    config: &Config,
    reading: Reading,
    resources: &SharedResources,
    before: Option<&Live>,
) -> Result<Arc<Primary>, AppError> {
    let settings = &config.primary;
    if let Some(before) = before
        && !settings.address.is_tls()
        && is_same(&before.config.primary, settings)
        && is_same(&before.config.timeouts, &config.timeouts)
        && is_same(&before.config.limits, &config.limits)
    {
        return Ok(Arc::clone(&before.primary));
    }
    let (address, limit) = (settings.address.clone(), config.timeouts.connect.0);
    let connector = Connector::new(address, &settings.tls, limit).map_err(AppError::PrimaryTls)?;
    Ok(Arc::new(Primary {
        connector,
        pool: PoolSettings {
            idle_connections: settings.idle_connections,
            idle_timeout: settings.idle_timeout.0,
            connections: None,
            is_careful: true,
            reading,
            metrics: Arc::clone(&resources.primary_metrics),
        },
    }))
}
