//! A listening socket, before any runtime knows of it.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{fs::MetadataExt, net::UnixListener},
    },
    path::{Path, PathBuf},
};

use socket2::Socket;

/// A listening socket, tcp or unix, before any runtime knows of it.
#[derive(Debug)]
pub(crate) struct Bound {
    socket: Socket,
    /// The file of a unix socket, where this process has to remove it.
    file: Option<SocketFile>,
}

impl Bound {
    pub(super) fn new(socket: Socket, file: Option<SocketFile>) -> Self {
        Self { socket, file }
    }

    /// The same socket once more, for a worker.
    pub(crate) fn share(&self) -> io::Result<Self> {
        Ok(Self::new(self.socket.try_clone()?, None))
    }

    /// The same socket as a listener of the standard library. It has to be a unix socket.
    pub(crate) fn unix_listener(&self) -> io::Result<UnixListener> {
        Ok(self.socket.try_clone()?.into())
    }

    /// The address of a tcp socket, with the port that the system may have chosen.
    pub(super) fn tcp_address(&self) -> Option<std::net::SocketAddr> {
        self.socket.local_addr().ok()?.as_socket()
    }

    /// The port of a tcp socket.
    pub(crate) fn port(&self) -> Option<u16> {
        Some(self.tcp_address()?.port())
    }

    /// The path of a unix socket.
    pub(super) fn path(&self) -> Option<PathBuf> {
        let address = self.socket.local_addr().ok()?;
        address.as_pathname().map(Path::to_owned)
    }

    /// Where it listens, for messages.
    pub(super) fn place(&self) -> String {
        match (self.tcp_address(), self.path()) {
            (Some(address), _) => address.to_string(),
            (None, Some(path)) => format!("unix:{}", path.display()),
            (None, None) => "a unix socket without a path".into(),
        }
    }

    /// Makes this process remove the file of a unix socket when this is dropped.
    pub(crate) fn own_file(&mut self) {
        // Without a file there is nothing to remove.
        self.file = self.path().and_then(|path| SocketFile::of(&path).ok());
    }

    /// Leaves the file of a unix socket to another process.
    pub(crate) fn leave_file(&mut self) {
        if let Some(file) = self.file.take() {
            file.leave();
        }
    }
}

impl From<Bound> for OwnedFd {
    fn from(bound: Bound) -> Self {
        bound.socket.into()
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The file of a unix socket, removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode: another process may have made a new file at this path since.
    identity: (u64, u64),
}

impl SocketFile {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = std::fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.into(),
            identity: (file.dev(), file.ino()),
        })
    }

    fn leave(mut self) {
        self.path.clear();
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if std::fs::symlink_metadata(&self.path)
            .is_ok_and(|file| (file.dev(), file.ino()) == self.identity)
        {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
