//! A connected socket of any kind, plain or under TLS.

use std::{
    io,
    os::fd::BorrowedFd,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::sleep,
};
use tokio_rustls::TlsStream;
use tokio_util::io::poll_read_buf;

use super::Socket;
#[cfg(test)]
use super::memory::Memory;
use crate::http::Transport;

/// A connected socket: tcp or unix, plain or under TLS.
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
    #[cfg(test)]
    Memory(Memory),
}

impl Stream {
    /// Every stream has one but those in memory.
    #[cfg_attr(
        not(test),
        expect(clippy::unnecessary_wraps, reason = "those in memory have none")
    )]
    fn socket(&self) -> Option<&Socket> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(stream) => Some(stream.get_ref().0),
            #[cfg(test)]
            Self::Memory(_) => None,
        }
    }

    fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.socket()?.as_fd()
    }

    /// Whether it is under TLS.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether it is a unix socket.
    pub(crate) fn is_local(&self) -> bool {
        self.socket().is_some_and(Socket::is_local)
    }

    /// Whether neither a byte for its user nor the end has come since it was last read from. The kernel is asked, or
    /// else what the runtime knew when it last asked for events.
    pub(crate) fn is_quiet(&mut self, asks_kernel: bool) -> bool {
        // What came may be for TLS alone, such as a ticket: that is taken first.
        if let Self::Tls(stream) = self {
            let mut byte = [0; 1];
            let mut cx = Context::from_waker(Waker::noop());
            let read = Pin::new(stream).poll_read(&mut cx, &mut ReadBuf::new(&mut byte));
            if read.is_ready() {
                return false;
            }
        }
        #[cfg(test)]
        if let Self::Memory(memory) = self {
            return memory.is_quiet();
        }
        self.socket().is_some_and(|socket| {
            if asks_kernel {
                socket.is_quiet()
            } else {
                socket.was_quiet()
            }
        })
    }

    /// Lets the kernel hold about so many bytes that came and were not read; of a unix socket the sender's side decides.
    pub(crate) fn hold_at_most(&self, bytes: usize) {
        if let Some(fd) = self.fd() {
            // Where it can't be set, the kernel's own limit holds.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(fd, bytes);
        }
    }

    /// Whether the peer closed a unix socket for both directions. A tcp socket can't tell.
    pub(crate) fn is_hung_up(&self) -> bool {
        self.fd().is_some_and(|fd| has(fd, PollFlags::HUP))
    }

    /// Waits until the peer has taken what was sent, for `patience` at most: a reset throws away what it has not.
    ///
    /// How much is left is not to be had from the kernel without `unsafe`. But a tcp socket has room only while less than
    /// two thirds of its buffer are taken (`sk_stream_is_writeable`), and the least buffer holds one small segment.
    pub(crate) async fn delivered(&self, patience: Duration) {
        let Some(fd) = self.fd().filter(|_| !self.is_local()) else {
            return;
        };
        // Where it can't be shrunk, there is room sooner.
        let _ = rustix::net::sockopt::set_socket_send_buffer_size(fd, 0);
        let end = Instant::now() + patience;
        let mut wait = FIRST_LOOK;
        while !has(fd, PollFlags::OUT) && Instant::now() < end {
            sleep(wait).await;
            wait = (wait * 2).min(LAST_LOOK);
        }
    }

    /// Lets the socket's end be a reset (tcp), so that nobody takes what was sent for whole.
    pub(crate) fn reset_on_close(&mut self) {
        #[cfg(test)]
        if let Self::Memory(memory) = self {
            memory.reset_on_close();
        }
        if let Some(fd) = self.fd()
            && !self.is_local()
        {
            // Without it the end is a clean one; there is nothing else to do.
            let _ = rustix::net::sockopt::set_socket_linger(fd, Some(Duration::ZERO));
        }
    }
}

/// How long is waited before a socket is looked at again.
const FIRST_LOOK: Duration = Duration::from_millis(2);
const LAST_LOOK: Duration = Duration::from_millis(100);

/// Whether poll(2) says so of a socket now. Hanging up is told unasked.
fn has(fd: BorrowedFd<'_>, flag: PollFlags) -> bool {
    let mut fds = [PollFd::from_borrowed_fd(fd, flag)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut fds, Some(&at_once)).is_ok() && fds[0].revents().contains(flag)
}

macro_rules! each {
    ($self:expr, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Plain($stream) => $call,
            Stream::Tls($stream) => $call,
            #[cfg(test)]
            Stream::Memory($stream) => $call,
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        each!(self, stream => Pin::new(stream).poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

impl Transport for Stream {
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_recv(cx, into),
            Self::Tls(stream) => poll_read_buf(Pin::new(stream), cx, into),
            #[cfg(test)]
            Self::Memory(stream) => poll_read_buf(Pin::new(stream), cx, into),
        }
    }
}
