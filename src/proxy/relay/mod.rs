//! One exchange under way: the request's body to the primary, and at the same time the answer to the client.

mod download;
mod upload;

pub(super) use upload::body_reader;

use std::task::{Context, Poll, ready};

use super::{
    Pipeline, downstream::Downstream, error_response::explain_cut, prepare::Prepared,
    refusal::Refusal,
};
use crate::{
    capture::{self, RecordedBody},
    exchange::{Exchange, RecordedResponse},
    http::ResponseHead,
    ledger::Outcome,
    tee::Tap,
    upstream::{BadResponse, Connection, ResponseReader},
};
use download::{Download, Receiving, Stopped};
use upload::{Broken, Sending, Upload};

/// One exchange under way.
pub(super) struct Relay<'a> {
    pub(super) pipeline: &'a Pipeline,
    pub(super) exchange: &'a Exchange,
    /// The way to those who get copies.
    pub(super) tap: Tap,
    pub(super) upload: Upload,
    pub(super) download: Download,
    /// The client's connection may serve another request.
    pub(super) keeps_client: bool,
    /// The answer ended before the request was sent whole.
    is_early: bool,
    /// Where both speak another protocol now: the primary's side.
    pub(super) switched: Option<Box<Connection>>,
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
    Stale(BadResponse),
}

impl<'a> Relay<'a> {
    /// Of a request that was prepared, with its copies and with what the capture keeps of it. `head` is memory for
    /// the answer's.
    pub(super) fn new(
        pipeline: &'a Pipeline,
        exchange: &'a Exchange,
        prepared: Prepared,
        tap: Tap,
        captured: capture::Tap,
        head: ResponseHead,
    ) -> Self {
        let reader = ResponseReader::new(exchange.head.method(), pipeline.pool.reading());
        let told = tap.wanted();
        let told = told.map(|limit| Box::new(RecordedBody::new(limit, &pipeline.budget)));
        Self {
            pipeline,
            exchange,
            tap,
            upload: Upload::new(prepared, captured.request, exchange, pipeline),
            download: Download::new(reader, head, exchange, prepared, (captured.answer, told)),
            keeps_client: false,
            is_early: false,
            switched: None,
        }
    }

    /// Until the answer is sent, or there will be none.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Downstream,
        primary: &mut Connection,
    ) -> Poll<End> {
        if let Poll::Ready(end) = self.poll_upload(cx, client, primary) {
            return Poll::Ready(end);
        }
        let of = (self.pipeline, self.exchange, &self.tap);
        match self.download.poll(cx, client, primary, of) {
            // The rest of a body whose answer came early still belongs to the message, to its last byte.
            Poll::Ready(Ok(())) if self.upload.goes_on(&self.download, primary) => {
                self.is_early = true;
            }
            Poll::Ready(Ok(())) => return Poll::Ready(self.answered()),
            Poll::Ready(Err(stopped)) => return Poll::Ready(self.stopped(stopped, primary)),
            Poll::Pending => {}
        }
        if self.upload.state != Sending::Going
            && client
                .poll_left(cx, self.pipeline.timeouts.half_close.0)
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
        client: &mut Downstream,
        primary: &mut Connection,
    ) -> Poll<End> {
        // A request without a body has its head to send all the same.
        if self.upload.state == Sending::Stopped
            || (self.upload.is_done() && primary.wire.out.is_empty())
        {
            return Poll::Pending;
        }
        match ready!(
            self.upload
                .poll(cx, client, primary, (self.pipeline, &mut self.tap))
        ) {
            Ok(()) => Poll::Pending,
            Err(Broken::ByPrimary(error)) if primary.is_used && primary.wire.out.is_untouched() => {
                Poll::Ready(End::Stale(BadResponse::Io(error)))
            }
            Err(Broken::ByPrimary(error)) => {
                // It may have answered before it stopped reading.
                self.stop(Outcome::BodyCut);
                self.download.first_error.get_or_insert(error);
                Poll::Pending
            }
            Err(Broken::ByClient(_)) if self.download.state == Receiving::Done => {
                self.stop(Outcome::ClientAborted);
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

    /// The body goes no further, and so do its copies.
    #[cold]
    fn stop(&mut self, outcome: Outcome) {
        if self.upload.stop() {
            self.tap.fail(outcome);
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

    /// Whether the primary's connection may serve another request. It may not where its next bytes may be part of this
    /// answer, or what it reads next part of this request: where another protocol was asked for and not granted, or where
    /// it answered before it had the request.
    pub(super) fn keeps_primary(&self, primary: &Connection) -> bool {
        let reader = &self.download.reader;
        reader.keeps_connection()
            && !reader.is_doubtful()
            && !self.download.upgrade
            && !self.is_early
            && primary.wire.out.is_empty()
    }

    /// What the capture kept of both bodies.
    pub(super) fn take_captured(&mut self) -> capture::Tap {
        capture::Tap {
            request: self.upload.kept.take(),
            answer: self.download.kept.take(),
        }
    }

    /// The response as somebody wanted it, where its head came; `whole`: to its end.
    pub(super) fn take_told(&mut self, whole: bool) -> Option<RecordedResponse> {
        let download = &mut self.download;
        let told = download
            .told
            .take()
            .filter(|_| download.answered.is_some())?;
        let (body, kept_whole, cost) = told.into_body();
        Some(RecordedResponse {
            head: download.head.clone(),
            body,
            whole: kept_whole && whole,
            _cost: Box::new(cost),
        })
    }

    /// The status that went to the client, where this is how it ended.
    pub(super) fn status(&self, end: &End) -> u16 {
        match end {
            End::Refused(refusal) => refusal.status().as_u16(),
            _ => self.download.head.status,
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
    fn stopped(&mut self, stopped: Stopped, primary: &Connection) -> End {
        match stopped {
            Stopped::ByClient => {
                self.stop(Outcome::ClientAborted);
                End::Left
            }
            Stopped::Unasked => End::Refused(Refusal::UnaskedSwitch),
            Stopped::ByPrimary(error) if self.download.has_begun() => {
                explain_cut(&error, self.exchange);
                End::Cut
            }
            Stopped::ByPrimary(error) if self.download.reader.is_stale(&error, primary) => {
                End::Stale(error)
            }
            Stopped::ByPrimary(error) => End::Refused(Refusal::Failed(error)),
        }
    }

    /// Ready when one of the two takes longer than it may.
    fn poll_late(
        &mut self,
        cx: &mut Context<'_>,
        client: &mut Downstream,
        primary: &Connection,
    ) -> Poll<End> {
        let (upload, download) = (&self.upload, &self.download);
        let timeouts = &self.pipeline.timeouts;
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
        ready!(client.alarm.poll(cx, due));
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
                self.stop(Outcome::ClientAborted);
                End::Whole
            }
        })
    }
}
