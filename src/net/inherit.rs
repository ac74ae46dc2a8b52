//! Listening sockets that were opened elsewhere: by systemd, or by the process that this one takes over from.
//! The only file that knows listenfd.
//!
//! A socket is found by the address that it listens on: one configuration serves with systemd and without.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    os::fd::OwnedFd,
    path::Path,
};

use listenfd::ListenFd;
use socket2::Socket;

use super::Bound;
use crate::config::Address;

/// Inherited sockets that were not taken yet.
#[derive(Debug, Default)]
pub(crate) struct Inherited(Vec<Bound>);

/// Why a socket that was handed over can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InheritError {
    #[error(
        "systemd handed over descriptor {0}, which is no listening tcp or unix socket; in the .socket unit belong ListenStream= and Accept=no"
    )]
    NoListener(usize, #[source] io::Error),
    #[error(
        "systemd handed over a socket that listens on {0}, and no address of the configuration is that; correct ListenStream= of the .socket unit, or the configuration"
    )]
    Unasked(String),
}

impl Inherited {
    /// What systemd hands over (`sd_listen_fds(3)`); nothing where it starts no sockets.
    pub(crate) fn from_systemd() -> Result<Self, InheritError> {
        let mut handed = ListenFd::from_env();
        let mut sockets = Vec::new();
        for index in 0..handed.len() {
            let wrong = |error| InheritError::NoListener(index + 3, error);
            let fd: Option<OwnedFd> = match handed.take_unix_listener(index) {
                Ok(listener) => listener.map(OwnedFd::from),
                Err(_) => handed
                    .take_tcp_listener(index)
                    .map_err(wrong)?
                    .map(OwnedFd::from),
            };
            if let Some(fd) = fd {
                sockets.push(adopt(fd).map_err(wrong)?);
            }
        }
        Ok(Self(sockets))
    }

    /// What another process handed over. The files of unix sockets are still its own.
    pub(crate) fn from_descriptors(fds: Vec<OwnedFd>) -> io::Result<Self> {
        let sockets = fds.into_iter().map(adopt);
        sockets.collect::<io::Result<_>>().map(Self)
    }

    /// The socket that listens on this address, if there is one.
    pub(crate) fn take(&mut self, address: &Address) -> Option<Bound> {
        let index = self.0.iter().position(|bound| listens_on(bound, address))?;
        Some(self.0.swap_remove(index))
    }

    /// # Errors
    /// Where a socket is left: clients that connect to it would wait forever.
    pub(crate) fn finish(&self) -> Result<(), InheritError> {
        match self.0.first() {
            None => Ok(()),
            Some(bound) => Err(InheritError::Unasked(bound.place())),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn adopt(fd: OwnedFd) -> io::Result<Bound> {
    let socket = Socket::from(fd);
    if !socket.is_listener()? {
        return Err(io::Error::other("it is not listening"));
    }
    socket.set_nonblocking(true)?;
    Ok(Bound::new(socket, None))
}

fn listens_on(bound: &Bound, address: &Address) -> bool {
    match address {
        Address::Unix(path) => bound.path().is_some_and(|at| is_same_file(&at, path)),
        // A name is looked up only where the port fits.
        Address::Tcp { host, port, .. } => bound
            .tcp_address()
            .filter(|at| at.port() == *port)
            .and_then(|at| Some((at, (host.as_str(), *port).to_socket_addrs().ok()?)))
            .is_some_and(|(at, mut wanted)| wanted.any(|wanted| is_same_host(at, wanted))),
    }
}

fn is_same_host(at: SocketAddr, wanted: SocketAddr) -> bool {
    // systemd listens on [::] where only a port is written, for both versions of IP.
    at.ip().to_canonical() == wanted.ip().to_canonical()
        || (at.ip().is_unspecified() && wanted.ip().is_unspecified())
}

/// /var/run is a link to /run.
fn is_same_file(one: &Path, two: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.into());
    one == two || real(one) == real(two)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_found_by_its_address_and_what_is_left_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.sock");
        let unix = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let mut inherited = Inherited::from_descriptors(vec![unix.into(), tcp.into()]).unwrap();
        assert!(inherited.take(&"127.0.0.2:80".parse().unwrap()).is_none());
        let tcp = format!("127.0.0.1:{port}").parse().unwrap();
        assert!(inherited.take(&tcp).is_some());
        let left = inherited.finish().unwrap_err().to_string();
        assert!(left.contains("a.sock"), "{left}");
        assert!(inherited.take(&Address::Unix(path)).is_some());
        assert!(inherited.is_empty() && inherited.finish().is_ok());
    }

    #[test]
    fn a_connected_socket_is_not_taken() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
        assert!(Inherited::from_descriptors(vec![one.into()]).is_err());
    }
}
