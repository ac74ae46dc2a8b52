//! The requests that one process was given, or is to be given, until each has its reply.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    inbox::{Calls, Inbox, Unscripted},
    message::{Limits, read_request},
};
use crate::tee::{Budget, Held};

/// A request without a reply.
pub(super) struct Waiting {
    inbox: Arc<Inbox>,
    pub(super) at: Instant,
    /// How many bytes the process was given when this was: `None` as long as it was not.
    written: Option<u64>,
    /// What it was, where it is sent as it was should the process end.
    kept: Option<(Vec<u8>, Held)>,
}

/// The requests without a reply, the oldest first.
#[derive(Default)]
pub(super) struct Pending {
    by_token: HashMap<u64, Waiting>,
    in_order: VecDeque<u64>,
    /// As much as the process was given with the last request that it echoed.
    echoed: u64,
}

impl Pending {
    /// A request is to be given to the process.
    pub(super) fn enter(&mut self, token: u64, at: Instant, inbox: Arc<Inbox>) {
        let waiting = Waiting {
            inbox,
            at,
            written: None,
            kept: None,
        };
        self.by_token.insert(token, waiting);
        self.in_order.push_back(token);
    }

    pub(super) fn len(&self) -> usize {
        self.by_token.len()
    }

    pub(super) fn waits(&self, token: u64) -> bool {
        self.by_token.contains_key(&token)
    }

    /// The process was given it, `written` bytes with it in all.
    pub(super) fn given(&mut self, token: u64, written: u64, kept: Option<(Vec<u8>, Held)>) {
        if let Some(waiting) = self.by_token.get_mut(&token) {
            waiting.written = Some(written);
            waiting.kept = kept;
        }
    }

    /// The process wrote something about it: it waits no longer.
    pub(super) fn echo(&mut self, token: u64) -> Option<(Arc<Inbox>, Instant)> {
        // What was not given to it, it can only have guessed.
        self.by_token.get(&token)?.written?;
        let waiting = self.by_token.remove(&token)?;
        self.echoed = self.echoed.max(waiting.written.unwrap_or_default());
        self.forget_replied();
        Some((waiting.inbox, waiting.at))
    }

    /// Removes a request that is replied to elsewhere.
    pub(super) fn forget(&mut self, token: u64) {
        self.by_token.remove(&token);
    }

    /// Since when the oldest waits.
    pub(super) fn oldest(&self) -> Option<Instant> {
        let token = self.in_order.front()?;
        self.by_token.get(token).map(|waiting| waiting.at)
    }

    /// Gives up all that were given before `until`. The process has read so many bytes; `idle`: that is all that there
    /// is for it.
    pub(super) fn give_up(&mut self, until: Instant, read: u64, idle: bool, calls: &mut Calls) {
        while self.oldest().is_some_and(|at| at <= until) {
            let Some(token) = self.in_order.pop_front() else {
                return;
            };
            let Some(waiting) = self.by_token.remove(&token) else {
                continue;
            };
            // It took it, and went on to a later one or waits for more: it dropped it.
            let dropped = waiting
                .written
                .is_some_and(|written| written < self.echoed || (written <= read && idle));
            let why = if dropped {
                Unscripted::Dropped
            } else {
                Unscripted::Late
            };
            calls.reply(&waiting.inbox, token, Err(why));
            self.forget_replied();
        }
    }

    /// The process has ended: what waits is sent as it was, where that is kept.
    pub(super) fn lose(&mut self, limits: &Limits, calls: &mut Calls) {
        for token in self.in_order.drain(..) {
            let Some(waiting) = self.by_token.remove(&token) else {
                continue;
            };
            let result = match waiting.kept {
                Some((payload, held)) => read_request(payload, limits)
                    .map(|edited| (edited, held))
                    .map_err(|_| Unscripted::Invalid),
                None => Err(Unscripted::Down),
            };
            calls.reply(&waiting.inbox, token, result);
        }
        self.echoed = 0;
    }

    /// Nothing is kept of those that have their reply, beside a place in the order.
    fn forget_replied(&mut self) {
        while let Some(token) = self.in_order.front()
            && !self.by_token.contains_key(token)
        {
            self.in_order.pop_front();
        }
    }
}

/// The reply to a request that the process wrote so.
pub(super) fn reply_to(
    payload: Vec<u8>,
    limits: &Limits,
    budget: &Arc<Budget>,
) -> Result<(super::Edited, Held), Unscripted> {
    let held = budget
        .hold(payload.len() + super::MESSAGE)
        .ok_or(Unscripted::OverBudget)?;
    let edited = read_request(payload, limits).map_err(|_| Unscripted::Invalid)?;
    Ok((edited, held))
}

/// When the oldest is to be given up, with the time counted from `ready` at the earliest.
pub(super) fn due(oldest: Instant, ready: Instant, timeout: Duration) -> Instant {
    oldest.max(ready) + timeout
}
