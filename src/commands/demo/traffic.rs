//! Visitors of the demo's shop, who come over a unix socket as nginx would. The only file that knows hyperlocal.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;
use http::{Method, Request, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1::handshake};
use tokio::time::sleep;
use tower::Service;

use super::report::Report;

const PAGES: [(Method, &str); 5] = [
    (Method::GET, "/"),
    (Method::GET, "/products/7"),
    (Method::POST, "/orders"),
    (Method::GET, "/account"),
    (Method::GET, "/reports"),
];
const ROUNDS: usize = 20;
/// For the shadow's answers to come in.
const PATIENCE: Duration = Duration::from_secs(10);

/// Sends each page's request a few times through the tee, and returns how many that were once all of
/// them are in `report`.
pub(super) async fn send(socket: &Path, report: &Report) -> anyhow::Result<usize> {
    // The workers may still be starting: the socket is bound, and the connection waits to be accepted.
    let stream = hyperlocal::UnixConnector
        .call(hyperlocal::Uri::new(socket, "/").into())
        .await
        .context("the demo's tee does not accept a connection")?;
    let (mut sender, connection) = handshake(stream).await?;
    tokio::spawn(connection);
    let mut sent = 0;
    for _ in 0..ROUNDS {
        for (method, path) in PAGES {
            let order = "lamp=1&to=Ada";
            let body = if method == Method::POST { order } else { "" };
            let request = Request::builder()
                .method(method)
                .uri(path)
                .header(HOST, "shop.example")
                .body(Full::<Bytes>::from(body))?;
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            response.into_body().collect().await?;
            sent += 1;
        }
    }
    let start = Instant::now();
    while report.pairs() < sent && start.elapsed() < PATIENCE {
        sleep(Duration::from_millis(5)).await;
    }
    Ok(sent)
}
