//! One end of a connection that speaks HTTP/1: what came and was not taken yet, and what is to go out.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::poll_read_buf;

use super::Outbox;

/// One end of a connection.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    /// What came and was not taken yet.
    pub(crate) buf: BytesMut,
    pub(crate) out: Outbox,
    /// Counts the buffers: pieces of one buffer keep the whole of it alive.
    buffers: u64,
    capacity: usize,
    /// How much a read into a buffer of its own takes; 0 as long as that of the thread is enough.
    reading: usize,
}

thread_local! {
    /// What all connections of a thread read into: it is in the processor's cache, where a buffer for each of
    /// many connections would not be.
    static SHARED: RefCell<BytesMut> = RefCell::default();
}

/// How much is read at a time, and at most from whoever sends much.
const READ: usize = 16 * 1024;
const LARGEST_READ: usize = 128 * 1024;
/// Less than this is copied out of the thread's buffer; more takes the buffer along.
const LITTLE: usize = 4 * 1024;

/// So often a task reads on before the others of its thread have their turn: a large body must not hold them up.
pub(crate) const TURNS: usize = 8;

/// Goes on when the others have had their turn.
pub(crate) fn later<T>(cx: &Context<'_>) -> Poll<T> {
    cx.waker().wake_by_ref();
    Poll::Pending
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            buf: BytesMut::new(),
            out: Outbox::default(),
            buffers: 0,
            capacity: 0,
            reading: 0,
        }
    }

    /// Reads once: how many bytes came, 0 at the end.
    ///
    /// # Errors
    /// What the stream says.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.buf.is_empty() && self.reading == 0 {
            return SHARED.with_borrow_mut(|shared| self.poll_fill_from(shared, cx));
        }
        let reading = self.reading.max(READ);
        if self.buf.capacity() - self.buf.len() < LITTLE {
            self.make_room(reading);
        }
        let room = self.buf.capacity() - self.buf.len();
        let read = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.buf))?;
        // Whoever fills a buffer has more.
        if read == room {
            self.reading = (reading * 2).min(LARGEST_READ);
        }
        Poll::Ready(Ok(read))
    }

    fn poll_fill_from(
        &mut self,
        shared: &mut BytesMut,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        shared.reserve(READ);
        let room = shared.capacity();
        let read = ready!(poll_read_buf(Pin::new(&mut self.stream), cx, shared))?;
        if read < LITTLE {
            self.buf = BytesMut::from(&shared[..]);
            self.capacity = read;
            shared.clear();
        } else {
            self.buf = std::mem::take(shared);
            self.capacity = room;
        }
        self.buffers += 1;
        if read == room {
            self.reading = 2 * READ;
        }
        Poll::Ready(Ok(read))
    }

    fn make_room(&mut self, reading: usize) {
        // Where no piece of it is alive, the buffer is used again.
        if self.capacity >= reading && self.buf.try_reclaim(reading) {
            return;
        }
        let mut fresh = BytesMut::with_capacity(reading.max(2 * self.buf.len()));
        fresh.extend_from_slice(&self.buf);
        self.capacity = fresh.capacity();
        self.buf = fresh;
        self.buffers += 1;
    }

    /// The number of the buffer that was read into last, and its size in bytes.
    pub(crate) fn buffer(&self) -> (u64, usize) {
        (self.buffers, self.capacity)
    }

    /// Writes until all is written.
    ///
    /// # Errors
    /// What the stream says.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.out.poll_flush(&mut self.stream, cx)
    }

    /// Gives memory back: nothing is expected soon.
    pub(crate) fn rest(&mut self) {
        if self.buf.is_empty() {
            self.buf = BytesMut::new();
            self.capacity = 0;
            self.reading = 0;
        }
        self.out.rest();
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::*;

    #[tokio::test]
    async fn pieces_that_are_kept_are_never_written_over() {
        let (mut there, here) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(here);
        let mut kept = Vec::new();
        for n in 0..200_u8 {
            there.write_all(&[n; 9000]).await.unwrap();
            std::future::poll_fn(|cx| wire.poll_fill(cx)).await.unwrap();
            kept.push(wire.buf.split().freeze());
        }
        for (n, piece) in kept.iter().enumerate() {
            assert!(piece.iter().all(|byte| usize::from(*byte) == n));
        }
        assert!(wire.buffer().0 > 100, "{:?}", wire.buffer());
    }
}
