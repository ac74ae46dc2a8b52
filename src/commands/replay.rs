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

use super::report::publish;
use crate::{
    app,
    cli::{FailOn, Replay, ReportForm},
    compare::Settings,
    config::{Flags, Sources},
    replay::{self, Moment, Report, met},
};

/// Sends captures to a target, and tells what came of it.
pub(super) fn replay(arguments: Replay) -> anyhow::Result<ExitCode> {
    let files = expand(&arguments.files)?;
    let (mut of_sent, mut of_causes) = (Vec::new(), Vec::new());
    for condition in &arguments.fail_on {
        match condition.clone() {
            FailOn::Sent(condition) => of_sent.push(condition),
            FailOn::Compared(condition) => of_causes.push(condition),
        }
    }
    if !arguments.compare && (!of_causes.is_empty() || arguments.causes.is_asked_for()) {
        bail!("causes are known with --compare only");
    }
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
    let (options, causes) = arguments.into_options(files, edit, compare.transpose()?)?;
    let is_dry = options.dry_run;
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
    let text = match form {
        ReportForm::Json => serde_json::to_string_pretty(&report)? + "\n",
        ReportForm::Text if is_dry => dry(&report),
        ReportForm::Text => report.to_string(),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("can't write to standard output")?;
    let met: Vec<_> = met(&of_sent, &report).collect();
    for condition in &met {
        eprintln!("shadowtee: failed by {condition}");
    }
    if report.requests == 0 && !report.interrupted {
        // A pipeline must not take an empty replay for a success.
        bail!("the files hold no request that was to be sent");
    }
    let mut is_failure = !met.is_empty();
    if let Some(found) = done.causes {
        is_failure |= publish(&[found], &causes, &of_causes)?;
    }
    Ok(ExitCode::from(if is_failure { 2 } else { 0 }))
}

fn compare_settings(arguments: &Replay) -> anyhow::Result<Settings> {
    let settings = app::compare_settings(&arguments.files_of_compare.settings());
    let settings = settings.map_err(|wrong| anyhow::anyhow!("{}", wrong.what))?;
    let shadow = arguments.as_shadow.as_deref().unwrap_or("the target");
    Ok(Settings {
        shadow: shadow.to_owned(),
        ..settings
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
    for line in report.damage_lines() {
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
