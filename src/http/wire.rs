//! One end of a connection that speaks HTTP/1: what came and was not taken yet, and what is to go out.

use std::{
    cell::RefCell,
    future::Future,
    io,
    pin::pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::Outbox;

/// What a [`Wire`] goes over.
pub(crate) trait Transport: AsyncRead + AsyncWrite + Unpin {
    /// Reads once, behind what is in `into`, as much as there is room for: how many bytes came, 0 at the end.
    ///
    /// # Errors
    /// What the transport says.
    fn poll_read_into(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>>;
}

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
    /// Which of the thread's buffers is read into.
    size: usize,
    /// The largest that may be.
    largest: usize,
}

/// What all connections of a thread read into, in each size: it is in the processor's cache, where a buffer for each
/// of many connections would not be.
type Spares = [Vec<u8>; SIZES];

thread_local! {
    static SPARES: RefCell<Spares> = const { RefCell::new([const { Vec::new() }; SIZES]) };
}

/// The buffer that pieces are slices of: its number and its size in bytes.
pub(crate) type Buffer = (u64, usize);

/// Bytes that are read at a time, and how often that is doubled for a peer that sends much.
const READ: usize = 16 * 1024;
const SIZES: usize = 4;
/// The least buffer that a connection has for itself.
const LEAST: usize = 256;
/// What is left of the last read goes in front of the next, so that a body's pieces are not copied; more is added to.
const CARRIED: usize = 1024;

/// How much a task moves before the others of its thread have their turn: a large body must not hold them up.
pub(crate) struct Turn {
    reads: usize,
    bytes: usize,
}

impl Turn {
    pub(crate) fn begin() -> Self {
        Self {
            reads: 8,
            bytes: 256 * 1024,
        }
    }

    /// Counts a read that brought `bytes`. Returns whether the turn goes on.
    pub(crate) fn goes_on(&mut self, bytes: usize) -> bool {
        self.reads = self.reads.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.reads > 0 && self.bytes > 0
    }
}

/// Goes on once the runtime has asked for events and the others have had their turn. A task that merely wakes itself
/// is polled again before that, up to 61 times.
pub(crate) fn later<T>(cx: &mut Context<'_>) -> Poll<T> {
    // Its first poll leaves the waker with the runtime, to be woken after the events.
    let _ = pin!(tokio::task::yield_now()).poll(cx);
    Poll::Pending
}

impl<S: Transport> Wire<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            stream,
            buf: BytesMut::new(),
            out: Outbox::default(),
            buffers: 0,
            capacity: 0,
            size: 0,
            largest: SIZES - 1,
        }
    }

    /// Reads up to `bytes` at a time from now on; at least 16 KiB.
    pub(crate) fn read_at_most(&mut self, bytes: usize) {
        let doublings = (bytes / READ).max(1).ilog2() as usize;
        self.largest = doublings.min(SIZES - 1);
    }

    /// Reads once: how many bytes came, 0 at the end.
    ///
    /// # Errors
    /// What the stream says.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        SPARES.with_borrow_mut(|spares| self.poll_fill_from(spares, cx))
    }

    fn poll_fill_from(
        &mut self,
        spares: &mut Spares,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let room = READ << self.size;
        let spare = &mut spares[self.size];
        if spare.capacity() < room {
            *spare = self.spare(room);
        }
        let carries = self.buf.len() <= CARRIED;
        if carries {
            spare.extend_from_slice(&self.buf);
        }
        let polled = self.stream.poll_read_into(cx, spare);
        let Poll::Ready(Ok(read)) = polled else {
            spare.clear();
            return polled;
        };
        let came = &spare[spare.len() - read..];
        if read < room / 4 || !carries {
            self.append(came);
            spare.clear();
            // A buffer is taken along where it holds enough to be worth it.
            self.size = self.size.saturating_sub(1);
        } else {
            // A peer that fills a buffer has more.
            if spare.len() == spare.capacity() {
                self.size = (self.size + 1).min(self.largest);
            }
            self.capacity = spare.capacity();
            self.buf = BytesMut::from(Bytes::from(std::mem::take(spare)));
            self.buffers += 1;
        }
        Poll::Ready(Ok(read))
    }

    /// A buffer to read into: the connection's own where no piece of it is alive.
    fn spare(&mut self, room: usize) -> Vec<u8> {
        if self.buf.is_empty() && self.capacity >= room && self.buf.try_reclaim(room) {
            // One with room left behind a piece that is alive can't be had, and comes as an empty one.
            let own = Vec::from(std::mem::take(&mut self.buf));
            if own.capacity() >= room {
                return own;
            }
        }
        Vec::with_capacity(room)
    }

    /// Puts a few bytes behind those that are there.
    fn append(&mut self, bytes: &[u8]) {
        let is_full = self.buf.capacity() - self.buf.len() < bytes.len();
        if is_full && !self.buf.try_reclaim(bytes.len()) {
            let least = (self.buf.len() + bytes.len()).next_power_of_two();
            let mut larger = BytesMut::with_capacity(least.max(LEAST));
            larger.extend_from_slice(&self.buf);
            self.capacity = larger.capacity();
            self.buf = larger;
            self.buffers += 1;
        }
        self.buf.extend_from_slice(bytes);
    }

    /// Hands what is a large buffer back to the thread, whose next reader needs one, where what came is taken or is
    /// little of it. For a reader that keeps no pieces.
    pub(crate) fn give_buffer_back(&mut self) {
        if self.capacity < READ || self.buf.len() > CARRIED {
            return;
        }
        let left = BytesMut::from(&self.buf[..]);
        let mut large = std::mem::replace(&mut self.buf, left);
        large.clear();
        if large.try_reclaim(self.capacity) {
            let large = Vec::from(large);
            SPARES.with_borrow_mut(|spares| {
                // The sizes are powers of two, and what has grown is at least as large as its place says.
                let fits = spares
                    .iter_mut()
                    .enumerate()
                    .rev()
                    .find(|(size, _)| large.capacity() >= READ << size);
                if let Some((_, spare)) = fits
                    && spare.capacity() == 0
                {
                    *spare = large;
                }
            });
        }
        self.capacity = self.buf.capacity();
    }

    /// Bytes of memory that what came and was not taken yet keeps.
    pub(crate) fn memory(&self) -> usize {
        if self.buf.is_empty() {
            0
        } else {
            self.capacity
        }
    }

    /// The buffer that was read into last.
    pub(crate) fn buffer(&self) -> Buffer {
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
            self.size = 0;
        }
        self.out.rest();
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use tokio::io::{AsyncWriteExt, DuplexStream};
    use tokio_util::io::poll_read_buf;

    use super::*;

    impl Transport for DuplexStream {
        fn poll_read_into(
            &mut self,
            cx: &mut Context<'_>,
            into: &mut Vec<u8>,
        ) -> Poll<io::Result<usize>> {
            // Where there is no room, a socket says 0, which is taken for the end.
            assert!(
                into.capacity() - into.len() >= READ - CARRIED,
                "{}",
                into.capacity()
            );
            poll_read_buf(Pin::new(self), cx, into)
        }
    }

    /// Reads of all sizes, of which pieces are kept by somebody for a while.
    #[tokio::test]
    async fn there_is_room_for_each_read_whoever_keeps_pieces_of_those_before() {
        let mut rng = fastrand::Rng::with_seed(1);
        let (mut there, here) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(here);
        let mut kept = std::collections::VecDeque::new();
        for _ in 0..20_000 {
            let length = [100, 1_000, 5_000, 9_000, 20_000, 40_000, 130_000][rng.usize(..7)];
            there.write_all(&vec![b'x'; length]).await.unwrap();
            let mut left = length;
            while left > 0 {
                left -= std::future::poll_fn(|cx| wire.poll_fill(cx)).await.unwrap();
                let taken = match rng.usize(..4) {
                    0 => wire.buf.len() / 2,
                    _ => wire.buf.len(),
                };
                kept.push_back(wire.buf.split_to(taken).freeze());
            }
            while kept.len() > rng.usize(..6) {
                kept.pop_front();
            }
        }
    }

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

    #[tokio::test]
    async fn a_large_buffer_goes_back_to_the_thread_with_what_is_left_of_it_kept() {
        let (mut there, here) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(here);
        for _ in 0..3 {
            there.write_all(&[b'x'; READ]).await.unwrap();
            std::future::poll_fn(|cx| wire.poll_fill(cx)).await.unwrap();
            assert!(wire.memory() >= READ);
            let _ = wire.buf.split_to(READ - 10);
            wire.give_buffer_back();
            assert_eq!(wire.buf[..], [b'x'; 10]);
            assert!(wire.memory() < READ, "{}", wire.memory());
            let spare =
                SPARES.with_borrow(|spares| spares.iter().map(Vec::capacity).sum::<usize>());
            assert!(spare >= READ, "{spare}");
            wire.buf.clear();
        }
    }

    /// A task that has more to do is polled again only when the runtime has asked for events.
    #[test]
    fn later_is_after_the_events() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut there, mut here) = tokio::net::UnixStream::pair().unwrap();
            let busy = tokio::spawn(async {
                let mut polls = 0;
                std::future::poll_fn(|cx| {
                    polls += 1;
                    if polls > 1000 {
                        Poll::Ready(())
                    } else {
                        later(cx)
                    }
                })
                .await;
            });
            there.write_all(b"x").await.unwrap();
            let mut byte = [0];
            tokio::io::AsyncReadExt::read_exact(&mut here, &mut byte)
                .await
                .unwrap();
            assert!(
                !busy.is_finished(),
                "it was polled a thousand times before an event"
            );
            busy.await.unwrap();
        });
    }
}
