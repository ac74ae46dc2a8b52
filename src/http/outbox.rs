//! Bytes on their way out: small ones collected, a piece of a body beside them and not copied.

use std::{
    io::{self, IoSlice, Write},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncWrite;

use super::Headers;

/// Bytes on their way out, in their order: `front`, `piece`, `back`.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    front: Vec<u8>,
    /// How many bytes of `front` are written.
    written: usize,
    piece: Bytes,
    back: Vec<u8>,
    /// Something was written since [`Outbox::begin`].
    moved: bool,
}

/// A piece of a body on its way out.
pub(crate) enum OutPiece<'a> {
    /// This many bytes from the start of what came.
    Came(&'a mut BytesMut, usize),
    /// Bytes that are shared with somebody.
    Shared(Bytes),
}

impl OutPiece<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Came(_, length) => *length,
            Self::Shared(piece) => piece.len(),
        }
    }
}

/// A piece up to this is cheaper to copy beside the head than to write from where it is.
const SMALL: usize = 512;
/// Memory that one keeps for the next message.
const USUAL: usize = 4 * 1024;
/// More than this is written before more is collected.
const FULL: usize = 16 * 1024;

impl Outbox {
    /// A message begins: nothing of it is written.
    pub(crate) fn begin(&mut self) {
        self.moved = false;
    }

    /// Whether not a byte of the message was written.
    pub(crate) fn is_untouched(&self) -> bool {
        !self.moved
    }

    /// Whether anything was written since this was asked last.
    pub(crate) fn has_progressed(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Whether everything is written.
    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_empty() && self.piece.is_empty()
    }

    /// Whether another piece may be put in before these are written.
    pub(crate) fn has_room(&self) -> bool {
        self.piece.is_empty() && self.front.len() < FULL
    }

