//! One worker: a thread with a runtime, pools and clients of its own.

use std::{cell::RefCell, io, pin::pin, rc::Rc, sync::Arc, time::Duration};

use tokio::{
    runtime::{Builder, LocalOptions},
    sync::{mpsc::UnboundedReceiver, watch},
    task::spawn_local,
    time::{sleep, timeout},
};

use super::{
    live::{Live, Primary},
    shared::{Counted, Shared},
};
use crate::{
    capture,
    ledger::Account,
    lifecycle::Phase,
    net::{Acceptor, Bound, Handover, Load, Parcel, Raw, count_waits},
    proxy::{self, Drain, Pipeline, Pipelines},
    shadow::{self, Shadow},
    tee::Recipient,
    telemetry::{metrics::ProxyCount, rate::RateLimit, sharded},
    upstream::Pool,
};

/// Runs worker `index` on the calling thread until the process is stopped.
pub(super) fn run(
    index: usize,
    shared: &Arc<Shared>,
    listeners: Vec<Bound>,
    generation: watch::Receiver<u64>,
    handover: Handover<Option<Counted>>,
    inbox: UnboundedReceiver<Parcel<Option<Counted>>>,
) -> io::Result<()> {
    sharded::enter_worker(index);
    let runtime = count_waits(&mut Builder::new_current_thread())
        .enable_all()
        .build_local(LocalOptions::default())?;
    runtime.block_on(async {
        let acceptors = listeners.into_iter().map(Acceptor::new);
        let acceptors = acceptors.collect::<Result<_, _>>()?;
        let worker = Rc::new(Worker::build(shared, handover));
        spawn_local(Rc::clone(&worker).follow(index, generation));
        spawn_local(shared.watchdog.clone().beat(index));
        worker.run(acceptors, inbox).await;
        Ok(())
    })
}

struct Worker {
    shared: Arc<Shared>,
    pipelines: Pipelines,
    parts: RefCell<Parts>,
    handover: Handover<Option<Counted>>,
}

/// The parts of this worker's pipeline that outlive a change of the configuration.
struct Parts {
    primary: Option<(Arc<Primary>, Rc<Pool>)>,
    recipients: Vec<(Arc<Shadow>, Rc<dyn Recipient>)>,
    /// Accounts that count this worker's requests.
    accounts: Vec<Arc<Account>>,
    capture: Option<Rc<capture::Recorder>>,
    drain: Rc<Drain>,
}

impl Parts {
    /// The pipeline of the live configuration, with the connections that are open.
    fn pipeline(&mut self, shared: &Arc<Shared>) -> Pipeline {
        let live = shared.live.load_full();
        let recipients = self.recipients(shared, &live);
        let absent = live.absent(&shared.resources.ledger);
        for (_, account) in shared.resources.ledger.accounts() {
            let mut known = self.accounts.iter();
            if !known.any(|known| Arc::ptr_eq(known, &account)) {
                account.missed(shared.resources.ledger.requests_here());
                self.accounts.push(account);
            }
        }
        let config = &live.config;
        Pipeline {
            pool: self.pool(&live),
            recipients,
            absent,
            capture: self.capture.clone(),
            budget: Arc::clone(&shared.resources.budget),
            ledger: Arc::clone(&shared.resources.ledger),
            metrics: Arc::clone(&shared.metrics),
            marks: live.marks.clone(),
            timeouts: config.timeouts.clone(),
            limits: config.limits.clone(),
            request_id: config.request_id.header.spelling().into(),
            add_forwarded: config.forwarded.add,
            access_log: config.log.access,
            drain: Rc::clone(&self.drain),
        }
    }

    fn pool(&mut self, live: &Live) -> Rc<Pool> {
        match &self.primary {
            Some((primary, pool)) if Arc::ptr_eq(primary, &live.primary) => Rc::clone(pool),
            _ => {
                let Primary { connector, pool } = &*live.primary;
                let pool = Pool::new(connector.clone(), pool.clone());
                self.primary = Some((Arc::clone(&live.primary), Rc::clone(&pool)));
                pool
            }
        }
    }

    fn recipients(&mut self, shared: &Shared, live: &Live) -> Rc<[Rc<dyn Recipient>]> {
        let mut before = std::mem::take(&mut self.recipients);
        for shadow in &live.shadows {
            let mut known = before.iter();
            let known = known.position(|(known, _)| Arc::ptr_eq(known, shadow));
            let new = || {
                (
                    Arc::clone(shadow),
                    shadow::recipient(shadow, &shared.threads),
                )
            };
            self.recipients
                .push(known.map_or_else(new, |known| before.swap_remove(known)));
        }
        let recipients = self.recipients.iter();
        recipients.map(|(_, one)| Rc::clone(one)).collect()
    }
}

