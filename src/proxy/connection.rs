//! One client's connection, from its first byte to its end.

use std::{
    future::poll_fn,
    net::IpAddr,
    time::{Duration, Instant},
};

use super::{
    Drain, Path, Paths,
    client::{Client, Next},
    explain::{explain, explain_unread},
    forward::{Forwarded, forward},
    observe::{AccessLine, InFlight},
    path::Peer,
    prepare::{asks_to_close, prepare},
    refusal::Refusal,
    relay::{End, body_reader},
    upgrade,
};
use crate::{
    capture::Ended,
    exchange::{Exchange, Primary, Told},
    http::{BodyReader, Framing, RequestHead},
    net::Stream,
    tee,
    telemetry::metrics::ProxyCount,
};

/// A client that was accepted.
pub(crate) struct Accepted {
    pub(crate) stream: Stream,
    /// Its address, where its socket has one.
    pub(crate) address: Option<IpAddr>,
    pub(crate) tls: bool,
}

/// What becomes of a connection after a request.
enum Then {
    /// It serves the next one.
    Next,
    /// It ends; the client knows or asked for it.
    End,
    /// It ends while the client may still be sending.
    Farewell,
    /// It ends in a way that must not look like the end of an answer.
    Cut,
}

/// Serves one client until its connection ends.
pub(crate) async fn serve(paths: &Paths, accepted: Accepted) {
    let peer = Peer {
        address: accepted.address,
        tls: accepted.tls,
    };
    let mut client = Client::new(accepted.stream, Instant::now());
    let mut head = RequestHead::default();
    let mut entered = None;
    loop {
        let next = poll_fn(|cx| {
            // Woken when it has to close.
            entered.get_or_insert_with(|| Entered {
                drain: &paths.drain,
                key: paths.drain.enter(cx.waker().clone()),
            });
            client.poll_request(cx, &mut head, &paths.now())
        })
        .await;
        let path = &*paths.now();
        let then = match next {
            Next::End => Then::End,
            Next::Refused(refusal) => {
                explain_unread(&refusal, path, client.wire.out.text());
                let _ = client.flush(path.timeouts.idle.0).await;
                Then::Farewell
            }
            Next::Request => {
                let (then, used) = answer(path, &mut client, std::mem::take(&mut head), peer).await;
                head = used;
                then
            }
        };
        match then {
            Then::Next => {}
            // Dropped, a plain connection ends all the same.
            Then::End if !client.wire.stream.is_tls() => return,
            Then::End => return client.shut().await,
            Then::Farewell => return client.farewell().await,
            Then::Cut => return client.wire.stream.reset_on_close(),
        }
    }
}

/// Answers one request. Returns the head's memory, too, to be used again.
async fn answer(
    path: &Path,
    client: &mut Client,
    mut head: RequestHead,
    peer: Peer,
) -> (Then, RequestHead) {
    let in_flight = InFlight::begin(path);
    let closes = asks_to_close(&head);
    let prepared = prepare(&mut head, path.preparation(), peer);
    let line = path
        .access_log
        .then(|| AccessLine::new(&head, &path.request_id, peer, client.arrived));
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err((refusal, framing)) => {
            for recipient in &*path.recipients {
                recipient.leave_out(refusal.outcome());
            }
            let mut rest = framing.map(|framing| body_reader(framing, &path.limits));
            let then = refuse(path, client, &head, &refusal, (rest.as_mut(), closes)).await;
            if let Some(line) = line {
                line.write(refusal.status().as_u16(), 0, true);
            }
            return (then, head);
        }
    };
    let exchange = Exchange::new(head, peer.address, &path.request_id, client.arrived);
    let primary = Primary(&exchange);
    let has_body = !matches!(prepared.framing, Framing::None | Framing::Sized(0));
    let branches = tee::split(&exchange, has_body, &path.recipients, &path.budget);
    let tap = path
        .capture
        .as_ref()
        .and_then(|capture| capture.tap(&exchange, has_body, prepared.upgrade));
    let capture = path.capture.as_ref().filter(|_| tap.is_some());
    let tap = tap.unwrap_or_default();
    let mut forwarded = forward(path, client, &exchange, prepared, branches, tap).await;
    if let Some(capture) = capture {
        let tap = std::mem::take(&mut forwarded.passed.tap);
        let ended = Ended {
            exchange: &exchange,
            peer: peer.address,
            whole: forwarded.passed.request_whole,
            answer: &forwarded.passed.answer,
            chunked: forwarded.passed.chunked,
            answer_whole: matches!(forwarded.end, End::Whole),
        };
        capture.store(&ended, tap);
    }
    if let Some(told) = forwarded.passed.told.take()
        && exchange.answer().is_some()
    {
        let (body, kept_whole, cost) = told.into_body();
        exchange.keep_answer(Told {
            head: forwarded.passed.answer.clone(),
            body,
            whole: kept_whole && matches!(forwarded.end, End::Whole),
            _cost: Box::new(cost),
        });
    }
    client.answer_head = std::mem::take(&mut forwarded.passed.answer);
    primary.end();
    path.metrics.count(ProxyCount::AnswerBytes, forwarded.sent);
    let (status, sent, whole) = (
        forwarded.status,
        forwarded.sent,
        matches!(forwarded.end, End::Whole | End::Refused(_)),
    );
    let then = after(path, client, &exchange, forwarded, closes).await;
    if let Some(line) = line {
        line.write(status, sent, whole);
    }
    drop(in_flight);
    (then, exchange.into_head().unwrap_or_default())
}

