//! Where a worker finds what became of the requests that it gave to a script.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use super::message::Edited;
use crate::{ledger::Outcome, tee::Held};

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) token: u64,
    /// As it is to be sent, with its share of the budget; or why it is not.
    pub(crate) result: Result<(Edited, Held), Unscripted>,
}

/// Why a request does not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unscripted {
    /// The script took it and wrote nothing in time.
    Dropped,
    /// The script did not come to it in time.
    Late,
    /// What it wrote is not a request that could be sent.
    Invalid,
    /// It is down, and copies are held back.
    Down,
    /// As much waits for it as may.
    Full,
    OverBudget,
}

impl Unscripted {
    /// What becomes of its copy.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Dropped => Outcome::ScriptedOut,
            Self::Late => Outcome::ScriptTimeout,
            Self::Invalid => Outcome::ScriptInvalid,
            Self::Down => Outcome::ScriptDown,
            Self::Full => Outcome::QueueFull,
            Self::OverBudget => Outcome::OverBudget,
        }
    }

    /// As the ledger calls it.
    pub(crate) fn as_str(self) -> &'static str {
        self.outcome().as_str()
    }
}

/// Where a worker finds what became of its requests.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    replies: Mutex<Vec<Reply>>,
    notify: Notify,
}

impl Inbox {
    pub(super) fn put(&self, reply: Reply) {
        self.replies.lock().push(reply);
    }

    /// All that is there.
    pub(crate) fn take(&self) -> Vec<Reply> {
        std::mem::take(&mut *self.replies.lock())
    }

    /// Wakes the task that waits for replies.
    pub(crate) fn call(&self) {
        self.notify.notify_one();
    }

    /// Waits until it is called.
    pub(crate) async fn called(&self) {
        self.notify.notified().await;
    }
}

/// Inboxes that have something new: each is called once for many replies.
#[derive(Default)]
pub(super) struct Calls(Vec<Arc<Inbox>>);

impl Calls {
    pub(super) fn reply(
        &mut self,
        inbox: &Arc<Inbox>,
        token: u64,
        result: Result<(Edited, Held), Unscripted>,
    ) {
        inbox.put(Reply { token, result });
        if !self.0.iter().any(|known| Arc::ptr_eq(known, inbox)) {
            self.0.push(Arc::clone(inbox));
        }
    }

    pub(super) fn make(&mut self) {
        self.0.drain(..).for_each(|inbox| inbox.call());
    }
}
