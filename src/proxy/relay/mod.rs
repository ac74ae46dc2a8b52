//! One exchange under way: the request's body to the primary, and at the same time the answer to the client.

mod download;
mod upload;

pub(super) use upload::body_reader;

use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use super::{
    Pipeline, downstream::Downstream, error_response::explain_cut, own_time::OwnTime,
    prepare::Prepared, refusal::Refusal,
};
use crate::{
    capture,
    exchange::Exchange,
    http::{Framing, now},
    ledger::Outcome,
    tee::{Copies, RecordedResponse, Recording},
    telemetry::metrics::ProxyCount,
    upstream::{BadResponse, Call, Connection},
};
use download::{Download, Receiving, Stopped};
use upload::{Broken, Sending, Upload};

/// One exchange under way.
pub(super) struct Relay<'a> {
    pub(super) client: &'a mut Downstream,
    pub(super) of: Passing<'a>,
    pub(super) upload: Upload,
    pub(super) download: Download,
    is_captured: bool,
    /// The client's connection may serve another request.
    pub(super) keeps_client: bool,
    /// Where both speak another protocol now: the primary's side.
    pub(super) switched: Option<Box<Connection>>,
}

/// What passes, and what both ways of it need.
pub(super) struct Passing<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) exchange: &'a Exchange,
    pub(super) copies: Copies,
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
}

/// What went to the client in the end.
pub(super) struct Ended {
    pub(super) status: u16,
    /// Bytes of the answer's body.
    pub(super) sent: u64,
    pub(super) is_whole: bool,
}

impl<'a> Relay<'a> {
    /// Of a request that was prepared: copies are made of it, and the capture keeps of it what it wants.
    pub(super) fn begin(
        pipeline: &'a Pipeline,
        exchange: &'a Arc<Exchange>,
        prepared: Prepared,
        client: &'a mut Downstream,
    ) -> Self {
        let has_body = !matches!(prepared.framing, Framing::None | Framing::Sized(0));
        let copies = Copies::open(exchange, has_body, &pipeline.recipients, &pipeline.budget);
        let capture = pipeline.capture.as_ref();
        let captured = capture.and_then(|it| it.taps(exchange, has_body, prepared.upgrade));
        let is_captured = captured.is_some();
        let captured = captured.unwrap_or_default();
        let told = copies.wanted();
        let told = told.map(|limit| Box::new(Recording::new(limit, &pipeline.budget)));
        let of = Passing {
            pipeline,
            exchange,
            copies,
        };
        Self {
            upload: Upload::new(prepared, captured.request, &of),
            download: Download::new(
                std::mem::take(&mut client.answer_head),
                exchange,
                prepared,
                captured.answer,
                told,
                OwnTime::begin(pipeline, client),
            ),
            client,
            of,
            is_captured,
            keeps_client: false,
            switched: None,
        }
    }

    /// The exchange is over: the capture and the copies get all that there was of it, and it is counted.
    pub(super) fn finish(&mut self, end: &End) -> Ended {
        let Passing {
            pipeline, exchange, ..
        } = self.of;
        let (upload, download) = (&mut self.upload, &mut self.download);
        let answer_whole = matches!(end, End::Whole);
        if let Some(capture) = pipeline.capture.as_ref().filter(|_| self.is_captured) {
            let taps = capture::Taps {
                request: upload.kept.take(),
                answer: download.kept.take(),
            };
            let ended = capture::Ended {
                exchange,
                whole: upload.is_done(),
                answer: &download.head,
                chunked: download.is_chunked(),
                answered: download.answered,
                answer_whole,
            };
            capture.store(&ended, taps);
        }
        let told = download.told.take().filter(|_| download.answered.is_some());
        self.of.copies.over(told.map(|body| RecordedResponse {
            head: download.head.clone(),
            body: *body,
            is_whole: answer_whole,
        }));
        let sent = download.sent;
        pipeline.metrics.count(ProxyCount::AnswerBytes, sent);
        let status = download.head.status;
        let (status, is_whole) = match end {
            End::Refused(refusal) => (refusal.status().as_u16(), true),
            End::Left => (status, false),
            End::Whole | End::Switched | End::Cut => {
                pipeline.metrics.answer(status);
                (status, answer_whole)
            }
        };
        Ended {
            status,
            sent,
            is_whole,
        }
    }

    /// Until the answer is sent, or there will be none.
    pub(super) fn poll_both(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<End, BadResponse>> {
        if let Poll::Ready(end) = self.poll_upload(cx, call) {
            return Poll::Ready(end);
        }
        match self.download.poll(cx, self.client, call, &self.of) {
            // The rest of a body whose answer came early still belongs to the message, to its last byte.
            Poll::Ready(Ok(())) if self.upload.goes_on(call) => {}
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(self.answered())),
            Poll::Ready(Err(stopped)) => return Poll::Ready(self.stopped(stopped)),
            Poll::Pending => {}
        }
        let half_close = self.of.pipeline.timeouts.half_close.0;
        if self.upload.state != Sending::Going && self.client.poll_left(cx, half_close).is_ready() {
            return Poll::Ready(Ok(End::Left));
        }
        self.poll_late(cx, call).map(Ok)
    }

