//! One copy under way on one connection: its request out, its answer read away.

use std::{
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{
    Shadow,
    allowance::{Allowance, Ask, Long, Turn},
    copy::{CopyBody, ShadowCopy},
    copy_head::CopyHeadWriter,
    pair::{Ours, Pair},
    stream::{Stream, Waited},
};
use crate::{
    http::{Alarm, Known, OutPiece, Outbox, RequestHead, ResponseHead, asks_for_upgrade, now},
    ledger::Outcome,
    script::Ticket,
    tee::{Budget, Held, Part, Piece, RecordedResponse, Recording},
    upstream::{BadResponse, Call, Next, Request, RequestBody, Uncalled},
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
    kept: ToKeep,
    /// All of the body was put in.
    is_whole: bool,
    /// The piece that is being written: its share of the budget is held until it is.
    writing: Option<Piece>,
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

/// What is kept of a copy and its response, where somebody wants it.
#[derive(Default)]
pub(super) struct ToKeep {
    pub(super) request_body: Option<Recording>,
    pub(super) response_body: Option<Recording>,
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
/// How many parts of what came are looked at in one go.
const PARTS: usize = 256;
/// Bytes that are read at a time.
pub(super) const READ: usize = 32 * 1024;
/// What came of something that is not whole is charged to the budget from here on.
const LARGE: usize = 4 * 1024;

/// Why a copy was not answered.
#[derive(Debug)]
pub(super) enum Unanswered {
    /// The connection broke, or what came is no answer.
    Broken(BadResponse),
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
        copy: &'a mut ShadowCopy,
        tools: &'a mut Tools,
        kept: ToKeep,
        waited: &'a mut Waited<'b>,
        started: Instant,
    ) -> Self {
        let (pair, head, body) = copy.parts();
        Self {
            means,
            pair,
            head,
            is_whole: !body.exists(),
            body,
            writing: None,
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
            kept,
        }
    }

    /// What is sent.
    pub(super) fn request(&self) -> Request {
        let chunked = self.head.headers.has(Known::TransferEncoding);
        let body = if self.body.exists() {
            RequestBody::Parts { chunked }
        } else {
            RequestBody::Written
        };
        Request::new(self.head.method(), body)
            .asking_for_upgrade(asks_for_upgrade(&self.head.headers))
    }

    /// Writes the head as this shadow gets it.
    pub(super) fn write_head(&self, out: &mut Outbox) {
        self.means.head_writer.write_head(self.head, out.text());
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

    /// The response, where it was to be kept and its head came; `is_whole`: it came to its end.
    pub(super) fn into_ours(self, ticket: Option<Ticket>, is_whole: bool) -> Option<Ours> {
        let (at, body) = (self.answered?, self.kept.response_body?);
        Some(Ours {
            ticket,
            response: RecordedResponse {
                // Its memory is the next response's where nobody wants this one.
                head: std::mem::take(&mut self.tools.head),
                body,
                is_whole,
            },
            request_body: self.kept.request_body,
            at,
            took: at - self.started,
        })
    }

    /// When the answer's head came, or else when the copy began.
    pub(super) fn last(&self) -> Instant {
        self.answered.unwrap_or(self.started)
    }

    /// Until the answer was read to its end, or up to its limit.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<Unanswered>>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx, call) {
            return Poll::Ready(Err(error));
        }
        let received = self.poll_receive(cx, call);
        if self.steps > 0 && !self.hold(call) {
            return Poll::Ready(Err(Uncalled::GivenUp(Unanswered::OverBudget)));
        }
        if received.is_ready() {
            return received.map_err(Uncalled::Failed);
        }
        if let Some(outcome) = self.body.failure(cx) {
            return Poll::Ready(Err(Uncalled::GivenUp(Unanswered::Body(outcome))));
        }
        if self.tools.ask.waits() {
            return Poll::Pending;
        }
        self.poll_late(cx, call).map_err(Uncalled::GivenUp)
    }

    /// Writes what is there of the request, until all of it is written or the shadow takes no more.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<Unanswered>>> {
        loop {
            while !self.is_whole && call.has_room() && self.writing.is_none() {
                let Poll::Ready(part) = self.body.poll_part(cx) else {
                    break;
                };
                match part {
                    Part::Piece(piece) => {
                        if let Some(kept) = &mut self.kept.request_body {
                            kept.copy(&piece.bytes);
                        }
                        call.put(OutPiece::Shared(piece.bytes.clone()));
                        self.writing = Some(piece);
                    }
                    Part::End(trailers) => {
                        call.put_end(trailers.as_deref());
                        self.is_whole = true;
                    }
                    Part::Failed(outcome) => {
                        return Poll::Ready(Err(Uncalled::GivenUp(Unanswered::Body(outcome))));
                    }
                }
            }
            if !ready!(call.poll_flush(cx))? || self.is_whole {
                return Poll::Ready(Ok(()));
            }
            if self.writing.take().is_none() {
                return Poll::Pending;
            }
        }
    }

    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
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
            let is_all = self.take_apart(call)?;
            if call.response().is_done() || self.is_over_limit() {
                return Poll::Ready(Ok(()));
            }
            if is_all {
                let Poll::Ready(came) = call.poll_fill(cx) else {
                    if self.stream.is_some() {
                        // Nothing of it is there to be read: it keeps nobody from a new connection.
                        self.long = None;
                    }
                    return Poll::Pending;
                };
                let came = came?;
                if came == 0 {
                    return Poll::Ready(Ok(()));
                }
                self.came += came as u64;
                if self.answered.is_some() {
                    self.flowed = Some(now());
                }
            }
            self.steps += 1;
        }
    }

    /// Reads what came. Returns whether that was all of it.
    fn take_apart(&mut self, call: &mut Call) -> Result<bool, BadResponse> {
        for _ in 0..PARTS {
            match call.next(&mut self.tools.head)? {
                Next::Interim => {}
                Next::Head(_) => self.answered(call),
                Next::Piece(length) => {
                    if let Some(kept) = &mut self.kept.response_body {
                        kept.copy(call.body(length));
                    }
                    call.skip(length);
                }
                Next::Trailers(_) | Next::End | Next::More => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Whether more came than is read of an answer: its framing costs as much as its body.
    fn is_over_limit(&self) -> bool {
        self.answered.is_some() && self.came > self.means.shadow.settings.answer_bytes.0
    }

    /// Keeps no more memory than for what is not whole yet, and that within the budget. Returns whether there is room.
    fn hold(&mut self, call: &mut Call) -> bool {
        let memory = call.give_buffer_back();
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
    fn answered(&mut self, call: &Call) {
        let now = now();
        self.answered = Some(now);
        self.came_before = self.came;
        if call.response().is_event_stream(&self.tools.head) {
            self.begin_stream();
        }
        let took = now - self.started;
        self.means.shadow.metrics.latency.record(took);
        self.pair.ours(self.tools.head.status, took);
    }

    /// Its header was a response, and those who wait for one go on.
    #[cold]
    fn begin_stream(&mut self) {
        let shadow = self.means.shadow;
        self.stream = Some(Stream::begin(shadow.settings.stream_timeout.0));
        self.waited.let_go(shadow);
        self.pair.wait();
        shadow.metrics.stream();
    }

    fn poll_late(&mut self, cx: &mut Context<'_>, call: &Call) -> Poll<Result<(), Unanswered>> {
        let patience: Duration = self.means.shadow.settings.answer_timeout.0;
        loop {
            if let Some(stream) = &mut self.stream {
                return stream
                    .poll_end(cx, &mut self.tools.alarm, self.pair)
                    .map(Ok);
            }
            ready!(self.tools.alarm.poll(cx, self.waited_for + patience));
            let flows = self.came > std::mem::replace(&mut self.came_before, self.came);
            if call.response().has_no_length() && flows {
                self.begin_stream();
            } else if !self.body.is_coming() {
                let still = |flowed: Instant| now() - flowed < patience / 2;
                return Poll::Ready(Err(if self.flowed.is_some_and(still) {
                    Unanswered::Slow
                } else {
                    Unanswered::Late
                }));
            }
            // The time of a client that takes its own is not the shadow's.
            self.waited_for = now();
        }
    }
}
