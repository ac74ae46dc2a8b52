//! `shadowtee run`.

use anyhow::Context as _;

use crate::{
    app::App,
    config::{LogFormat, Sources},
    telemetry::logs,
};

/// Runs the tee until it is stopped.
pub(super) fn run(sources: Sources) -> anyhow::Result<()> {
    let config = super::load(&sources)?;
    let json = match config.log.format {
        LogFormat::Auto => None,
        LogFormat::Text => Some(false),
        LogFormat::Json => Some(true),
    };
    let app = App::build(config.clone(), sources)?;
    let _logs = logs::start(json, &config.log.level).context("starting the log")?;
    app.run(std::future::pending())?;
    Ok(())
}
