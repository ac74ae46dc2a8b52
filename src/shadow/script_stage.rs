//! Where the copies to one shadow wait until their script has written them.

use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, VecDeque},
    future::poll_fn,
    rc::Rc,
    sync::Arc,
};

use tokio::task::spawn_local;

use super::{copy::ShadowCopy, order::Queued, sample};
use crate::script::{Inbox, Script, Ticket, write_request};

/// Where the copies to one shadow wait for their script.
pub(super) struct ScriptStage {
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

/// Where copies go once their script has written them.
pub(super) trait Next: 'static {
    /// The stage before it.
    fn stage(&self) -> Option<&ScriptStage>;
    /// It gets no more copies.
    fn is_retired(&self) -> bool;
    /// Takes a copy, as the script knows it.
    fn enter(self: &Rc<Self>, copy: ShadowCopy, queued: Option<Queued>, ticket: Option<Ticket>);
}

type Waiting = (ShadowCopy, Option<Queued>);

impl ScriptStage {
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
    pub(super) fn take(&self, next: &Rc<impl Next>, copy: ShadowCopy, queued: Option<Queued>) {
        if !self.runs.replace(true) {
            spawn_local(run(Rc::clone(next)));
        }
        if copy.body.is_coming() {
            self.coming.set(self.coming.get() + 1);
            spawn_local(await_body(Rc::clone(next), copy, queued));
        } else {
            self.is_whole(copy, queued);
        }
    }

    fn is_whole(&self, copy: ShadowCopy, queued: Option<Queued>) {
        self.ready.borrow_mut().push_back((copy, queued));
        self.call();
    }

    fn is_empty(&self) -> bool {
        self.coming.get() == 0 && self.ready.borrow().is_empty() && self.given.borrow().is_empty()
    }

    /// Gives a copy to the script.
    fn give(&self, (mut copy, queued): Waiting) {
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
        let seen = pair.shadow().seen(head, exchange.peer);
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
            Err(why) => copy.settle(why.outcome()),
        }
    }

    /// Sends, or gives up, what the script has made up its mind about.
    fn take_replies(&self, next: &Rc<impl Next>) {
        for reply in self.inbox.take() {
            let Some((ticket, (mut copy, queued))) = self.given.borrow_mut().remove(&reply.token)
            else {
                continue;
            };
            match reply.result {
                Ok((edited, held)) => {
                    copy.write(edited.head, edited.body, held);
                    next.enter(copy, queued, Some(ticket));
                }
                Err(why) => copy.settle(why.outcome()),
            }
        }
    }
}

/// Looks after a stage until its sender is retired and nothing waits.
async fn run(next: Rc<impl Next>) {
    let Some(stage) = next.stage() else { return };
    loop {
        stage.take_replies(&next);
        let ready = stage.ready.take();
        for waiting in ready {
            stage.give(waiting);
        }
        if next.is_retired() && stage.is_empty() {
            return stage.runs.set(false);
        }
        stage.inbox.called().await;
    }
}

async fn await_body(next: Rc<impl Next>, copy: ShadowCopy, queued: Option<Queued>) {
    let Some(stage) = next.stage() else { return };
    poll_fn(|cx| copy.body.poll_whole(cx)).await;
    stage.coming.set(stage.coming.get() - 1);
    stage.is_whole(copy, queued);
}
