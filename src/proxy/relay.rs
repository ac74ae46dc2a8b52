//! One exchange under way: the request's body to the primary, and at the same time the answer to the client.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{Path, client::Client, refusal::Refusal};
use crate::{
    capture::Kept,
    client::{AnswerReader, BadAnswer, Connection},
    config::Limits,
    exchange::{Answer, Exchange},
    http::{
        Alarm, AnswerHead, BodyReader, Framing, Known, Outbox, Part, Version, Wire, strip_answer,
        strip_trailers,
    },
    ledger::Outcome,
    net::Stream,
    tee::Branches,
    telemetry::metrics::ProxyCount,
};

/// One exchange under way.
pub(super) struct Relay<'a> {
    pub(super) path: &'a Path,
    pub(super) exchange: &'a Exchange,
    pub(super) upload: Upload,
    pub(super) download: Download,
    alarm: Alarm,
}

/// How an exchange ended, seen from the client.
pub(super) enum End {
    /// The answer is sent, whole.
    Whole,
    /// Both speak another protocol from here on.
    Switched,
    /// The answer broke off after its head.
    Cut,
    /// There is no answer of the primary's.
    Refused(Refusal),
    /// The client left.
    Left,
    /// A connection that served another request before was closed before anything came on it.
    Stale(BadAnswer),
}

/// The request's body on its way.
pub(super) struct Upload {
    pub(super) reader: BodyReader,
    chunked: bool,
    pub(super) branches: Branches,
    /// What the capture keeps of it.
    pub(super) kept: Option<Kept>,
    passed: u64,
    limit: Option<u64>,
    /// When the last piece came; the request's arrival where none did yet.
    last: Instant,
    /// The client waits for `100 Continue` before it sends any (RFC 9110, 10.1.1).
    waits: bool,
    state: Sending,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sending {
    Going,
    Done,
    /// The primary takes no more of it.
    Stopped,
}

/// The answer on its way.
pub(super) struct Download {
    pub(super) reader: AnswerReader,
    pub(super) head: AnswerHead,
    /// What the capture keeps of its body.
    pub(super) kept: Option<Kept>,
    /// The client asked for another protocol.
    upgrade: bool,
    to_head: bool,
    client: Version,
    /// The client's connection ends behind this answer.
    pub(super) closes: bool,
    encoding: Encoding,
    /// Bytes of the answer's body that went out.
    pub(super) sent: u64,
    /// When something last came or went.
    last: Instant,
    state: Receiving,
    first_error: Option<io::Error>,
    /// What ends the answer once everything before it is sent.
    broke: Option<BadAnswer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    AsItIs,
    Chunked,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Receiving {
    Head,
    Body,
    /// All of it is read.
    Done,
}

impl Upload {
    pub(super) fn new(
        framing: Framing,
        waits: bool,
        branches: Branches,
        kept: Option<Kept>,
        exchange: &Exchange,
        path: &Path,
    ) -> Self {
        let limits = &path.limits;
        let reader = body_reader(framing, limits);
        let state = if reader.is_done() {
            Sending::Done
        } else {
            Sending::Going
        };
        Self {
            reader,
            chunked: framing == Framing::Chunked,
            branches,
            kept,
            passed: 0,
            limit: limits.body_bytes.map(|limit| limit.0),
            last: exchange.received,
            waits,
            state,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == Sending::Done
    }

    /// It goes no further, and so do its copies.
    fn stop(&mut self, outcome: Outcome) {
        if self.state == Sending::Going {
            self.state = Sending::Stopped;
            self.branches.fail(outcome);
        }
    }

    /// Whether the rest of it is passed on although its answer is through.
    fn goes_on(&self, download: &Download) -> bool {
        self.state == Sending::Going && !self.waits && download.reader.keeps_connection()
    }

    /// Nothing of the body was taken from the client: the same request may be sent once more.
    pub(super) fn is_untouched(&self) -> bool {
        self.is_done() && self.passed == 0 && !self.chunked
    }

    /// Passes on what came, until more has to come.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        primary: &mut Connection,
        path: &Path,
    ) -> Poll<Result<(), Broken>> {
        loop {
            let more = self.collect(client, primary, path)?;
            ready!(primary.wire.poll_flush(cx)).map_err(Broken::ByPrimary)?;
            match more {
                _ if self.is_done() => return Poll::Ready(Ok(())),
                true => {}
                false => match ready!(client.poll_fill(cx)) {
                    Ok(true) => {
                        self.last = Instant::now();
                        self.waits = false;
                    }
                    Ok(false) | Err(_) => return Poll::Ready(Err(Broken::ByClient(BROKEN_BODY))),
                },
            }
        }
    }

