//! Sends a request to the primary and passes its answer on, on a connection that is there or on a new one.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

use super::{
    Pipeline,
    downstream::Downstream,
    refusal::Refusal,
    relay::{End, Relay},
};
use crate::{
    exchange::Exchange,
    http::{Known, Version, is_idempotent},
    upstream::Connection,
};

/// Sends a request to the primary and passes its answer on. What passed is in `relay` afterwards.
pub(super) async fn forward(client: &mut Downstream, relay: &mut Relay<'_>) -> End {
    let (pipeline, exchange) = (relay.pipeline, relay.exchange);
    let mut unsent = None;
    loop {
        let connection = match pipeline.pool.take_idle(exchange.received) {
            Some(connection) => Ok(connection),
            // Rare, and large: in a box, it takes no room in what is always run.
            None => Box::pin(connect(pipeline, client, relay)).await,
        };
        let mut primary = match connection {
            Ok(connection) => connection,
            Err(end) => return relay.give_up(end),
        };
        primary.wire.out.begin();
        match unsent.take() {
            Some(out) => primary.wire.out = out,
            None => write_head(exchange, &mut primary),
        }
        match poll_fn(|cx| relay.poll(cx, client, &mut primary)).await {
            End::Whole if relay.upload.is_done() => {
                let last = relay.download.last();
                client.rest(last);
                relay.keeps_client = !relay.download.closes;
                if relay.keeps_primary(&primary) {
                    pipeline.pool.give_back(primary, last);
                }
                return End::Whole;
            }
            End::Switched => {
                relay.switched = Some(primary);
                return End::Switched;
            }
            // The other side closed it just as the request was written to it. The request is sent once more
            // where that is safe: not a byte of it was written, or it has no body and its method is
            // idempotent (RFC 9110, 9.2.2).
            End::Stale(_) if primary.wire.out.is_untouched() => {
                unsent = Some(std::mem::take(&mut primary.wire.out));
            }
            End::Stale(_)
                if relay.upload.is_untouched() && is_idempotent(exchange.head.method()) => {}
            End::Stale(error) => return relay.give_up(End::Refused(Refusal::Failed(error))),
            end => return end,
        }
    }
}

/// A new connection to the primary, unless the client leaves before it is there.
async fn connect(
    pipeline: &Pipeline,
    client: &mut Downstream,
    relay: &Relay<'_>,
) -> Result<Box<Connection>, End> {
    let watches = relay.upload.is_done();
    let mut connecting = pin!(pipeline.pool.open());
    let half_close = pipeline.timeouts.half_close.0;
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
    let version = if head.headers.has(Known::Host) {
        Version::Http11
    } else {
        Version::Http10
    };
    let out = primary.wire.out.text();
    head.write(version, out);
    out.extend_from_slice(b"\r\n");
}
