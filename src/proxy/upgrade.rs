//! A connection that speaks another protocol after `101 Switching Protocols`: bytes both ways.

use std::future::poll_fn;

use tokio::io::copy_bidirectional;

use super::downstream::Downstream;
use crate::upstream::Connection;

/// Joins the client's and the primary's connection until either side ends.
pub(super) async fn join(client: &mut Downstream, primary: Connection) {
    let (client, mut primary) = (&mut client.wire, primary.into_wire());
    // What came right behind the request, or behind the switch.
    let (early, first) = (client.buf.split(), primary.buf.split());
    primary.out.text().extend_from_slice(&early);
    client.out.text().extend_from_slice(&first);
    client.rest();
    let sent = poll_fn(|cx| client.poll_flush(cx)).await;
    if sent.is_err() || poll_fn(|cx| primary.poll_flush(cx)).await.is_err() {
        return;
    }
    client.rest();
    primary.rest();
    // A side that breaks ends the other: both are dropped.
    let _ = copy_bidirectional(&mut client.stream, &mut primary.stream).await;
}
