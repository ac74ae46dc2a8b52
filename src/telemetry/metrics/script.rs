//! What a script counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{
    SCRIPT_LINES, SCRIPT_QUEUED, SCRIPT_SECONDS, SCRIPT_STARTS, SCRIPT_UP, SCRIPT_WAITING, Samples,
};
use crate::telemetry::{
    named::named,
    sharded::{Counters, Latency},
};

named! {
    /// What a line is that a script wrote.
    enum ScriptLine {
        /// A request that it was given, and that can be sent.
        Echo = "echo",
        /// A request that it was given, made into something that can't be sent.
        Invalid = "invalid",
        /// A request that waits for no echo: one that was echoed before, that is given up, or that never was.
        Unknown = "unknown",
        /// An answer; nothing becomes of those.
        Answer = "answer",
        /// No message.
        Garbage = "garbage",
        /// Longer than any message may be.
        TooLong = "too_long",
        /// Written to standard error.
        Error = "error",
    }
}

/// What a script counts, on its own threads.
#[derive(Debug, Default)]
pub(crate) struct ScriptMetrics {
    pub(crate) up: AtomicU64,
    pub(crate) starts: AtomicU64,
    pub(crate) waiting: AtomicU64,
    pub(crate) queued: AtomicU64,
    lines: Counters<{ ScriptLine::ALL.len() }>,
    pub(crate) latency: Latency,
}

impl ScriptMetrics {
    pub(crate) fn line(&self, line: ScriptLine) {
        self.lines.add(line as usize, 1);
    }

    pub(crate) fn samples(&self, name: &str, samples: &mut Samples) {
        samples.gauge(&SCRIPT_UP, &[name], self.up.load(Relaxed));
        samples.counter(&SCRIPT_STARTS, &[name], self.starts.load(Relaxed));
        samples.gauge(&SCRIPT_WAITING, &[name], self.waiting.load(Relaxed));
        samples.gauge(&SCRIPT_QUEUED, &[name], self.queued.load(Relaxed));
        for line in ScriptLine::ALL {
            let count = self.lines.sum(*line as usize);
            samples.counter(&SCRIPT_LINES, &[name, line.as_str()], count);
        }
        samples.histogram(&SCRIPT_SECONDS, &[name], &self.latency);
    }
}
