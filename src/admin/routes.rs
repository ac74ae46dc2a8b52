//! What there is to ask for.

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use serde::Serialize;

use super::{
    Source,
    guard::{Refused, check},
};
use crate::lifecycle::Phase;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

const INDEX: &str = "\
shadowtee, administration

GET  /healthz     the process runs
GET  /readyz      200 while clients are accepted, 503 while draining
GET  /metrics     for Prometheus
GET  /api/ledger  requests, and what became of each copy, as JSON
POST /api/reload  reads the configuration again
";

/// Answers one request; `is_tcp`: it came over tcp.
pub(super) async fn answer<B>(
    source: &dyn Source,
    is_tcp: bool,
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if let Err(Refused(status, why)) = check(request, is_tcp, source.token().as_ref()) {
        let mut response = text(status, why);
        if status == StatusCode::UNAUTHORIZED {
            response
                .headers_mut()
                .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        return response;
    }
    let allowed = match path {
        "/" | "/healthz" | "/readyz" | "/metrics" | "/api/ledger" => "GET, HEAD",
        "/api/reload" => "POST",
        _ => {
            return text(
                StatusCode::NOT_FOUND,
                "there is nothing here; GET / lists what there is\n",
            );
        }
    };
    if !allowed.split(", ").any(|one| request.method() == one) {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            &format!("only {allowed} is understood here\n"),
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static(allowed));
        return response;
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if source.phase() == Phase::Running => text(StatusCode::OK, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/metrics" => content(StatusCode::OK, METRICS, source.samples().text()),
        "/api/ledger" => json(source.ledger()),
        "/api/reload" => reloaded(source.reload().await),
        _ => text(StatusCode::OK, INDEX),
    }
}

/// What came of a reload: what changed, or a line for each mistake.
fn reloaded(outcome: Result<String, Vec<String>>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(changed) => text(StatusCode::OK, &format!("{changed}\n")),
        Err(mistakes) => text(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!("nothing is changed\n{}\n", mistakes.join("\n")),
        ),
    }
}

fn json(value: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_string(value) {
        Ok(text) => content(StatusCode::OK, JSON, text + "\n"),
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, &format!("{error}\n")),
    }
}

fn text(status: StatusCode, text: &str) -> Response<Full<Bytes>> {
    content(status, TEXT, text.to_owned())
}

fn content(status: StatusCode, kind: &'static str, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
