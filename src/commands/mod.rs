//! One file a command.

mod check;
mod demo;
mod generate;
mod run;

use anyhow::bail;

use crate::{
    app,
    cli::{Cli, Command},
    config::{Config, Mistake, Sources, Wrong},
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
        Command::Generate(arguments) => generate::generate(&arguments),
    }
}

/// The configuration, with the files that it names looked into; or all that is wrong with both.
fn load(sources: &Sources) -> anyhow::Result<Config> {
    let place = sources.place();
    let mistakes = match sources.load() {
        Ok(config) => {
            let mistakes = app::check_files(
                &place,
                config.listen.iter().map(Some),
                Some(&config.primary),
                config.shadow.iter().map(Some),
            );
            if mistakes.is_empty() {
                return Ok(config);
            }
            mistakes
        }
        Err(Wrong {
            mut mistakes,
            listen,
            primary,
            shadow,
        }) => {
            mistakes.extend(app::check_files(
                &place,
                listen.iter().map(Option::as_ref),
                primary.as_deref(),
                shadow.iter().map(Option::as_ref),
            ));
            mistakes
        }
    };
    bail!("{}", listed(&mistakes))
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
