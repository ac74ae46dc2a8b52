//! The connections of one worker to one address.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{Request, Response};
use http_body::Body;
use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until, timeout},
};

use super::{
    AnswerBody,
    connection::{Connection, Failed, Reading},
};
use crate::{
    http::BoxError,
    net::{ConnectError, Connector},
    telemetry::metrics::PoolMetrics,
};

/// How a pool behaves.
#[derive(Clone)]
pub(crate) struct PoolSettings {
    /// How many idle connections are kept.
    pub(crate) idle_connections: usize,
    /// For how long.
    pub(crate) idle_timeout: Duration,
    /// Open connections at most, of all workers together; `None` no limit.
    pub(crate) connections: Option<Arc<Share>>,
    /// Of an answer's header.
    pub(crate) header_bytes: usize,
    pub(crate) header_count: usize,
    pub(crate) metrics: Arc<PoolMetrics>,
}

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
    async fn wanted(share: Option<&Self>) {
        let Some(share) = share else {
            return std::future::pending().await;
        };
        let called = share.called.notified();
        if share.waiting.load(Relaxed) == 0 {
            called.await;
        }
    }

    async fn take(&self, patience: Duration) -> Result<OwnedSemaphorePermit, SendError> {
        if let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(permit);
        }
        self.waiting.fetch_add(1, Relaxed);
        self.called.notify_waiters();
        let waited = timeout(patience, Arc::clone(&self.free).acquire_owned()).await;
        self.waiting.fetch_sub(1, Relaxed);
        match waited {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(SendError::ConnectionLimit),
        }
    }
}

/// The connections of one worker to one address.
pub(crate) struct Pool<B> {
    connector: Connector,
    settings: PoolSettings,
    idle: RefCell<VecDeque<Idle<B>>>,
    sweeping: Cell<bool>,
}

struct Idle<B> {
    connection: Connection<B>,
    until: Instant,
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no connection of this shadow's share is free")]
    ConnectionLimit,
    #[error("the connection broke before the answer's header")]
    Broken(#[source] hyper::Error),
}

/// The read and write buffer of a connection grows up to this.
const BUFFER: usize = 128 * 1024;

impl<B> Pool<B>
where
    B: Body + Default + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(connector: Connector, settings: PoolSettings) -> Rc<Self> {
        Rc::new(Self {
            connector,
            settings,
            idle: RefCell::default(),
            sweeping: Cell::new(false),
        })
    }

    /// Sends a request on an idle connection, or on a new one.
    ///
    /// An idle connection may be closed by the other side just as the request is written to it. Then the
    /// request is sent once more where that is safe: not a byte of it was written, or it has no body and
    /// its method is idempotent (RFC 9110, 9.2.2).
    ///
    /// # Errors
    /// Where there is no connection, or it breaks before the answer's header.
    pub(crate) async fn send(
        self: &Rc<Self>,
        mut request: Request<B>,
    ) -> Result<Response<AnswerBody<B>>, SendError> {
        while let Some(connection) = self.take_idle() {
            let again = sent_twice_is_safe(&request).then(|| head_of(&request));
            match (self.send_on(connection, request).await, again) {
                (Ok(response), _) => return Ok(response),
                (
                    Err(Failed {
                        unsent: Some(unsent),
                        ..
                    }),
                    _,
                ) => request = unsent,
                (
                    Err(Failed {
                        error,
                        unsent: None,
                    }),
                    Some(again),
                ) if was_closed(&error) => request = again,
                (Err(Failed { error, .. }), _) => return Err(SendError::Broken(error)),
            }
        }
        let connection = self.open().await?;
        let sent = self.send_on(connection, request).await;
        sent.map_err(|failed| SendError::Broken(failed.error))
    }

    async fn send_on(
        self: &Rc<Self>,
        mut connection: Connection<B>,
        request: Request<B>,
    ) -> Result<Response<AnswerBody<B>>, Failed<B>> {
        let response = connection.send(request).await?;
        Ok(response.map(|body| AnswerBody::new(body, Rc::clone(self), connection)))
    }