/// Limits how often a failure of accept(2) is logged.
static ACCEPT_FAILURES: RateLimit = RateLimit::new(1, Duration::from_secs(10));
/// How long accepting rests after it failed.
const ACCEPT_REST: Duration = Duration::from_millis(50);

impl Worker {
    fn build(shared: &Arc<Shared>, handover: Handover<Option<Counted>>) -> Self {
        let mut parts = Parts {
            primary: None,
            recipients: Vec::new(),
            accounts: Vec::new(),
            capture: shared.capture.as_ref().and_then(capture::Running::recorder),
            drain: Rc::default(),
        };
        Self {
            pipelines: Pipelines::new(parts.pipeline(shared)),
            parts: parts.into(),
            shared: Arc::clone(shared),
            handover,
        }
    }

    /// Takes up each change of the configuration.
    async fn follow(self: Rc<Self>, index: usize, mut generation: watch::Receiver<u64>) {
        while generation.changed().await.is_ok() {
            let number = *generation.borrow_and_update();
            // No other task of this worker runs in between: a request counts by the old pipeline or by the new one.
            let pipeline = self.parts.borrow_mut().pipeline(&self.shared);
            self.pipelines.replace(pipeline);
            self.shared.generation.taken_up(index, number);
        }
    }

    /// Through all phases, to the end.
    async fn run(
        self: Rc<Self>,
        acceptors: Vec<Acceptor>,
        inbox: UnboundedReceiver<Parcel<Option<Counted>>>,
    ) {
        let mut phase = self.shared.phase.clone();
        self.accept_all(acceptors, inbox);
        phase.reached(Phase::Draining).await;
        self.pipelines.drain.ask();
        let linger = self.shared.live.load().config.stop.linger.0;
        // A client that has a request on its way gets its answer, and is told that it is the last.
        let _ = timeout(linger, phase.reached(Phase::Flushing)).await;
        self.pipelines.drain.close();
        phase.reached(Phase::Stopped).await;
    }

    fn accept_all(
        self: &Rc<Self>,
        acceptors: Vec<Acceptor>,
        mut inbox: UnboundedReceiver<Parcel<Option<Counted>>>,
    ) {
        for (index, acceptor) in acceptors.into_iter().enumerate() {
            let worker = Rc::clone(self);
            let (open, _) = Counted::new(&self.shared.listening);
            spawn_local(async move {
                worker.accept(index, acceptor).await;
                drop(open);
            });
        }
        let worker = Rc::clone(self);
        spawn_local(async move {
            while let Some(parcel) = inbox.recv().await {
                worker.welcome(parcel.listener, parcel.raw, parcel.ticket, parcel.load);
            }
        });
    }

    /// Accepts until the process drains; then the listener is closed, and clients that had connected to it are served.
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
        while let Ok(raw) = acceptor.accept_waiting() {
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

    fn welcome(self: &Rc<Self>, listener: usize, raw: Raw, admission: Option<Counted>, load: Load) {
        let worker = Rc::clone(self);
        spawn_local(async move {
            worker.serve(listener, raw, admission).await;
            drop(load);
        });
    }

    async fn serve(&self, listener: usize, raw: Raw, admission: Option<Counted>) {
        let greeter = &self.shared.greeters[listener];
        let address = raw.peer;
        let pipeline = self.pipelines.now();
        let limit = pipeline.timeouts.client_header.0;
        let stream = match timeout(limit, Box::pin(greeter.greet(raw))).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return tracing::debug!(%error, "a client's TLS handshake failed"),
            Err(_) => {
                return tracing::debug!(
                    "a client's TLS handshake took longer than timeouts.client_header"
                );
            }
        };
        let Some(_admission) = admission else {
            return Box::pin(proxy::refuse_client(&pipeline, stream)).await;
        };
        drop(pipeline);
        self.shared.metrics.count(ProxyCount::ClientsAccepted, 1);
        let _present = Present(&self.shared);
        let accepted = proxy::Accepted {
            stream,
            address,
            tls: greeter.is_tls(),
        };
        proxy::serve(&self.pipelines, accepted).await;
    }
}

/// A client connection in the metrics.
struct Present<'a>(&'a Shared);

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.metrics.count(ProxyCount::ClientsGone, 1);
    }
}
