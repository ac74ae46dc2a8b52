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

use crate::{
    app,
    cli::{Replay, ReportForm},
    config::{Flags, Sources},
    replay::{self, Moment, Report, met},
};

/// Sends captures to a target, and tells what came of it.
pub(super) fn replay(arguments: Replay) -> anyhow::Result<ExitCode> {
    let files = expand(&arguments.files)?;
    let (fail_on, form) = (arguments.fail_on.clone(), arguments.report);
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
    let options = arguments.into_options(files, edit)?;
    let is_dry = options.dry_run;
    let bar = (io::stderr().is_terminal() && !is_dry).then(bar);
    let shown = bar.clone();
    let report = replay::run(&options, move |moment| {
        if let Some(bar) = &shown {
            show(bar, moment);
        }
    })?;
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    let text = match form {
        ReportForm::Json => serde_json::to_string_pretty(&report)? + "\n",
        ReportForm::Text if is_dry => dry(&report),
        ReportForm::Text => report.to_string(),
    };
    io::stdout()
        .write_all(text.as_bytes())
        .context("can't write to standard output")?;
    let met: Vec<_> = met(&fail_on, &report).collect();
    for condition in &met {
        eprintln!("shadowtee: failed by {condition}");
    }
    if report.requests == 0 && !report.interrupted {
        // A pipeline must not take an empty replay for a success.
        bail!("the files hold no request that was to be sent");
    }
    Ok(ExitCode::from(if met.is_empty() { 0 } else { 2 }))
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
