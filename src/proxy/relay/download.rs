//! The primary's answer on its way to the client.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::super::{Pipeline, downstream::Downstream, prepare::Prepared};
use crate::{
    capture::RecordedBody,
    exchange::{Exchange, PrimaryResponse},
    http::{
        Framing, Headers, Known, Outbox, Part, ResponseHead, Turn, Version, Wire, later,
        strip_answer, strip_trailers,
    },
    net::Stream,
    tee::Tap,
    upstream::{BadResponse, Connection, ResponseReader},
};

/// The answer on its way.
pub(in crate::proxy) struct Download {
    pub(in crate::proxy) reader: ResponseReader,
    pub(in crate::proxy) head: ResponseHead,
    /// What the capture keeps of its body.
    pub(in crate::proxy) kept: Option<Box<RecordedBody>>,
    /// What is kept of it for scripts.
    pub(in crate::proxy) told: Option<Box<RecordedBody>>,
    /// The client asked for another protocol.
    pub(super) upgrade: bool,
    to_head: bool,
    client: Version,
    /// The client's connection ends behind this answer.
    pub(in crate::proxy) closes: bool,
    encoding: Encoding,
    /// Bytes of the answer's body that went out.
    pub(in crate::proxy) sent: u64,
    /// What its head says, once it is there.
    pub(in crate::proxy) answered: Option<PrimaryResponse>,
    /// When something last came or went.
    pub(super) last: Instant,
    pub(super) state: Receiving,
    pub(super) first_error: Option<io::Error>,
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
        reader: ResponseReader,
        head: ResponseHead,
        exchange: &Exchange,
        Prepared {
            upgrade, closes, ..
        }: Prepared,
        (kept, told): (Option<Box<RecordedBody>>, Option<Box<RecordedBody>>),
    ) -> Self {
        Self {
            reader,
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
            last: exchange.received,
            state: Receiving::Head,
            first_error: None,
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
        primary: &mut Connection,
        (pipeline, exchange, tap): (&Pipeline, &Exchange, &Tap),
    ) -> Poll<Result<(), Stopped>> {
        let mut turn = Turn::begin();
        loop {
            if self.state == Receiving::Done && client.wire.out.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let more = match self.collect(client, primary, (pipeline, exchange, tap)) {
                Err(Stopped::ByPrimary(error)) if !client.wire.out.is_empty() => {
                    self.broke = Some(error);
                    false
                }
                collected => collected?,
            };
            if !client.wire.out.is_empty() {
                let flushed = client.wire.poll_flush(cx);
                // A client that reads slowly is one that reads.
                if client.wire.out.has_progressed() && self.state != Receiving::Done {
                    self.last = Instant::now();
                }
                ready!(flushed).map_err(|_| Stopped::ByClient)?;
            }
            if let Some(error) = self.broke.take() {
                return Poll::Ready(Err(Stopped::ByPrimary(error)));
            }
            let came = match more {
                _ if self.state == Receiving::Done => return Poll::Ready(Ok(())),
                true => 0,
                false => match ready!(primary.poll_fill(cx)) {
                    Ok(0) => {
                        self.reader.finish().map_err(|ended| self.stopped(ended))?;
                        self.end(client, None);
                        0
                    }
                    Ok(came) => came,
                    Err(error) => return Poll::Ready(Err(self.stopped(BadResponse::Io(error)))),
                },
            };
            if !turn.goes_on(came) {
                return later(cx);
            }
        }
    }

    /// The error that told first is the one to tell: a write that failed, rather than the end that follows it.
    #[cold]
    fn stopped(&mut self, error: BadResponse) -> Stopped {
        Stopped::ByPrimary(match (error, self.first_error.take()) {
            (BadResponse::Ended, Some(first)) => BadResponse::Io(first),
            (error, _) => error,
        })
    }

    /// Puts what came into the client's outbox. Returns whether there may be more of it.
    fn collect(
        &mut self,
        client: &mut Downstream,
        primary: &mut Connection,
        of: (&Pipeline, &Exchange, &Tap),
    ) -> Result<bool, Stopped> {
        while self.state != Receiving::Done {
            if !client.wire.out.has_room() {
                return Ok(true);
            }
            if self.state == Receiving::Head {
                let head = self.reader.head(primary, &mut self.head);
                match head.map_err(Stopped::ByPrimary)? {
                    Some(_) if self.head.is_interim() => self.pass_interim(client),
                    Some(framing) => self.begin(framing, client, of)?,
                    None => return Ok(false),
                }
                continue;
            }
            match self.reader.part(primary).map_err(Stopped::ByPrimary)? {
                Part::Piece(length) => {
                    self.sent += length as u64;
                    let out = &mut client.wire.out;
                    if self.encoding == Encoding::Chunked {
                        out.begin_chunk(length);
                    }
                    let kept = [&mut self.kept, &mut self.told];
                    pass(kept, &mut primary.wire, length, out);
                    if self.encoding == Encoding::Chunked {
                        out.end_chunk();
                    }
                    if self.reader.is_done() && self.encoding == Encoding::AsItIs {
                        self.end(client, None);
                    }
                }
                Part::Trailers(mut trailers) => {
                    strip_trailers(&mut trailers);
                    if let Some(kept) = &mut self.kept {
                        kept.trailers(&trailers);
                    }
                    self.end(client, Some(&trailers));
                }
                Part::End => self.end(client, None),
                Part::More => return Ok(false),
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
        (pipeline, exchange, tap): (&Pipeline, &Exchange, &Tap),
    ) -> Result<(), Stopped> {
        let switches = self.head.status == 101;
        if switches && !self.upgrade {
            return Err(Stopped::Unasked);
        }
        self.last = Instant::now();
        let after = self.last - exchange.received;
        pipeline.metrics.primary.record(after);
        let answer = PrimaryResponse {
            status: self.head.status,
            after,
        };
        self.answered = Some(answer);
        tap.answered(answer);
        strip_answer(&mut self.head.headers, switches);
        self.frame(framing);
        self.closes |= pipeline.drain.is_asked() && !switches;
        let out = client.wire.out.text();
        self.head.write(out);
        if self.closes {
            out.extend_from_slice(b"Connection: close\r\n");
        } else if self.client == Version::Http10 && !switches {
            out.extend_from_slice(b"Connection: keep-alive\r\n");
        }
        out.extend_from_slice(b"\r\n");
        self.state = if self.reader.is_done() {
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

/// Passes a piece of an answer on, to the client and to the capture.
fn pass(
    kept: [&mut Option<Box<RecordedBody>>; 2],
    wire: &mut Wire<Stream>,
    length: usize,
    out: &mut Outbox,
) {
    match kept.map(|kept| RecordedBody::notice(kept, &wire.buf[..length])) {
        [None, None] => out.piece(&mut wire.buf, length),
        kept => {
            let buffer = wire.buffer();
            let piece = wire.buf.split_to(length).freeze();
            for kept in kept.into_iter().flatten() {
                kept.share(&piece, buffer);
            }
            out.shared_piece(piece);
        }
    }
}

/// Why an answer goes no further.
pub(super) enum Stopped {
    ByClient,
    ByPrimary(BadResponse),
    /// A protocol that nobody asked for.
    Unasked,
}