    /// Puts what came into the primary's outbox. Returns whether there may be more of it.
    fn collect(
        &mut self,
        client: &mut Client,
        primary: &mut Connection,
        path: &Path,
    ) -> Result<bool, Broken> {
        while self.state == Sending::Going {
            if !primary.wire.out.has_room() {
                return Ok(true);
            }
            let part = self.reader.next(&mut client.wire.buf);
            match part.map_err(|_| Broken::ByClient(BROKEN_BODY))? {
                Part::Piece(length) => {
                    self.passed += length as u64;
                    if self.limit.is_some_and(|limit| self.passed > limit) {
                        return Err(Broken::ByClient(Refusal::BodyTooLarge));
                    }
                    path.metrics.count(ProxyCount::RequestBytes, length as u64);
                    self.pass(length, client, primary);
                    if !self.chunked && self.reader.is_done() {
                        self.end(None, primary);
                    }
                }
                Part::Trailers(mut trailers) => {
                    strip_trailers(&mut trailers);
                    path.marks.strip(&mut trailers);
                    self.end(Some(&trailers), primary);
                }
                Part::End => self.end(None, primary),
                Part::More => return Ok(false),
            }
        }
        Ok(false)
    }

    /// Passes a piece on, to the primary and to the copies.
    fn pass(&mut self, length: usize, client: &mut Client, primary: &mut Connection) {
        let (out, wire) = (&mut primary.wire.out, &mut client.wire);
        if self.chunked {
            out.begin_chunk(length);
        }
        let kept = Kept::notice(&mut self.kept, &wire.buf[..length]);
        let copied = self.branches.are_open();
        if copied || kept.is_some() {
            let buffer = wire.buffer();
            let piece = wire.buf.split_to(length).freeze();
            if copied {
                self.branches.push(&piece, buffer);
            }
            if let Some(kept) = kept {
                kept.share(&piece, buffer);
            }
            out.shared_piece(piece);
        } else {
            out.piece(&mut wire.buf, length);
        }
        if self.chunked {
            out.end_chunk();
        }
    }

    fn end(&mut self, trailers: Option<&crate::http::Fields>, primary: &mut Connection) {
        if self.chunked {
            primary.wire.out.last_chunk(trailers);
        }
        if let (Some(kept), Some(trailers)) = (&mut self.kept, trailers) {
            kept.trailers(trailers);
        }
        self.branches.end(trailers);
        self.state = Sending::Done;
    }
}

const BROKEN_BODY: Refusal =
    Refusal::Malformed("the body broke off or is not framed as its header says");

/// Reads a request's body that is framed so.
pub(super) fn body_reader(framing: Framing, limits: &Limits) -> BodyReader {
    BodyReader::new(framing, limits.header_bytes.bytes(), limits.header_count)
}

/// Why a request's body goes no further.
enum Broken {
    ByClient(Refusal),
    ByPrimary(io::Error),
}

impl Download {
    pub(super) fn new(
        reader: AnswerReader,
        exchange: &Exchange,
        upgrade: bool,
        closes: bool,
        kept: Option<Kept>,
    ) -> Self {
        Self {
            reader,
            head: AnswerHead::default(),
            kept,
            upgrade,
            to_head: exchange.head.method() == b"HEAD",
            client: exchange.head.version,
            closes,
            encoding: Encoding::AsItIs,
            sent: 0,
            last: exchange.received,
            state: Receiving::Head,
            first_error: None,
            broke: None,
        }
    }

    /// When something last came or went.
    pub(super) fn last(&self) -> Instant {
        self.last
    }

