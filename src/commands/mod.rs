//! One file a command.

mod check;
mod compare;
mod convert;
mod demo;
mod example;
mod generate;
mod replay;
mod report;
mod run;
mod show;

use std::process::ExitCode;

use anyhow::bail;

use crate::{
    app,
    capture::Troubles,
    cli::{Cli, Command},
    config::{Config, Mistake, Sources, Wrong},
};

/// Runs the command that was asked for.
pub(crate) fn dispatch(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Replay(arguments) => return replay::replay(*arguments),
        Command::Compare(arguments) => return compare::compare(&arguments),
        Command::Report(arguments) => return report::report(&arguments),
        Command::Run(arguments) => run::run(arguments.into_sources()),
        Command::Check(arguments) => check::check(&arguments),
        Command::Demo(arguments) => demo::demo(&arguments),
        Command::Generate(arguments) => generate::generate(&arguments),
        Command::Convert(arguments) => convert::convert(&arguments),
        Command::Show(arguments) => show::show(&arguments),
    }?;
    Ok(ExitCode::SUCCESS)
}

/// Loads the configuration, and checks the files that it names.
fn load(sources: &Sources) -> anyhow::Result<Config> {
    let (config, mut mistakes, parts) = match sources.load() {
        Ok(config) => {
            let parts = Box::new(config.parts());
            (Some(config), Vec::new(), parts)
        }
        Err(Wrong { mistakes, parts }) => (None, mistakes, parts),
    };
    mistakes.extend(app::check_files(&sources.place(), &parts));
    match config.filter(|_| mistakes.is_empty()) {
        Some(config) => Ok(config),
        None => bail!("{}", listed(&mistakes)),
    }
}

/// Says what is wrong in a file that is read.
fn tell(troubles: &mut Troubles) {
    for trouble in troubles.take() {
        eprintln!("{trouble}");
    }
}

/// What others wrote, so that it can't steer the terminal.
fn printable(text: &str) -> String {
    text.chars().map(tame).collect()
}

/// A terminal does not see what would move its cursor or turn its text around.
fn tame(c: char) -> char {
    match c {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

fn listed(mistakes: &[Mistake]) -> String {
    let lines = mistakes.iter().map(|mistake| format!("  {mistake}"));
    let lines: Vec<_> = lines.collect();
    let count = match mistakes.len() {
        1 => "a mistake".to_owned(),
        count => format!("{count} mistakes"),
    };
    format!("the configuration has {count}\n{}", lines.join("\n"))
}
