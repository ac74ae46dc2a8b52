//! Ends client connections without losing a request that is on its way.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    task::Waker,
};

/// What the connections of one worker are told when it is to stop.
#[derive(Debug, Default)]
pub(crate) struct Drain {
    asked: Cell<bool>,
    closing: Cell<bool>,
    next: Cell<u64>,
    connections: RefCell<HashMap<u64, Waker>>,
}

impl Drain {
    /// Every answer from now on is the last of its connection.
    pub(crate) fn ask(&self) {
        self.asked.set(true);
    }

    /// Idle connections are closed now, the others after their answer.
    pub(crate) fn close(&self) {
        self.asked.set(true);
        self.closing.set(true);
        self.connections
            .borrow()
            .values()
            .for_each(Waker::wake_by_ref);
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.asked.get()
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Takes a connection in; its task is woken when it has to close.
    pub(super) fn enter(&self, waker: Waker) -> u64 {
        let key = self.next.get();
        self.next.set(key + 1);
        self.connections.borrow_mut().insert(key, waker);
        key
    }

    pub(super) fn leave(&self, key: u64) {
        self.connections.borrow_mut().remove(&key);
    }
}