    async fn open(&self) -> Result<Connection<B>, SendError> {
        let permit = match &self.settings.connections {
            None => None,
            Some(share) => Some(share.take(self.connector.timeout()).await?),
        };
        let stream = self.connector.connect().await?;
        self.settings.metrics.opened();
        let reading = Reading {
            header_bytes: self.settings.header_bytes,
            header_count: self.settings.header_count,
            buffer: BUFFER,
        };
        Connection::open(stream, reading, permit)
            .await
            .map_err(SendError::Broken)
    }

    /// Takes a connection back after its answer was read.
    pub(super) fn give_back(self: &Rc<Self>, mut connection: Connection<B>) {
        if connection.is_closed() {
        } else if connection.is_ready() {
            self.keep(connection);
        } else {
            // The request's body may still be on its way, or the connection has yet to see its own end.
            let pool = Rc::downgrade(self);
            tokio::task::spawn_local(async move {
                if connection.ready().await
                    && let Some(pool) = pool.upgrade()
                {
                    pool.keep(connection);
                }
            });
        }
    }

    fn keep(self: &Rc<Self>, connection: Connection<B>) {
        let mut idle = self.idle.borrow_mut();
        if self.settings.idle_connections == 0 || self.lacking() > 0 {
            return;
        }
        if idle.len() >= self.settings.idle_connections {
            idle.pop_front();
            self.settings.metrics.idle(-1);
        }
        idle.push_back(Idle {
            connection,
            until: Instant::now() + self.settings.idle_timeout,
        });
        self.settings.metrics.idle(1);
        drop(idle);
        self.sweep();
    }

    /// The connection that was used last: the others grow old and are closed.
    fn take_idle(&self) -> Option<Connection<B>> {
        loop {
            let Idle { connection, until } = self.idle.borrow_mut().pop_back()?;
            self.settings.metrics.idle(-1);
            if connection.is_ready() && Instant::now() < until {
                return Some(connection);
            }
        }
    }

    /// Closes what was idle for too long.
    fn sweep(self: &Rc<Self>) {
        if self.sweeping.replace(true) {
            return;
        }
        let pool = Rc::downgrade(self);
        tokio::task::spawn_local(async move {
            while let Some((oldest, share)) = pool.upgrade().and_then(|pool| pool.next_sweep()) {
                tokio::select! {
                    () = sleep_until(oldest) => {}
                    () = Share::wanted(share.as_deref()) => {}
                }
                let Some(pool) = pool.upgrade() else { return };
                pool.close_idle();
            }
            if let Some(pool) = pool.upgrade() {
                pool.sweeping.set(false);
            }
        });
    }

    /// When an idle connection is too old, and whose connections it is one of.
    fn next_sweep(&self) -> Option<(Instant, Option<Arc<Share>>)> {
        let oldest = self.idle.borrow().front()?.until;
        Some((oldest, self.settings.connections.clone()))
    }

    /// Closes what is too old, and one for each connection that another worker lacks.
    fn close_idle(&self) {
        let (now, mut lacking) = (Instant::now(), self.lacking());
        let mut idle = self.idle.borrow_mut();
        while let Some(oldest) = idle.front() {
            if oldest.until > now && !oldest.connection.is_closed() {
                if lacking == 0 {
                    return;
                }
                lacking -= 1;
            }
            idle.pop_front();
            self.settings.metrics.idle(-1);
        }
    }

    /// How many connections are waited for while this worker keeps some.
    fn lacking(&self) -> usize {
        self.settings
            .connections
            .as_ref()
            .map_or(0, |share| share.waiting.load(Relaxed))
    }
}

fn sent_twice_is_safe<B: Body>(request: &Request<B>) -> bool {
    request.method().is_idempotent() && request.body().is_end_stream()
}

fn head_of<B: Default>(request: &Request<B>) -> Request<B> {
    let mut head = Request::new(B::default());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.version_mut() = request.version();
    *head.headers_mut() = request.headers().clone();
    *head.extensions_mut() = request.extensions().clone();
    head
}

/// Whether the other side closed the connection instead of answering, and did not answer something else.
fn was_closed(error: &hyper::Error) -> bool {
    let io =
        std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    error.is_incomplete_message() || error.is_closed() || error.is_canceled() || io.is_some()
}
