//! Where a shadow thread sleeps, and what wakes it.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed, Ordering::SeqCst, fence},
    },
};

use rustix::pipe::{PipeFlags, pipe_with};
use tokio::{io::AsyncReadExt, net::unix::pipe};

/// What was put in, and whether a thread is woken for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    #[default]
    Not,
    /// It is of use when something waits for it.
    Lazily,
    Urgently,
}

/// What a shadow thread sleeps at.
#[derive(Debug)]
pub(crate) struct Doorbell {
    pipe: OwnedFd,
    /// How deep the thread sleeps.
    sleep: AtomicU8,
}

/// The thread is awake; or it is woken for whatever comes; or for what is urgent only.
const AWAKE: u8 = 0;
const LIGHT: u8 = 1;
const DEEP: u8 = 2;

impl Doorbell {
    /// A bell, and where its thread hears it.
    ///
    /// # Errors
    /// Where the system refuses more descriptors.
    pub(crate) fn new() -> io::Result<(Arc<Self>, OwnedFd)> {
        let (hears, pipe) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let bell = Arc::new(Self {
            pipe,
            sleep: AtomicU8::new(AWAKE),
        });
        Ok((bell, hears))
    }

    /// Wakes the thread, where it sleeps.
    pub(crate) fn ring(&self) {
        self.ring_for(Urgency::Urgently);
    }

    /// As that, unless the thread sleeps too deep for it.
    pub(super) fn ring_for(&self, touched: Urgency) {
        // What was put in is seen by a thread that goes to sleep, or its sleep is seen here.
        fence(SeqCst);
        let wakes = match self.sleep.load(Relaxed) {
            AWAKE => false,
            LIGHT => true,
            _ => touched == Urgency::Urgently,
        };
        if wakes && self.sleep.swap(AWAKE, SeqCst) != AWAKE {
            // It can't be full: there is one byte in it at most.
            let _ = rustix::io::write(&self.pipe, &[0]);
        }
    }
}

/// The shadow thread's side of its doorbell.
pub(crate) struct Sleeper {
    door: Arc<Doorbell>,
    hears: pipe::Receiver,
}

impl Sleeper {
    /// In the runtime of the thread that sleeps.
    ///
    /// # Errors
    /// Where the system refuses to watch it.
    pub(crate) fn new(door: &Arc<Doorbell>, hears: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            hears: pipe::Receiver::from_owned_fd(hears)?,
            door: Arc::clone(door),
        })
    }

    /// Sleeps until the bell rings, unless there is something already. A deep sleep is ended by requests and their bodies,
    /// a light one by what the primary answered, too.
    pub(crate) async fn sleep(&mut self, is_deep: bool, is_something: impl Fn() -> bool) {
        let depth = if is_deep { DEEP } else { LIGHT };
        self.door.sleep.store(depth, SeqCst);
        fence(SeqCst);
        if is_something() && self.door.sleep.swap(AWAKE, SeqCst) != AWAKE {
            return;
        }
        // The thread that took the sign that it sleeps rings. More room than there are bytes saves another look at the pipe.
        let _ = self.hears.read(&mut [0; 8]).await;
    }
}
