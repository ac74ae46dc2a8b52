//! Visitors of the demo's shop, who come over a unix socket as nginx would. The only file that knows hyperlocal.

use std::path::Path;

use anyhow::Context;
use http::{
    Method, Request,
    header::{COOKIE, HOST},
};
use http_body_util::{BodyExt, Full};
use hyper::{body::Bytes, client::conn::http1::handshake};
use tower::Service;

const VISITORS: [&str; 4] = ["ada", "bob", "eve", "mia"];
/// What they look for: some of it is not in ASCII.
const WORDS: [&str; 2] = ["lamp", "caf%C3%A9"];
const ROUNDS: usize = 20;

/// Has each visitor look around a few times, and returns how many requests that were.
pub(super) async fn send(socket: &Path) -> anyhow::Result<usize> {
    // The workers may still be starting: the socket is bound, and the connection waits for whoever accepts it.
    let stream = hyperlocal::UnixConnector
        .call(hyperlocal::Uri::new(socket, "/").into())
        .await
        .context("the demo's tee does not accept a connection")?;
    let (mut sender, connection) = handshake(stream).await?;
    tokio::spawn(connection);
    let mut sent = 0;
    for round in 0..ROUNDS {
        let visitor = VISITORS[round % VISITORS.len()];
        for (method, target) in visit(round) {
            let is_order = method == Method::POST;
            let body = if is_order { "lamp=1&to=Ada" } else { "" };
            let request = Request::builder()
                .method(method)
                .uri(target)
                .header(HOST, "shop.example")
                .header(COOKIE, format!("visitor={visitor}"))
                .body(Full::<Bytes>::from(body))?;
            sender.ready().await?;
            let response = sender.send_request(request).await?;
            response.into_body().collect().await?;
            sent += 1;
        }
    }
    Ok(sent)
}

/// The requests of one round.
fn visit(round: usize) -> Vec<(Method, String)> {
    let word = WORDS[round / VISITORS.len() % WORDS.len()];
    let product = round % 7 + 1;
    vec![
        (Method::GET, "/".into()),
        (Method::GET, format!("/search?q={word}")),
        (Method::GET, format!("/products/{product}")),
        (Method::GET, format!("/products/{}", product + 1)),
        (Method::POST, "/orders".into()),
        (Method::GET, "/account".into()),
        (Method::GET, format!("/api/orders/{}", round + 1)),
        (Method::GET, "/reports".into()),
        (Method::GET, format!("/api/orders/{}", round + 1)),
    ]
}
