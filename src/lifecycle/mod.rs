//! The phases of a process, the signals that move it through them, and the notifications to systemd.

mod signals;
pub(crate) mod systemd;

pub(crate) use signals::{Signal, Signals};

use tokio::sync::watch;

/// running → draining → flushing → stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Clients are accepted.
    Running,
    /// No new clients; requests in flight are finished.
    Draining,
    /// Copies in flight are finished.
    Flushing,
    Stopped,
}

/// Moves the process from phase to phase; workers and the administration look on.
#[derive(Debug)]
pub(crate) struct Phases(watch::Sender<Phase>);

impl Phases {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Running))
    }

    pub(crate) fn watch(&self) -> Watch {
        Watch(self.0.subscribe())
    }

    /// Goes on to `phase`; never back.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let forward = *now < phase;
            *now = phase.max(*now);
            forward
        });
    }
}

/// A look at the phase.
#[derive(Clone, Debug)]
pub(crate) struct Watch(watch::Receiver<Phase>);

impl Watch {
    pub(crate) fn now(&self) -> Phase {
        *self.0.borrow()
    }

    /// Waits until `phase` is reached, or the [`Phases`] are dropped.
    pub(crate) async fn reached(&mut self, phase: Phase) {
        let _ = self.0.wait_for(|now| *now >= phase).await;
    }
}
