//! A connection to the target, and the requests that go over it, one after the other.

use std::{
    cell::Cell,
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{job::Job, tally::Outcome};
use crate::{
    http::{Alarm, ResponseHead, now},
    net::ConnectError,
    tee::{RecordedResponse, Recording},
    upstream::{
        BadResponse, Call, Caller, Connection, Next, NoConnection, Pool, Request, RequestBody,
        SentHead, Uncalled, call,
    },
};

/// When a request was sent, the time to connect aside, and when the head of its response came.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) began: Instant,
    pub(super) head: Instant,
}

/// A response that is kept.
pub(super) struct KeptResponse {
    pub(super) response: RecordedResponse,
    pub(super) times: Times,
}

/// Requests that go over one connection, which is made anew where it ended.
pub(super) struct Lane {
    pool: Rc<Pool>,
    timeout: Duration,
    head: ResponseHead,
    alarm: Alarm,
}

impl Lane {
    pub(super) fn new(pool: Rc<Pool>, timeout: Duration) -> Self {
        Self {
            pool,
            timeout,
            head: ResponseHead::default(),
            alarm: Alarm::default(),
        }
    }

    /// Sends a request and reads its response to the end; the error is a word for the report. The response is returned
    /// where it is to be kept.
    pub(super) async fn send(
        &mut self,
        job: &Job,
        started: Instant,
        kept: Option<Recording>,
    ) -> Result<(Outcome, Option<KeptResponse>), &'static str> {
        let mut sending = Sending {
            pool: &self.pool,
            job,
            head: &mut self.head,
            kept,
            alarm: &mut self.alarm,
            due: started + self.timeout,
            received: 0,
            began: Cell::new(started),
            head_came: None,
        };
        match call(&mut sending, &self.pool, started).await {
            Ok(((), call)) => {
                let is_whole = call.response().is_done();
                call.end(&self.pool, now());
                let outcome = Outcome {
                    status: sending.head.status,
                    received: sending.received,
                };
                let began = sending.began.get();
                let times = Times {
                    began,
                    head: sending.head_came.unwrap_or(began),
                };
                let response = sending.kept.map(|body| KeptResponse {
                    response: RecordedResponse {
                        head: self.head.clone(),
                        is_whole,
                        body,
                    },
                    times,
                });
                Ok((outcome, response))
            }
            Err(Uncalled::GivenUp(why)) => Err(why),
            Err(Uncalled::Failed(BadResponse::Ended | BadResponse::Io(_))) => Err("broken"),
            Err(Uncalled::Failed(_)) => Err("no_http"),
        }
    }
}

/// One request under way.
struct Sending<'a> {
    pool: &'a Pool,
    job: &'a Job,
    head: &'a mut ResponseHead,
    kept: Option<Recording>,
    alarm: &'a mut Alarm,
    due: Instant,
    /// Bytes of the response's body.
    received: u64,
    /// When there was a connection to send it on.
    began: Cell<Instant>,
    head_came: Option<Instant>,
}

impl Caller for Sending<'_> {
    type End = ();
    type GivenUp = &'static str;

    fn request(&self) -> Request<'_> {
        self.began.set(Instant::now());
        Request {
            head: SentHead::Lines(&self.job.head),
            body: RequestBody::Whole(&self.job.body),
            is_upgrade: false,
        }
    }

    async fn connect(&mut self) -> Result<Box<Connection>, &'static str> {
        self.pool.open().await.map_err(|error| word(&error))
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), Uncalled<&'static str>>> {
        if let Poll::Ready(Err(error)) = call.poll_flush(cx) {
            return Poll::Ready(Err(error.into()));
        }
        if let Poll::Ready(response) = self.poll_response(cx, call) {
            return Poll::Ready(response.map_err(Uncalled::Failed));
        }
        ready!(self.alarm.poll(cx, self.due));
        // A response that came in time and goes on is one.
        let goes_on = call.response().has_no_length() && self.received > 0;
        Poll::Ready(if goes_on {
            Ok(())
        } else {
            Err(Uncalled::GivenUp("timeout"))
        })
    }
}

impl Sending<'_> {
    fn poll_response(
        &mut self,
        cx: &mut Context<'_>,
        call: &mut Call,
    ) -> Poll<Result<(), BadResponse>> {
        loop {
            let next = call.next(self.head)?;
            if matches!(next, Next::Head(_)) {
                self.head_came = Some(Instant::now());
            }
            match next {
                // It has no end, and its header was an answer.
                Next::Head(_) if call.response().is_event_stream(self.head) => break,
                Next::Interim | Next::Head(_) => {}
                Next::Piece(length) => {
                    self.received += length as u64;
                    if let Some(kept) = &mut self.kept {
                        kept.copy(call.body(length));
                    }
                    call.skip(length);
                }
                Next::More => {
                    if ready!(call.poll_fill(cx))? == 0 {
                        break;
                    }
                    continue;
                }
                Next::Trailers(_) | Next::End => break,
            }
            if call.response().is_done() {
                break;
            }
        }
        Poll::Ready(Ok(()))
    }
}

fn word(error: &NoConnection) -> &'static str {
    match error {
        NoConnection::Connect(ConnectError::Timeout(_)) => "connect_timeout",
        NoConnection::Connect(ConnectError::Unresolved(_)) => "unresolved",
        NoConnection::Connect(ConnectError::Tls(_)) => "tls_failed",
        NoConnection::Connect(ConnectError::Refused(_)) => "refused",
        NoConnection::Connect(ConnectError::NoDescriptor(_)) | NoConnection::Limit => {
            "no_descriptor"
        }
    }
}
