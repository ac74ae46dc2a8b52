//! One copy under way on one connection: its request out, its answer read away.

use std::{
    io,
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Buf;

use super::{
    Shadow,
    allowance::{Allowance, Ask, Long, Turn},
    copy::CopyBody,
    copy_head::CopyHeadWriter,
    pair::Pair,
    recorded::RecordedShadowResponse,
    stream::{Stream, Waited},
};
use crate::{
    http::{Alarm, Known, Part, RequestHead, ResponseHead, asks_for_upgrade, is_idempotent},
    ledger::Outcome,
    tee::{Budget, Held, Part as BodyPart, Piece},
    upstream::{BadResponse, Connection, ResponseReader},
};

/// What copies to one shadow are sent with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) shadow: &'a Arc<Shadow>,
    pub(super) head_writer: &'a CopyHeadWriter,
    pub(super) allowance: &'a Rc<Allowance>,
    pub(super) budget: &'a Arc<Budget>,
}

/// One copy under way.
pub(super) struct Copying<'a, 'b> {
    means: Means<'a>,
    pair: &'a Rc<Pair>,
    /// As the script wrote it, or as the exchange has it.
    head: &'a RequestHead,
    body: &'a mut CopyBody,
    tools: &'a mut Tools,
    /// Where the script wants the answer.
    replayed: Option<&'a mut RecordedShadowResponse>,
    reader: ResponseReader,
    chunked: bool,
    sent: Sent,
    /// The shadow takes no more of it.
    stopped: bool,
    /// The piece that is being written: its share of the budget is held until it is.
    writing: Option<Piece>,
    /// Bytes of the answer's body that were read.
    read: u64,
    /// All bytes that came, framing and interim answers among them.
    came: u64,
    /// How often something came, or more of it was there than is looked at in one go.
    steps: u32,
    /// It is read in turns.
    long: Option<Long<'a>>,
    /// The share of the budget for what came of something that is not whole.
    held: Option<Held>,
    started: Instant,
    /// Since when the shadow is waited for.
    waited_for: Instant,
    /// When the answer's head came.
    answered: Option<Instant>,
    /// The answer has no end, as far as can be told.
    stream: Option<Stream>,
    /// All that had come when the answer timeout was over last, or with the head.
    came_before: u64,
    /// When something came last, behind the head.
    flowed: Option<Instant>,
    waited: &'a mut Waited<'b>,
}

/// What each copy needs and the next one can use again.
#[derive(Default)]
pub(super) struct Tools {
    alarm: Alarm,
    head: ResponseHead,
    pub(super) ask: Ask,
}

/// An answer that comes in so few steps, and in so few bytes, is one that costs what answers cost. The rest of a longer
/// one is read in turns.
const USUAL_STEPS: u32 = 3;
const USUAL_BYTES: u64 = 32 * 1024;
/// So many parts of what came are looked at in one go.
const PARTS: usize = 256;
/// So much is read at a time.
pub(super) const READ: usize = 32 * 1024;
/// What came of something that is not whole is charged to the budget from here on.
const LARGE: usize = 4 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    Going,
    Whole,
}

/// Why a copy was not answered.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection broke, or what came is no answer.
    Broken(BadResponse),
    /// As that, before anything came on a connection that served another copy before.
    Stale(BadResponse),
    /// Not within the answer timeout.
    Late,
    /// Not whole within the answer timeout, but its header came and the rest still does.
    Slow,
    /// Its body failed.
    Body(Outcome),
    /// The budget has no room for what its answer takes.
    OverBudget,
}

