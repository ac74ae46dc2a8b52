//! What there is to ask for.

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use serde::Serialize;

use super::{Source, change, guard::Guard};
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
GET /api/shadows each shadow as it is now, and what was changed when, as JSON

With Content-Type: application/json:
POST /api/shadows/NAME/pause   no more copies, until
POST /api/shadows/NAME/resume
PUT  /api/shadows/NAME/sample  {\"percent\": \"10%\"}
";

/// Answers one request, whose body was read.
pub(super) fn answer(
    source: &dyn Source,
    (token, guard): (Option<&Secret>, &Guard),
    request: &Request<Bytes>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if change::of_path(path).is_some() {
        return changed(source, (token, guard), request);
    }
    if !matches!(
        path,
        "/" | "/healthz" | "/readyz" | "/metrics" | "/api/ledger" | "/api/shadows"
    ) {
        return nothing_here();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return only("GET, HEAD", "only GET is understood here\n");
    }
    let is_health = matches!(path, "/healthz" | "/readyz");
    if !is_health && token.is_some_and(|token| !bears(request, token)) {
        return unauthorized();
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if source.phase() == Phase::Running => text(StatusCode::OK, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/metrics" => content(StatusCode::OK, METRICS, source.samples().text()),
        "/api/ledger" => json(source.ledger()),
        "/api/shadows" => json(&shadows(source)),
        _ => text(StatusCode::OK, INDEX),
    }
}

/// Changes something, or says why not.
fn changed(
    source: &dyn Source,
    (token, guard): (Option<&Secret>, &Guard),
    request: &Request<Bytes>,
) -> Response<Full<Bytes>> {
    let Some((name, what)) = change::of_path(request.uri().path()) else {
        return nothing_here();
    };
    let is_put = what == "sample" && request.method() == Method::PUT;
    if request.method() != Method::POST && !is_put {
        let allowed = if what == "sample" {
            "POST, PUT"
        } else {
            "POST"
        };
        return only(allowed, "GET changes nothing; this needs POST\n");
    }
    if token.is_some_and(|token| !bears(request, token)) {
        return unauthorized();
    }
    if let Err((status, why)) = guard.admit(request.headers()) {
        return text(status, why);
    }
    let order = match change::order(what, request.body()) {
        Ok(order) => order,
        Err(why) => return text(StatusCode::BAD_REQUEST, &why),
    };
    if !source.change(name, order) {
        return text(StatusCode::NOT_FOUND, "there is no shadow of this name\n");
    }
    json(&shadows(source))
}

fn shadows(source: &dyn Source) -> impl Serialize {
    #[derive(Serialize)]
    struct Shadows {
        shadows: Vec<super::ShadowState>,
    }
    Shadows {
        shadows: source.shadows(),
    }
}

fn nothing_here() -> Response<Full<Bytes>> {
    text(
        StatusCode::NOT_FOUND,
        "there is nothing here; GET / lists what there is\n",
    )
}

fn only(methods: &'static str, why: &str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, why);
    response
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(methods));
    response
}

fn unauthorized() -> Response<Full<Bytes>> {
    let mut response = text(
        StatusCode::UNAUTHORIZED,
        "Authorization: Bearer with admin.token is missing\n",
    );
    response
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

/// A body that is too long, or broke off.
pub(super) fn bad_body() -> Response<Full<Bytes>> {
    text(
        StatusCode::BAD_REQUEST,
        "the body is longer than 4 KiB, or broke off\n",
    )
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
