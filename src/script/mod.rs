//! Scripts: processes that see copies before they are sent, and may change or drop them, by the protocol of
//! `GoReplay`'s middleware.
//!
//! Each message is one line, the hex digits of `type id time latency\n` and of the raw HTTP message. Type 1 is a
//! request, 2 the primary's answer to it, 3 the shadow's; all three have one id. A request that is echoed under its id
//! goes on as it was written; whatever else a process writes changes nothing.
//!
//! A worker gives a message away and never waits: each process has a thread of its own, which does all that is
//! read, written, counted and waited for. What a thread keeps is held by the budget. However a process behaves, each
//! request that it was given gets one reply.

mod child;
mod echoes;
mod hex;
mod inbox;
mod launch;
mod lines;
mod measure;
mod message;
mod pending;
mod process;
mod process_pool;
mod process_supervisor;
mod serving;

pub(crate) use inbox::{Inbox, Unscripted};
pub(crate) use launch::play;
pub use measure::scripted;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use message::read_request;
pub(crate) use message::{Edited, Kind, Limits, write_answer, write_request};
pub(crate) use process_pool::ProcessPool;

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use process::{Given, Process};

use crate::{
    capture::first_line,
    config,
    tee::{Budget, Held, RecordedResponse, Recording},
    telemetry::{metrics::ScriptMetrics, rate::RateLimit},
};

/// A script whose processes run, until it is dropped.
pub(crate) struct Script {
    common: Arc<Common>,
    processes: Vec<Process>,
    tokens: AtomicU64,
    next: AtomicUsize,
}

/// What all processes of a script have in common.
struct Common {
    /// The key of the configuration that it stands at.
    name: String,
    settings: config::Script,
    limits: Limits,
    budget: Arc<Budget>,
    metrics: Arc<ScriptMetrics>,
    /// What the ids of all its messages begin with.
    tag: [u8; TAG],
    /// One warning a minute, however many processes end how often.
    ended: RateLimit,
    said: RateLimit,
}

/// An id is 24 hex digits: a tag and a number.
const TAG: usize = 8;
const NUMBER: usize = 16;

/// A request that was given to a script.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    pub(crate) token: u64,
    process: usize,
}

/// What a message costs beside its bytes.
const MESSAGE: usize = 256;

impl Script {
    /// Starts its threads; they start the processes.
    pub(crate) fn start(
        name: String,
        settings: config::Script,
        limits: Limits,
        budget: &Arc<Budget>,
        process_pool: &ProcessPool,
    ) -> io::Result<Arc<Self>> {
        let mut tag = [0; TAG];
        tag.copy_from_slice(format!("{:08x}", fastrand::u32(..)).as_bytes());
        let common = Arc::new(Common {
            metrics: process_pool.metrics(&name),
            name,
            limits,
            budget: Arc::clone(budget),
            tag,
            ended: RateLimit::new(1, Duration::from_secs(60)),
            said: RateLimit::new(LINES, Duration::from_secs(1)),
            settings,
        });
        let start = |index| process_pool.employ(&common, index);
        let processes = (0..common.settings.processes).map(start);
        Ok(Arc::new(Self {
            processes: processes.collect::<Result<_, _>>()?,
            common,
            tokens: AtomicU64::new(0),
            next: AtomicUsize::new(0),
        }))
    }

    pub(crate) fn settings(&self) -> &config::Script {
        &self.common.settings
    }

    /// How many bytes of a response's body it wants; `None` where it wants no responses.
    pub(crate) fn wanted(&self) -> Option<u64> {
        let settings = self.settings();
        settings.answers.then_some(settings.answer_bytes.0)
    }

    /// What keeps a response for it, where it wants responses.
    pub(crate) fn recording(&self) -> Option<Recording> {
        let limit = self.wanted()?;
        Some(Recording::new(limit, &self.common.budget))
    }

