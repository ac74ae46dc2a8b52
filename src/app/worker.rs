//! One worker: a thread with a runtime, pools and clients of its own.

use std::{io, pin::pin, rc::Rc, sync::Arc, time::Duration};

use futures_util::FutureExt;
use tokio::{
    runtime::{Builder, LocalOptions},
    sync::mpsc::UnboundedReceiver,
    task::spawn_local,
    time::{sleep, timeout},
};

use super::shared::{Admission, Shared};
use crate::{
    capture,
    client::{Pool, PoolSettings, Reading},
    lifecycle::Phase,
    net::{Acceptor, Bound, Handover, Load, Parcel, Raw},
    proxy::{self, Drain, Path},
    shadow::Sender,
    tee::Recipient,
    telemetry::{metrics::ProxyCount, rate::RateLimit, sharded},
};

/// Runs worker `index` on the calling thread until the process is stopped.
///
/// # Errors
/// Where the system refuses what a runtime needs.
pub(super) fn run(
    index: usize,
    shared: &Arc<Shared>,
    listeners: Vec<Bound>,
    handover: Handover<Option<Admission>>,
    inbox: UnboundedReceiver<Parcel<Option<Admission>>>,
) -> io::Result<()> {
    sharded::enter_worker(index);
    let runtime = Builder::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let acceptors = listeners
            .into_iter()
            .map(Acceptor::new)
            .collect::<Result<_, _>>()?;
        let worker = Rc::new(Worker::build(index, shared, handover));
        worker.run(acceptors, inbox).await;
        Ok(())
    })
}

struct Worker {
    shared: Arc<Shared>,
    path: Path,
    handover: Handover<Option<Admission>>,
}

/// accept(2) that fails has nothing to do with the clients that are there; how often that is logged.
static ACCEPT_FAILURES: RateLimit = RateLimit::new(1, Duration::from_secs(10));
/// How long accepting rests after it failed.
const ACCEPT_REST: Duration = Duration::from_millis(50);

impl Worker {
    fn build(index: usize, shared: &Arc<Shared>, handover: Handover<Option<Admission>>) -> Self {
        let config = &shared.config;
        let senders = shared.shadows.iter().map(|shadow| {
            let sender = Sender::start(Arc::clone(shadow), index);
            Rc::new(sender) as Rc<dyn Recipient>
        });
        let pool = Pool::new(
            shared.primary.clone(),
            PoolSettings {
                idle_connections: config.primary.idle_connections,
                idle_timeout: config.primary.idle_timeout.0,
                connections: None,
                reading: Reading {
                    header_bytes: config.limits.header_bytes.bytes(),
                    header_count: config.limits.header_count,
                },
                metrics: Arc::clone(&shared.primary_metrics),
            },
        );
        let path = Path {
            pool,
            recipients: senders.collect(),
            capture: shared.capture.as_ref().and_then(capture::Running::recorder),
            budget: Arc::clone(&shared.budget),
            ledger: Arc::clone(&shared.ledger),
            metrics: Arc::clone(&shared.metrics),
            marks: shared.marks.clone(),
            timeouts: config.timeouts.clone(),
            limits: config.limits.clone(),
            request_id: config.request_id.header.spelling().into(),
            add_forwarded: config.forwarded.add,
            access_log: config.log.access,
            drain: Rc::new(Drain::default()),
        };
        Self {
            shared: Arc::clone(shared),
            path,
            handover,
        }
    }

    /// Through all phases, to the end.
    async fn run(
        self: Rc<Self>,
        acceptors: Vec<Acceptor>,
        inbox: UnboundedReceiver<Parcel<Option<Admission>>>,
    ) {
        let mut phase = self.shared.phase.clone();
        self.accept_all(acceptors, inbox);
        phase.reached(Phase::Draining).await;
        self.path.drain.ask();
        let linger = self.shared.config.stop.linger.0;
        // A client that has a request on its way gets its answer, and is told that it is the last.
        let _ = timeout(linger, phase.reached(Phase::Flushing)).await;
        self.path.drain.close();
        phase.reached(Phase::Stopped).await;
    }

    fn accept_all(
        self: &Rc<Self>,
        acceptors: Vec<Acceptor>,
        mut inbox: UnboundedReceiver<Parcel<Option<Admission>>>,
    ) {
        for (index, acceptor) in acceptors.into_iter().enumerate() {
            let worker = Rc::clone(self);
            let open = self.shared.listens();
            spawn_local(async move {
                worker.accept(index, acceptor).await;
                drop(open);
            });
        }
        let worker = Rc::clone(self);
        spawn_local(async move {
            while let Some(parcel) = inbox.recv().await {
                if let Ok(raw) = parcel.accepted.enter_runtime() {
                    worker.welcome(parcel.listener, raw, parcel.ticket, parcel.load);
                }
            }
        });
    }

    /// Until the process drains; then the listener is closed, and whoever had connected to it is served.
    async fn accept(self: &Rc<Self>, listener: usize, acceptor: Acceptor) {
        let mut phase = self.shared.phase.clone();
        let mut draining = pin!(phase.reached(Phase::Draining));
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = acceptor.accept() => accepted,
                () = &mut draining => break,
            };
            match accepted {
                Ok(raw) => self.share_out(listener, raw),
                Err(error) => {
                    if let Some(left_out) = ACCEPT_FAILURES.allow() {
                        tracing::warn!(%error, left_out, "clients can't be accepted; those that are connected are served");
                    }
                    sleep(ACCEPT_REST).await;
                }
            }
        }
        while let Some(Ok(raw)) = acceptor.accept().now_or_never() {
            self.share_out(listener, raw);
        }
    }

    fn share_out(self: &Rc<Self>, listener: usize, raw: Raw) {
        if let Some((raw, admission)) =
            self.handover
                .keep_or_give(listener, raw, self.shared.admit())
        {
            self.welcome(listener, raw, admission, self.handover.client());
        }
    }

    fn welcome(
        self: &Rc<Self>,
        listener: usize,
        raw: Raw,
        admission: Option<Admission>,
        load: Load,
    ) {
        let worker = Rc::clone(self);
        spawn_local(async move {
            worker.serve(listener, raw, admission).await;
            drop(load);
        });
    }

    async fn serve(&self, listener: usize, raw: Raw, admission: Option<Admission>) {
        let greeter = &self.shared.greeters[listener];
        let address = raw.peer();
        let stream = timeout(self.path.timeouts.client_header.0, greeter.greet(raw)).await;
        let stream = match stream {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "a client's TLS handshake failed"),
            Err(_) => {
                return tracing::debug!(
                    "a client's TLS handshake took longer than timeouts.client_header"
                );
            }
        };
        let Some(_admission) = admission else {
            return proxy::refuse_client(&self.path, stream).await;
        };
        let _present = Present::count(self);
        proxy::serve(
            &self.path,
            proxy::Accepted {
                stream,
                address,
                tls: greeter.is_tls(),
            },
        )
        .await;
    }
}

/// A client connection in the metrics.
struct Present<'a>(&'a Worker);

impl<'a> Present<'a> {
    fn count(worker: &'a Worker) -> Self {
        worker.path.metrics.count(ProxyCount::ClientsAccepted, 1);
        Self(worker)
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.path.metrics.count(ProxyCount::ClientsGone, 1);
    }
}
