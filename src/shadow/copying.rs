//! One copy under way on one connection: its request out, its answer read away.

use std::{
    sync::atomic::Ordering::Relaxed,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{
    allowance::{Ask, Long, Turn},
    breaker::{Admitted, Lesson},
    copy::ShadowCopy,
    failure::Failure,
    pair::Ours,
    sender::Sender,
    stream::Stream,
};
use crate::{
    compare::{REQUEST_BODY, SentCopy},
    http::{Alarm, OutPiece, ResponseHead, now},
    tee::{Held, Part, Piece, RecordedResponse, Recording},
    upstream::{BadResponse, Call, Next, Uncalled},
};

/// One copy under way.
pub(super) struct Copying<'a> {
    pub(super) sender: &'a Sender,
    pub(super) copy: &'a mut ShadowCopy,
    tools: &'a mut Tools,
    /// What is kept of its body and of the response's, where somebody wants it.
    kept_request: Option<Recording>,
    kept_response: Option<Recording>,
    /// The breaker's leave to send it, until the breaker has learned how it went.
    admitted: Option<Admitted<'a>>,
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
}

/// What each copy needs and the next one can use again.
#[derive(Default)]
pub(super) struct Tools {
    alarm: Alarm,
    head: ResponseHead,
    ask: Ask,
}

/// An answer that comes in so few steps, and in so few bytes, is one that costs what answers cost. The rest of a longer
/// one is read in turns.
const USUAL_STEPS: u32 = 3;
const USUAL_BYTES: u64 = 32 * 1024;
/// How many parts of what came are looked at in one go.
const PARTS: usize = 256;
/// What came of something that is not whole is charged to the budget from here on.
const LARGE: usize = 4 * 1024;

impl<'a> Copying<'a> {
    pub(super) fn new(
        sender: &'a Sender,
        copy: &'a mut ShadowCopy,
        tools: &'a mut Tools,
        admitted: Admitted<'a>,
        started: Instant,
    ) -> Self {
        let record = |limit| Recording::new(limit, &sender.budget);
        let compared = sender.shadow.compared.as_ref();
        let script = copy.ticket.and(sender.shadow.script.as_ref());
        let for_script = script.and_then(|script| script.wanted());
        let response = sender.shadow.wanted_bytes(for_script);
        Self {
            is_whole: !copy.body.exists(),
            sender,
            copy,
            tools,
            kept_request: compared.map(|_| record(REQUEST_BODY)),
            kept_response: response.map(record),
            admitted: Some(admitted),
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
        }
    }

    /// Before there is a connection: ready where the copy can't be sent any more.
    pub(super) fn poll_lost(&mut self, cx: &mut Context<'_>) -> Poll<Failure> {
        match self.copy.body.failure(cx) {
            Some(outcome) => Poll::Ready(Failure::Body(outcome)),
            None => Poll::Pending,
        }
    }

    /// The next turn for what a usual copy does not need.
    pub(super) fn poll_turn(&self, cx: &Context<'_>) -> Poll<Turn<'a>> {
        self.sender.allowance.poll_turn(&self.tools.ask, cx)
    }

    /// The breaker learns how it went, unless it has already.
    pub(super) fn learn(&mut self, lesson: Lesson) {
        let admitted = self.admitted.take();
        if let Some(change) = admitted.and_then(|admitted| admitted.learn(lesson)) {
            self.sender.shadow.tell(change);
        }
    }

    /// The response, where it was to be kept and its head came; `is_whole`: it came to its end.
    pub(super) fn into_ours(self, is_whole: bool) -> Option<Ours> {
        let (at, body) = (self.answered?, self.kept_response?);
        let is_kept = self.copy.ticket.is_some() && self.kept_request.is_some();
        let by_script = is_kept.then(|| self.copy.head().clone());
        Some(Ours {
            ticket: self.copy.ticket,
            response: RecordedResponse {
                // Its memory is the next response's where nobody wants this one.
                head: std::mem::take(&mut self.tools.head),
                body,
                is_whole,
            },
            sent: SentCopy {
                head_by_script: by_script,
                is_whole: self.is_whole,
                body: self.kept_request,
            },
            at,
            took: at - self.started,
        })
    }

    /// When the answer's head came, or else when the copy began.
    pub(super) fn last(&self) -> Instant {
        self.answered.unwrap_or(self.started)
    }

    /// Until the answer was read to its end, or up to its limit.
    pub(super) fn poll_both(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<Failure>>> {
        if let Poll::Ready(Err(error)) = self.poll_send(cx, call) {
            return Poll::Ready(Err(error));
        }
        let received = self.poll_receive(cx, call);
        if self.steps > 0 && !self.hold(call) {
            return Poll::Ready(Err(Uncalled::GivenUp(Failure::OverBudget)));
        }
        if received.is_ready() {
            return received.map_err(Uncalled::Failed);
        }
        if let Some(outcome) = self.copy.body.failure(cx) {
            return Poll::Ready(Err(Uncalled::GivenUp(Failure::Body(outcome))));
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
    ) -> Poll<Result<(), Uncalled<Failure>>> {
        loop {
            while !self.is_whole && call.has_room() && self.writing.is_none() {
                let Poll::Ready(part) = self.copy.body.poll_part(cx) else {
                    break;
                };
                match part {
                    Part::Piece(piece) => {
                        if let Some(kept) = &mut self.kept_request {
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
                        return Poll::Ready(Err(Uncalled::GivenUp(Failure::Body(outcome))));
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
                    .get_or_insert_with(|| self.sender.allowance.begin_long());
                let mut turn = ready!(self.poll_turn(cx));
                turn.reads(self.sender.shadow.has_low_priority.load(Relaxed));
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
                    if let Some(kept) = &mut self.kept_response {
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
        self.answered.is_some() && self.came > self.sender.shadow.settings.answer_bytes.0
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
                self.held = self.sender.budget.hold(memory);
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
        self.sender.shadow.metrics.latency.record(took);
        self.sender.shadow.see_build(&self.tools.head, now);
        self.copy.pair.ours(self.tools.head.status, took);
    }

    /// Its header was a response, and those who wait for one go on.
    #[cold]
    fn begin_stream(&mut self) {
        let shadow = &self.sender.shadow;
        self.stream = Some(Stream::begin(shadow.settings.stream_timeout.0));
        self.copy.turn = None;
        self.learn(Lesson::Works);
        self.copy.pair.wait();
        shadow.metrics.stream();
    }

    fn poll_late(&mut self, cx: &mut Context<'_>, call: &Call) -> Poll<Result<(), Failure>> {
        let patience: Duration = self.sender.shadow.settings.answer_timeout.0;
        loop {
            if let Some(stream) = &mut self.stream {
                return stream
                    .poll_end(cx, &mut self.tools.alarm, &self.copy.pair)
                    .map(Ok);
            }
            ready!(self.tools.alarm.poll(cx, self.waited_for + patience));
            let flows = self.came > std::mem::replace(&mut self.came_before, self.came);
            if call.response().has_no_length() && flows {
                self.begin_stream();
            } else if !self.copy.body.is_coming() {
                let still = |flowed: Instant| now() - flowed < patience / 2;
                return Poll::Ready(Err(if self.flowed.is_some_and(still) {
                    Failure::Slow
                } else {
                    Failure::Late
                }));
            }
            // The time of a client that takes its own is not the shadow's.
            self.waited_for = now();
        }
    }
}