    /// Where small things are written to, behind all else.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        if self.piece.is_empty() {
            &mut self.front
        } else {
            &mut self.back
        }
    }

    /// A piece of a body. There has to be room.
    pub(crate) fn piece(&mut self, piece: OutPiece<'_>) {
        debug_assert!(self.piece.is_empty(), "one piece at a time");
        match piece {
            OutPiece::Came(buf, length) if length <= SMALL => {
                self.front.extend_from_slice(&buf[..length]);
                buf.advance(length);
            }
            OutPiece::Came(buf, length) => self.piece = buf.split_to(length).freeze(),
            OutPiece::Shared(piece) if piece.len() <= SMALL => {
                self.front.extend_from_slice(&piece);
            }
            OutPiece::Shared(piece) => self.piece = piece,
        }
    }

    /// As [`Outbox::piece`], in a chunk of its own (RFC 9112, 7.1). It must not be empty: that would be the end.
    pub(crate) fn chunk(&mut self, piece: OutPiece<'_>) {
        let length = piece.len();
        debug_assert!(length > 0, "an empty chunk is the last");
        // Writing to memory can't fail.
        let _ = write!(self.front, "{length:x}\r\n");
        self.piece(piece);
        self.text().extend_from_slice(b"\r\n");
    }

    /// The last chunk, with what follows it.
    pub(crate) fn last_chunk(&mut self, trailers: Option<&Headers>) {
        let out = self.text();
        out.extend_from_slice(b"0\r\n");
        if let Some(trailers) = trailers {
            trailers.write(out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Writes until all is written.
    ///
    /// # Errors
    /// What the stream says; a stream that takes nothing is one that ended.
    pub(crate) fn poll_flush(
        &mut self,
        stream: &mut (impl AsyncWrite + Unpin),
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            let front = &self.front[self.written..];
            let written = if self.piece.is_empty() {
                ready!(Pin::new(&mut *stream).poll_write(cx, front))?
            } else {
                let slices = [
                    IoSlice::new(front),
                    IoSlice::new(&self.piece),
                    IoSlice::new(&self.back),
                ];
                let from = usize::from(front.is_empty());
                let to = if self.back.is_empty() { 2 } else { 3 };
                ready!(Pin::new(&mut *stream).poll_write_vectored(cx, &slices[from..to]))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.advance(written);
        }
        Pin::new(stream).poll_flush(cx)
    }

    fn advance(&mut self, mut written: usize) {
        self.moved = true;
        let of_front = written.min(self.front.len() - self.written);
        self.written += of_front;
        written -= of_front;
        if self.written < self.front.len() {
            return;
        }
        self.front.clear();
        self.written = 0;
        let of_piece = written.min(self.piece.len());
        self.piece.advance(of_piece);
        if self.piece.is_empty() {
            self.piece = Bytes::new();
            std::mem::swap(&mut self.front, &mut self.back);
            self.written = written - of_piece;
            if self.written == self.front.len() {
                self.front.clear();
                self.written = 0;
            }
        }
    }

    /// Gives its memory back, once everything is written.
    pub(crate) fn rest(&mut self) {
        if self.is_empty() {
            *self = Self::default();
        }
    }

    /// Gives back what is more than usual heads need, once everything is written.
    pub(crate) fn trim(&mut self) {
        if self.front.capacity() + self.back.capacity() > USUAL {
            self.rest();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use proptest::prelude::*;

    use super::*;

    /// Takes a few bytes at a time.
    struct Slow(Vec<u8>, usize);

    impl AsyncWrite for Slow {
        fn poll_write(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.poll_write_vectored(cx, &[IoSlice::new(buf)])
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            let all: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
            let taken = self.1.min(all.len());
            self.0.extend_from_slice(&all[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn a_chunk_may_begin_just_before_it_is_full() {
        let mut out = Outbox::default();
        out.text().resize(FULL - 1, b' ');
        assert!(out.has_room());
        for shared in [true, false] {
            let mut came = BytesMut::from(&b"x"[..]);
            out.chunk(if shared {
                OutPiece::Shared(Bytes::from_static(b"x"))
            } else {
                OutPiece::Came(&mut came, 1)
            });
        }
        assert!(!out.has_room());
        let (mut stream, mut cx) = (Slow(Vec::new(), 1000), Context::from_waker(Waker::noop()));
        assert!(out.poll_flush(&mut stream, &mut cx).is_ready());
        assert!(stream.0.ends_with(b" 1\r\nx\r\n1\r\nx\r\n"));
    }

    #[test]
    fn the_memory_of_a_large_head_is_not_kept_and_that_of_a_usual_one_is() {
        let (mut stream, mut cx) = (Slow(Vec::new(), 1000), Context::from_waker(Waker::noop()));
        for (length, keeps) in [(500, true), (60_000, false)] {
            let mut out = Outbox::default();
            out.text().extend_from_slice(&vec![b'x'; length]);
            out.trim();
            assert!(!out.is_empty(), "it is not written yet");
            assert!(out.poll_flush(&mut stream, &mut cx).is_ready());
            out.trim();
            assert_eq!(out.front.capacity() + out.back.capacity() > 0, keeps);
        }
    }

    proptest! {
        #[test]
        fn everything_goes_out_in_its_order(sizes in proptest::collection::vec(1_usize..3000, 0..6), step in 1_usize..700) {
            let (mut out, mut stream, mut expected) = (Outbox::default(), Slow(Vec::new(), step), Vec::new());
            let mut cx = Context::from_waker(Waker::noop());
            out.text().extend_from_slice(b"head\r\n\r\n");
            expected.extend_from_slice(b"head\r\n\r\n");
            for size in sizes {
                if !out.has_room() {
                    prop_assert!(out.poll_flush(&mut stream, &mut cx).is_ready());
                }
                out.chunk(OutPiece::Came(&mut BytesMut::from(&vec![b'x'; size][..]), size));
                expected.extend_from_slice(format!("{size:x}\r\n{}\r\n", "x".repeat(size)).as_bytes());
            }
            out.last_chunk(None);
            expected.extend_from_slice(b"0\r\n\r\n");
            prop_assert!(out.poll_flush(&mut stream, &mut cx).is_ready());
            prop_assert!(out.is_empty() && stream.0 == expected);
        }
    }
}
