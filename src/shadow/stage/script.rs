//! Where the copies to one shadow wait until their script has written them.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    future::poll_fn,
    rc::Rc,
    sync::Arc,
};

use tokio::task::spawn_local;

use super::{
    super::{copy::ShadowCopy, sample},
    Stage,
};
use crate::script::{Inbox, Script, write_request};

/// Where the copies to one shadow wait for their script.
pub(super) struct ScriptStage {
    script: Arc<Script>,
    next: Rc<dyn Stage>,
    inbox: Arc<Inbox>,
    /// By the token that the script knows them by.
    given: RefCell<HashMap<u64, ShadowCopy>>,
    /// Somebody takes the replies.
    runs: Cell<bool>,
}

impl Stage for ScriptStage {
    fn take(self: Rc<Self>, copy: ShadowCopy) {
        if !copy.body.is_coming() {
            return self.give(copy);
        }
        spawn_local(async move {
            poll_fn(|cx| copy.body.poll_whole(cx)).await;
            self.give(copy);
        });
    }
}

impl ScriptStage {
    pub(super) fn new(script: &Arc<Script>, next: Rc<dyn Stage>) -> Rc<Self> {
        Rc::new(Self {
            script: Arc::clone(script),
            next,
            inbox: Arc::default(),
            given: RefCell::default(),
            runs: Cell::new(false),
        })
    }

    /// Gives a copy that is whole to the script.
    fn give(self: Rc<Self>, mut copy: ShadowCopy) {
        // One whose body failed is settled already.
        if copy.body.is_lost() {
            return;
        }
        let pieces = copy.body.take_pieces();
        let has_body = copy.body.exists();
        let exchange = copy.pair.exchange();
        let head = &exchange.head;
        let key = self.script.settings().by.as_ref();
        let seen = copy.pair.shadow().seen(head, exchange.peer);
        let key = key.and_then(|key| sample::place(key, seen));
        let given = self
            .script
            .give(&self.inbox, key, exchange.received, |out| {
                let body = pieces.iter().map(|piece| &piece.bytes[..]);
                write_request(head, body, has_body, out);
            });
        match given {
            Ok(ticket) => {
                copy.pair.given(ticket);
                copy.ticket = Some(ticket);
                self.given.borrow_mut().insert(ticket.token, copy);
                if !self.runs.replace(true) {
                    spawn_local(self.run());
                }
            }
            Err(why) => copy.settle(why.outcome()),
        }
    }

    /// Takes replies for as long as any is to come.
    async fn run(self: Rc<Self>) {
        while !self.given.borrow().is_empty() {
            self.inbox.called().await;
            self.take_replies();
        }
        self.runs.set(false);
    }

    /// Hands on, or gives up, what the script has made up its mind about.
    fn take_replies(&self) {
        for reply in self.inbox.take() {
            let Some(mut copy) = self.given.borrow_mut().remove(&reply.token) else {
                continue;
            };
            match reply.result {
                Ok((edited, held)) => {
                    copy.write(edited.head, edited.body, held);
                    Rc::clone(&self.next).take(copy);
                }
                Err(why) => copy.settle(why.outcome()),
            }
        }
    }
}
