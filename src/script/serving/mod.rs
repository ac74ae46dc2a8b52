//! One process from its start to its end: what waits is written to it, what it writes is read, what it does not echo in
//! time is given up.

mod end;
mod wait;

use std::{
    collections::VecDeque,
    io::{ErrorKind, Read, Write},
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, TryRecvError},
    },
    time::{Duration, Instant},
};

use rustix::io::ioctl_fionread;

use super::{
    Common,
    child::Child,
    echoes::Echoes,
    hex,
    lines::{Line, Lines},
    pending::due,
    process::{Gate, Given},
};
use crate::{
    config::WhenDown,
    telemetry::{metrics::ScriptLine, text::escaped},
};

/// One process, served.
pub(super) struct Serving<'a> {
    common: &'a Arc<Common>,
    gate: &'a Gate,
    given: &'a Receiver<Given>,
    child: Child,
    echoes: Echoes,
    /// What it is to be given next.
    backlog: VecDeque<Given>,
    /// Digits on their way to it, and how many of them are written.
    out: Vec<u8>,
    out_written: usize,
    /// Bytes that went into `out`.
    encoded: u64,
    lines: Lines,
    errors: Lines,
    buf: Vec<u8>,
    read: u64,
    started: Instant,
    /// When it took something for the first time.
    ready: Option<Instant>,
    /// How much it had taken when it was looked at, and since when it is as much.
    taken: u64,
    progress: Instant,
    /// Until when it has to take something of what waits.
    hangs_at: Option<Instant>,
    /// Its errors are not read before then.
    errors_rest: Option<Instant>,
    shown: (u64, u64),
}

/// Why a process is served no longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is not needed any more.
    Asked,
    Exited,
    /// It took nothing for too long.
    Hung,
    /// It wrote much more than it was given.
    Flooded,
    /// It closed its input or its output, and lives.
    Closed,
}

/// Limit of the digits that are made before they are written: about as much as a pipe holds.
const OUT: usize = 64 * 1024;
const BUF: usize = 64 * 1024;
/// Limit of the reads of one side before the other has its turn.
const TURNS: usize = 16;
/// How long standard error rests where there is very much of it. A script waits for it to be read: it is still some
/// sixty megabytes a second, so that what a script says holds up none of its copies.
const REST: Duration = Duration::from_millis(1);
/// Limit of the unasked bytes that a process may write, beside twice what it was given.
const UNASKED: u64 = 8 << 20;
/// What a line has beside the message as it is given: room for a larger one.
const GROWTH: usize = 64 * 1024;
/// Of a line of standard error, in bytes.
const ERROR: usize = 2000;

impl<'a> Serving<'a> {
    pub(super) fn new(
        common: &'a Arc<Common>,
        gate: &'a Gate,
        given: &'a Receiver<Given>,
        child: Child,
    ) -> Self {
        let now = Instant::now();
        let largest = common.settings.request_bytes.bytes() + common.limits.header_bytes + GROWTH;
        Self {
            common,
            gate,
            given,
            child,
            echoes: Echoes::new(common),
            backlog: VecDeque::new(),
            out: Vec::new(),
            out_written: 0,
            encoded: 0,
            lines: Lines::new(2 * largest, &common.budget),
            errors: Lines::new(ERROR, &common.budget),
            buf: vec![0; BUF],
            read: 0,
            started: now,
            ready: None,
            taken: 0,
            progress: now,
            hangs_at: None,
            errors_rest: None,
            shown: (0, 0),
        }
    }

    /// Until it ends, or is to.
    pub(super) fn run(&mut self) -> End {
        loop {
            let turn = self.turn();
            self.echoes.calls.make();
            self.show();
            if let Err(end) = turn {
                return end;
            }
            self.gate.will_sleep();
            if let Ok(given) = self.given.try_recv() {
                self.enter(given);
            } else {
                self.sleep();
            }
            self.gate.awake();
        }
    }

    /// Does all that can be done now.
    fn turn(&mut self) -> Result<(), End> {
        loop {
            match self.given.try_recv() {
                Ok(given) => self.enter(given),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return Err(End::Asked),
            }
        }
        if self.gate.stops() {
            return Err(End::Asked);
        }
        self.write()?;
        let closed = self.read();
        self.read_errors();
        if self.child.has_ended() {
            return Err(End::Exited);
        }
        if closed {
            return Err(End::Closed);
        }
        // Twice in digits what it was given, and as much again.
        if self.read.saturating_sub(self.echoes.asked) > UNASKED + 2 * self.encoded {
            return Err(End::Flooded);
        }
        self.give_up()
    }

    fn enter(&mut self, given: Given) {
        if let Given::Request {
            token, at, inbox, ..
        } = &given
        {
            self.echoes.pending.enter(*token, *at, Arc::clone(inbox));
        }
        self.backlog.push_back(given);
    }

    /// Writes as much as the pipe takes.
    fn write(&mut self) -> Result<(), End> {
        loop {
            self.encode();
            if self.out.is_empty() {
                return Ok(());
            }
            let Some(stdin) = &mut self.child.stdin else {
                return Ok(());
            };
            match stdin.write(&self.out[self.out_written..]) {
                Ok(written) => self.out_written += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // It may have ended, and what it wrote before is still to be read.
                Err(_) => {
                    self.read();
                    return Err(End::Closed);
                }
            }
            if self.out_written == self.out.len() {
                self.out.clear();
                self.out_written = 0;
                if self.out.capacity() > 4 * OUT {
                    self.out = Vec::new();
                }
            }
        }
    }

