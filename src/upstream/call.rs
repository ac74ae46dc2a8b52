//! A call: one request to a server and its response. Primary, shadows and replay send in this way and no other.

use std::{
    future::poll_fn,
    io,
    rc::Rc,
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{BadResponse, Connection, Pool, response::ResponseReader};
use crate::http::{
    Framing, Headers, OutPiece, Outbox, Parsed, ResponseHead, Tap, is_idempotent, show,
};

/// Somebody who sends a request, and does something with its response.
pub(crate) trait Caller {
    /// What comes of a call that does not fail.
    type End;
    /// Why the caller gave it up, or had no connection for it.
    type GivenUp;

    fn request(&self) -> Request;

    /// Writes the head, and the body where it is kept whole.
    fn write(&self, out: &mut Outbox);

    /// A new connection.
    async fn connect(&mut self) -> Result<Box<Connection>, Self::GivenUp>;

    /// Passes on what can be passed on, both ways, until the call has ended.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<Self::End, Uncalled<Self::GivenUp>>>;
}

/// What has to be known of a request to send it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request {
    is_head: bool,
    is_idempotent: bool,
    is_upgrade: bool,
    body: RequestBody,
}

/// How the body of a request comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestBody {
    /// There is no body, or it is kept whole and written with the head.
    Written,
    /// Part by part, and it can't come again.
    Parts { chunked: bool },
}

impl Request {
    pub(crate) fn new(method: &[u8], body: RequestBody) -> Self {
        Self {
            is_head: method == b"HEAD",
            is_idempotent: is_idempotent(method),
            is_upgrade: false,
            body,
        }
    }

    /// Behind the response another protocol may be spoken.
    pub(crate) fn asking_for_upgrade(self, is_upgrade: bool) -> Self {
        Self { is_upgrade, ..self }
    }
}

/// Why nothing came of a call.
#[derive(Debug)]
pub(crate) enum Uncalled<G> {
    /// By its caller.
    GivenUp(G),
    /// No response came, or nothing that is one.
    Failed(BadResponse),
}

impl<G> From<BadResponse> for Uncalled<G> {
    fn from(error: BadResponse) -> Self {
        Self::Failed(error)
    }
}

/// Sends a request on an idle connection or on a new one. The other side may close an idle one just as the request is
/// written to it: then it is sent once more, where that is safe. It is where not a byte of it was written, or where its
/// method is idempotent and all of it is there to be written again (RFC 9110, 9.2.2).
///
/// # Errors
/// Where nothing came of it.
pub(crate) async fn call<C: Caller>(
    caller: &mut C,
    pool: &Pool,
    now: Instant,
) -> Result<(C::End, Call), Uncalled<C::GivenUp>> {
    let mut unsent = None;
    loop {
        let connection = match pool.take_idle(now) {
            Some(connection) => connection,
            // Rare, and large: in a box, it takes no room in what is always run.
            None => Box::pin(caller.connect())
                .await
                .map_err(Uncalled::GivenUp)?,
        };
        let mut call = Call::begin(connection, caller.request(), pool);
        match unsent.take() {
            Some(out) => call.connection.wire.out = out,
            None => caller.write(&mut call.connection.wire.out),
        }
        match poll_fn(|cx| caller.poll(cx, &mut call)).await {
            Ok(end) => return Ok((end, call)),
            Err(Uncalled::Failed(error)) if call.may_go_again(&error) => {
                if call.is_unwritten() {
                    unsent = Some(std::mem::take(&mut call.connection.wire.out));
                }
            }
            Err(uncalled) => return Err(uncalled),
        }
    }
}

/// A request that is being sent on a connection, and its response.
pub(crate) struct Call {
    connection: Box<Connection>,
    request: Request,
    reader: ResponseReader,
    sent: Sent,
    /// The response came to its end before the request was sent.
    is_early: bool,
    /// Nothing may be taken for another call's response, however unlikely it is.
    is_careful: bool,
    /// What the first write that failed came to.
    first_error: Option<io::Error>,
}

/// How much of a request was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    NotAll,
    All,
    /// The server takes no more of it.
    Stopped,
}

/// What is next in a response.
pub(crate) enum Next {
    /// The head of an interim response (RFC 9110, 15.2).
    Interim,
    /// The head of the response.
    Head(Framing),
    /// This many bytes of its body are there, for one of [`Call::body`], [`Call::skip`], [`Call::show`].
    Piece(usize),
    /// The fields behind its last chunk; it has ended.
    Trailers(Headers),
    End,
    /// More has to come first.
    More,
}

impl Call {
    fn begin(mut connection: Box<Connection>, request: Request, pool: &Pool) -> Self {
        connection.wire.out.begin();
        Self {
            connection,
            request,
            reader: ResponseReader::new(request.is_head, pool.reading()),
            sent: if request.body == RequestBody::Written {
                Sent::All
            } else {
                Sent::NotAll
            },
            is_early: false,
            is_careful: pool.is_careful(),
            first_error: None,
        }
    }

    /// Whether another piece of the request's body may be put in.
    pub(crate) fn has_room(&self) -> bool {
        self.connection.wire.out.has_room()
    }

    /// A piece of the request's body. There has to be room.
    pub(crate) fn put(&mut self, piece: OutPiece<'_>) {
        let out = &mut self.connection.wire.out;
        match self.request.body {
            RequestBody::Parts { chunked: true } => out.chunk(piece),
            _ => out.piece(piece),
        }
    }

