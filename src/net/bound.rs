//! A socket that is listened on, before any runtime knows of it.

use std::{
    io,
    net::TcpListener,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::{fs::MetadataExt, net::UnixListener},
    },
    path::{Path, PathBuf},
};

/// A socket that is listened on, before any runtime knows of it.
#[derive(Debug)]
pub(crate) enum Bound {
    Tcp(TcpListener),
    Unix {
        listener: UnixListener,
        /// Whoever bound it removes it.
        file: Option<SocketFile>,
    },
}

impl Bound {
    /// The same socket once more, for a worker.
    ///
    /// # Errors
    /// Where no descriptor is free.
    pub(crate) fn share(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Tcp(listener) => Self::Tcp(listener.try_clone()?),
            Self::Unix { listener, .. } => Self::Unix {
                listener: listener.try_clone()?,
                file: None,
            },
        })
    }
}

impl Bound {
    /// The port that it got, which the system may have chosen; a unix socket has none.
    pub(crate) fn port(&self) -> Option<u16> {
        match self {
            Self::Tcp(listener) => listener.local_addr().ok().map(|address| address.port()),
            Self::Unix { .. } => None,
        }
    }

    /// Where it listens, for messages.
    pub(super) fn place(&self) -> String {
        match self {
            Self::Tcp(listener) => listener
                .local_addr()
                .map_or_else(|_| "a tcp address".into(), |at| at.to_string()),
            Self::Unix { listener, .. } => listener
                .local_addr()
                .ok()
                .and_then(|at| Some(format!("unix:{}", at.as_pathname()?.display())))
                .unwrap_or_else(|| "a unix socket without a path".into()),
        }
    }

    /// The file of a unix socket is this process's from now on, and is removed when this is dropped.
    pub(crate) fn own_file(&mut self) {
        if let Self::Unix { listener, file } = self
            && let Ok(at) = listener.local_addr()
            && let Some(path) = at.as_pathname()
        {
            // Without a file there is nothing to remove.
            *file = SocketFile::of(path).ok();
        }
    }

    /// The file of a unix socket is somebody else's from now on, and stays when this is dropped.
    pub(crate) fn leave_file(&mut self) {
        if let Self::Unix { file, .. } = self
            && let Some(file) = file.take()
        {
            file.leave();
        }
    }
}

impl AsFd for Bound {
    fn as_fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Tcp(listener) => listener.as_fd(),
            Self::Unix { listener, .. } => listener.as_fd(),
        }
    }
}

/// The file of a unix socket, removed when it is no longer listened on.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    /// Device and inode, so that a file is not removed that somebody else made since.
    identity: (u64, u64),
}

impl SocketFile {
    /// # Errors
    /// Where there is no such file.
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
