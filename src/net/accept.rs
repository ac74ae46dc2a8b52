//! Accepting clients, each worker for itself, shared out so that no worker gets more than its part.

use std::{
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use socket2::SockRef;
use tokio::{
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsStream, rustls::ServerConfig};

use super::{Bound, Stream};

/// A listening socket as one worker has it.
pub(crate) enum Acceptor {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// An accepted socket that no runtime knows of, so that it can go to another worker.
#[derive(Debug)]
pub(crate) enum Accepted {
    Tcp(std::net::TcpStream, IpAddr),
    Unix(std::os::unix::net::UnixStream),
}

impl Acceptor {
    /// Takes a socket into the runtime that this is called in.
    ///
    /// # Errors
    /// Where epoll refuses it.
    pub(crate) fn new(bound: Bound) -> io::Result<Self> {
        Ok(match bound {
            Bound::Tcp(listener) => Self::Tcp(TcpListener::from_std(listener)?),
            Bound::Unix { listener, .. } => Self::Unix(UnixListener::from_std(listener)?),
        })
    }

    /// The next client, and its address where it has one.
    ///
    /// # Errors
    /// What accept(2) says, for example that no descriptor is free.
    pub(crate) async fn accept(&self) -> io::Result<Raw> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok(Raw::Tcp(stream, address.ip().to_canonical()))
            }
            Self::Unix(listener) => Ok(Raw::Unix(listener.accept().await?.0)),
        }
    }

    /// A client that connected already. It asks the kernel, since the runtime may not have heard of it yet.
    ///
    /// # Errors
    /// Where there is none, and as `accept`.
    pub(crate) fn accept_waiting(&self) -> io::Result<Raw> {
        let accepted = match self {
            Self::Tcp(listener) => {
                let (socket, address) = SockRef::from(listener).accept()?;
                let _ = socket.set_tcp_nodelay(true);
                let address = address.as_socket().ok_or(io::ErrorKind::InvalidInput)?;
                socket.set_nonblocking(true)?;
                Accepted::Tcp(socket.into(), address.ip().to_canonical())
            }
            Self::Unix(listener) => {
                let (socket, _) = SockRef::from(listener).accept()?;
                socket.set_nonblocking(true)?;
                Accepted::Unix(socket.into())
            }
        };
        accepted.enter_runtime()
    }
}

/// Takes clients from their accepted socket to their first request.
#[derive(Clone, Default)]
pub(crate) struct Greeter {
    /// What is shown to them; a reload changes it for those that come after it.
    tls: Option<Arc<ArcSwap<ServerConfig>>>,
}

impl Greeter {
    /// For clients that speak TLS, or for clients that don't.
    pub(crate) fn new(tls: Option<Arc<ServerConfig>>) -> Self {
        Self {
            tls: tls.map(|tls| Arc::new(ArcSwap::new(tls))),
        }
    }

    /// Shows something else from now on, where clients speak TLS.
    pub(crate) fn show(&self, fresh: Arc<ServerConfig>) {
        if let Some(tls) = &self.tls {
            tls.store(fresh);
        }
    }

    /// Whether clients speak TLS here.
    pub(crate) fn is_tls(&self) -> bool {
        self.tls.is_some()
    }

    /// Does the TLS handshake, where there is one to do.
    ///
    /// # Errors
    /// Where the client does not speak TLS, or shows no certificate that is believed.
    pub(crate) async fn greet(&self, raw: Raw) -> io::Result<Stream> {
        let Some(tls) = &self.tls else {
            return Ok(match raw {
                Raw::Tcp(stream, _) => Stream::Tcp(stream),
                Raw::Unix(stream) => Stream::Unix(stream),
            });
        };
        let acceptor = TlsAcceptor::from(tls.load_full());
        Ok(match raw {
            Raw::Tcp(stream, _) => {
                Stream::TlsTcp(Box::new(TlsStream::Server(acceptor.accept(stream).await?)))
            }
            Raw::Unix(stream) => {
                Stream::TlsUnix(Box::new(TlsStream::Server(acceptor.accept(stream).await?)))
            }
        })
    }
}

