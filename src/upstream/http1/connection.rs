//! One connection to a server, lent to one call at a time.

use super::super::share::Permit;
use crate::{http::Wire, net::Stream};

/// A connection to a server.
pub(crate) struct Connection {
    pub(super) wire: Wire<Stream>,
    /// It has served a call before: its other side may be closing it just now.
    pub(super) is_used: bool,
    _permit: Option<Permit>,
}

impl Connection {
    /// `permit` is kept as long as the connection is open. It is in a box: it goes from hand to hand.
    pub(in crate::upstream) fn new(stream: Stream, permit: Option<Permit>) -> Box<Self> {
        Box::new(Self {
            wire: Wire::new(stream),
            is_used: false,
            _permit: permit,
        })
    }

    /// Whether nothing came on an idle connection: neither its end, nor a response that nobody asked for. The kernel is
    /// asked, or else what the runtime knew when it last asked for events.
    pub(in crate::upstream) fn is_quiet(&mut self, asks_kernel: bool) -> bool {
        let wire = &mut self.wire;
        wire.buf.is_empty() && wire.out.is_empty() && wire.stream.is_quiet(asks_kernel)
    }

    /// Makes it ready for another call. Returns whether it may serve one: what came behind a response belongs to no request.
    pub(in crate::upstream) fn rest(&mut self) -> bool {
        self.is_used = true;
        self.wire.out.trim();
        self.wire.buf.is_empty()
    }

    /// Reads up to `at_once` bytes at a time, and has the kernel hold up to `unread` that nobody has read.
    pub(crate) fn take_in(&mut self, at_once: usize, unread: usize) {
        self.wire.read_at_most(at_once);
        self.wire.stream.hold_at_most(unread);
    }

    /// What it is under HTTP, for another protocol.
    pub(crate) fn into_wire(self) -> Wire<Stream> {
        self.wire
    }
}
