//! Sends a request to the primary and passes its answer on, on a connection that is there or on a new one.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    Path,
    client::Client,
    prepare::Prepared,
    refusal::Refusal,
    relay::{Download, End, Relay, Upload},
};
use crate::{
    capture::{Kept, Tap},
    client::{AnswerReader, Connection},
    exchange::Exchange,
    http::{AnswerHead, BodyReader, Known, Version, is_idempotent},
    tee::Branches,
};

/// What came of an exchange.
pub(super) struct Forwarded {
    pub(super) end: End,
    /// The status that went to the client.
    pub(super) status: u16,
    /// Bytes of the answer's body that went to the client.
    pub(super) sent: u64,
    /// The client's connection may serve another request.
    pub(super) keeps: bool,
    /// What the capture needs of it.
    pub(super) passed: Passed,
    /// What is left of the request.
    pub(super) rest: BodyReader,
    /// Of an answer that is cut: only a reset can tell that it is not whole.
    pub(super) ends_with_connection: bool,
    /// Where both speak another protocol now: the primary's side.
    pub(super) switched: Option<Box<Connection>>,
}

/// What passed, as the capture looks at it.
pub(super) struct Passed {
    /// The request went to the primary to its end.
    pub(super) request_whole: bool,
    /// The answer's head, as far as there is one.
    pub(super) answer: AnswerHead,
    /// The answer's body went out in chunks.
    pub(super) chunked: bool,
    /// What was kept of both bodies.
    pub(super) tap: Tap,
    /// What was kept of the answer for scripts.
    pub(super) told: Option<Box<Kept>>,
}

/// Sends a request to the primary and passes its answer on.
pub(super) async fn forward(
    path: &Path,
    client: &mut Client,
    exchange: &Exchange,
    prepared: Prepared,
    branches: Branches,
    tap: Tap,
) -> Forwarded {
    let Prepared {
        framing,
        upgrade,
        closes,
        waits,
    } = prepared;
    let upload = Upload::new(framing, waits, branches, tap.request, exchange, path);
    let reader = AnswerReader::new(exchange.head.method(), path.pool.reading());
    let told = exchange.wanted_answer();
    let told = told.map(|limit| Box::new(Kept::new(limit, &path.budget)));
    let head = std::mem::take(&mut client.answer_head);
    let download = Download::new(reader, head, exchange, upgrade, closes, (tap.answer, told));
    let mut relay = Relay::new(path, exchange, upload, download);
    let mut unsent = None;
    let (end, primary) = loop {
        let connection = match path.pool.take_idle(exchange.received) {
            Some(connection) => Ok(connection),
            None => connect(path, client, &relay).await,
        };
        let mut primary = match connection {
            Ok(connection) => connection,
            Err(end) => break (relay.give_up(end), None),
        };
        primary.wire.out.begin();
        match unsent.take() {
            Some(out) => primary.wire.out = out,
            None => write_head(exchange, &mut primary),
        }
        match poll_fn(|cx| relay.poll(cx, client, &mut primary)).await {
            // The other side closed it just as the request was written to it. The request is sent once more
            // where that is safe: not a byte of it was written, or it has no body and its method is
            // idempotent (RFC 9110, 9.2.2).
            End::Stale(_) if primary.wire.out.is_untouched() => {
                unsent = Some(std::mem::take(&mut primary.wire.out));
            }
            End::Stale(_)
                if relay.upload.is_untouched() && is_idempotent(exchange.head.method()) => {}
            End::Stale(error) => break (relay.give_up(End::Refused(Refusal::Failed(error))), None),
            end => break (end, Some(primary)),
        }
    };
    finish(path, client, relay, end, primary)
}

/// Gives the primary's connection back, and tells what came of it.
fn finish(
    path: &Path,
    client: &mut Client,
    relay: Relay<'_>,
    end: End,
    primary: Option<Box<Connection>>,
) -> Forwarded {
    let Relay {
        upload, download, ..
    } = relay;
    let (mut keeps, mut switched) = (false, None);
    match (&end, primary) {
        (End::Whole, Some(primary)) if upload.is_done() => {
            keeps = !download.closes;
            client.rest(download.last());
            if download.reader.keeps_connection() {
                path.pool.give_back(primary, download.last());
            }
        }
        (End::Switched, primary) => switched = primary,
        _ => {}
    }
    let head_status = download.head.status;
    let ends_with_connection = download.ends_with_connection();
    Forwarded {
        status: match &end {
            End::Refused(refusal) => refusal.status().as_u16(),
            _ => head_status,
        },
        sent: download.sent,
        passed: Passed {
            request_whole: upload.is_done(),
            chunked: download.is_chunked(),
            answer: download.head,
            tap: Tap {
                request: upload.kept,
                answer: download.kept,
            },
            told: download.told,
        },
        rest: upload.reader,
        ends_with_connection,
        end,
        keeps,
        switched,
    }
}

/// A new connection to the primary, unless the client leaves before it is there.
async fn connect(
    path: &Path,
    client: &mut Client,
    relay: &Relay<'_>,
) -> Result<Box<Connection>, End> {
    let watches = relay.upload.is_done();
    let mut connecting = pin!(path.pool.open());
    let half_close = path.timeouts.half_close.0;
    poll_fn(|cx| {
        if let Poll::Ready(connection) = connecting.as_mut().poll(cx) {
            return Poll::Ready(
                connection.map_err(|error| End::Refused(Refusal::Unreachable(error))),
            );
        }
        if watches && client.poll_left(cx, half_close).is_ready() {
            return Poll::Ready(Err(End::Left));
        }
        Poll::Pending
    })
    .await
}

fn write_head(exchange: &Exchange, primary: &mut Connection) {
    let head = &exchange.head;
    // Without a Host it can only be a message of HTTP/1.0, which has to stay one.
    let version = if head.fields.has(Known::Host) {
        Version::Http11
    } else {
        Version::Http10
    };
    let out = primary.wire.out.text();
    head.write(version, out);
    out.extend_from_slice(b"\r\n");
}
