//! How somebody looks on while a message passes: copies, the capture, and scripts all do it this way.

use bytes::Bytes;

use super::{Headers, OutPiece, Transport, Wire, wire::Buffer};

/// Somebody who looks on while a message's body passes. Nothing here may block, or fail the message.
pub(crate) trait Tap {
    /// A piece passes. Returns whether the piece itself is wanted, by [`Tap::share`].
    fn notice(&mut self, piece: &[u8]) -> bool;
    /// The piece, shared with the path; it is a slice of this buffer.
    fn share(&mut self, piece: &Bytes, buffer: Buffer);
    /// The body is whole. `trailers`: the fields behind its last chunk.
    fn end(&mut self, trailers: Option<&Headers>);
}

/// Shows taps the first `length` bytes of what came, and returns them on their way out. They are shared only where a tap
/// wants them: a small piece is cheaper to copy.
pub(crate) fn show<'a, S: Transport>(
    taps: [Option<&mut dyn Tap>; 2],
    wire: &'a mut Wire<S>,
    length: usize,
) -> OutPiece<'a> {
    let came = &wire.buf[..length];
    let wanting = taps.map(|tap| tap.and_then(|tap| tap.notice(came).then_some(tap)));
    if wanting.iter().all(Option::is_none) {
        return OutPiece::Came(&mut wire.buf, length);
    }
    let buffer = wire.buffer();
    let piece = wire.buf.split_to(length).freeze();
    for tap in wanting.into_iter().flatten() {
        tap.share(&piece, buffer);
    }
    OutPiece::Shared(piece)
}
