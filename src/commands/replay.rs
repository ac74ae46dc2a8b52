//! `shadowtee replay`.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};

use serde::Serialize;

use super::report::{captured_settings, judge, older, too_little, write};
use crate::{
    app,
    cli::{FailOn, Replay, ReportForm, ReportFormat, ReportOut},
    compare::{self, Settings},
    config::{Flags, Sources},
    replay::{self, Moment, Report, met},
};

/// What a replay wrote, as one document.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(flatten)]
    report: &'a Report,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<&'a compare::Report>,
}

/// Sends captures to a target, and tells what came of it.
pub(super) fn replay(mut arguments: Replay) -> anyhow::Result<ExitCode> {
    let files = expand(&arguments.files)?;
    let (mut of_sent, mut of_causes) = (Vec::new(), Vec::new());
    for condition in arguments.fail_on.drain(..) {
        match condition {
            FailOn::Sent(condition) => of_sent.push(condition),
            FailOn::Compared(condition) => of_causes.push(condition),
        }
    }
    check(&arguments, !of_causes.is_empty())?;
    let older = older(&arguments.causes)?;
    let form = arguments.report;
    let edit = match (&arguments.config, &arguments.as_shadow) {
        (Some(file), Some(name)) => {
            let sources = Sources {
                file: Some(file.clone()),
                flags: Flags::default(),
            };
            Some(app::editor(&super::load(&sources)?, name)?)
        }
        _ => None,
    };
    let compare = arguments.compare.then(|| compare_settings(&arguments));
    let (options, out) = arguments.into_options(files, edit, compare.transpose()?)?;
    let is_dry = options.dry_run;
    if options
        .compare
        .as_ref()
        .is_some_and(|compare| !compare.has_times)
        && !is_dry
    {
        eprintln!(
            "shadowtee: how long responses take is not compared at this speed: the target gets more at a time than production did"
        );
    }
    let bar = (io::stderr().is_terminal() && !is_dry).then(bar);
    let shown = bar.clone();
    let done = replay::run(&options, move |moment| {
        if let Some(bar) = &shown {
            show(bar, moment);
        }
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let report = done.report;
    let causes = done.causes.as_slice();
    publish(&report, causes, (form, is_dry), &out)?;
    let mut is_failure = false;
    for condition in met(&of_sent, &report) {
        eprintln!("shadowtee: failed by {condition}");
        is_failure = true;
    }
    if report.requests == 0 && !report.interrupted {
        // A pipeline must not take an empty replay for a success.
        bail!("the files hold no request that was to be sent");
    }
    is_failure |= judge(causes, &out, &older, &of_causes);
    if let [found] = causes
        && let Some(why) = too_little(found)
        && !is_failure
        && !report.interrupted
    {
        bail!(why);
    }
    Ok(ExitCode::from(if is_failure { 2 } else { 0 }))
}

/// Whether the flags go together; `has_conditions`: on causes.
fn check(arguments: &Replay, has_conditions: bool) -> anyhow::Result<()> {
    let out = &arguments.causes;
    let is_about_causes =
        has_conditions || out.is_asked_for() || arguments.files_of_compare.is_asked_for();
    if is_about_causes && !arguments.compare {
        bail!(
            "--format, --output, --since, --rules, --routes and conditions on causes need --compare"
        );
    }
    let is_one_document = arguments.report == ReportForm::Json && out.output.is_none();
    if is_one_document && !matches!(out.format, ReportFormat::Text | ReportFormat::Json) {
        bail!("--report json takes standard output: say with --output FILE where the causes go");
    }
    Ok(())
}

/// Writes the report of what was sent, and the one of causes. Standard output has one document where a program may read it.
fn publish(
    report: &Report,
    causes: &[compare::Report],
    (form, is_dry): (ReportForm, bool),
    out: &ReportOut,
) -> anyhow::Result<()> {
    let text = match form {
        ReportForm::Json => {
            let comparison = causes.first();
            serde_json::to_string_pretty(&Whole { report, comparison })? + "\n"
        }
        ReportForm::Text if is_dry => dry(report),
        ReportForm::Text => report.to_string(),
    };
    let has_output = out.output.is_none() && !causes.is_empty();
    match (has_output, form, out.format) {
        (true, ReportForm::Json, _) => return say(io::stdout(), &text),
        (true, ReportForm::Text, ReportFormat::Text) => say(io::stdout(), &(text + "\n"))?,
        (true, ReportForm::Text, _) => say(io::stderr(), &text)?,
        (false, ..) => say(io::stdout(), &text)?,
    }
    if causes.is_empty() {
        return Ok(());
    }
    write(causes, out)
}

fn say(mut to: impl Write, text: &str) -> anyhow::Result<()> {
    to.write_all(text.as_bytes())
        .context("can't write the report")
}

fn compare_settings(arguments: &Replay) -> anyhow::Result<Settings> {
    let shadow = arguments.as_shadow.as_deref().unwrap_or("the target");
    Ok(Settings {
        has_times: arguments.speed().is_as_captured(),
        ..captured_settings(&arguments.files_of_compare, shadow)?
    })
}

/// The files that are named, those of patterns too, which a shell may have left alone.
fn expand(named: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for name in named {
        let text = name.to_string_lossy();
        if name.exists() || !text.contains(['*', '?', '[']) {
            files.push(name.clone());
            continue;
        }
        let before = files.len();
        for file in glob::glob(&text).with_context(|| format!("{text} is not a pattern"))? {
            files.push(file?);
        }
        if files.len() == before {
            bail!("no file matches {text}");
        }
    }
    Ok(files)
}

fn dry(report: &Report) -> String {
    let mut text = format!(
        "{} requests, which take {:.1} s at this speed; nothing was sent\n",
        report.requests, report.span_seconds
    );
    for (why, count) in &report.left_out {
        // Writing to a string can't fail.
        let _ = writeln!(text, "  {why:<16} {count:>10}           would not be sent");
    }
    for line in report.notes().iter().chain(report.damage_lines()) {
        let _ = writeln!(text, "  {line}");
    }
    text
}

fn bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, moment: &Moment) {
    bar.set_length(moment.total);
    bar.set_position(moment.position);
    let seconds = moment.elapsed.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
    let (rate, part) = (
        moment.answered as f64 / seconds,
        moment.position as f64 / moment.total.max(1) as f64,
    );
    let left = if moment.total > 0 && part > 0.001 {
        let left = seconds / part * (1.0 - part).max(0.0);
        let left = Duration::from_secs(Duration::from_secs_f64(left).as_secs());
        format!(", {} left", humantime::format_duration(left))
    } else {
        String::new()
    };
    let (errors, behind) = (moment.errors, moment.lag.as_millis());
    bar.set_message(format!(
        "{rate:.0}/s, {errors} errors, {behind} ms behind{left}"
    ));
}