    /// Makes digits of what is next.
    fn encode(&mut self) {
        while self.out.len() < OUT
            && let Some(given) = self.backlog.pop_front()
        {
            let before = self.out.len();
            self.gate.queued.fetch_sub(given.payload().len(), Relaxed);
            match given {
                Given::Request {
                    token,
                    payload,
                    held,
                    ..
                } => {
                    if !self.echoes.pending.waits(token) {
                        continue;
                    }
                    hex::encode(&payload, &mut self.out);
                    let written = self.encoded + (self.out.len() - before) as u64 + 1;
                    let keeps = self.common.settings.when_down == WhenDown::Send;
                    let kept = keeps.then_some((payload, held));
                    self.echoes.pending.given(token, written, kept);
                }
                Given::Answer { payload, .. } => hex::encode(&payload, &mut self.out),
            }
            self.out.push(b'\n');
            self.encoded += (self.out.len() - before) as u64;
        }
    }

    /// Reads what it wrote; true at the end of that.
    fn read(&mut self) -> bool {
        for _ in 0..TURNS {
            let Some(stdout) = &mut self.child.stdout else {
                return true;
            };
            match stdout.read(&mut self.buf) {
                Ok(0) => return true,
                Ok(length) => {
                    self.read += length as u64;
                    let echoes = &mut self.echoes;
                    self.lines
                        .take(&self.buf[..length], |line| echoes.line(&line));
                    if length < BUF / 2 {
                        return false;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() != ErrorKind::WouldBlock,
            }
        }
        false
    }

    fn read_errors(&mut self) {
        if self.errors_rest.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.errors_rest = None;
        let Some(stderr) = &mut self.child.stderr else {
            return;
        };
        match stderr.read(&mut self.buf) {
            Ok(0) => self.child.stderr = None,
            Ok(length) => {
                let common = self.common;
                self.errors
                    .take(&self.buf[..length], |line| say(common, &line));
                if length > BUF / 2 {
                    self.errors_rest = Some(Instant::now() + REST);
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => {}
                _ => self.child.stderr = None,
            },
        }
    }

    /// Gives up what is not echoed in time, and the process where it takes nothing.
    fn give_up(&mut self) -> Result<(), End> {
        let now = Instant::now();
        let settings = &self.common.settings;
        let oldest = self.echoes.pending.oldest();
        let is_due = match (oldest, self.ready) {
            (Some(_), None) => true,
            (Some(oldest), Some(ready)) => due(oldest, ready, settings.timeout.0) <= now,
            (None, _) => false,
        };
        if !is_due && self.hangs_at.is_none_or(|at| now < at) {
            return Ok(());
        }
        let unread = self.child.stdin.as_ref().map(ioctl_fionread);
        let unread = unread.and_then(Result::ok).unwrap_or(0);
        let waiting = (self.out.len() - self.out_written) as u64 + unread;
        let taken = self.encoded.saturating_sub(waiting);
        let idle = waiting == 0 && self.backlog.is_empty();
        if taken != self.taken || idle {
            (self.taken, self.progress) = (taken, now);
        }
        if taken > 0 {
            self.ready.get_or_insert(now);
        }
        let hang = settings.hang_timeout.0;
        self.hangs_at = (!idle).then_some(self.progress + hang);
        let is_hung = !idle && now >= self.progress + hang;
        // As long as it only starts, the time of its requests does not run.
        let ready = self
            .ready
            .unwrap_or(if is_hung { self.started } else { now });
        if let Some(until) = now.checked_sub(settings.timeout.0)
            && until >= ready
        {
            let Echoes { pending, calls, .. } = &mut self.echoes;
            pending.give_up(until, taken, idle, calls);
        }
        if is_hung { Err(End::Hung) } else { Ok(()) }
    }

    /// Puts what is there now into the metrics, in which all processes of a script add up.
    fn show(&mut self) {
        let metrics = &self.common.metrics;
        let now = (
            self.echoes.pending.len() as u64,
            self.gate.queued.load(Relaxed) as u64,
        );
        let before = std::mem::replace(&mut self.shown, now);
        for (gauge, now, before) in [
            (&metrics.waiting, now.0, before.0),
            (&metrics.queued, now.1, before.1),
        ] {
            if now != before {
                gauge.fetch_add(now.wrapping_sub(before), Relaxed);
            }
        }
    }

    /// What it had not been given; what it had, is replied to.
    pub(super) fn lose(mut self) -> Vec<Given> {
        let backlog: Vec<_> = std::mem::take(&mut self.backlog).into();
        let Echoes { pending, calls, .. } = &mut self.echoes;
        // Each of these gets its reply from the caller.
        for given in &backlog {
            if let Given::Request { token, .. } = given {
                pending.forget(*token);
            }
        }
        pending.lose(&self.common.limits, calls);
        calls.make();
        self.show();
        backlog
    }
}

/// A line of standard error goes to the log.
fn say(common: &Common, line: &Line<'_>) {
    common.metrics.line(ScriptLine::Error);
    let (line, cut) = match line {
        Line::Whole(line) => (*line, ""),
        Line::TooLong(start) => (&start[..start.len().min(ERROR)], "…"),
    };
    if let Some(left_out) = common.said.allow() {
        let line = escaped(&String::from_utf8_lossy(line.trim_ascii_end()));
        tracing::info!(script = common.name, line = %format_args!("{line}{cut}"), left_out, "the script says");
    }
}
