//! A connected socket that the kernel is asked about as little as possible.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    pin::Pin,
    task::{Context, Poll, ready},
};

use rustix::{
    buffer::spare_capacity,
    io::{Errno, writev},
    net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown},
};
use tokio::io::{
    AsyncRead, AsyncWrite, Interest, ReadBuf,
    unix::{AsyncFd, AsyncFdReadyGuard},
};

/// A connected socket, tcp or unix, in the runtime of the worker that it belongs to.
///
/// Everything is written at once where there is room for it, and epoll is asked about room only from the first time on
/// that there is none: each time that a peer takes something from a unix socket there is room again, which would be an
/// event for every request.
#[derive(Debug)]
pub(crate) struct Socket {
    /// `None` where epoll did not take it a second time.
    fd: Option<AsyncFd<OwnedFd>>,
    is_local: bool,
    /// Epoll tells when there is room, too.
    asks_for_room: bool,
}

impl Socket {
    /// Takes a connected socket that does not block, and that no runtime knows of, into the calling runtime.
    ///
    /// # Errors
    /// Where epoll refuses it.
    pub(super) fn new(fd: OwnedFd, is_local: bool) -> io::Result<Self> {
        Ok(Self {
            fd: Some(register(fd, Interest::READABLE)?),
            is_local,
            asks_for_room: false,
        })
    }

    fn fd(&self) -> io::Result<&AsyncFd<OwnedFd>> {
        self.fd
            .as_ref()
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    /// The socket itself.
    pub(super) fn as_fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.fd.as_ref()?.get_ref().as_fd())
    }

    /// Whether it is a unix socket.
    pub(super) fn is_local(&self) -> bool {
        self.is_local
    }

    /// Whether neither a byte nor the end has come since it was last read from: the kernel is asked.
    pub(super) fn is_quiet(&self) -> bool {
        let Ok(fd) = self.fd() else { return false };
        is_quiet(fd.get_ref()).is_err_and(|error| error == Errno::AGAIN)
    }

    /// The same, as far as the runtime knew when it last asked for events. The kernel is asked only where something was
    /// told: that is one system call less.
    pub(super) fn was_quiet(&self) -> bool {
        let Ok(fd) = self.fd() else { return false };
        let came = fd.try_io(Interest::READABLE, |fd| Ok(is_quiet(fd)?));
        came.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Reads once, behind what is in `into`, as much as there is room for: how many bytes came, 0 at the end.
    ///
    /// # Errors
    /// What recv(2) says.
    pub(super) fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        into: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        let room = into.capacity() - into.len();
        self.poll_read_with(cx, room, |fd| {
            recv(fd, spare_capacity(into), RecvFlags::empty()).map(|(read, _)| read)
        })
    }

    fn poll_read_with(
        &self,
        cx: &mut Context<'_>,
        room: usize,
        mut read: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> Poll<io::Result<usize>> {
        let fd = self.fd()?;
        loop {
            let mut guard = ready!(fd.poll_read_ready(cx))?;
            let result = read(guard.get_inner().as_fd());
            if let Some(read) = settle(&mut guard, result, room) {
                return Poll::Ready(read);
            }
        }
    }

    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        all: usize,
        mut write: impl FnMut(BorrowedFd<'_>) -> Result<usize, Errno>,
    ) -> Poll<io::Result<usize>> {
        loop {
            if !self.asks_for_room {
                match write(self.fd()?.get_ref().as_fd()) {
                    Err(Errno::AGAIN) => {
                        self.ask_for_room(cx)?;
                        return Poll::Pending;
                    }
                    Err(Errno::INTR) => continue,
                    written => return Poll::Ready(written.map_err(io::Error::from)),
                }
            }
            let mut guard = ready!(self.fd()?.poll_write_ready(cx))?;
            let result = write(guard.get_inner().as_fd());
            if let Some(written) = settle(&mut guard, result, all) {
                return Poll::Ready(written);
            }
        }
    }

    /// Epoll takes the socket anew. Whoever waited for something to read is forgotten with it, so the task, which is
    /// the same one, looks at everything again.
    #[cold]
    fn ask_for_room(&mut self, cx: &Context<'_>) -> io::Result<()> {
        let fd = self.fd.take().map(AsyncFd::into_inner);
        let both = Interest::READABLE | Interest::WRITABLE;
        self.fd = fd.map(|fd| register(fd, both)).transpose()?;
        self.asks_for_room = true;
        cx.waker().wake_by_ref();
        Ok(())
    }
}

