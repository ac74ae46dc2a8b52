//! A small application in two versions. The second has two faults, as an upgrade may have.

use std::{convert::Infallible, io, path::Path, time::Duration};

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1::Builder,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{net::UnixListener, time::sleep};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// Serves the application on a unix socket, in the runtime that this is called in.
pub(super) fn start(socket: &Path, version: Version) -> io::Result<()> {
    let listener = UnixListener::bind(socket)?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let service = service_fn(move |request| answer(version, request));
            tokio::spawn(async move {
                // A connection that breaks is part of the demo.
                let _ = Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    Ok(())
}

async fn answer(
    version: Version,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let sent = request.into_body().collect().await;
    let sent = sent.map_or(0, |body| body.to_bytes().len());
    let upgraded = version == Version::Two;
    let (status, text) = match (method, path.as_str()) {
        (Method::GET, "/") => (StatusCode::OK, "Welcome to the shop.\n".into()),
        (Method::GET, "/products/7") => (StatusCode::OK, "A lamp, 24.90\n".into()),
        (Method::POST, "/orders") => (StatusCode::CREATED, format!("Ordered with {sent} bytes.\n")),
        // Fault: a helper that the new framework no longer has.
        (Method::GET, "/account") if upgraded => (
            StatusCode::INTERNAL_SERVER_ERROR,
            "undefined method `name' for nil\n".into(),
        ),
        (Method::GET, "/account") => (StatusCode::OK, "Signed in as Ada.\n".into()),
        (Method::GET, "/reports") => {
            // Fault: a query that is no longer answered from an index.
            sleep(Duration::from_millis(if upgraded { 60 } else { 5 })).await;
            (StatusCode::OK, "12 orders this week\n".into())
        }
        _ => (StatusCode::NOT_FOUND, "no such page\n".into()),
    };
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    Ok(response)
}