    /// The request's body is whole.
    pub(crate) fn put_end(&mut self, trailers: Option<&Headers>) {
        if self.request.body == (RequestBody::Parts { chunked: true }) {
            self.connection.wire.out.last_chunk(trailers);
        }
        if self.sent == Sent::NotAll {
            self.sent = Sent::All;
        }
    }

    /// Whether all that was put in is written.
    pub(crate) fn is_flushed(&self) -> bool {
        self.connection.wire.out.is_empty()
    }

    /// Writes what was put in, until all of it is written. Returns whether the server takes more: one that does not may
    /// have answered before.
    ///
    /// # Errors
    /// Where a connection that was used before ended before any of the request was written.
    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, BadResponse>> {
        if self.sent == Sent::Stopped {
            return Poll::Ready(Ok(false));
        }
        let Err(error) = ready!(self.connection.wire.poll_flush(cx)) else {
            return Poll::Ready(Ok(true));
        };
        if self.connection.is_used && self.is_unwritten() {
            return Poll::Ready(Err(BadResponse::Io(error)));
        }
        self.sent = Sent::Stopped;
        self.first_error = Some(error);
        Poll::Ready(Ok(false))
    }

    /// What is next of what came of the response; a head goes into `head`.
    ///
    /// # Errors
    /// Where it can't become a response.
    pub(crate) fn next(&mut self, head: &mut ResponseHead) -> Result<Next, BadResponse> {
        let buf = &mut self.connection.wire.buf;
        let next = if self.reader.has_head() {
            match self.reader.part(buf)? {
                Parsed::Piece(length) => Next::Piece(length),
                Parsed::Trailers(trailers) => Next::Trailers(trailers),
                Parsed::End => Next::End,
                Parsed::More => return Ok(Next::More),
            }
        } else {
            match self.reader.head(buf, head)? {
                Some(_) if head.is_interim() => Next::Interim,
                Some(framing) => Next::Head(framing),
                None => return Ok(Next::More),
            }
        };
        self.note_end();
        Ok(next)
    }

    fn note_end(&mut self) {
        let is_sent = self.sent == Sent::All && self.is_flushed();
        self.is_early |= self.reader.is_done() && !is_sent;
    }

    /// Reads once, where [`Next::More`] has to come: how many bytes came, 0 where the response ends with its connection.
    ///
    /// # Errors
    /// Where it ends before the response is whole.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, BadResponse>> {
        let came = ready!(self.connection.wire.poll_fill(cx)).map_err(BadResponse::Io);
        if let Ok(1..) = came {
            return Poll::Ready(came);
        }
        let ended = came.and_then(|_| self.reader.finish());
        self.note_end();
        Poll::Ready(ended.map(|()| 0).map_err(|error| self.cause(error)))
    }

    /// The error that told first is the one to tell: a write that failed, rather than the end that follows it.
    #[cold]
    fn cause(&mut self, error: BadResponse) -> BadResponse {
        match (error, self.first_error.take()) {
            (BadResponse::Ended, Some(first)) => BadResponse::Io(first),
            (error, _) => error,
        }
    }

    /// The first bytes of what came.
    pub(crate) fn body(&self, length: usize) -> &[u8] {
        &self.connection.wire.buf[..length]
    }

    /// Takes away the first bytes of what came.
    pub(crate) fn skip(&mut self, length: usize) {
        bytes::Buf::advance(&mut self.connection.wire.buf, length);
    }

    /// Shows taps the first bytes of what came, and returns them on their way out.
    pub(crate) fn show(&mut self, taps: [Option<&mut dyn Tap>; 2], length: usize) -> OutPiece<'_> {
        show(taps, &mut self.connection.wire, length)
    }

    /// Gives the thread its buffer back, and returns how many bytes what came and was not taken still keeps.
    pub(crate) fn give_buffer_back(&mut self) -> usize {
        self.connection.wire.give_buffer_back();
        self.connection.wire.memory()
    }

    /// What is known of the response.
    pub(crate) fn response(&self) -> &ResponseReader {
        &self.reader
    }

    fn is_unwritten(&self) -> bool {
        self.connection.wire.out.is_untouched()
    }

    /// Whether the error may only mean that the other side closed a kept connection just as the request was written to
    /// it, and the request may be sent once more.
    fn may_go_again(&self, error: &BadResponse) -> bool {
        let is_stale = matches!(error, BadResponse::Ended | BadResponse::Io(_))
            && self.connection.is_used
            && self.connection.wire.buf.is_empty()
            && !self.reader.has_begun();
        let is_repeatable = self.request.is_idempotent && self.request.body == RequestBody::Written;
        is_stale && (is_repeatable || self.is_unwritten())
    }

    /// Whether the connection may serve another call. It may not where its next bytes may be part of this response, or what
    /// it reads next part of this request: where another protocol was asked for, or where it answered before it had the
    /// request.
    pub(crate) fn keeps_connection(&self) -> bool {
        self.sent == Sent::All
            && self.is_flushed()
            && !self.is_early
            && !self.request.is_upgrade
            && self.reader.stays_open()
            && !(self.is_careful && self.reader.is_doubtful())
    }

    /// Ends the call at `now`: its connection serves another one where it may.
    pub(crate) fn end(self, pool: &Rc<Pool>, now: Instant) {
        if self.keeps_connection() {
            pool.give_back(self.connection, now);
        }
    }

    /// Its connection, which speaks another protocol now.
    pub(crate) fn into_connection(self) -> Box<Connection> {
        self.connection
    }
}
