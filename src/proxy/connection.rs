//! One client's connection, from its first byte to its end.

use std::{future::poll_fn, net::IpAddr, time::Duration};

use super::{
    Drain, Pipeline, Pipelines,
    downstream::{Downstream, Next},
    error_response::{explain, explain_unread},
    forward::forward,
    observe::{AccessLine, InFlight},
    peer::Peer,
    prepare::{asks_to_close, prepare},
    refusal::Refusal,
    relay::{End, Ended, Relay, body_reader},
    upgrade,
};
use crate::{
    exchange::Exchange,
    http::{BodyReader, RequestHead, now},
    net::Stream,
    tee::Copies,
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
pub(crate) async fn serve(pipelines: &Pipelines, accepted: Accepted) {
    let peer = Peer {
        address: accepted.address,
        tls: accepted.tls,
    };
    let mut client = Downstream::new(accepted.stream, now());
    let mut entered = None;
    loop {
        let next = poll_fn(|cx| {
            // Woken when it has to close.
            entered.get_or_insert_with(|| Entered {
                drain: &pipelines.drain,
                key: pipelines.drain.enter(cx.waker().clone()),
            });
            client.poll_request(cx, &pipelines.now())
        })
        .await;
        let pipeline = &*pipelines.now();
        let then = match next {
            Next::End => Then::End,
            Next::Refused(refusal) => {
                explain_unread(&refusal, pipeline, client.wire.out.text());
                let _ = Box::pin(client.flush(pipeline.timeouts.idle.0)).await;
                Then::Farewell
            }
            Next::Request(head) => answer(pipeline, &mut client, head, peer).await,
        };
        match then {
            Then::Next => {}
            // Dropped, a plain connection ends all the same.
            Then::End if !client.wire.stream.is_tls() => return,
            Then::End => return Box::pin(client.shut()).await,
            Then::Farewell => return Box::pin(client.farewell()).await,
            Then::Cut => return client.wire.stream.reset_on_close(),
        }
    }
}

/// Answers one request.
async fn answer(
    pipeline: &Pipeline,
    client: &mut Downstream,
    mut head: RequestHead,
    peer: Peer,
) -> Then {
    let in_flight = InFlight::begin(pipeline);
    let closes = asks_to_close(&head);
    let prepared = prepare(&mut head, pipeline.preparation(), peer);
    let line = pipeline
        .access_log
        .then(|| AccessLine::new(&head, &pipeline.request_id, peer, client.arrived));
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err((refusal, framing)) => {
            Copies::leave_out(&pipeline.recipients, refusal.outcome());
            let mut rest = framing.map(|framing| body_reader(framing, &pipeline.limits));
            let rest = (rest.as_mut(), closes);
            let then = Box::pin(refuse(pipeline, client, &head, &refusal, rest)).await;
            if let Some(line) = line {
                line.write(refusal.status().as_u16(), 0, true);
            }
            head.reuse();
            return then;
        }
    };
    let exchange = Exchange::new(head, peer.address, &pipeline.request_id, client.arrived);
    let mut relay = Relay::begin(pipeline, &exchange, prepared, client);
    let end = forward(&mut relay).await;
    let Ended {
        status,
        sent,
        is_whole,
    } = relay.finish(&end);
    let then = match end {
        End::Whole => {
            let may_go_on = relay.upload.reader.is_done() && !pipeline.drain.is_asked();
            match (relay.keeps_client, may_go_on) {
                (true, _) => Then::Next,
                (false, true) => Then::End,
                (false, false) => Then::Farewell,
            }
        }
        End::Refused(refusal) => {
            let rest = (Some(&mut relay.upload.reader), closes);
            let client = &mut *relay.client;
            Box::pin(refuse(pipeline, client, &exchange.head, &refusal, rest)).await
        }
        end => Box::pin(after(&mut relay, end)).await,
    };
    relay.client.answer_head = std::mem::take(&mut relay.download.head).recycle();
    drop(relay);
    if let Some(head) = exchange.into_head() {
        head.reuse();
    }
    if let Some(line) = line {
        line.write(status, sent, is_whole);
    }
    drop(in_flight);
    then
}

/// What becomes of the connection where the answer is not whole, or no answer to a request any more.
async fn after(relay: &mut Relay<'_>, end: End) -> Then {
    match end {
        End::Switched => {
            if let Some(primary) = relay.switched.take() {
                upgrade::join(relay.client, *primary).await;
            }
            Then::End
        }
        End::Cut => {
            if relay.download.ends_with_connection() {
                let patience = relay.of.pipeline.timeouts.idle.0;
                relay.client.wire.stream.delivered(patience).await;
                Then::Cut
            } else if relay.upload.reader.is_done() {
                Then::End
            } else {
                Then::Farewell
            }
        }
        _ => Then::Cut,
    }
}

/// Tells a client why its request goes no further. Where `rest`, what is left of it, came already, the
/// connection may serve another, unless it `closes` anyway.
async fn refuse(
    pipeline: &Pipeline,
    client: &mut Downstream,
    head: &RequestHead,
    refusal: &Refusal,
    (rest, closes): (Option<&mut BodyReader>, bool),
) -> Then {
    let is_read = rest.is_some_and(|rest| client.skip(rest));
    let close = closes || !is_read || refusal.spoils_connection() || pipeline.drain.is_asked();
    explain(refusal, head, close, pipeline, client.wire.out.text());
    if client.flush(pipeline.timeouts.idle.0).await.is_err() {
        return Then::Cut;
    }
    client.rest(now());
    if close { Then::Farewell } else { Then::Next }
}

/// Tells a client that there are too many, in a hurry.
pub(crate) async fn refuse_client(pipeline: &Pipeline, stream: Stream) {
    pipeline.metrics.count(ProxyCount::ClientsRefused, 1);
    let mut client = Downstream::new(stream, now());
    let id = super::identify::new_id();
    let out = client.wire.out.text();
    Refusal::TooManyClients.write(&pipeline.request_id, &id, false, true, out);
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
