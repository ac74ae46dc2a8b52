//! What a process writes: echoes of requests that it was given, or something that changes nothing.

use std::sync::Arc;

use super::{
    Common,
    inbox::{Calls, Unscripted},
    lines::Line,
    pending::{Pending, reply_to},
    token,
};
use crate::{capture::message_line, telemetry::metrics::ScriptLine};

/// What a process was given, and what it made of it.
pub(super) struct Echoes {
    common: Arc<Common>,
    pub(super) pending: Pending,
    pub(super) calls: Calls,
    /// Bytes of lines that were asked for.
    pub(super) asked: u64,
    start: Vec<u8>,
}

/// The hex digits of the longest line that a message begins with.
const LONGEST_START: usize = 512;

impl Echoes {
    pub(super) fn new(common: &Arc<Common>) -> Self {
        Self {
            common: Arc::clone(common),
            pending: Pending::default(),
            calls: Calls::default(),
            asked: 0,
            start: Vec::new(),
        }
    }

    /// The process wrote a line.
    pub(super) fn line(&mut self, line: &Line<'_>) {
        let what = match line {
            Line::Whole(line) => self.whole(line.strip_suffix(b"\r").unwrap_or(line)),
            Line::TooLong(start) => self.too_long(start),
        };
        self.common.metrics.line(what);
    }

    fn whole(&mut self, line: &[u8]) -> ScriptLine {
        let mut payload = Vec::new();
        match line {
            // Nothing becomes of answers: they are not even read.
            [b'3', b'2' | b'3', ..] => return ScriptLine::Answer,
            [b'3', b'1', ..] if super::hex::decode(line, &mut payload) => {}
            _ => return ScriptLine::Garbage,
        }
        let Some(((b'1', id), _)) = message_line(&payload) else {
            return ScriptLine::Garbage;
        };
        let known = token(self.common.tag, id);
        let Some(token) = known else {
            return ScriptLine::Unknown;
        };
        let Some((inbox, at)) = self.pending.echo(token) else {
            return ScriptLine::Unknown;
        };
        self.asked += line.len() as u64 + 1;
        self.common.metrics.latency.record(at.elapsed());
        let reply = reply_to(payload, &self.common.limits, &self.common.budget);
        let what = match &reply {
            Err(Unscripted::Invalid) => ScriptLine::Invalid,
            _ => ScriptLine::Echo,
        };
        self.calls.reply(&inbox, token, reply);
        what
    }

    /// What is longer than any request may be is none; whose echo it was to be stands at its start.
    fn too_long(&mut self, start: &[u8]) -> ScriptLine {
        let start = &start[..start.len().min(LONGEST_START) & !1];
        if super::hex::decode(start, &mut self.start)
            && let Some(((b'1', id), _)) = message_line(&self.start)
            && let Some(token) = token(self.common.tag, id)
            && let Some((inbox, _)) = self.pending.echo(token)
        {
            self.calls.reply(&inbox, token, Err(Unscripted::Invalid));
        }
        ScriptLine::TooLong
    }
}