    /// Whether the answer's head went to the client.
    fn has_begun(&self) -> bool {
        self.state != Receiving::Head
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        primary: &mut Connection,
        (path, exchange): (&Path, &Exchange),
    ) -> Poll<Result<(), Stopped>> {
        loop {
            if self.state == Receiving::Done && client.wire.out.is_empty() {
                return Poll::Ready(Ok(()));
            }
            let more = match self.collect(client, primary, (path, exchange)) {
                Err(Stopped::ByPrimary(error)) if !client.wire.out.is_empty() => {
                    self.broke = Some(error);
                    false
                }
                collected => collected?,
            };
            if !client.wire.out.is_empty() {
                let flushed = client.wire.poll_flush(cx);
                // A client that reads slowly is one that reads.
                if client.wire.out.has_progressed() {
                    self.last = Instant::now();
                }
                ready!(flushed).map_err(|_| Stopped::ByClient)?;
            }
            if let Some(error) = self.broke.take() {
                return Poll::Ready(Err(Stopped::ByPrimary(error)));
            }
            match more {
                _ if self.state == Receiving::Done => return Poll::Ready(Ok(())),
                true => {}
                false => match ready!(primary.poll_fill(cx)) {
                    Ok(true) => {}
                    Ok(false) => {
                        self.reader.finish().map_err(|ended| self.stopped(ended))?;
                        self.end(client, None);
                    }
                    Err(error) => return Poll::Ready(Err(self.stopped(BadAnswer::Io(error)))),
                },
            }
        }
    }

    /// The error that told first is the one to tell: a write that failed, rather than the end that follows it.
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
        of: (&Path, &Exchange),
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
                    pass(&mut self.kept, &mut primary.wire, length, out);
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
        (path, exchange): (&Path, &Exchange),
    ) -> Result<(), Stopped> {
        let switches = self.head.status == 101;
        if switches && !self.upgrade {
            return Err(Stopped::Unasked);
        }
        self.last = Instant::now();
        let after = self.last - exchange.received;
        path.metrics.primary.record(after);
        exchange.answered(Answer {
            status: self.head.status,
            after,
        });
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

    fn end(&mut self, client: &mut Client, trailers: Option<&crate::http::Fields>) {
        if self.encoding == Encoding::Chunked {
            client.wire.out.last_chunk(trailers);
        }
        self.state = Receiving::Done;
    }

    /// Whether its body goes out in chunks.
    pub(super) fn is_chunked(&self) -> bool {
        self.encoding == Encoding::Chunked
    }

    /// Whether only a reset can tell a client that the answer is not whole: its end is that of the connection.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.encoding == Encoding::AsItIs && !self.head.fields.has(Known::ContentLength)
    }
}

/// Passes a piece of an answer on, to the client and to the capture.
fn pass(kept: &mut Option<Kept>, wire: &mut Wire<Stream>, length: usize, out: &mut Outbox) {
    match Kept::notice(kept, &wire.buf[..length]) {
        Some(kept) => {
            let buffer = wire.buffer();
            let piece = wire.buf.split_to(length).freeze();
            kept.share(&piece, buffer);
            out.shared_piece(piece);
        }
        None => out.piece(&mut wire.buf, length),
    }
}

/// Why an answer goes no further.
enum Stopped {
    ByClient,
    ByPrimary(BadAnswer),
    /// A protocol that nobody asked for.
    Unasked,
}

impl<'a> Relay<'a> {
    pub(super) fn new(
        path: &'a Path,
        exchange: &'a Exchange,
        upload: Upload,
        download: Download,
    ) -> Self {
        Self {
            path,
            exchange,
            upload,
            download,
            alarm: Alarm::default(),
        }
    }

    /// Until the answer is sent, or there will be none.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        primary: &mut Connection,
    ) -> Poll<End> {
        if let Poll::Ready(end) = self.poll_upload(cx, client, primary) {
            return Poll::Ready(end);
        }
        let of = (self.path, self.exchange);
        match self.download.poll(cx, client, primary, of) {
            // The rest of a body whose answer came early still belongs to the message.
            Poll::Ready(Ok(())) if self.upload.goes_on(&self.download) => {}
            Poll::Ready(Ok(())) => return Poll::Ready(self.answered()),
            Poll::Ready(Err(stopped)) => return Poll::Ready(self.stopped(stopped, primary)),
            Poll::Pending => {}
        }
        if self.upload.state != Sending::Going
            && client
                .poll_left(cx, self.path.timeouts.half_close.0)
                .is_ready()
        {
            return Poll::Ready(End::Left);
        }
        self.poll_late(cx, client, primary)
    }

