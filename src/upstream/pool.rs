//! The connections of one worker to one address.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, sleep_until};

use super::{Connection, Reading, Share};
use crate::{
    http::now,
    net::{ConnectError, Connector, waits},
    telemetry::metrics::{PoolCount, PoolMetrics},
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
    pub(crate) reading: Reading,
    /// The kernel is asked whether anything came on a connection before it is lent, not only the runtime. Only so is an
    /// answer that nobody asked for never the next request's; it is one system call more where many are under way.
    pub(crate) is_careful: bool,
    pub(crate) metrics: Arc<PoolMetrics>,
}

/// The connections of one worker to one address.
pub(crate) struct Pool {
    connector: Connector,
    settings: PoolSettings,
    idle: RefCell<VecDeque<Idle>>,
    sweeping: Cell<bool>,
    /// After which of the runtime's waits a connection was last lent or given back.
    touched: Cell<Option<u64>>,
}

struct Idle {
    connection: Box<Connection>,
    until: Instant,
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle
            .get_mut()
            .iter()
            .for_each(|_| self.settings.metrics.count(PoolCount::Left));
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoConnection {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no connection of this shadow's share is free")]
    Limit,
}

/// How long to wait for a descriptor before it is asked for again.
const SCARCE: Duration = Duration::from_millis(5);

impl Pool {
    pub(crate) fn new(connector: Connector, settings: PoolSettings) -> Rc<Self> {
        Rc::new(Self {
            connector,
            settings,
            idle: RefCell::default(),
            sweeping: Cell::new(false),
            touched: Cell::new(None),
        })
    }

    /// How answers are read on its connections.
    pub(crate) fn reading(&self) -> Reading {
        self.settings.reading
    }

    /// Whether it makes sure of each connection before it is lent.
    pub(super) fn is_careful(&self) -> bool {
        self.settings.is_careful
    }

    /// The idle connection that was used last, where there is one: the others grow old and are closed.
    ///
    /// One on which anything came is not lent: it would be the next request's answer. What the runtime knows is enough
    /// for the first one behind a wait for events, which told all there was; for others the kernel is asked.
    pub(crate) fn take_idle(&self, now: Instant) -> Option<Box<Connection>> {
        let waits = Some(waits());
        let is_known = self.touched.replace(waits) != waits;
        let asks_kernel = self.settings.is_careful && !is_known;
        loop {
            let Idle {
                mut connection,
                until,
            } = self.idle.borrow_mut().pop_back()?;
            self.settings.metrics.count(PoolCount::Left);
            if now < until && connection.is_quiet(asks_kernel) {
                return Some(connection);
            }
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// Where no connection is made within the connect timeout.
    pub(crate) async fn open(&self) -> Result<Box<Connection>, NoConnection> {
        let permit = match &self.settings.connections {
            None => None,
            Some(share) => {
                let permit = share.take(self.connector.timeout()).await;
                Some(permit.ok_or(NoConnection::Limit)?)
            }
        };
        let deadline = now() + self.connector.timeout();
        loop {
            match self.connector.connect().await {
                Ok(stream) => {
                    self.settings.metrics.count(PoolCount::Opened);
                    return Ok(Connection::new(stream, permit));
                }
                // Those who have no share of their own share what there is: a connection may be free soon.
                Err(ConnectError::NoDescriptor(_)) if permit.is_none() && now() < deadline => {
                    sleep(SCARCE).await;
                    if let Some(connection) = self.take_idle(now()) {
                        return Ok(connection);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Keeps a connection for the next request, whose answer was read to the end at `now`.
    pub(crate) fn give_back(self: &Rc<Self>, mut connection: Box<Connection>, now: Instant) {
        if !connection.rest() || self.settings.idle_connections == 0 || self.lacking() > 0 {
            return;
        }
        self.touched.set(Some(waits()));
        let mut idle = self.idle.borrow_mut();
        if idle.len() >= self.settings.idle_connections {
            idle.pop_front();
            self.settings.metrics.count(PoolCount::Left);
        }
        idle.push_back(Idle {
            connection,
            until: now + self.settings.idle_timeout,
        });
        self.settings.metrics.count(PoolCount::Rested);
        drop(idle);
        self.sweep();
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
                    () = sleep_until(oldest.into()) => {}
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
        let (now, mut lacking) = (now(), self.lacking());
        let mut idle = self.idle.borrow_mut();
        while let Some(oldest) = idle.front_mut() {
            if oldest.until > now && oldest.connection.is_quiet(false) {
                if lacking == 0 {
                    return;
                }
                lacking -= 1;
            }
            idle.pop_front();
            self.settings.metrics.count(PoolCount::Left);
        }
    }

    /// How many connections are waited for while this worker keeps some.
    fn lacking(&self) -> usize {
        self.settings
            .connections
            .as_ref()
            .map_or(0, |share| share.lacking())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write,
        os::unix::net::{UnixListener, UnixStream},
    };

    use tokio::runtime::{Builder, LocalOptions};

    use super::*;
    use crate::{config::ClientTls, net::count_waits};

    /// Runs it with a pool, and the server's end of the connection that the pool has.
    fn with_one_idle(is_careful: bool, run: impl AsyncFnOnce(Rc<Pool>, UnixStream)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let address = format!("unix:{}", path.display()).parse().unwrap();
        let second = Duration::from_secs(1);
        let connector = Connector::new(address, &ClientTls::trusting(None, None), second).unwrap();
        let settings = PoolSettings {
            idle_connections: 8,
            idle_timeout: 60 * second,
            connections: None,
            reading: Reading {
                header_bytes: 1000,
                header_count: 10,
            },
            is_careful,
            metrics: Arc::default(),
        };
        let runtime = count_waits(&mut Builder::new_current_thread())
            .enable_all()
            .build_local(LocalOptions::default())
            .unwrap();
        runtime.block_on(async {
            let pool = Pool::new(connector, settings);
            let connection = pool.open().await.unwrap();
            let (there, _) = listener.accept().unwrap();
            pool.give_back(connection, now());
            run(pool, there).await;
        });
    }

    /// Lets the runtime wait for events.
    async fn wait() {
        sleep(Duration::from_millis(2)).await;
    }

    #[test]
    fn what_came_since_the_runtime_looked_is_seen_before_a_connection_is_lent_again() {
        with_one_idle(true, async |pool, mut there| {
            there.write_all(b"x").unwrap();
            assert!(pool.take_idle(now()).is_none());
        });
    }

    #[test]
    fn a_careful_pool_trusts_the_runtime_once_behind_each_wait() {
        with_one_idle(true, async |pool, _there| {
            wait().await;
            let now = now();
            let connection = pool.take_idle(now).unwrap();
            pool.give_back(connection, now);
            assert!(pool.take_idle(now).is_some());
        });
        with_one_idle(true, async |pool, mut there| {
            wait().await;
            let now = now();
            let connection = pool.take_idle(now).unwrap();
            pool.give_back(connection, now);
            there.write_all(b"x").unwrap();
            assert!(pool.take_idle(now).is_none());
        });
    }

    #[test]
    fn what_the_runtime_was_told_of_is_seen_by_every_pool() {
        for is_careful in [false, true] {
            with_one_idle(is_careful, async |pool, mut there| {
                there.write_all(b"x").unwrap();
                wait().await;
                assert!(pool.take_idle(now()).is_none());
            });
        }
    }
}
