//! `shadowtee run`.

use anyhow::Context as _;

use crate::{
    app::App,
    config::{LogFormat, Sources},
    telemetry::logs::{self, Form},
};

/// Runs the tee until it is stopped.
pub(super) fn run(sources: Sources) -> anyhow::Result<()> {
    let config = super::load(&sources)?;
    let form = match config.log.format {
        LogFormat::Auto => Form::Auto,
        LogFormat::Text => Form::Text,
        LogFormat::Json => Form::Json,
    };
    let app = App::build(config.clone(), sources)?;
    let _logs = logs::start(form, &config.log.level).context("starting the log")?;
    app.run(std::future::pending())?;
    Ok(())
}
