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
    limit: AtomicUsize,
    /// Connections that are open above the limit: they are not replaced.
    surplus: AtomicUsize,
    /// Called when one is wanted and none is free: idle ones are closed then.
    called: Notify,
    waiting: AtomicUsize,
}

impl Share {
    pub(crate) fn new(connections: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(connections)),
            limit: AtomicUsize::new(connections),
            surplus: AtomicUsize::new(0),
            called: Notify::new(),
            waiting: AtomicUsize::new(0),
        })
    }

    /// Changes the limit. Where more connections are open, their number goes down as they end.
    pub(crate) fn resize(&self, connections: usize) {
        let before = self.limit.swap(connections, Relaxed);
        if connections < before {
            let less = before - connections;
            let forgotten = self.free.forget_permits(less);
            self.surplus.fetch_add(less - forgotten, Relaxed);
        } else {
            let mut more = connections - before;
            while more > 0 && self.pay() {
                more -= 1;
            }
            self.free.add_permits(more);
        }
    }

    /// Takes one off the surplus, where there is one.
    fn pay(&self) -> bool {
        self.surplus
            .fetch_update(Relaxed, Relaxed, |n| n.checked_sub(1))
            .is_ok()
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

    /// The leave to open one connection; `None` where none becomes free within `patience`.
    pub(super) async fn take(self: &Arc<Self>, patience: Duration) -> Option<Permit> {
        let permit = |permit| Permit {
            permit: Some(permit),
            share: Arc::clone(self),
        };
        if let Ok(free) = Arc::clone(&self.free).try_acquire_owned() {
            return Some(permit(free));
        }
        let _waiting = Waiting::begin(&self.waiting);
        self.called.notify_waiters();
        let waited = timeout(patience, Arc::clone(&self.free).acquire_owned()).await;
        waited.ok()?.ok().map(permit)
    }
}

/// The leave to have one connection open, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    permit: Option<OwnedSemaphorePermit>,
    share: Arc<Share>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.share.pay()
            && let Some(permit) = self.permit.take()
        {
            permit.forget();
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_smaller_share_is_reached_as_connections_end() {
        let share = Share::new(3);
        let mut open = Vec::new();
        for _ in 0..3 {
            open.push(share.take(Duration::ZERO).await.unwrap());
        }
        share.resize(1);
        open.pop();
        open.pop();
        assert!(share.take(Duration::ZERO).await.is_none());
        open.pop();
        let one = share.take(Duration::ZERO).await.unwrap();
        assert!(share.take(Duration::ZERO).await.is_none());
        share.resize(2);
        assert!(share.take(Duration::ZERO).await.is_some());
        drop(one);
    }
}
