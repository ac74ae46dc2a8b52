//! The primary's answer on its way to the client.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::super::{Path, client::Client, prepare::Prepared};
use crate::{
    capture::Kept,
    client::{AnswerReader, BadAnswer, Connection},
    exchange::{Answer, Exchange},
    http::{
        AnswerHead, Fields, Framing, Known, Outbox, Part, Turn, Version, Wire, later, strip_answer,
        strip_trailers,
    },
    net::Stream,
    tee::Tap,
};

/// The answer on its way.
pub(in crate::proxy) struct Download {
    pub(in crate::proxy) reader: AnswerReader,
    pub(in crate::proxy) head: AnswerHead,
    /// What the capture keeps of its body.
    pub(in crate::proxy) kept: Option<Box<Kept>>,
    /// What is kept of it for scripts.
    pub(in crate::proxy) told: Option<Box<Kept>>,
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
    pub(in crate::proxy) answered: Option<Answer>,
    /// When something last came or went.
    pub(super) last: Instant,
    pub(super) state: Receiving,
    pub(super) first_error: Option<io::Error>,
    /// What ends the answer once everything before it is sent.
    broke: Option<BadAnswer>,
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
        reader: AnswerReader,
        head: AnswerHead,
        exchange: &Exchange,
        Prepared {
            upgrade, closes, ..
        }: Prepared,
        (kept, told): (Option<Box<Kept>>, Option<Box<Kept>>),
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
        client: &mut Client,
        primary: &mut Connection,
        (path, exchange, tap): (&Path, &Exchange, &Tap),
    ) -> Poll<Result<(), Stopped>> {
        let mut turn = Turn::begin();
        loop {
            if self.state == Receiving::Done && client.wire.out.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let more = match self.collect(client, primary, (path, exchange, tap)) {
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
                    Err(error) => return Poll::Ready(Err(self.stopped(BadAnswer::Io(error)))),
                },
            };
            if !turn.goes_on(came) {
                return later(cx);
            }
        }
    }

    /// The error that told first is the one to tell: a write that failed, rather than the end that follows it.
    #[cold]
    fn stopped(&mut self, error: BadAnswer) -> Stopped {
        Stopped::ByPrimary(match (error, self.first_error.take()) {
            (BadAnswer::Ended, Some(first)) => BadAnswer::Io(first),
            (error, _) => error,
        })
    }

    /// Puts what came into the client's outbox. Returns whether there may be more of it.
    fn collect(
        &mut self,
        client: &mut Client,
        primary: &mut Connection,
        of: (&Path, &Exchange, &Tap),
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
    fn pass_interim(&mut self, client: &mut Client) {
        if self.client == Version::Http11 {
            strip_answer(&mut self.head.fields, false);
            let out = client.wire.out.text();
            self.head.write(out);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// The final answer's head is there.
    fn begin(
        &mut self,
        framing: Framing,
        client: &mut Client,
        (path, exchange, tap): (&Path, &Exchange, &Tap),
    ) -> Result<(), Stopped> {
        let switches = self.head.status == 101;
        if switches && !self.upgrade {
            return Err(Stopped::Unasked);
        }
        self.last = Instant::now();
        let after = self.last - exchange.received;
        path.metrics.primary.record(after);
        let answer = Answer {
            status: self.head.status,
            after,
        };
        self.answered = Some(answer);
        tap.answered(answer);
        strip_answer(&mut self.head.fields, switches);
        self.frame(framing);
        self.closes |= path.drain.is_asked() && !switches;
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
        let fields = &mut self.head.fields;
        let old = self.client == Version::Http10;
        match framing {
            Framing::None if matches!(self.head.status, 101 | 204) => {
                fields.remove(Known::ContentLength);
                fields.remove(Known::TransferEncoding);
            }
            Framing::None => {
                if old || fields.has(Known::TransferEncoding) {
                    // A length beside chunks is not that of the message.
                    let unsound = if old {
                        Known::TransferEncoding
                    } else {
                        Known::ContentLength
                    };
                    fields.remove(unsound);
                }
                // Without a length, HTTP/1.0 would wait for the end of the connection.
                let has_length = fields.has(Known::ContentLength) || self.head.status == 304;
                self.closes |= old && !has_length && !self.to_head;
            }
            Framing::Sized(_) => {}
            Framing::Chunked | Framing::Close => {
                fields.remove(Known::ContentLength);
                if old {
                    fields.remove(Known::TransferEncoding);
                    self.closes = true;
                } else {
                    self.encoding = Encoding::Chunked;
                    if framing == Framing::Close {
                        fields.remove(Known::TransferEncoding);
                        fields.append(b"Transfer-Encoding", b"chunked");
                    }
                }
            }
        }
    }

    fn end(&mut self, client: &mut Client, trailers: Option<&Fields>) {
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
        self.encoding == Encoding::AsItIs && !self.head.fields.has(Known::ContentLength)
    }
}

/// Passes a piece of an answer on, to the client and to the capture.
fn pass(
    kept: [&mut Option<Box<Kept>>; 2],
    wire: &mut Wire<Stream>,
    length: usize,
    out: &mut Outbox,
) {
    match kept.map(|kept| Kept::notice(kept, &wire.buf[..length])) {
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
    ByPrimary(BadAnswer),
    /// A protocol that nobody asked for.
    Unasked,
}
