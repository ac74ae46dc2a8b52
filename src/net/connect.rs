//! Connecting to an address.

use std::{io, os::fd::OwnedFd, path::Path, sync::Arc, time::Duration};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use tokio::{
    net::{TcpStream, lookup_host},
    time::{Instant, sleep, timeout_at},
};
use tokio_rustls::{
    TlsConnector, TlsStream,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::{ClientTlsLoader, Socket, Stream, TlsError};
use crate::config::{Address, ClientTls};

/// Connects to one address, again and again; a host name is resolved each time.
#[derive(Clone)]
pub(crate) struct Connector {
    address: Address,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectError {
    #[error("no connection within {0:?}")]
    Timeout(Duration),
    #[error("the host name has no address")]
    Unresolved(#[source] io::Error),
    #[error("the connection was refused")]
    Refused(#[source] io::Error),
    #[error("no descriptor is free")]
    NoDescriptor(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
}

/// How long to wait before connecting is tried again, where a backlog is full or no descriptor is free.
const FIRST_WAIT: Duration = Duration::from_millis(1);
const LONGEST_WAIT: Duration = Duration::from_millis(50);

impl Connector {
    /// Everything about TLS is loaded here, so that connecting can't fail for a file.
    ///
    /// # Errors
    /// Where a certificate file can't be used.
    pub(crate) fn new(
        address: Address,
        tls: &ClientTls,
        timeout: Duration,
    ) -> Result<Self, TlsError> {
        let tls = if address.is_tls() {
            let (config, name): (Arc<ClientConfig>, _) = ClientTlsLoader::load(tls, &address)?;
            Some((TlsConnector::from(config), name))
        } else {
            None
        };
        Ok(Self {
            address,
            tls,
            timeout,
        })
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// How long a connection may take to come.
    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A new connection, its TLS handshake done.
    ///
    /// # Errors
    /// Where there is none within the connect timeout.
    pub(crate) async fn connect(&self) -> Result<Stream, ConnectError> {
        let deadline = Instant::now() + self.timeout;
        match timeout_at(deadline, self.connect_in_time()).await {
            Ok(result) => result,
            Err(_) => Err(ConnectError::Timeout(self.timeout)),
        }
    }

    async fn connect_in_time(&self) -> Result<Stream, ConnectError> {
        let (host, port) = match &self.address {
            Address::Unix(path) => return connect_unix(path).await.map(Stream::Plain),
            Address::Tcp { host, port, .. } => (host.as_str(), *port),
        };
        let tcp = connect_tcp(host, port).await?;
        let Some((connector, name)) = &self.tls else {
            return Ok(Stream::Plain(tcp));
        };
        let stream = connector
            .connect(name.clone(), tcp)
            .await
            .map_err(ConnectError::Tls)?;
        Ok(Stream::Tls(Box::new(TlsStream::Client(stream))))
    }
}

/// A full backlog refuses a unix socket with EAGAIN at once (unix(7)): that is a wait, not a failure.
async fn connect_unix(path: &Path) -> Result<Socket, ConnectError> {
    let mut wait = FIRST_WAIT;
    loop {
        let error = match connect_unix_at_once(path) {
            Ok(socket) => return Socket::new(socket, true).map_err(refused),
            Err(error) => error,
        };
        if error.kind() != io::ErrorKind::WouldBlock {
            return Err(refused(error));
        }
        sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

fn connect_unix_at_once(path: &Path) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

async fn connect_tcp(host: &str, port: u16) -> Result<Socket, ConnectError> {
    let mut last = None;
    for address in lookup_host((host, port))
        .await
        .map_err(ConnectError::Unresolved)?
    {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Requests and answers are written whole; Nagle would only hold back their ends.
                let _ = stream.set_nodelay(true);
                let socket = stream.into_std().map(OwnedFd::from);
                return socket
                    .and_then(|socket| Socket::new(socket, false))
                    .map_err(refused);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(match last {
        Some(error) => refused(error),
        None => ConnectError::Unresolved(io::Error::new(io::ErrorKind::NotFound, "no address")),
    })
}

fn refused(error: io::Error) -> ConnectError {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE) => ConnectError::NoDescriptor(error),
        _ => ConnectError::Refused(error),
    }
}