/// What becomes of the connection.
async fn after(
    path: &Path,
    client: &mut Client,
    exchange: &Exchange,
    forwarded: Forwarded,
    closes: bool,
) -> Then {
    let Forwarded {
        end,
        status,
        keeps,
        ends_with_connection,
        mut rest,
        switched,
        ..
    } = forwarded;
    match end {
        End::Whole => {
            path.metrics.answer(status);
            match (keeps, rest.is_done() && !path.drain.is_asked()) {
                (true, _) => Then::Next,
                (false, true) => Then::End,
                (false, false) => Then::Farewell,
            }
        }
        End::Switched => {
            path.metrics.answer(status);
            if let Some(primary) = switched {
                upgrade::join(client, *primary).await;
            }
            Then::End
        }
        End::Cut => {
            path.metrics.answer(status);
            if ends_with_connection {
                Then::Cut
            } else {
                Then::End
            }
        }
        End::Refused(refusal) => {
            refuse(
                path,
                client,
                &exchange.head,
                &refusal,
                (Some(&mut rest), closes),
            )
            .await
        }
        End::Stale(_) | End::Left => Then::Cut,
    }
}

/// Tells a client why its request goes no further. Where `rest`, what is left of it, came already, the
/// connection may serve another, unless it `closes` anyway.
async fn refuse(
    path: &Path,
    client: &mut Client,
    head: &RequestHead,
    refusal: &Refusal,
    (rest, closes): (Option<&mut BodyReader>, bool),
) -> Then {
    let is_read = rest.is_some_and(|rest| client.skip(rest));
    let close = closes || !is_read || refusal.spoils_connection() || path.drain.is_asked();
    explain(refusal, head, close, path, client.wire.out.text());
    if client.flush(path.timeouts.idle.0).await.is_err() {
        return Then::Cut;
    }
    client.rest(Instant::now());
    if close { Then::Farewell } else { Then::Next }
}

/// Tells a client that there are too many, in a hurry.
pub(crate) async fn refuse_client(path: &Path, stream: Stream) {
    path.metrics.count(ProxyCount::ClientsRefused, 1);
    let mut client = Client::new(stream, Instant::now());
    let id = super::identify::new_id();
    let out = client.wire.out.text();
    Refusal::TooManyClients.write(&path.request_id, &id, false, true, out);
    let hurry = Duration::from_millis(500);
    if client.flush(hurry).await.is_ok() {
        let _ = tokio::time::timeout(hurry, client.farewell()).await;
    }
}

/// A connection that is told when it has to close, until this is dropped.
struct Entered<'a> {
    drain: &'a Drain,
    key: u64,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.drain.leave(self.key);
    }
}