    /// Ready only where the exchange ends with it.
    fn poll_upload(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<End, BadResponse>> {
        // A request without a body has its head to send all the same.
        if self.upload.state == Sending::Stopped || (self.upload.is_done() && call.is_flushed()) {
            return Poll::Pending;
        }
        let sent = self.upload.poll(cx, self.client, call, &mut self.of);
        if let OwnTime::Arrived(_) = self.download.own {
            self.download
                .own
                .forwarded(matches!(sent, Poll::Ready(Ok(()))));
        }
        match ready!(sent) {
            Ok(()) => Poll::Pending,
            Err(Broken::Stale(error)) => Poll::Ready(Err(error)),
            Err(Broken::ByPrimary) => {
                // It may have answered before it stopped reading.
                self.stop(Outcome::BodyCut);
                Poll::Pending
            }
            Err(Broken::ByClient(_)) if self.download.state == Receiving::Done => {
                self.stop(Outcome::ClientAborted);
                Poll::Ready(Ok(End::Whole))
            }
            Err(Broken::ByClient(refusal)) => {
                let outcome = match refusal {
                    Refusal::BodyTooLarge => Outcome::NotForwarded,
                    _ => Outcome::ClientAborted,
                };
                Poll::Ready(Ok(self.refuse(refusal, outcome)))
            }
        }
    }

    /// The body goes no further, and so do its copies.
    #[cold]
    fn stop(&mut self, outcome: Outcome) {
        if self.upload.stop() {
            self.of.copies.fail(outcome);
        }
    }

    /// The client's fault, before its request was whole.
    #[cold]
    fn refuse(&mut self, refusal: Refusal, outcome: Outcome) -> End {
        self.stop(outcome);
        if self.download.has_begun() {
            End::Cut
        } else {
            End::Refused(refusal)
        }
    }

    /// There is no connection to the primary, or none that is of use.
    #[cold]
    pub(super) fn give_up(&mut self, end: End) -> End {
        let outcome = match end {
            End::Left => Outcome::ClientAborted,
            _ => Outcome::BodyCut,
        };
        self.stop(outcome);
        end
    }

    fn answered(&self) -> End {
        match self.download.head.status {
            101 if self.upload.is_done() => End::Switched,
            101 => End::Cut,
            _ => End::Whole,
        }
    }

    #[cold]
    fn stopped(&mut self, stopped: Stopped) -> Result<End, BadResponse> {
        match stopped {
            Stopped::ByClient => {
                self.stop(Outcome::ClientAborted);
                Ok(End::Left)
            }
            Stopped::Unasked => Ok(End::Refused(Refusal::UnaskedSwitch)),
            Stopped::ByPrimary(error) if self.download.has_begun() => {
                explain_cut(&error, self.of.exchange);
                Ok(End::Cut)
            }
            Stopped::ByPrimary(error) => Err(error),
        }
    }

    /// Ready when one of the two takes longer than it may.
    fn poll_late(&mut self, cx: &mut Context<'_>, call: &Call) -> Poll<End> {
        let (upload, download) = (&self.upload, &self.download);
        let timeouts = &self.of.pipeline.timeouts;
        let (idle, answer) = (timeouts.idle.0, timeouts.answer.0);
        // Whose turn it is to send: a body that the primary does not take is no fault of the client's.
        let is_clients_turn = upload.state == Sending::Going && !upload.waits && call.is_flushed();
        let mut due = match download.state {
            Receiving::Head if is_clients_turn => upload.last + idle,
            Receiving::Head => upload.last + answer,
            _ if is_clients_turn => upload.last.max(download.last) + idle,
            _ => download.last + idle,
        };
        let stalls = !self.client.wire.out.is_empty();
        if stalls {
            due = due.min(download.last + idle);
        }
        ready!(self.client.alarm.poll(cx, due));
        Poll::Ready(match download.state {
            _ if stalls && now() - download.last >= idle => {
                self.stop(Outcome::ClientAborted);
                End::Left
            }
            Receiving::Head if is_clients_turn => {
                self.refuse(Refusal::BodyTimeout, Outcome::ClientAborted)
            }
            Receiving::Head => End::Refused(Refusal::Late),
            Receiving::Body => End::Cut,
            Receiving::Done => {
                self.stop(Outcome::ClientAborted);
                End::Whole
            }
        })
    }
}
