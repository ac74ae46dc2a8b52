//! Where things listen, and a stream to there, whatever its kind.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::PATIENCE;

/// Something with an address in shadowtee's own spelling.
pub(crate) trait At {
    fn at(&self) -> String;
}

impl At for str {
    fn at(&self) -> String {
        self.to_owned()
    }
}

impl At for String {
    fn at(&self) -> String {
        self.clone()
    }
}

impl At for Path {
    fn at(&self) -> String {
        format!("unix:{}", self.display())
    }
}

impl At for SocketAddr {
    fn at(&self) -> String {
        self.to_string()
    }
}

/// A loopback address of the caller's own, so that no other test and no outgoing connection can take its port.
pub(crate) fn free_port() -> SocketAddr {
    free_listener().local_addr().expect("an address")
}

/// Listens on such an address.
pub(crate) fn free_listener() -> TcpListener {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let n = NEXT.fetch_add(1, Ordering::Relaxed);
    let [_, a, b, _] = process::id().to_be_bytes();
    let ip = [
        127,
        64 + ((a ^ b) & 63),
        (n >> 7).to_be_bytes()[3],
        (n & 127).to_be_bytes()[3] + 1,
    ];
    TcpListener::bind((std::net::Ipv4Addr::from(ip), 0)).expect("a free port")
}

/// One end of a connection.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Connects to an address in shadowtee's spelling.
    pub(crate) fn connect(address: &str) -> io::Result<Self> {
        let stream = match address.strip_prefix("unix:") {
            Some(path) => Self::Unix(UnixStream::connect(path)?),
            None => Self::Tcp(TcpStream::connect(address.trim_start_matches("http://"))?),
        };
        stream.bounded()
    }

    /// Nothing waits for ever.
    pub(crate) fn bounded(self) -> io::Result<Self> {
        match &self {
            Self::Tcp(tcp) => {
                tcp.set_nodelay(true)?;
                tcp.set_write_timeout(Some(PATIENCE))?;
            }
            Self::Unix(unix) => unix.set_write_timeout(Some(PATIENCE))?,
        }
        self.patience(PATIENCE)?;
        Ok(self)
    }

    pub(crate) fn patience(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.set_read_timeout(Some(limit)),
            Self::Unix(unix) => unix.set_read_timeout(Some(limit)),
        }
    }

    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(tcp) => Self::Tcp(tcp.try_clone()?),
            Self::Unix(unix) => Self::Unix(unix.try_clone()?),
        })
    }

    pub(crate) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => tcp.shutdown(how),
            Self::Unix(unix) => unix.shutdown(how),
        }
    }

    /// The next close tells the peer that the connection broke (tcp: RST).
    pub(crate) fn break_on_close(&self) -> io::Result<()> {
        match self {
            Self::Tcp(tcp) => socket2::SockRef::from(tcp).set_linger(Some(Duration::ZERO)),
            Self::Unix(_) => Ok(()),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.read(into),
            Self::Unix(unix) => unix.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(tcp) => tcp.write(bytes),
            Self::Unix(unix) => unix.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
