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

    /// Whether nothing came on an idle connection: neither its end, nor an answer that nobody asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.wire.buf.is_empty() && self.wire.out.is_empty() && self.wire.stream.is_quiet()
    }

    /// Reads once; false at the end.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<std::io::Result<bool>> {
        self.wire
            .poll_fill(cx)
            .map(|read| read.map(|length| length > 0))
    }
}
