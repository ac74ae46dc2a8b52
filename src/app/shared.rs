//! What all workers share: read without locks, counted with atomics.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::SystemTime,
};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::{
    generation::Generation,
    live::{Live, SharedResources},
    watchdog::Watchdog,
};
use crate::{
    capture,
    config::Address,
    lifecycle::Watch,
    net::Greeter,
    shadow::Threads,
    telemetry::{
        history::Rings,
        metrics::{CaptureMetrics, ProxyMetrics},
    },
};

/// Gets the outcome of a reload: what changed, or every mistake.
pub(super) type ReloadRequest = oneshot::Sender<Result<String, Vec<String>>>;

/// What all workers share.
pub(crate) struct Shared {
    pub(super) resources: SharedResources,
    pub(super) workers: usize,
    /// Those of the shadow side.
    pub(super) threads: Arc<Threads>,
    /// What a reload changes.
    pub(super) live: ArcSwap<Live>,
    /// Counts the changes of it: workers wait for the next.
    pub(super) generation: Generation,
    /// One for each listener of the configuration.
    pub(super) greeters: Vec<Greeter>,
    pub(super) capture: Option<capture::Running>,
    pub(super) captured: Arc<CaptureMetrics>,
    pub(super) metrics: Arc<ProxyMetrics>,
    pub(super) clients: Arc<AtomicUsize>,
    /// Listening sockets that workers have open.
    pub(super) listening: Arc<AtomicUsize>,
    pub(super) phase: Watch,
    pub(super) watchdog: Watchdog,
    /// Asks for a reload.
    pub(super) to_reload: mpsc::UnboundedSender<ReloadRequest>,
    pub(super) started: SystemTime,
    /// Where clients connect, with the ports that the system chose.
    pub(super) listen: Vec<Address>,
    pub(super) rings: Mutex<Rings>,
}

impl Shared {
    /// A place for one more client, unless there are too many.
    pub(super) fn admit(&self) -> Option<Counted> {
        let live = self.live.load();
        let limit = live.config.limits.connections.min(live.descriptors.clients);
        drop(live);
        let (admission, before) = Counted::new(&self.clients);
        (before < limit).then_some(admission)
    }

    /// Puts what was loaded in place of what ran. From here on nothing can fail.
    pub(super) fn put_in_place(&self, live: Live) {
        self.resources
            .budget
            .set_limit(live.config.limits.shadow_memory.bytes());
        self.resources
            .differences
            .set(live.config.log.differences_per_second);
        for shadow in &live.shadows {
            self.resources.ledger.enter(shadow.name(), &shadow.account);
            shadow.take_effect();
        }
        live.comparing.put_in_place();
        self.live.store(Arc::new(live));
    }

    /// Whether no client is here, and none can come any more.
    pub(super) fn is_deserted(&self) -> bool {
        self.listening.load(Relaxed) == 0
            && self.clients.load(Relaxed) == 0
            && self.metrics.exchanges() == 0
    }
}

/// Something that is counted as long as it is there.
pub(super) struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// One more, and how many there were before.
    pub(super) fn new(counter: &Arc<AtomicUsize>) -> (Self, usize) {
        let before = counter.fetch_add(1, Relaxed);
        (Self(Arc::clone(counter)), before)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
