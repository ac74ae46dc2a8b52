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
        let Some(token) = token(self.common.tag, id) else {
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

    /// A line that is longer than any request is invalid; its start has the id of the request that it echoes.
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

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        config,
        script::{Inbox, Limits, hex, id},
        tee::Budget,
        telemetry::rate::RateLimit,
    };

    fn echoes() -> Echoes {
        Echoes::new(&Arc::new(Common {
            name: "script".into(),
            settings: config::Script::of(vec!["cat".into()]),
            limits: Limits {
                header_bytes: 1000,
                header_count: 10,
                target_bytes: 100,
            },
            budget: Budget::new(1 << 20),
            metrics: Arc::default(),
            tag: *b"00000000",
            ended: RateLimit::new(1, Duration::from_secs(60)),
            said: RateLimit::new(1, Duration::from_secs(60)),
        }))
    }

    fn line(start: &str, id: &[u8], rest: &[u8]) -> Vec<u8> {
        let mut digits = Vec::new();
        hex::encode(
            &[start.as_bytes(), id, b" 1 0\n", rest].concat(),
            &mut digits,
        );
        digits
    }

    proptest! {
        #[test]
        fn whatever_is_written_each_request_has_one_reply(
            lines in proptest::collection::vec(prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..60),
                "[0-9a-f]{0,80}".prop_map(String::into_bytes),
                (0..6_u64, "[123]", "(GET|get|PUT) /[a-z ]{0,3} HTTP/1.[01]\r\n(Host: a\r\n|Transfer-Encoding: chunked\r\n){0,2}\r\n[a-z]{0,4}")
                    .prop_map(|(token, kind, text)| line(&format!("{kind} "), &id(*b"00000000", token), text.as_bytes())),
            ], 0..40),
            cut: bool,
        ) {
            let (mut echoes, inbox) = (echoes(), Arc::<Inbox>::default());
            for token in 0..4 {
                echoes.pending.enter(token, Instant::now(), Arc::clone(&inbox));
                echoes.pending.given(token, 10 * token, None);
            }
            // Entered, and not given.
            echoes.pending.enter(4, Instant::now(), Arc::clone(&inbox));
            for line in &lines {
                echoes.line(&if cut { Line::TooLong(line) } else { Line::Whole(line) });
            }
            let waiting = echoes.pending.len();
            let mut replied: Vec<_> = inbox.take().iter().map(|reply| reply.token).collect();
            prop_assert_eq!(replied.len() + waiting, 5);
            prop_assert!(replied.iter().all(|token| *token < 4));
            replied.sort_unstable();
            replied.dedup();
            prop_assert_eq!(replied.len() + waiting, 5);
            let mut calls = Calls::default();
            echoes.pending.lose(&echoes.common.limits, &mut calls);
            prop_assert_eq!(inbox.take().len(), waiting);
        }
    }
}
