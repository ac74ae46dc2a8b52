//! One worker's way to one shadow: from a request that is to be copied to the copy's outcome.

use std::{
    pin::pin,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use http::{HeaderValue, Request, header::HOST, request::Parts};
use http_body::Body;
use tokio::{task::spawn_local, time::sleep};

use super::{
    breaker::{Breaker, Change, Lesson, State},
    difference::{DifferenceLog, Pair},
    queue::{Place, Places, Queue},
};
use crate::{
    client::{AnswerBody, Pool, PoolSettings, SendError, Share},
    config::{self, HostHeader},
    exchange::Exchange,
    http::{Marks, asks_for_upgrade},
    ledger::{Account, Entry, Outcome},
    net::{ConnectError, Connector, TlsError},
    tee::{Copy, CopyBody, Recipient},
    telemetry::{metrics::ShadowMetrics, rate::RateLimit},
};

/// A shadow as all workers share it.
pub(crate) struct Shadow {
    settings: config::Shadow,
    connector: Connector,
    pub(crate) account: Arc<Account>,
    pub(crate) metrics: Arc<ShadowMetrics>,
    breaker: Breaker,
    places: Arc<Places>,
    connections: Arc<Share>,
    failures: RateLimit,
    marks: Marks,
    mark: HeaderValue,
    host: Option<HeaderValue>,
    differences: Arc<DifferenceLog>,
    header_bytes: usize,
    header_count: usize,
}

/// A shadow can't be set up.
#[derive(Debug, thiserror::Error)]
#[error("shadow {0:?}")]
pub(crate) struct ShadowError(String, #[source] TlsError);

/// What every shadow is set up with.
pub(crate) struct Common<'a> {
    pub(crate) workers: usize,
    /// How many connections this shadow may have at most, whatever it asks for.
    pub(crate) connections: usize,
    pub(crate) marks: &'a Marks,
    pub(crate) differences: &'a Arc<DifferenceLog>,
    pub(crate) header_bytes: usize,
    pub(crate) header_count: usize,
}

impl Shadow {
    /// # Errors
    /// Where a certificate file can't be used.
    pub(crate) fn new(
        settings: config::Shadow,
        account: Arc<Account>,
        common: &Common<'_>,
    ) -> Result<Arc<Self>, ShadowError> {
        let connector = Connector::new(
            settings.address.clone(),
            &settings.tls,
            settings.connect_timeout.0,
        )
        .map_err(|error| ShadowError(settings.name.to_string(), error))?;
        let host = match &settings.host {
            HostHeader::Client => None,
            HostHeader::Fixed(host) => Some(host.clone()),
            HostHeader::Address => HeaderValue::try_from(settings.address.authority()).ok(),
        };
        Ok(Arc::new(Self {
            connector,
            account,
            metrics: Arc::new(ShadowMetrics::new(common.workers)),
            breaker: Breaker::new(settings.breaker.failures, settings.breaker.pause.0),
            places: Places::new(settings.max_in_flight, settings.queue, common.workers),
            connections: Share::new(settings.max_connections.min(common.connections)),
            failures: RateLimit::new(1, Duration::from_secs(10)),
            marks: common.marks.clone(),
            mark: settings.name.header_value(),
            host,
            differences: Arc::clone(common.differences),
            header_bytes: common.header_bytes,
            header_count: common.header_count,
            settings,
        }))
    }

    pub(crate) fn name(&self) -> &str {
        self.settings.name.as_str()
    }

    /// Copies that wait for a place.
    pub(crate) fn queued(&self) -> usize {
        self.places.queued()
    }

    /// The breaker's state, as in its metric.
    pub(crate) fn breaker(&self) -> State {
        self.breaker.state()
    }
}

/// One worker's way to a shadow.
pub(crate) struct Sender {
    shadow: Arc<Shadow>,
    pool: Rc<Pool<CopyBody>>,
    queue: Queue<Copy>,
}

impl Sender {
    /// For the worker of this index, in whose runtime it is called.
    pub(crate) fn start(shadow: Arc<Shadow>, worker: usize) -> Rc<Self> {
        let pool = Pool::new(
            shadow.connector.clone(),
            PoolSettings {
                idle_connections: shadow.settings.max_connections,
                idle_timeout: shadow.settings.idle_timeout.0,
                connections: Some(Arc::clone(&shadow.connections)),
                header_bytes: shadow.header_bytes,
                header_count: shadow.header_count,
                metrics: Arc::clone(&shadow.metrics.pool),
            },
        );
        let queue = Queue::new(Arc::clone(&shadow.places), worker);
        let sender = Rc::new(Self {
            shadow,
            pool,
            queue,
        });
        let waiting = Rc::downgrade(&sender);
        spawn_local(async move {
            while let Some(sender) = waiting.upgrade() {
                while let Some((copy, place)) = sender.queue.next() {
                    sender.launch(copy, place);
                }
                sender.queue.freed().await;
            }
        });
        sender
    }

    fn launch(self: &Rc<Self>, copy: Copy, place: Place) {
        let sender = Rc::clone(self);
        spawn_local(async move {
            sender.send(copy).await;
            drop(place);
        });
    }

    /// From the queue to the outcome.
    async fn send(&self, copy: Copy) {
        let Copy {
            exchange,
            entry,
            mut head,
            body,
            held,
        } = copy;
        let fate = body.fate();
        if let Some(outcome) = fate.failure() {
            return entry.settle(outcome);
        }
        let Some(admitted) = self.shadow.breaker.admit() else {
            return entry.settle(Outcome::BreakerOpen);
        };
        self.address(&mut head);
        let mut exchanged = pin!(self.exchange(Request::from_parts(head, body), &exchange));
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut exchanged => break ended,
                // The connection may be waiting for a shadow that takes nothing: it is given up with the body.
                outcome = fate.failed() => return entry.settle(outcome),
                () = sleep(self.shadow.settings.answer_timeout.0) => {
                    // The time of a client that takes its own is not the shadow's.
                    if !fate.is_coming() {
                        break Err(Failure::Late);
                    }
                }
            }
        };
        let (outcome, error) = match ended {
            Ok(()) => (Outcome::Answered, None),
            Err(failure) => (
                fate.failure().unwrap_or_else(|| failure.outcome()),
                Some(failure),
            ),
        };
        let lesson = lesson(outcome);
        if let Some(error) = error.filter(|_| lesson == Lesson::Fails) {
            self.report(&exchange, outcome, &error);
        }
        match admitted.learn(lesson) {
            Some(Change::Opened) => tracing::warn!(
                shadow = self.shadow.name(),
                pause = %self.shadow.settings.breaker.pause,
                "the shadow failed too often; it gets no copies for a while"
            ),
            Some(Change::Closed) => {
                tracing::info!(
                    shadow = self.shadow.name(),
                    "the shadow answers again and gets copies"
                );
            }
            None => {}
        }
        drop(held);
        entry.settle(outcome);
    }

    /// Makes the client's header that of a copy for this shadow.
    fn address(&self, head: &mut Parts) {
        self.shadow.marks.put(&mut head.headers, &self.shadow.mark);
        if let Some(host) = &self.shadow.host {
            head.headers.insert(HOST, host.clone());
        }
    }

    /// Sends the copy and reads its answer, up to the limit.
    async fn exchange(
        &self,
        copy: Request<CopyBody>,
        exchange: &Rc<Exchange>,
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let response = self.pool.send(copy).await.map_err(Failure::Send)?;
        let took = start.elapsed();
        let shadow = Arc::clone(&self.shadow);
        shadow.metrics.latency.record(took);
        let status = response.status();
        exchange.with_primary(move |exchange, primary| {
            let pair = Pair {
                exchange,
                primary,
                status,
                took,
            };
            shadow
                .differences
                .note(shadow.name(), &shadow.metrics, &pair);
        });
        read_out(response.into_body(), self.shadow.settings.answer_bytes.0).await
    }

    fn report(&self, exchange: &Exchange, outcome: Outcome, failure: &Failure) {
        if let Some(left_out) = self.shadow.failures.allow() {
            tracing::warn!(
                request_id = %exchange.id_text(),
                shadow = self.shadow.name(),
                address = %self.shadow.connector.address(),
                outcome = outcome.as_str(),
                error = %failure.chain(),
                left_out,
                "a copy failed; the client's answer is not touched by it"
            );
        }
    }
}

