//! What a client's connection is at, as its socket's side and the stack tell each other.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU8, Ordering::Relaxed},
    },
    task::Waker,
};

/// What the connection is at, shared by the socket's side and the stack's.
#[derive(Debug, Default)]
pub(super) struct Line {
    state: AtomicU8,
    /// The end must not look like the end of an answer.
    cut: AtomicBool,
    /// The client may still be sending when its connection is closed.
    linger: AtomicBool,
    /// The request line has a `#`.
    fragment: AtomicBool,
    /// Of whoever waits for the end of the client's bytes, while it is held back.
    waker: Mutex<Option<Waker>>,
}

/// No request is being answered.
const IDLE: u8 = 0;
/// A request is being answered.
const BUSY: u8 = 1;
/// Its answer is made, and being written.
const FINISHING: u8 = 2;
/// Another protocol is spoken.
const SWITCHED: u8 = 3;

impl Line {
    fn is(&self, state: u8) -> bool {
        self.state.load(Relaxed) == state
    }

    /// No request is being answered.
    pub(super) fn is_idle(&self) -> bool {
        self.is(IDLE)
    }

    /// An answer is made, and being written.
    pub(super) fn is_finishing(&self) -> bool {
        self.is(FINISHING)
    }

    /// Another protocol is spoken.
    pub(super) fn is_switched(&self) -> bool {
        self.is(SWITCHED)
    }

    /// The end must not look like the end of an answer.
    pub(super) fn is_cut(&self) -> bool {
        self.cut.load(Relaxed)
    }

    /// The client may still be sending when its connection is closed.
    pub(super) fn lingers(&self) -> bool {
        self.linger.load(Relaxed)
    }

    pub(super) fn linger(&self) {
        self.linger.store(true, Relaxed);
    }

    pub(super) fn note_fragment(&self) {
        self.fragment.store(true, Relaxed);
    }

    /// The answer is written.
    pub(super) fn rest(&self) {
        self.state.store(IDLE, Relaxed);
    }

    /// A request is there; `has_body`: with more to be read.
    pub(super) fn begin(&self, has_body: bool) {
        self.state.store(BUSY, Relaxed);
        if has_body {
            self.linger();
        }
    }

    /// Whether the target had a fragment: hyper takes it off without a word.
    pub(super) fn take_fragment(&self) -> bool {
        self.fragment.load(Relaxed) && self.fragment.swap(false, Relaxed)
    }

    /// Its answer is made as far as it will be. `cut`: it is not whole, and only a reset can say so.
    pub(super) fn finish(&self, cut: bool) {
        let _ = self
            .state
            .compare_exchange(BUSY, FINISHING, Relaxed, Relaxed);
        if cut {
            self.cut.store(true, Relaxed);
        }
    }

    /// Another protocol is spoken from here on.
    pub(super) fn switch(&self) {
        self.state.store(SWITCHED, Relaxed);
    }

    /// Has `waker` woken by [`Line::wake`].
    pub(super) fn park(&self, waker: &Waker) {
        *self.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(waker.clone());
    }

    pub(super) fn wake(&self) {
        if let Some(waker) = self
            .waker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            waker.wake();
        }
    }
}
