//! Connecting to an address.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    os::fd::OwnedFd,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout_at},
};
use tokio_rustls::{
    TlsConnector, TlsStream,
    rustls::{ClientConfig, pki_types::ServerName},
};

use super::{ClientTlsLoader, Socket, Stream, TlsError, names::Names};
use crate::config::{Address, ClientTls};

/// Connects to one address, again and again. All workers share what is known of its host name.
#[derive(Clone)]
pub(crate) struct Connector {
    address: Address,
    place: Place,
    tls: Option<(TlsConnector, ServerName<'static>)>,
    timeout: Duration,
}

/// Where an address is.
#[derive(Clone)]
enum Place {
    Unix(Arc<Path>),
    Ip(SocketAddr),
    Named(Arc<Names>, u16),
    #[cfg(test)]
    Memory(super::memory::Server),
}

impl Place {
    fn of(address: &Address) -> Self {
        match address {
            Address::Unix(path) => Self::Unix(path.as_path().into()),
            Address::Tcp { host, port, .. } => match host.parse::<IpAddr>() {
                Ok(ip) => Self::Ip((ip, *port).into()),
                Err(_) => Self::Named(Names::new(host), *port),
            },
        }
    }
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
            place: Place::of(&address),
            address,
            tls,
            timeout,
        })
    }

    /// It goes on with what is known of its host name where it takes the place of another to the same address: the last
    /// good answer stays, and a lookup that is under way is not begun again.
    pub(crate) fn after(mut self, before: &Self) -> Self {
        if self.address == before.address {
            self.place = before.place.clone();
        }
        self
    }

    /// To a server in memory.
    #[cfg(test)]
    pub(crate) fn to_memory(server: &super::memory::Server, timeout: Duration) -> Self {
        Self {
            address: Address::Unix("/memory".into()),
            place: Place::Memory(server.clone()),
            tls: None,
            timeout,
        }
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
        let tcp = match &self.place {
            Place::Unix(path) => return connect_unix(path).await.map(Stream::Plain),
            Place::Ip(address) => connect_tcp(*address).await.map_err(refused)?,
            Place::Named(names, port) => connect_named(names, *port).await?,
            #[cfg(test)]
            Place::Memory(server) => return server.connect().await.map(Stream::Memory),
        };
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

/// Each of a name's addresses is tried, in their order.
async fn connect_named(names: &Arc<Names>, port: u16) -> Result<Socket, ConnectError> {
    let addresses = names.addresses().await.map_err(ConnectError::Unresolved)?;
    let mut last = io::ErrorKind::NotFound.into();
    for address in &*addresses {
        match connect_tcp((*address, port).into()).await {
            Ok(socket) => return Ok(socket),
            Err(error) => last = error,
        }
    }
    Err(refused(last))
}

async fn connect_tcp(address: SocketAddr) -> io::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    // Requests and answers are written whole; Nagle would only hold back their ends.
    let _ = stream.set_nodelay(true);
    Socket::new(stream.into_std()?.into(), false)
}

fn refused(error: io::Error) -> ConnectError {
    use rustix::io::Errno;
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::MFILE | Errno::NFILE) => ConnectError::NoDescriptor(error),
        _ => ConnectError::Refused(error),
    }
}
