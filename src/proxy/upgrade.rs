//! A connection that speaks another protocol after `101 Switching Protocols`: bytes both ways.

use std::rc::Rc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::{io::copy_bidirectional, task::spawn_local};

use crate::exchange::Exchange;

/// Joins the client's and the primary's connection until either side ends.
pub(super) fn join(client: OnUpgrade, primary: OnUpgrade, exchange: Rc<Exchange>) {
    spawn_local(async move {
        let (client, primary) = match tokio::try_join!(client, primary) {
            Ok(both) => both,
            Err(error) => {
                tracing::debug!(request_id = %exchange.id_text(), %error, "an upgrade was agreed on and did not come");
                return;
            }
        };
        // A side that breaks ends the other: both are dropped.
        let _ = copy_bidirectional(&mut TokioIo::new(client), &mut TokioIo::new(primary)).await;
    });
}