/// Reads an answer away, so that its connection can be used again; over the limit the connection is closed.
async fn read_out(body: AnswerBody<CopyBody>, limit: u64) -> Result<(), Failure> {
    let mut body = pin!(body);
    let mut read = 0;
    while let Some(frame) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
        let frame = frame.map_err(Failure::Answer)?;
        read += frame.data_ref().map_or(0, |bytes| bytes.len() as u64);
        if read > limit {
            break;
        }
    }
    Ok(())
}

/// Why a copy was not answered.
#[derive(Debug)]
enum Failure {
    Send(SendError),
    Answer(hyper::Error),
    Late,
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Self::Send(SendError::Connect(error)) => match error {
                ConnectError::Timeout(_) => Outcome::ConnectTimeout,
                ConnectError::Unresolved(_) => Outcome::Unresolved,
                ConnectError::Refused(_) => Outcome::Refused,
                ConnectError::NoDescriptor(_) => Outcome::ConnectionLimit,
                ConnectError::Tls(_) => Outcome::TlsFailed,
            },
            Self::Send(SendError::ConnectionLimit) => Outcome::ConnectionLimit,
            Self::Send(SendError::Broken(_)) | Self::Answer(_) => Outcome::Broken,
            Self::Late => Outcome::Timeout,
        }
    }

    /// The error with its causes.
    fn chain(&self) -> String {
        let error: &dyn std::error::Error = match self {
            Self::Send(error) => error,
            Self::Answer(error) => error,
            Self::Late => return "no whole answer within answer_timeout".into(),
        };
        std::iter::successors(Some(error), |error| error.source())
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(": ")
    }
}

fn lesson(outcome: Outcome) -> Lesson {
    match outcome {
        Outcome::Answered => Lesson::Works,
        Outcome::Refused
        | Outcome::ConnectTimeout
        | Outcome::Unresolved
        | Outcome::TlsFailed
        | Outcome::Timeout
        | Outcome::Broken => Lesson::Fails,
        _ => Lesson::Nothing,
    }
}

impl Recipient for Rc<Sender> {
    fn select(&self, head: &Parts) -> Option<Entry> {
        let entry = self.shadow.account.open();
        let reason = if asks_for_upgrade(&head.headers) {
            Outcome::Upgrade
        } else if self.shadow.breaker.is_open() {
            Outcome::BreakerOpen
        } else {
            return Some(entry);
        };
        entry.settle(reason);
        None
    }

    fn body_buffer(&self) -> usize {
        self.shadow.settings.body_buffer.bytes()
    }

    fn offer(&self, copy: Copy) {
        match self.queue.enter(copy) {
            Ok(Some((copy, place))) => self.launch(copy, place),
            Ok(None) => {}
            Err(copy) => copy.entry.settle(Outcome::QueueFull),
        }
    }

    fn leave_out(&self, outcome: Outcome) {
        self.shadow.account.open().settle(outcome);
    }
}