    /// Gives a response to the process that got its request; `latency`: how long after its request it ended.
    pub(crate) fn tell(
        &self,
        ticket: Ticket,
        kind: Kind,
        response: &RecordedResponse,
        latency: Duration,
    ) {
        let body = response.body.bytes(self.settings().answer_bytes.bytes());
        let is_whole = response.is_whole && body.len() as u64 == response.body.length();
        self.answer(ticket, kind, latency, |out| {
            write_answer(&response.head, &body, is_whole, out);
        });
    }

    /// Bytes of messages that no process was given yet.
    pub(crate) fn queued(&self) -> usize {
        self.processes.iter().map(Process::queued).sum()
    }

    /// Whether this is what a script with these settings would be.
    pub(crate) fn is(&self, name: &str, settings: &config::Script, limits: Limits) -> bool {
        self.common.name == name
            && self.common.limits == limits
            && config::is_same(&self.common.settings, settings)
    }

    /// Gives a request, which `write` writes, to the process of its key. What becomes of it is told at the inbox under
    /// the ticket's token.
    ///
    /// # Errors
    /// Where it is not given to any.
    pub(crate) fn give(
        &self,
        inbox: &Arc<Inbox>,
        key: Option<u64>,
        received: Instant,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<Ticket, Unscripted> {
        let turn = key.unwrap_or_else(|| self.next.fetch_add(1, Relaxed) as u64);
        let process = usize::try_from(turn % self.processes.len() as u64).unwrap_or_default();
        let ticket = Ticket {
            token: self.tokens.fetch_add(1, Relaxed),
            process,
        };
        let at = Instant::now();
        let time = SystemTime::now() - at.saturating_duration_since(received);
        let (payload, held) = self.message(ticket, Kind::Request, time, Duration::ZERO, write)?;
        let given = Given::Request {
            token: ticket.token,
            at,
            payload,
            held,
            inbox: Arc::clone(inbox),
        };
        self.processes[process].give(given)?;
        Ok(ticket)
    }

    /// Gives an answer to the process that got its request; one that doesn't fit is left out.
    pub(crate) fn answer(
        &self,
        ticket: Ticket,
        kind: Kind,
        latency: Duration,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let time = SystemTime::now();
        if let Ok((payload, held)) = self.message(ticket, kind, time, latency, write) {
            // Answers get no reply.
            let _ = self.processes[ticket.process].give(Given::Answer {
                payload,
                _held: held,
            });
        }
    }

    fn message(
        &self,
        ticket: Ticket,
        kind: Kind,
        time: SystemTime,
        latency: Duration,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(Vec<u8>, Held), Unscripted> {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let since = nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default());
        let mut payload = Vec::with_capacity(1024);
        let id = id(self.common.tag, ticket.token);
        first_line(kind.digit(), &id, since, nanos(latency), &mut payload);
        write(&mut payload);
        // As it is and, for a moment, as hex digits.
        let held = self.common.budget.hold(3 * payload.len() + MESSAGE);
        Ok((payload, held.ok_or(Unscripted::OverBudget)?))
    }
}

/// Limit of the lines of standard error that are logged per second.
const LINES: u64 = 20;

fn id(tag: [u8; TAG], token: u64) -> [u8; TAG + NUMBER] {
    let mut id = [0; TAG + NUMBER];
    id[..TAG].copy_from_slice(&tag);
    for (place, byte) in id[TAG..].chunks_exact_mut(2).zip(token.to_be_bytes()) {
        place.copy_from_slice(&hex::digits(byte));
    }
    id
}

/// The token in an id of this script's.
fn token(tag: [u8; TAG], id: &[u8]) -> Option<u64> {
    let digits = id.strip_prefix(&tag)?;
    // No sign, as a number of Rust's may have.
    if digits.len() != NUMBER || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_found_in_its_id_and_in_no_other() {
        for number in [0, 1, 0xfedc_ba98_7654_3210, u64::MAX] {
            let id = id(*b"0123abcd", number);
            assert_eq!(id.len(), 24);
            assert_eq!(token(*b"0123abcd", &id), Some(number));
            assert_eq!(token(*b"0123abce", &id), None);
            assert_eq!(token(*b"0123abcd", &id[..23]), None);
        }
        assert_eq!(token(*b"0123abcd", b"0123abcd+123456789012345"), None);
    }
}
