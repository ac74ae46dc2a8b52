//! One process as workers see it: somewhere to put messages, without ever waiting.

use std::{
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc,
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{Relaxed, SeqCst},
            fence,
        },
        mpsc,
    },
    time::Instant,
};

use super::inbox::{Inbox, Unscripted};
use crate::{config::WhenDown, tee::Held};

/// A message on its way to a process.
pub(super) enum Given {
    Request {
        token: u64,
        at: Instant,
        payload: Vec<u8>,
        held: Held,
        inbox: Arc<Inbox>,
    },
    Answer {
        payload: Vec<u8>,
        _held: Held,
    },
}

impl Given {
    pub(super) fn payload(&self) -> &[u8] {
        match self {
            Self::Request { payload, .. } | Self::Answer { payload, .. } => payload,
        }
    }
}

/// One process as workers see it. Dropped, its thread ends it.
pub(super) struct Process {
    /// `None` once it is being dropped.
    pub(super) to_supervisor: Option<mpsc::Sender<Given>>,
    pub(super) gate: Arc<Gate>,
    /// Limit of the bytes that wait for the process.
    pub(super) queue: usize,
    pub(super) when_down: WhenDown,
}

/// What workers and the thread share.
pub(super) struct Gate {
    /// Bytes that wait for the process.
    pub(super) queued: AtomicUsize,
    pub(super) is_down: AtomicBool,
    /// The program stops.
    stops: AtomicBool,
    sleeps: AtomicBool,
    wake: OwnedFd,
}

impl Process {
    /// Bytes that wait for it.
    pub(super) fn queued(&self) -> usize {
        self.gate.queued.load(Relaxed)
    }

    /// Puts a message behind the others.
    pub(super) fn give(&self, given: Given) -> Result<(), Unscripted> {
        if self.when_down == WhenDown::HoldBack && self.gate.is_down.load(Relaxed) {
            return Err(Unscripted::Down);
        }
        let length = given.payload().len();
        if self.gate.queued.fetch_add(length, Relaxed) + length > self.queue {
            self.gate.queued.fetch_sub(length, Relaxed);
            return Err(Unscripted::Full);
        }
        let sent = self.to_supervisor.as_ref().map(|to| to.send(given));
        if !matches!(sent, Some(Ok(()))) {
            return Err(Unscripted::Down);
        }
        self.gate.call();
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Gone first, so that the thread finds it gone when it wakes.
        self.to_supervisor = None;
        self.gate.wake();
    }
}

impl Gate {
    pub(super) fn new() -> std::io::Result<Arc<Self>> {
        use rustix::event::{EventfdFlags, eventfd};
        Ok(Arc::new(Self {
            queued: AtomicUsize::new(0),
            is_down: AtomicBool::new(false),
            stops: AtomicBool::new(false),
            sleeps: AtomicBool::new(false),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        }))
    }

    /// The program stops, and the process with it.
    pub(super) fn stop(&self) {
        self.stops.store(true, SeqCst);
        self.wake();
    }

    pub(super) fn stops(&self) -> bool {
        self.stops.load(SeqCst)
    }

    /// Wakes the thread where it sleeps.
    fn call(&self) {
        fence(SeqCst);
        if self.sleeps.load(Relaxed) && self.sleeps.swap(false, Relaxed) {
            self.wake();
        }
    }

    fn wake(&self) {
        // A counter that is full has woken it already.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// For the thread: it is about to sleep. What comes from now on wakes it; what came before, it has to look for once
    /// more.
    pub(super) fn will_sleep(&self) {
        self.sleeps.store(true, Relaxed);
        fence(SeqCst);
    }

    /// For the thread: it is awake.
    pub(super) fn awake(&self) {
        self.sleeps.store(false, Relaxed);
        let _ = rustix::io::read(&self.wake, &mut [0_u8; 8]);
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}
