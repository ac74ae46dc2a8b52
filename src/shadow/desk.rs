//! Where the copies to one shadow wait until their script has written them.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
};

use tokio::task::spawn_local;

use super::{
    copy::Copy,
    replayed::Replayed,
    sample,
    sender::{Queued, Sender},
};
use crate::{
    ledger::Outcome,
    script::{Inbox, Script, Ticket, Unscripted, write_request},
};

/// Where the copies to one shadow wait for their script.
pub(super) struct Desk {
    script: Arc<Script>,
    inbox: Arc<Inbox>,
    /// Whole, and not given yet.
    ready: RefCell<VecDeque<Waiting>>,
    given: RefCell<HashMap<u64, (Ticket, Waiting)>>,
    /// Copies whose body is not whole yet.
    coming: Cell<usize>,
    /// Somebody looks after all of these.
    runs: Cell<bool>,
}

type Waiting = (Copy, Option<Queued>);

impl Desk {
    pub(super) fn new(script: Arc<Script>) -> Self {
        Self {
            script,
            inbox: Arc::default(),
            ready: RefCell::default(),
            given: RefCell::default(),
            coming: Cell::new(0),
            runs: Cell::new(false),
        }
    }

    /// Has the task look.
    pub(super) fn call(&self) {
        self.inbox.call();
    }

    /// Takes a copy for the script; nothing is done with it here.
    pub(super) fn take(&self, sender: &Rc<Sender>, copy: Copy, queued: Option<Queued>) {
        if !self.runs.replace(true) {
            spawn_local(run(Rc::clone(sender)));
        }
        if copy.body.is_coming() {
            self.coming.set(self.coming.get() + 1);
            spawn_local(await_body(Rc::clone(sender), copy, queued));
        } else {
            self.is_whole(copy, queued);
        }
    }

    /// What keeps the shadow's answer to this request for the script, where it wants answers.
    pub(super) fn replayed(&self, ticket: Ticket) -> Option<Replayed> {
        let wants = self.script.settings().answers;
        wants.then(|| Replayed::new(Arc::clone(&self.script), ticket))
    }

    fn is_whole(&self, copy: Copy, queued: Option<Queued>) {
        self.ready.borrow_mut().push_back((copy, queued));
        self.call();
    }

    fn is_empty(&self) -> bool {
        self.coming.get() == 0 && self.ready.borrow().is_empty() && self.given.borrow().is_empty()
    }

    /// Gives a copy to the script.
    fn give(&self, sender: &Sender, (mut copy, queued): Waiting) {
        // One whose body failed is settled already.
        if copy.body.is_lost() {
            return;
        }
        let pieces = copy.body.take_pieces();
        let has_body = copy.body.exists();
        let pair = Rc::clone(&copy.pair);
        let exchange = pair.exchange();
        let head = &exchange.head;
        let key = self.script.settings().by.as_ref();
        let seen = sender.shadow.seen(head, exchange.peer);
        let key = key.and_then(|key| sample::place(key, seen));
        let given = self
            .script
            .give(&self.inbox, key, exchange.received, |out| {
                let body = pieces.iter().map(|piece| &piece.bytes[..]);
                write_request(head, body, has_body, out);
            });
        match given {
            Ok(ticket) => {
                pair.given(ticket);
                let waiting = (ticket, (copy, queued));
                self.given.borrow_mut().insert(ticket.token, waiting);
            }
            Err(why) => copy.settle(outcome(why)),
        }
    }

    /// Sends, or gives up, what the script has made up its mind about.
    fn take_replies(&self, sender: &Rc<Sender>) {
        for reply in self.inbox.take() {
            let Some((ticket, (mut copy, queued))) = self.given.borrow_mut().remove(&reply.token)
            else {
                continue;
            };
            match reply.result {
                Ok((edited, held)) => {
                    copy.write(edited.head, edited.body, held);
                    sender.enter(copy, queued, Some(ticket));
                }
                Err(why) => copy.settle(outcome(why)),
            }
        }
    }
}

/// Looks after a desk until its sender is retired and nothing waits.
async fn run(sender: Rc<Sender>) {
    let Some(desk) = &sender.desk else { return };
    loop {
        desk.take_replies(&sender);
        let ready = desk.ready.take();
        for waiting in ready {
            desk.give(&sender, waiting);
        }
        if sender.retired.get() && desk.is_empty() {
            return desk.runs.set(false);
        }
        desk.inbox.called().await;
    }
}

async fn await_body(sender: Rc<Sender>, copy: Copy, queued: Option<Queued>) {
    let Some(desk) = &sender.desk else { return };
    poll_fn(|cx| copy.body.poll_whole(cx)).await;
    desk.coming.set(desk.coming.get() - 1);
    desk.is_whole(copy, queued);
}

fn outcome(why: Unscripted) -> Outcome {
    match why {
        Unscripted::Dropped => Outcome::ScriptedOut,
        Unscripted::Late => Outcome::ScriptTimeout,
        Unscripted::Invalid => Outcome::ScriptInvalid,
        Unscripted::Down => Outcome::ScriptDown,
        Unscripted::Full => Outcome::QueueFull,
        Unscripted::OverBudget => Outcome::OverBudget,
    }
}
