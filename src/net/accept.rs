//! Accepting clients, each worker for itself, shared out so that no worker gets more than its part.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use arc_swap::ArcSwap;
use rustix::net::{SocketFlags, acceptfrom_with, sockopt::set_tcp_nodelay};
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::mpsc,
};
use tokio_rustls::{TlsAcceptor, TlsStream, rustls::ServerConfig};

use super::{Bound, Socket, Stream, socket::register};

/// A listening socket as one worker has it.
pub(crate) struct Acceptor {
    listener: AsyncFd<OwnedFd>,
    is_tcp: bool,
}

/// A client that was accepted, before any handshake. No runtime knows of it, so that it can go to any worker.
#[derive(Debug)]
pub(crate) struct Raw {
    socket: OwnedFd,
    /// Its address, where it has one.
    pub(crate) peer: Option<IpAddr>,
}

impl Acceptor {
    /// Takes a socket into the runtime that this is called in.
    pub(crate) fn new(bound: Bound) -> io::Result<Self> {
        let is_tcp = bound.port().is_some();
        let listener = register(bound.into(), Interest::READABLE)?;
        Ok(Self { listener, is_tcp })
    }

    /// The next client.
    ///
    /// # Errors
    /// What accept(2) says, for example that no descriptor is free.
    pub(crate) async fn accept(&self) -> io::Result<Raw> {
        loop {
            let mut guard = self.listener.readable().await?;
            match self.accept_waiting() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                accepted => return accepted,
            }
        }
    }

    /// A client that connected already. It asks the kernel, since the runtime may not have heard of it yet.
    ///
    /// # Errors
    /// Where there is none, and as `accept`.
    pub(crate) fn accept_waiting(&self) -> io::Result<Raw> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (socket, address) = acceptfrom_with(self.listener.get_ref(), flags)?;
        let mut peer = None;
        if self.is_tcp {
            // Requests and answers are written whole; Nagle would only hold back their ends.
            let _ = set_tcp_nodelay(&socket, true);
            let address = address.and_then(|address| SocketAddr::try_from(address).ok());
            peer = address.map(|address| address.ip().to_canonical());
        }
        Ok(Raw { socket, peer })
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
        let socket = Socket::new(raw.socket, raw.peer.is_none())?;
        let Some(tls) = &self.tls else {
            return Ok(Stream::Plain(socket));
        };
        let acceptor = TlsAcceptor::from(tls.load_full());
        let stream = TlsStream::Server(acceptor.accept(socket).await?);
        Ok(Stream::Tls(Box::new(stream)))
    }
}

/// What one worker hands to another: an accepted client, counted for its receiver already.
pub(crate) struct Parcel<T> {
    pub(crate) listener: usize,
    pub(crate) raw: Raw,
    pub(crate) load: Load,
    /// What the sender knows of it.
    pub(crate) ticket: T,
}

/// Shares clients out between workers: the worker that accepts one keeps it, unless another has clearly fewer.
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
            let (loads, inboxes) = (Arc::clone(&loads), Arc::clone(&inboxes));
            (Self { me, loads, inboxes }, inbox)
        };
        receivers.into_iter().enumerate().map(one).collect()
    }

    /// Keeps the client, or gives it to the worker that has the fewest.
    pub(crate) fn keep_or_give(&self, listener: usize, raw: Raw, ticket: T) -> Option<(Raw, T)> {
        let mine = self.loads[self.me].load(Relaxed);
        let loads = self.loads.iter().map(|load| load.load(Relaxed));
        let fewest = loads.enumerate().min_by_key(|(_, load)| *load);
        let Some((other, _)) = fewest.filter(|(_, fewest)| mine > fewest + 1) else {
            return Some((raw, ticket));
        };
        let _ = self.inboxes[other].send(Parcel {
            listener,
            raw,
            load: self.client_of(other),
            ticket,
        });
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