/// Looks for a byte or the end, and takes nothing; `EAGAIN` where there is neither.
fn is_quiet(fd: impl AsFd) -> Result<(), Errno> {
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
    recv(fd, &mut [0; 1], flags).map(|_| ())
}

/// What a call came to that could have moved `most` bytes; `None` where it is to be made again.
fn settle(
    guard: &mut AsyncFdReadyGuard<'_, OwnedFd>,
    result: Result<usize, Errno>,
    most: usize,
) -> Option<io::Result<usize>> {
    match result {
        Ok(length) => {
            // Fewer than could be were all for now: epoll tells when there are more (epoll(7)).
            if 0 < length && length < most {
                guard.clear_ready();
            }
            Some(Ok(length))
        }
        Err(Errno::AGAIN) => {
            guard.clear_ready();
            None
        }
        Err(Errno::INTR) => None,
        Err(error) => Some(Err(error.into())),
    }
}

/// Has epoll tell of a socket in the calling runtime.
///
/// # Errors
/// Where epoll refuses it.
#[expect(
    deprecated,
    reason = "what stands in its place is unsafe, and asks for what an OwnedFd is: the same descriptor until it is dropped"
)]
pub(super) fn register(socket: OwnedFd, interest: Interest) -> io::Result<AsyncFd<OwnedFd>> {
    AsyncFd::with_interest(socket, interest)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let room = buf.initialize_unfilled();
        let length = ready!(self.poll_read_with(cx, room.len(), |fd| {
            recv(fd, &mut *room, RecvFlags::empty()).map(|(read, _)| read)
        }))?;
        buf.advance(length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut()
            .poll_write_with(cx, buf.len(), |fd| send(fd, buf, SendFlags::NOSIGNAL))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let all = bufs.iter().map(|buf| buf.len()).sum();
        self.get_mut()
            .poll_write_with(cx, all, |fd| writev(fd, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        shutdown(self.fd()?.get_ref(), Shutdown::Write)?;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::poll_fn,
        io::{Read, Write},
        os::unix::net::UnixStream,
        thread,
        time::Duration,
    };

    use super::*;

    fn pair() -> (Socket, UnixStream) {
        let (here, there) = UnixStream::pair().unwrap();
        here.set_nonblocking(true).unwrap();
        (Socket::new(here.into(), true).unwrap(), there)
    }

    /// One task writes and waits for something to read, as a relay does.
    #[tokio::test]
    async fn a_peer_that_is_slow_gets_everything_and_is_still_heard() {
        let (mut here, mut there) = pair();
        let sent: Vec<u8> = (0..2_000_000_u32).flat_map(u32::to_le_bytes).collect();
        let all = sent.len();
        let peer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(50));
            let mut got = vec![0; all];
            there.read_exact(&mut got[..all / 2]).unwrap();
            there.write_all(b"half").unwrap();
            there.read_exact(&mut got[all / 2..]).unwrap();
            got
        });
        let (mut written, mut heard) = (0, Vec::with_capacity(10));
        poll_fn(|cx| {
            while written < all
                && let Poll::Ready(length) = Pin::new(&mut here).poll_write(cx, &sent[written..])?
            {
                written += length;
            }
            while heard.len() < 4
                && let Poll::Ready(length) = here.poll_recv(cx, &mut heard)?
            {
                assert!(length > 0 && written < all, "heard before all was taken");
            }
            if written == all && heard.len() == 4 {
                Poll::Ready(io::Result::Ok(()))
            } else {
                Poll::Pending
            }
        })
        .await
        .unwrap();
        assert!(here.asks_for_room);
        assert!(peer.join().unwrap() == sent);
        assert_eq!(heard, b"half");
    }

    #[tokio::test]
    async fn it_is_quiet_until_something_comes_and_the_end_is_something() {
        let (here, mut there) = pair();
        assert!(here.is_quiet() && here.was_quiet());
        there.write_all(b"x").unwrap();
        // The kernel knows at once; the runtime when it looks at its sockets.
        assert!(!here.is_quiet() && here.was_quiet());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!here.is_quiet() && !here.was_quiet());
        let (here, there) = pair();
        assert!(here.is_quiet() && here.was_quiet());
        drop(there);
        assert!(!here.is_quiet());
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!here.is_quiet() && !here.was_quiet());
    }
}
