//! The thread of one process: starts it, serves it, and starts it again when it ends.

use std::{
    sync::{
        Arc,
        atomic::Ordering::{Relaxed, SeqCst},
        mpsc::{Receiver, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    Common,
    child::Child,
    inbox::{Calls, Unscripted},
    pending::reply_to,
    process::{Gate, Given},
    serving::{End, Serving},
};
use crate::config::WhenDown;

/// The thread of one process.
pub(super) struct ProcessSupervisor {
    common: Arc<Common>,
    gate: Arc<Gate>,
    given: Receiver<Given>,
    pause: Duration,
}

/// The first pause before a process is started again, which doubles up to the longest; one that ran for longer than
/// that begins anew.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

impl ProcessSupervisor {
    pub(super) fn new(common: Arc<Common>, gate: Arc<Gate>, given: Receiver<Given>) -> Self {
        Self {
            common,
            gate,
            given,
            pause: FIRST_PAUSE,
        }
    }

    /// Until the script is dropped, or the program stops.
    pub(super) fn run(mut self) {
        while !self.gate.stops() {
            let started = Instant::now();
            let ended = match Child::start(&self.common.settings) {
                Ok(child) => match self.serve(child) {
                    Some(ended) => ended,
                    None => return,
                },
                Err(error) => format!("it can't be started: {error}"),
            };
            self.gate.is_down.store(true, SeqCst);
            if started.elapsed() > LONGEST_PAUSE {
                self.pause = FIRST_PAUSE;
            }
            let Common {
                name, ended: limit, ..
            } = &*self.common;
            if let Some(left_out) = limit.allow() {
                tracing::warn!(
                    script = name,
                    ended,
                    pause_ms = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX),
                    when_down = match self.common.settings.when_down {
                        WhenDown::Send => "send",
                        WhenDown::HoldBack => "hold_back",
                    },
                    left_out,
                    "the script is down; it is started again"
                );
            }
            if !self.rest() {
                return;
            }
            self.pause = (2 * self.pause).min(LONGEST_PAUSE);
        }
    }

    /// Serves a process until it ends, and says why it did; `None` where it was asked to.
    fn serve(&self, child: Child) -> Option<String> {
        let metrics = &self.common.metrics;
        metrics.starts.fetch_add(1, Relaxed);
        metrics.up.fetch_add(1, Relaxed);
        self.gate.is_down.store(false, SeqCst);
        tracing::info!(
            script = self.common.name,
            pid = child.id(),
            "the script runs"
        );
        let mut serving = Serving::new(&self.common, &self.gate, &self.given, child);
        let end = serving.run();
        metrics.up.fetch_sub(1, Relaxed);
        if end == End::Asked {
            serving.stop();
            return None;
        }
        // From here on nothing more is put behind what waits.
        self.gate.is_down.store(true, SeqCst);
        let status = serving.bury(end);
        let mut calls = Calls::default();
        for given in serving.lose() {
            self.turn_away(given, &mut calls);
        }
        calls.make();
        Some(match (end, status) {
            (End::Exited | End::Closed, Some(status)) => status.to_string(),
            (End::Hung, _) => "it took nothing for hang_timeout, and was ended".into(),
            (End::Flooded, _) => "it wrote much more than it was given, and was ended".into(),
            _ => "it closed its input or output, and was ended".into(),
        })
    }

    /// Waits for the pause to pass, and turns requests away meanwhile; false where the supervisor has to end.
    fn rest(&self) -> bool {
        let end = Instant::now() + self.pause;
        loop {
            let mut calls = Calls::default();
            let gone = loop {
                match self.given.try_recv() {
                    Ok(given) => self.turn_away(given, &mut calls),
                    Err(error) => break error == TryRecvError::Disconnected,
                }
            };
            calls.make();
            if gone || self.gate.stops() {
                return false;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            // Where there are many requests, they are turned away many at a time.
            thread::sleep(left.min(Duration::from_millis(1)));
            self.gate.will_sleep();
            if let Ok(given) = self.given.try_recv() {
                self.turn_away(given, &mut calls);
                calls.make();
            } else {
                let gate = self.gate.descriptor();
                let mut gate = [PollFd::from_borrowed_fd(gate, PollFlags::IN)];
                let _ = poll(&mut gate, Timespec::try_from(left).ok().as_ref());
            }
            self.gate.awake();
        }
    }

    /// Replies to a request that comes while no process runs.
    fn turn_away(&self, given: Given, calls: &mut Calls) {
        self.gate.queued.fetch_sub(given.payload().len(), Relaxed);
        let Given::Request {
            token,
            payload,
            held,
            inbox,
            ..
        } = given
        else {
            return;
        };
        let result = match self.common.settings.when_down {
            WhenDown::HoldBack => Err(Unscripted::Down),
            WhenDown::Send => {
                drop(held);
                reply_to(payload, &self.common.limits, &self.common.budget)
            }
        };
        calls.reply(&inbox, token, result);
    }
}