    /// Ready only where the exchange ends with it.
    fn poll_upload(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Client,
        primary: &mut Connection,
    ) -> Poll<End> {
        // A request without a body has its head to send all the same.
        if self.upload.state == Sending::Stopped
            || (self.upload.is_done() && primary.wire.out.is_empty())
        {
            return Poll::Pending;
        }
        match ready!(self.upload.poll(cx, client, primary, self.path)) {
            Ok(()) => Poll::Pending,
            Err(Broken::ByPrimary(error)) if primary.is_used && primary.wire.out.is_untouched() => {
                Poll::Ready(End::Stale(BadAnswer::Io(error)))
            }
            Err(Broken::ByPrimary(error)) => {
                // It may have answered before it stopped reading.
                self.upload.stop(Outcome::BodyCut);
                self.download.first_error.get_or_insert(error);
                Poll::Pending
            }
            Err(Broken::ByClient(_)) if self.download.state == Receiving::Done => {
                self.upload.stop(Outcome::ClientAborted);
                Poll::Ready(End::Whole)
            }
            Err(Broken::ByClient(refusal)) => {
                let outcome = match refusal {
                    Refusal::BodyTooLarge => Outcome::NotForwarded,
                    _ => Outcome::ClientAborted,
                };
                Poll::Ready(self.refuse(refusal, outcome))
            }
        }
    }

    /// The client's fault, before its request was whole.
    fn refuse(&mut self, refusal: Refusal, outcome: Outcome) -> End {
        self.upload.stop(outcome);
        if self.download.has_begun() {
            End::Cut
        } else {
            End::Refused(refusal)
        }
    }

    /// There is no connection to the primary, or none that is of use.
    pub(super) fn give_up(&mut self, end: End) -> End {
        let outcome = match end {
            End::Left => Outcome::ClientAborted,
            _ => Outcome::BodyCut,
        };
        self.upload.stop(outcome);
        end
    }

    fn answered(&self) -> End {
        match self.download.head.status {
            101 if self.upload.is_done() => End::Switched,
            101 => End::Cut,
            _ => End::Whole,
        }
    }

    fn stopped(&mut self, stopped: Stopped, primary: &Connection) -> End {
        match stopped {
            Stopped::ByClient => {
                self.upload.stop(Outcome::ClientAborted);
                End::Left
            }
            Stopped::Unasked => End::Refused(Refusal::UnaskedSwitch),
            Stopped::ByPrimary(error) if self.download.has_begun() => {
                tracing::debug!(request_id = %self.exchange.id_text(), %error, "the primary broke off its answer");
                End::Cut
            }
            Stopped::ByPrimary(error @ (BadAnswer::Ended | BadAnswer::Io(_)))
                if primary.is_used && primary.wire.buf.is_empty() =>
            {
                End::Stale(error)
            }
            Stopped::ByPrimary(error) => End::Refused(Refusal::Failed(error)),
        }
    }

    /// Ready when one of the two takes longer than it may.
    fn poll_late(
        &mut self,
        cx: &mut Context<'_>,
        client: &Client,
        primary: &Connection,
    ) -> Poll<End> {
        let (upload, download) = (&self.upload, &self.download);
        let timeouts = &self.path.timeouts;
        let (idle, answer) = (timeouts.idle.0, timeouts.answer.0);
        // Whose turn it is to send: a body that the primary does not take is no fault of the client's.
        let is_clients_turn =
            upload.state == Sending::Going && !upload.waits && primary.wire.out.is_empty();
        let mut due = match download.state {
            Receiving::Head if is_clients_turn => upload.last + idle,
            Receiving::Head => upload.last + answer,
            _ if is_clients_turn => upload.last.max(download.last) + idle,
            _ => download.last + idle,
        };
        let stalls = !client.wire.out.is_empty();
        if stalls {
            due = due.min(download.last + idle);
        }
        ready!(self.alarm.poll(cx, due));
        Poll::Ready(match download.state {
            _ if stalls && download.last.elapsed() >= idle => {
                self.stopped(Stopped::ByClient, primary)
            }
            Receiving::Head if is_clients_turn => {
                self.refuse(Refusal::BodyTimeout, Outcome::ClientAborted)
            }
            Receiving::Head => End::Refused(Refusal::Late),
            Receiving::Body => End::Cut,
            Receiving::Done => {
                self.upload.stop(Outcome::ClientAborted);
                End::Whole
            }
        })
    }
}
