//! The connections that all workers together may have open to one address.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// The connections that all workers together may have open to one address.
#[derive(Debug)]
pub(crate) struct Share {
    free: Arc<Semaphore>,
    /// Called when one is wanted and none is free: idle ones are closed then.
    called: Notify,
    waiting: AtomicUsize,
}

impl Share {
    pub(crate) fn new(connections: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(connections)),
            called: Notify::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Waits until a connection is wanted and none is free.
    pub(super) async fn wanted(share: Option<&Self>) {
        let Some(share) = share else {
            return std::future::pending().await;
        };
        let called = share.called.notified();
        if share.lacking() == 0 {
            called.await;
        }
    }

    /// How many connections are waited for.
    pub(super) fn lacking(&self) -> usize {
        self.waiting.load(Relaxed)
    }

    /// The leave to open one connection; `None` where none is free for so long.
    pub(super) async fn take(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = Waiting::begin(&self.waiting);
        self.called.notify_waiters();
        let waited = timeout(patience, Arc::clone(&self.free).acquire_owned()).await;
        waited.ok()?.ok()
    }
}

/// Counted as long as somebody waits, also where the wait is given up from outside.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
