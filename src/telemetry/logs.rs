//! Where log lines go: standard error, as text on a terminal and as JSON otherwise.
//!
//! Lines are handed to a thread of their own: a slow reader costs lines, never requests.

use std::{
    io::{self, IsTerminal},
    sync::OnceLock,
};

use tracing_subscriber::{Registry, filter::Targets, prelude::*, reload};

pub(crate) use super::log_queue::LogGuard;
use super::{
    log_queue::LogQueue,
    text::{TextFields, escaped},
};

/// What is logged, which a reload changes.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Starts logging, as text or as JSON; `None` is text on a terminal and JSON otherwise. `level` is a level or a list of
/// `target=level`; anything else counts as `info`. A second call changes nothing. The last lines are written when the
/// guard is dropped.
pub(crate) fn start(json: Option<bool>, level: &str) -> io::Result<LogGuard> {
    let (writer, guard) = LogQueue::start(io::stderr(), |lines| {
        tracing::warn!(
            lines,
            "lines were left out here: they were not taken in time"
        );
    })?;
    let terminal = io::stderr().is_terminal();
    let (filter, handle) = reload::Layer::new(filter(level));
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer)
        .with_target(false);
    let layer = if json.unwrap_or(!terminal) {
        layer
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_span_list(false)
            .boxed()
    } else {
        layer.with_ansi(terminal).fmt_fields(TextFields).boxed()
    };
    let started = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
    if started.is_ok() {
        let _ = FILTER.set(handle);
    }
    Ok(guard)
}

/// Logs at another level from now on.
pub(crate) fn set_level(level: &str) {
    if let Some(handle) = FILTER.get() {
        // It fails only where nothing is logged any more.
        let _ = handle.reload(filter(level));
    }
}

fn filter(level: &str) -> Targets {
    level
        .parse()
        .unwrap_or_else(|_| Targets::new().with_default(tracing::Level::INFO))
}

/// An error with its causes, in one line; it may quote what strangers sent.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let causes: Vec<_> = std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect();
    escaped(&causes.join(": "))
}
