//! One file a command.

mod check;
mod demo;
mod run;

use anyhow::bail;

use crate::{
    cli::{Cli, Command},
    config::{Config, Mistake, Sources},
};

/// Runs the command that was asked for.
///
/// # Errors
/// What failed, with its causes.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        Command::Run(arguments) => run::run(arguments.into_sources()),
        Command::Check(arguments) => check::check(&arguments),
        Command::Demo(arguments) => demo::demo(&arguments),
    }
}

fn load(sources: &Sources) -> anyhow::Result<Config> {
    match sources.load() {
        Ok(config) => Ok(config),
        Err(mistakes) => bail!("{}", listed(&mistakes)),
    }
}

fn listed(mistakes: &[Mistake]) -> String {
    let lines: Vec<_> = mistakes
        .iter()
        .map(|mistake| format!("  {mistake}"))
        .collect();
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    format!("the configuration has {count}\n{}", lines.join("\n"))
}
