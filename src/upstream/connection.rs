//! One connection to a server, lent to one request at a time.

use std::task::{Context, Poll};

use super::share::Permit;
use crate::{http::Wire, net::Stream};

/// A connection to a server.
pub(crate) struct Connection {
    pub(crate) wire: Wire<Stream>,
    /// It has served a request before: its other side may be closing it just now.
    pub(crate) is_used: bool,
    _permit: Option<Permit>,
}

impl Connection {
    /// `permit` is kept as long as the connection is open. It is in a box: it goes from hand to hand.
    pub(super) fn new(stream: Stream, permit: Option<Permit>) -> Box<Self> {
        Box::new(Self {
            wire: Wire::new(stream),
            is_used: false,
            _permit: permit,
        })
    }

    /// Whether nothing came on an idle connection: neither its end, nor an answer that nobody asked for. The kernel is
    /// asked, or else what the runtime knew when it last asked for events.
    pub(crate) fn is_quiet(&mut self, asks_kernel: bool) -> bool {
        let wire = &mut self.wire;
        wire.buf.is_empty() && wire.out.is_empty() && wire.stream.is_quiet(asks_kernel)
    }

    /// Reads once: how many bytes came, 0 at the end.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<usize>> {
        self.wire.poll_fill(cx)
    }
}
