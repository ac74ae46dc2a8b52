//! Listeners that take no further connection.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;

use super::address::free_port;
use super::server::{Conn, Server};

/// A unix listener with a full backlog: connecting to it fails with EAGAIN.
pub(crate) struct FullUnix {
    dir: TempDir,
    path: PathBuf,
    listener: Socket,
    waiting: Vec<Socket>,
}

pub(crate) fn full_unix() -> FullUnix {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("full.sock");
    let address = SockAddr::unix(&path).expect("an address");
    let listener = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
    listener.bind(&address).expect("binding");
    listener.listen(0).expect("listening");
    let mut waiting = Vec::new();
    loop {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("no blocking");
        match socket.connect(&address) {
            Ok(()) => waiting.push(socket),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
            Err(e) => panic!("filling a backlog: {e}"),
        }
    }
    FullUnix {
        dir,
        path,
        listener,
        waiting,
    }
}

impl FullUnix {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes connections from now on.
    pub(crate) fn serve(
        self,
        script: impl Fn(&mut Conn) -> io::Result<()> + Send + Sync + 'static,
    ) -> Server {
        drop(self.waiting);
        Server::over(
            UnixListener::from(self.listener),
            &self.path,
            self.dir,
            script,
        )
    }
}

/// A tcp listener with a full backlog: connecting to it takes until one's patience ends.
pub(crate) fn full_tcp() -> (SocketAddr, (Socket, Vec<TcpStream>)) {
    let address = free_port();
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    listener.bind(&address.into()).expect("binding");
    listener.listen(0).expect("listening");
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
    }
    (address, (listener, waiting))
}
