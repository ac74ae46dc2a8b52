//! A connection that speaks another protocol after `101 Switching Protocols`: bytes both ways.

use std::future::poll_fn;

use tokio::io::copy_bidirectional;

use super::downstream::Downstream;
use crate::upstream::Connection;

/// Joins the client's and the primary's connection until either side ends.
pub(super) async fn join(client: &mut Downstream, mut primary: Connection) {
    // What came right behind the request, or behind the switch.
    let (early, first) = (client.wire.buf.split(), primary.wire.buf.split());
    primary.wire.out.text().extend_from_slice(&early);
    client.wire.out.text().extend_from_slice(&first);
    client.wire.rest();
    let sent = poll_fn(|cx| client.wire.poll_flush(cx)).await;
    if sent.is_err() || poll_fn(|cx| primary.wire.poll_flush(cx)).await.is_err() {
        return;
    }
    client.wire.rest();
    primary.wire.rest();
    // A side that breaks ends the other: both are dropped.
    let _ = copy_bidirectional(&mut client.wire.stream, &mut primary.wire.stream).await;
}