impl<'a, 'b> Copying<'a, 'b> {
    pub(super) fn new(
        means: Means<'a>,
        (pair, head, body): (&'a Rc<Pair>, &'a RequestHead, &'a mut CopyBody),
        tools: &'a mut Tools,
        (replayed, waited): (Option<&'a mut RecordedShadowResponse>, &'a mut Waited<'b>),
        started: Instant,
    ) -> Self {
        let sent = if body.exists() {
            Sent::Going
        } else {
            Sent::Whole
        };
        Self {
            reader: ResponseReader::new(head.method(), means.shadow.reading),
            chunked: head.headers.has(Known::TransferEncoding),
            means,
            pair,
            head,
            body,
            sent,
            stopped: false,
            writing: None,
            read: 0,
            came: 0,
            steps: 0,
            long: None,
            held: None,
            started,
            waited_for: started,
            answered: None,
            stream: None,
            came_before: 0,
            flowed: None,
            waited,
            tools,
            replayed,
        }
    }

    /// Writes the head as this shadow gets it.
    pub(super) fn write_head(&self, connection: &mut Connection) {
        connection.wire.out.begin();
        let out = connection.wire.out.text();
        self.means.head_writer.write_head(self.head, out);
    }

    /// Whether the same copy may be sent once more: there is no body that could be taken already.
    pub(super) fn may_repeat(&self) -> bool {
        !self.body.exists() && is_idempotent(self.head.method())
    }

    /// It is to be sent on another connection.
    pub(super) fn begin_again(&mut self) {
        self.stopped = false;
    }

    /// Before there is a connection: ready where the copy can't be sent any more.
    pub(super) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<Unanswered> {
        match self.body.failure(cx) {
            Some(outcome) => Poll::Ready(Unanswered::Body(outcome)),
            None => Poll::Pending,
        }
    }

    /// The next turn for what a usual copy does not need.
    pub(super) fn poll_turn(&self, cx: &Context<'_>) -> Poll<Turn<'a>> {
        self.means.allowance.poll_turn(&self.tools.ask, cx)
    }

    /// How much of the answer's body was read.
    pub(super) fn read(&self) -> u64 {
        self.read
    }

    /// When the answer's head came, or else when the copy began.
    pub(super) fn last(&self) -> Instant {
        self.answered.unwrap_or(self.started)
    }

    /// Whether the connection may be used for another copy.
    pub(super) fn keeps_connection(&self) -> bool {
        self.sent == Sent::Whole
            && !self.stopped
            && self.reader.keeps_connection()
            // What comes next may be of another protocol.
            && !asks_for_upgrade(&self.head.headers)
    }

    /// Until the answer was read to its end, or up to its limit.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<Result<(), Unanswered>> {
        let mut broke = None;
        if !self.stopped {
            match self.poll_send(cx, connection) {
                Poll::Ready(Err(Stop::Body(outcome))) => {
                    return Poll::Ready(Err(Unanswered::Body(outcome)));
                }
                Poll::Ready(Err(Stop::Io(error))) => {
                    // It may have answered before it stopped reading.
                    self.stopped = true;
                    broke = Some(error);
                }
                Poll::Ready(Ok(())) | Poll::Pending => {}
            }
        }
        let received = self.poll_receive(cx, connection);
        if self.steps > 0 && !self.hold(connection) {
            return Poll::Ready(Err(Unanswered::OverBudget));
        }
        match received {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => {
                return Poll::Ready(Err(self.broken(error, broke, connection)));
            }
            Poll::Pending => {}
        }
        if let Some(outcome) = self.body.failure(cx) {
            return Poll::Ready(Err(Unanswered::Body(outcome)));
        }
        if self.tools.ask.waits() {
            return Poll::Pending;
        }
        self.poll_late(cx)
    }

    #[cold]
    fn broken(
        &self,
        error: BadResponse,
        first: Option<io::Error>,
        connection: &Connection,
    ) -> Unanswered {
        let stale = self.reader.is_stale(&error, connection);
        let error = match (error, first) {
            (BadResponse::Ended, Some(first)) => BadResponse::Io(first),
            (error, _) => error,
        };
        if stale {
            Unanswered::Stale(error)
        } else {
            Unanswered::Broken(error)
        }
    }

    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<Result<(), Stop>> {
        loop {
            while self.sent == Sent::Going
                && connection.wire.out.has_room()
                && self.writing.is_none()
            {
                let Poll::Ready(part) = self.body.poll_part(cx) else {
                    break;
                };
                self.put(part, connection)?;
            }
            ready!(connection.wire.poll_flush(cx)).map_err(Stop::Io)?;
            if self.sent == Sent::Whole {
                return Poll::Ready(Ok(()));
            }
            if self.writing.take().is_none() {
                return Poll::Pending;
            }
        }
    }

    fn put(&mut self, part: BodyPart, connection: &mut Connection) -> Result<(), Stop> {
        let out = &mut connection.wire.out;
        match part {
            BodyPart::Piece(piece) => {
                if self.chunked {
                    out.begin_chunk(piece.bytes.len());
                }
                out.shared_piece(piece.bytes.clone());
                if self.chunked {
                    out.end_chunk();
                }
                self.writing = Some(piece);
            }
            BodyPart::End(trailers) => {
                if self.chunked {
                    out.last_chunk(trailers.as_deref());
                }
                self.sent = Sent::Whole;
            }
            BodyPart::Failed(outcome) => return Err(Stop::Body(outcome)),
        }
        Ok(())
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<Result<(), BadResponse>> {
        loop {
            let is_usual = self.steps <= USUAL_STEPS && self.came <= USUAL_BYTES;
            let _turn = if is_usual {
                None
            } else {
                self.long
                    .get_or_insert_with(|| self.means.allowance.begin_long());
                let mut turn = ready!(self.poll_turn(cx));
                turn.reads(self.means.shadow.has_low_priority.load(Relaxed));
                // To wait for its turn is no time of the shadow's.
                self.waited_for += turn.waited;
                Some(turn)
            };
            let is_all = self.take_apart(connection)?;
            if self.reader.is_done() || self.is_over_limit() {
                return Poll::Ready(Ok(()));
            }
            if is_all {
                let Poll::Ready(came) = connection.poll_fill(cx) else {
                    if self.stream.is_some() {
                        // Nothing of it is there to be read: it keeps nobody from a new connection.
                        self.long = None;
                    }
                    return Poll::Pending;
                };
                let came = came?;
                if came == 0 {
                    return Poll::Ready(self.reader.finish());
                }
                self.came += came as u64;
                if self.answered.is_some() {
                    self.flowed = Some(Instant::now());
                }
            }
            self.steps += 1;
        }
    }

    /// Reads what came. Returns whether that was all of it.
    fn take_apart(&mut self, connection: &mut Connection) -> Result<bool, BadResponse> {
        for _ in 0..PARTS {
            if !self.reader.has_head() {
                match self.reader.head(connection, &mut self.tools.head)? {
                    Some(_) if self.tools.head.is_interim() => {}
                    Some(_) => self.answered(self.tools.head.status),
                    None => return Ok(true),
                }
                continue;
            }
            let Part::Piece(length) = self.reader.part(connection)? else {
                return Ok(true);
            };
            self.read += length as u64;
            if let Some(replayed) = &mut self.replayed {
                replayed.piece(&connection.wire.buf[..length]);
            }
            connection.wire.buf.advance(length);
        }
        Ok(false)
    }

    /// Whether more came than is read of an answer: its framing costs as much as its body.
    fn is_over_limit(&self) -> bool {
        self.reader.has_head() && self.came > self.means.shadow.settings.answer_bytes.0
    }

    /// Keeps no more memory than for what is not whole yet, and that within the budget. Returns whether there is room.
    fn hold(&mut self, connection: &mut Connection) -> bool {
        connection.wire.give_buffer_back();
        let memory = connection.wire.memory();
        let held = self.held.as_ref().map_or(0, Held::bytes);
        if memory <= LARGE {
            self.held = None;
            return true;
        }
        match &self.held {
            Some(_) if memory <= held => true,
            Some(held) => held.grow(memory - held.bytes()),
            None => {
                self.held = self.means.budget.hold(memory);
                self.held.is_some()
            }
        }
    }

    /// The answer's head is there: the pair of statuses is noted, now or when the primary's is known.
    fn answered(&mut self, status: u16) {
        let now = Instant::now();
        self.answered = Some(now);
        if let Some(replayed) = &mut self.replayed {
            replayed.head(&self.tools.head);
        }
        self.came_before = self.came;
        if self.reader.is_event_stream(&self.tools.head) {
            self.begin_stream();
        }
        let took = now - self.started;
        self.means.shadow.metrics.latency.record(took);
        self.pair.ours(status, took);
    }

    /// Its header was an answer, and whoever waits for one goes on.
    #[cold]
    fn begin_stream(&mut self) {
        let shadow = self.means.shadow;
        self.stream = Some(Stream::begin(shadow.settings.stream_timeout.0));
        self.waited.let_go(shadow);
        self.pair.wait();
        shadow.metrics.stream();
    }

    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unanswered>> {
        let patience: Duration = self.means.shadow.settings.answer_timeout.0;
        loop {
            if let Some(stream) = &mut self.stream {
                return stream
                    .poll_end(cx, &mut self.tools.alarm, self.pair)
                    .map(Ok);
            }
            ready!(self.tools.alarm.poll(cx, self.waited_for + patience));
            let flows = self.came > std::mem::replace(&mut self.came_before, self.came);
            if self.reader.has_no_length() && flows {
                self.begin_stream();
            } else if !self.body.is_coming() {
                let still = |flowed: Instant| flowed.elapsed() < patience / 2;
                return Poll::Ready(Err(if self.flowed.is_some_and(still) {
                    Unanswered::Slow
                } else {
                    Unanswered::Late
                }));
            }
            // The time of a client that takes its own is not the shadow's.
            self.waited_for = Instant::now();
        }
    }
}

/// Why a copy is not sent on.
enum Stop {
    Io(io::Error),
    Body(Outcome),
}
