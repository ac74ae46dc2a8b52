//! A connection to the target, and the requests that go over it, one after the other.

use std::{
    future::poll_fn,
    rc::Rc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use bytes::Buf;

use super::{job::Job, tally::Outcome};
use crate::{
    http::{Alarm, Part, ResponseHead, is_idempotent},
    net::ConnectError,
    upstream::{BadResponse, Connection, NoConnection, Pool, ResponseReader},
};

/// A connection that is kept, or made anew where it ended.
pub(super) struct Lane {
    pool: Rc<Pool>,
    timeout: Duration,
    connection: Option<Box<Connection>>,
    head: ResponseHead,
    /// As much of the last answer's body as was to be kept.
    body: Vec<u8>,
    alarm: Alarm,
}

/// Why a request has no answer.
#[derive(Debug)]
enum Failure {
    Stale,
    Broken(BadResponse),
    Late,
}

impl Lane {
    pub(super) fn new(pool: Rc<Pool>, timeout: Duration) -> Self {
        Self {
            pool,
            timeout,
            connection: None,
            head: ResponseHead::default(),
            body: Vec::new(),
            alarm: Alarm::default(),
        }
    }

    /// The last answer, as far as it was kept.
    pub(super) fn answer(&self) -> (&ResponseHead, &[u8]) {
        (&self.head, &self.body)
    }

    /// Sends a request and reads its answer to the end; the error is a word for the report.
    pub(super) async fn send(
        &mut self,
        job: &Job,
        started: Instant,
        keep: Option<usize>,
    ) -> Result<Outcome, &'static str> {
        loop {
            // What came meanwhile would be taken for this request's answer.
            let kept = self.connection.take_if(|kept| kept.is_quiet(true));
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.pool.open().await.map_err(|error| word(&error))?,
            };
            connection.wire.out.begin();
            let out = connection.wire.out.text();
            out.extend_from_slice(&job.head);
            out.extend_from_slice(b"\r\n");
            if !job.body.is_empty() {
                connection.wire.out.shared_piece(job.body.clone());
            }
            self.body.clear();
            let mut sending = Sending {
                reader: ResponseReader::new(job.method(), self.pool.reading()),
                head: &mut self.head,
                keep: keep.unwrap_or(0),
                body: &mut self.body,
                alarm: &mut self.alarm,
                due: started + self.timeout,
                status: 0,
                received: 0,
                sent: false,
                stopped: false,
            };
            let result = poll_fn(|cx| sending.poll(cx, &mut connection)).await;
            match result {
                Ok(()) => {
                    let outcome = Outcome {
                        status: sending.status,
                        received: sending.received,
                    };
                    let keeps =
                        sending.sent && !sending.stopped && sending.reader.keeps_connection();
                    if keeps && connection.wire.buf.is_empty() {
                        connection.is_used = true;
                        self.connection = Some(connection);
                    }
                    return Ok(outcome);
                }
                // It was closed just as the request was written to it: once more, on a new one, if that is safe.
                Err(Failure::Stale)
                    if connection.wire.out.is_untouched() || is_idempotent(job.method()) => {}
                Err(Failure::Stale) => return Err("broken"),
                Err(Failure::Broken(error)) => {
                    return Err(match error {
                        BadResponse::Ended | BadResponse::Io(_) => "broken",
                        _ => "no_http",
                    });
                }
                Err(Failure::Late) => return Err("timeout"),
            }
        }
    }
}

/// One request under way.
struct Sending<'a> {
    reader: ResponseReader,
    head: &'a mut ResponseHead,
    /// So much of the body is kept.
    keep: usize,
    body: &'a mut Vec<u8>,
    alarm: &'a mut Alarm,
    due: Instant,
    status: u16,
    received: u64,
    sent: bool,
    /// The target takes no more of it.
    stopped: bool,
}

impl Sending<'_> {
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<Result<(), Failure>> {
        if !self.sent && !self.stopped {
            match connection.wire.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.sent = true,
                // It may have answered before it stopped reading.
                Poll::Ready(Err(_)) => self.stopped = true,
                Poll::Pending => {}
            }
        }
        match self.poll_answer(cx, connection) {
            Poll::Ready(Ok(())) => Poll::Ready(Ok(())),
            Poll::Ready(Err(error)) => {
                Poll::Ready(Err(if self.reader.is_stale(&error, connection) {
                    Failure::Stale
                } else {
                    Failure::Broken(error)
                }))
            }
            Poll::Pending => {
                ready!(self.alarm.poll(cx, self.due));
                // An answer that came in time and goes on is one.
                let goes_on = self.reader.has_no_length() && self.received > 0;
                Poll::Ready(if goes_on { Ok(()) } else { Err(Failure::Late) })
            }
        }
    }

    fn poll_answer(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut Connection,
    ) -> Poll<Result<(), BadResponse>> {
        loop {
            while !self.reader.has_head() {
                match self.reader.head(connection, self.head)? {
                    Some(_) if self.head.is_interim() => {}
                    // It has no end, and its header was an answer.
                    Some(_) if self.reader.is_event_stream(self.head) => {
                        self.status = self.head.status;
                        return Poll::Ready(Ok(()));
                    }
                    Some(_) => self.status = self.head.status,
                    None => break,
                }
            }
            while let Part::Piece(length) = self.reader.part(connection)? {
                self.received += length as u64;
                let kept = length.min(self.keep - self.body.len());
                self.body.extend_from_slice(&connection.wire.buf[..kept]);
                connection.wire.buf.advance(length);
            }
            if self.reader.is_done() {
                return Poll::Ready(Ok(()));
            }
            if ready!(connection.poll_fill(cx))? == 0 {
                return Poll::Ready(self.reader.finish());
            }
        }
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
