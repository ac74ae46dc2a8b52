//! Sends a request to the primary and passes its response on.

use std::{
    borrow::Cow,
    future::{Future, poll_fn},
    pin::pin,
    task::{Context, Poll},
};

use super::{
    own_time::OwnTime,
    refusal::Refusal,
    relay::{End, Relay},
};
use crate::upstream::{Call, Caller, Connection, Request, SentHead, Uncalled, call};

/// Sends a request to the primary and passes its response on. What passed is in `relay` afterwards.
pub(super) async fn forward(relay: &mut Relay<'_>) -> End {
    let (pool, received) = (&relay.of.pipeline.pool, relay.of.exchange.received);
    match call(relay, pool, received).await {
        Ok((End::Whole, call)) if relay.upload.is_done() => {
            let last = relay.download.last();
            relay.client.rest(last);
            relay.keeps_client = !relay.download.closes;
            call.end(pool, last);
            End::Whole
        }
        Ok((End::Switched, call)) => {
            relay.switched = Some(call.into_connection());
            End::Switched
        }
        Ok((end, _)) => end,
        Err(Uncalled::GivenUp(end)) => relay.give_up(end),
        Err(Uncalled::Failed(error)) => relay.give_up(End::Refused(Refusal::Failed(error))),
    }
}

impl Caller for Relay<'_> {
    type End = End;
    type GivenUp = End;

    fn request(&self) -> Request<'_> {
        Request {
            head: SentHead::Fields {
                head: Cow::Borrowed(&self.of.exchange.head),
                added: &[],
            },
            body: self.upload.body,
            is_upgrade: self.download.upgrade,
        }
    }

    /// A new connection to the primary, unless the client leaves before it is there.
    async fn connect(&mut self) -> Result<Box<Connection>, End> {
        let pipeline = self.of.pipeline;
        // The wait for it is the network's.
        self.download.own = OwnTime::Unmeasured;
        let watches = self.upload.is_done();
        let mut connecting = pin!(pipeline.pool.open());
        let half_close = pipeline.timeouts.half_close.0;
        poll_fn(|cx| {
            if let Poll::Ready(connection) = connecting.as_mut().poll(cx) {
                return Poll::Ready(
                    connection.map_err(|error| End::Refused(Refusal::Unreachable(error))),
                );
            }
            if watches && self.client.poll_left(cx, half_close).is_ready() {
                return Poll::Ready(Err(End::Left));
            }
            Poll::Pending
        })
        .await
    }

    fn poll(&mut self, cx: &mut Context<'_>, call: &mut Call) -> Poll<Result<End, Uncalled<End>>> {
        self.poll_both(cx, call).map_err(Uncalled::Failed)
    }
}
