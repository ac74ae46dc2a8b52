//! What there is to ask for.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use serde::Serialize;

use super::Source;
use crate::{config::Secret, lifecycle::Phase};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

const INDEX: &str = "\
shadowtee, administration

GET /healthz     the process runs
GET /readyz      200 while clients are accepted, 503 while draining
GET /metrics     for Prometheus
GET /api/ledger  requests, and what became of each copy, as JSON
";

/// Answers one request.
pub(super) fn answer<B>(
    source: &dyn Source,
    token: Option<&Secret>,
    request: &Request<B>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if !matches!(
        path,
        "/" | "/healthz" | "/readyz" | "/metrics" | "/api/ledger"
    ) {
        return text(
            StatusCode::NOT_FOUND,
            "there is nothing here; GET / lists what there is\n",
        );
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = text(
            StatusCode::METHOD_NOT_ALLOWED,
            "only GET is understood here\n",
        );
        response
            .headers_mut()
            .insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
        return response;
    }
    let is_health = matches!(path, "/healthz" | "/readyz");
    if !is_health && token.is_some_and(|token| !bears(request, token)) {
        let mut response = text(
            StatusCode::UNAUTHORIZED,
            "Authorization: Bearer with admin.token is missing\n",
        );
        response
            .headers_mut()
            .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if source.phase() == Phase::Running => text(StatusCode::OK, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/metrics" => content(StatusCode::OK, METRICS, source.samples().text()),
        "/api/ledger" => json(source.ledger()),
        _ => text(StatusCode::OK, INDEX),
    }
}

fn bears<B>(request: &Request<B>, token: &Secret) -> bool {
    let said = request
        .headers()
        .get(AUTHORIZATION)
        .map_or(&[][..], HeaderValue::as_bytes);
    let wanted = format!("Bearer {}", token.reveal());
    // Every byte is looked at, so that the time taken tells nothing.
    let differing = said
        .iter()
        .zip(wanted.as_bytes())
        .fold(0, |all, (a, b)| all | (a ^ b));
    said.len() == wanted.len() && differing == 0
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