/// A client before any handshake.
pub(crate) enum Raw {
    Tcp(TcpStream, IpAddr),
    Unix(UnixStream),
}

impl Raw {
    /// Its address, where it has one.
    pub(crate) fn peer(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, address) => Some(*address),
            Self::Unix(_) => None,
        }
    }

    fn leave_runtime(self) -> io::Result<Accepted> {
        Ok(match self {
            Self::Tcp(stream, address) => Accepted::Tcp(stream.into_std()?, address),
            Self::Unix(stream) => Accepted::Unix(stream.into_std()?),
        })
    }
}

impl Accepted {
    /// Takes the socket into the calling worker's runtime.
    ///
    /// # Errors
    /// Where epoll refuses it.
    pub(crate) fn enter_runtime(self) -> io::Result<Raw> {
        Ok(match self {
            Self::Tcp(stream, address) => Raw::Tcp(TcpStream::from_std(stream)?, address),
            Self::Unix(stream) => Raw::Unix(UnixStream::from_std(stream)?),
        })
    }
}

/// What one worker hands to another: an accepted client, counted for its receiver already.
pub(crate) struct Parcel<T> {
    pub(crate) listener: usize,
    pub(crate) accepted: Accepted,
    pub(crate) load: Load,
    /// What the sender knows of it.
    pub(crate) ticket: T,
}

/// Shares clients out between workers: whoever accepts one keeps it, unless another has clearly fewer.
pub(crate) struct Handover<T> {
    me: usize,
    loads: Arc<[AtomicUsize]>,
    inboxes: Arc<[mpsc::UnboundedSender<Parcel<T>>]>,
}

impl<T> Handover<T> {
    /// One for each worker, with the inbox that goes with it.
    pub(crate) fn between(workers: usize) -> Vec<(Self, mpsc::UnboundedReceiver<Parcel<T>>)> {
        let loads: Arc<[_]> = (0..workers).map(|_| AtomicUsize::new(0)).collect();
        let (senders, receivers): (Vec<_>, Vec<_>) =
            (0..workers).map(|_| mpsc::unbounded_channel()).unzip();
        let inboxes: Arc<[_]> = senders.into();
        let one = |(me, inbox)| {
            (
                Self {
                    me,
                    loads: Arc::clone(&loads),
                    inboxes: Arc::clone(&inboxes),
                },
                inbox,
            )
        };
        receivers.into_iter().enumerate().map(one).collect()
    }

    /// Keeps the client, or gives it to the worker that has the fewest.
    pub(crate) fn keep_or_give(&self, listener: usize, raw: Raw, ticket: T) -> Option<(Raw, T)> {
        let mine = self.loads[self.me].load(Relaxed);
        let fewest = self
            .loads
            .iter()
            .map(|load| load.load(Relaxed))
            .enumerate()
            .min_by_key(|(_, n)| *n);
        let Some((other, fewest)) = fewest else {
            return Some((raw, ticket));
        };
        if mine <= fewest + 1 {
            return Some((raw, ticket));
        }
        match raw.leave_runtime() {
            Ok(accepted) => {
                let _ = self.inboxes[other].send(Parcel {
                    listener,
                    accepted,
                    load: self.client_of(other),
                    ticket,
                });
            }
            Err(error) => tracing::debug!(%error, "a client could not be handed to another worker"),
        }
        None
    }

    /// Counts a client of this worker until it is dropped.
    pub(crate) fn client(&self) -> Load {
        self.client_of(self.me)
    }

    fn client_of(&self, worker: usize) -> Load {
        self.loads[worker].fetch_add(1, Relaxed);
        Load(Arc::clone(&self.loads), worker)
    }
}

/// One client of a worker.
pub(crate) struct Load(Arc<[AtomicUsize]>, usize);

impl Drop for Load {
    fn drop(&mut self) {
        self.0[self.1].fetch_sub(1, Relaxed);
    }
}
