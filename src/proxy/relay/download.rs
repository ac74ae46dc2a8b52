//! The primary's answer on its way to the client.

use std::{
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{
    super::{downstream::Downstream, own_time::OwnTime, prepare::Prepared},
    Passing,
};
use crate::{
    exchange::{Exchange, PrimaryResponse},
    http::{
        Framing, Headers, Known, ResponseHead, Tap, Turn, Version, later, now, strip_answer,
        strip_trailers,
    },
    tee::Recording,
    upstream::{BadResponse, Call, Next},
};

/// The answer on its way.
pub(in crate::proxy) struct Download {
    pub(in crate::proxy) head: ResponseHead,
    /// What the capture keeps of its body.
    pub(in crate::proxy) kept: Option<Box<Recording>>,
    /// What is kept of it for scripts.
    pub(in crate::proxy) told: Option<Box<Recording>>,
    /// The client asked for another protocol.
    pub(in crate::proxy) upgrade: bool,
    to_head: bool,
    client: Version,
    /// The client's connection ends behind this answer.
    pub(in crate::proxy) closes: bool,
    encoding: Encoding,
    /// Bytes of the answer's body that went out.
    pub(in crate::proxy) sent: u64,
    /// What its head says, once it is there.
    pub(in crate::proxy) answered: Option<PrimaryResponse>,
    pub(in crate::proxy) own: OwnTime,
    /// When something last came or went.
    pub(super) last: Instant,
    pub(super) state: Receiving,
    /// What ends the answer once everything before it is sent.
    broke: Option<BadResponse>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    AsItIs,
    Chunked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receiving {
    Head,
    Body,
    /// All of it is read.
    Done,
}

impl Download {
    /// `head` is memory to be used.
    pub(in crate::proxy) fn new(
        head: ResponseHead,
        exchange: &Exchange,
        Prepared {
            upgrade, closes, ..
        }: Prepared,
        kept: Option<Box<Recording>>,
        told: Option<Box<Recording>>,
        own: OwnTime,
    ) -> Self {
        Self {
            head,
            kept,
            told,
            upgrade,
            to_head: exchange.head.method() == b"HEAD",
            client: exchange.head.version,
            closes,
            encoding: Encoding::AsItIs,
            sent: 0,
            answered: None,
            own,
            last: exchange.received,
            state: Receiving::Head,
            broke: None,
        }
    }

    /// When something last came or went.
    pub(in crate::proxy) fn last(&self) -> Instant {
        self.last
    }

    /// Whether the answer's head went to the client.
    pub(super) fn has_begun(&self) -> bool {
        self.state != Receiving::Head
    }

    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Downstream,
        call: &mut Call,
        of: &Passing<'_>,
    ) -> Poll<Result<(), Stopped>> {
        let mut turn = Turn::begin();
        loop {
            if self.state == Receiving::Done && client.wire.out.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let more = match self.collect(client, call, of) {
                Err(Stopped::ByPrimary(error)) if !client.wire.out.is_empty() => {
                    self.broke = Some(error);
                    false
                }
                collected => collected?,
            };
            if !client.wire.out.is_empty() {
                let flushed = client.wire.poll_flush(cx);
                if let OwnTime::Forwarded(_) = self.own
                    && self.has_begun()
                {
                    let is_written = matches!(flushed, Poll::Ready(Ok(())));
                    self.own.answered(self.last, is_written, of.pipeline);
                }
                // A client that reads slowly is one that reads.
                if client.wire.out.has_progressed() && self.state != Receiving::Done {
                    self.last = now();
                }
                ready!(flushed).map_err(|_| Stopped::ByClient)?;
            }
            if let Some(error) = self.broke.take() {
                return Poll::Ready(Err(Stopped::ByPrimary(error)));
            }
            let came = match more {
                _ if self.state == Receiving::Done => return Poll::Ready(Ok(())),
                true => 0,
                false => match ready!(call.poll_fill(cx)).map_err(Stopped::ByPrimary)? {
                    0 => {
                        self.end(client, None);
                        0
                    }
                    came => came,
                },
            };
            if !turn.goes_on(came) {
                return later(cx);
            }
        }
    }

    /// Puts what came into the client's outbox. Returns whether there may be more of it.
    fn collect(
        &mut self,
        client: &mut Downstream,
        call: &mut Call,
        of: &Passing<'_>,
    ) -> Result<bool, Stopped> {
        while self.state != Receiving::Done {
            if !client.wire.out.has_room() {
                return Ok(true);
            }
            match call.next(&mut self.head).map_err(Stopped::ByPrimary)? {
                Next::Interim => self.pass_interim(client),
                Next::Head(framing) => self.begin(framing, client, call, of)?,
                Next::Piece(length) => {
                    self.sent += length as u64;
                    let taps = [&mut self.kept, &mut self.told];
                    let taps = taps.map(|tap| tap.as_deref_mut().map(|tap| tap as &mut dyn Tap));
                    let (piece, out) = (call.show(taps, length), &mut client.wire.out);
                    match self.encoding {
                        Encoding::Chunked => out.chunk(piece),
                        Encoding::AsItIs => out.piece(piece),
                    }
                    if call.response().is_done() && self.encoding == Encoding::AsItIs {
                        self.end(client, None);
                    }
                }
                Next::Trailers(mut trailers) => {
                    strip_trailers(&mut trailers);
                    self.end(client, Some(&trailers));
                }
                Next::End => self.end(client, None),
                Next::More => return Ok(false),
            }
        }
        Ok(false)
    }

    /// An interim answer (RFC 9110, 15.2); HTTP/1.0 has none.
    #[cold]
    fn pass_interim(&mut self, client: &mut Downstream) {
        if self.client == Version::Http11 {
            strip_answer(&mut self.head.headers, false);
            let out = client.wire.out.text();
            self.head.write(out);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The final answer's head is there.
    fn begin(
        &mut self,
        framing: Framing,
        client: &mut Downstream,
        call: &Call,
        of: &Passing<'_>,
    ) -> Result<(), Stopped> {
        let switches = self.head.status == 101;
        if switches && !self.upgrade {
            return Err(Stopped::Unasked);
        }
        self.last = now();
        let after = self.last - of.exchange.received;
        of.pipeline.metrics.primary.record(after);
        let answer = PrimaryResponse {
            status: self.head.status,
            after,
        };
        self.answered = Some(answer);
        of.copies.answered(answer, &self.head.headers);
        strip_answer(&mut self.head.headers, switches);
        self.frame(framing);
        self.closes |= of.pipeline.drain.is_asked() && !switches;
        let out = client.wire.out.text();
        self.head.write(out);
        if self.closes {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if self.client == Version::Http10 && !switches {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.state = if call.response().is_done() {
            Receiving::Done
        } else {
            Receiving::Body
        };
        Ok(())
    }

    /// Gives the answer one framing, that its client understands (RFC 9112, 6).
    fn frame(&mut self, framing: Framing) {
        let headers = &mut self.head.headers;
        let old = self.client == Version::Http10;
        match framing {
            Framing::None if matches!(self.head.status, 101 | 204) => {
                headers.remove(Known::ContentLength);
                headers.remove(Known::TransferEncoding);
            }
            Framing::None => {
                if old || headers.has(Known::TransferEncoding) {
                    // A length beside chunks is not that of the message.
                    let unsound = if old {
                        Known::TransferEncoding
                    } else {
                        Known::ContentLength
                    };
                    headers.remove(unsound);
                }
                // Without a length, HTTP/1.0 would wait for the end of the connection.
                let has_length = headers.has(Known::ContentLength) || self.head.status == 304;
                self.closes |= old && !has_length && !self.to_head;
            }
            Framing::Sized(_) => {}
            Framing::Chunked | Framing::Close => {
                headers.remove(Known::ContentLength);
                if old {
                    headers.remove(Known::TransferEncoding);
                    self.closes = true;
                } else {
                    self.encoding = Encoding::Chunked;
                    if framing == Framing::Close {
                        headers.remove(Known::TransferEncoding);
                        headers.append(b"Transfer-Encoding", b"chunked");
                    }
                }
            }
        }
    }

    fn end(&mut self, client: &mut Downstream, trailers: Option<&Headers>) {
        if self.encoding == Encoding::Chunked {
            client.wire.out.last_chunk(trailers);
        }
        for kept in [&mut self.kept, &mut self.told].into_iter().flatten() {
            kept.end(trailers);
        }
        self.state = Receiving::Done;
    }

    /// Whether its body goes out in chunks.
    pub(in crate::proxy) fn is_chunked(&self) -> bool {
        self.encoding == Encoding::Chunked
    }

    /// Whether only a reset can tell a client that the answer is not whole: its end is that of the connection.
    pub(in crate::proxy) fn ends_with_connection(&self) -> bool {
        self.encoding == Encoding::AsItIs && !self.head.headers.has(Known::ContentLength)
    }
}

/// Why an answer goes no further.
pub(super) enum Stopped {
    ByClient,
    ByPrimary(BadResponse),
    /// A protocol that nobody asked for.
    Unasked,
}
