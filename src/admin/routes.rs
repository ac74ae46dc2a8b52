//! What there is to ask for.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{
    HeaderValue, Request, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::Full;
use serde::Serialize;

use super::{
    Source, change,
    guard::{Refused, check, check_change},
};
use crate::{
    compare::{NoExample, Report},
    lifecycle::Phase,
};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
const METRICS: &str = "text/plain; version=0.0.4; charset=utf-8";

const INDEX: &str = "\
shadowtee, administration

GET  /healthz      the process runs
GET  /readyz       200 while clients are accepted, 503 while draining
GET  /metrics      for Prometheus
GET  /api/ledger   requests, and what became of each copy, as JSON
GET  /api/shadows  each shadow as it is now, and what was changed when, as JSON
GET  /api/report   which responses differ, and why, as JSON; ?shadow=NAME
GET  /api/report/example?cause=ID  an example with both responses, where compare.examples is on

With Content-Type: application/json:
POST /api/reload               reads the configuration again
POST /api/shadows/NAME/pause   no more copies, until
POST /api/shadows/NAME/resume
PUT  /api/shadows/NAME/sample  {\"percent\": \"10%\"}
POST /api/report/rules         {\"place\": \"$.total\", \"action\": \"expected\", \"reason\": \"...\"}
POST /api/report/reset         forgets what comparing learned; ?shadow=NAME
";

/// Answers one request, whose body was read; `is_tcp`: it came over tcp.
pub(super) async fn answer(
    source: &dyn Source,
    is_tcp: bool,
    request: &Request<Bytes>,
) -> Response<Full<Bytes>> {
    let path = request.uri().path();
    if let Err(refused) = check(request, is_tcp, source.token().as_ref()) {
        return refuse(&refused);
    }
    let allowed = match (path, change::of_path(path)) {
        (_, Some((_, "sample"))) => "POST, PUT",
        (_, Some(_)) | ("/api/reload" | "/api/report/reset" | "/api/report/rules", None) => "POST",
        (
            "/"
            | "/healthz"
            | "/readyz"
            | "/metrics"
            | "/api/ledger"
            | "/api/shadows"
            | "/api/report"
            | "/api/report/example",
            None,
        ) => "GET, HEAD",
        _ => {
            let why = "there is nothing here; GET / lists what there is\n";
            return text(StatusCode::NOT_FOUND, why);
        }
    };
    if !allowed.split(", ").any(|one| request.method() == one) {
        let why = format!("only {allowed} is understood here\n");
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, &why);
        let allowed = HeaderValue::from_static(allowed);
        response.headers_mut().insert(ALLOW, allowed);
        return response;
    }
    match path {
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" if source.phase() == Phase::Running => text(StatusCode::OK, "ready\n"),
        "/readyz" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        "/metrics" => content(StatusCode::OK, METRICS, source.samples().text()),
        "/api/ledger" => json(source.ledger()),
        "/api/shadows" => json(&shadows(source)),
        "/api/report" => report(source, request.uri().query()),
        "/api/report/example" => example(source, request.uri().query()),
        "/api/report/reset" => match check_change(request.headers()) {
            Ok(()) if source.reset_reports(shadow(request.uri().query())) => {
                text(StatusCode::OK, "what was learned is forgotten\n")
            }
            Ok(()) => not_compared(),
            Err(refused) => refuse(&refused),
        },
        "/api/report/rules" => match check_change(request.headers()) {
            Ok(()) => match source.add_rule(request.body()) {
                Ok(()) => text(StatusCode::OK, "the rule is in the file, and holds\n"),
                Err(why) => text(StatusCode::BAD_REQUEST, &format!("{why}\n")),
            },
            Err(refused) => refuse(&refused),
        },
        "/api/reload" => match check_change(request.headers()) {
            Ok(()) => reloaded(source.reload().await),
            Err(refused) => refuse(&refused),
        },
        "/" => text(StatusCode::OK, INDEX),
        _ => changed(source, request),
    }
}

/// The report of one shadow, or of all that are compared.
fn report(source: &dyn Source, query: Option<&str>) -> Response<Full<Bytes>> {
    #[derive(Serialize)]
    struct Several {
        shadows: Vec<Report>,
    }
    let reports = source.reports(shadow(query));
    match <[Report; 1]>::try_from(reports) {
        Ok([report]) => json(&report),
        Err(none) if none.is_empty() => not_compared(),
        Err(shadows) => json(&Several { shadows }),
    }
}

/// The whole example of one cause.
fn example(source: &dyn Source, query: Option<&str>) -> Response<Full<Bytes>> {
    let cause = named(query, "cause=").unwrap_or_default();
    let why = match source.example(shadow(query), cause) {
        Ok(example) => return json(&example),
        Err(NoExample::Off) => "whole examples are kept only with examples = true in [compare]\n",
        Err(NoExample::UnknownCause) => {
            "there is no cause of this id; ?cause=ID, as the report has it\n"
        }
        Err(NoExample::NotKept) => {
            "of this cause no example is kept yet, or there was no room for it\n"
        }
    };
    text(StatusCode::NOT_FOUND, why)
}

/// The shadow that a query names.
fn shadow(query: Option<&str>) -> Option<&str> {
    named(query, "shadow=")
}

fn named<'a>(query: Option<&'a str>, name: &str) -> Option<&'a str> {
    query?.split('&').find_map(|pair| pair.strip_prefix(name))
}

fn not_compared() -> Response<Full<Bytes>> {
    let what = "no such shadow is compared; set compare = true in a [[shadow]]\n";
    text(StatusCode::NOT_FOUND, what)
}

fn refuse(Refused(status, why): &Refused) -> Response<Full<Bytes>> {
    let mut response = text(*status, why);
    if *status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    response
}

/// Changes a shadow, or says why not.
fn changed(source: &dyn Source, request: &Request<Bytes>) -> Response<Full<Bytes>> {
    let Some((name, what)) = change::of_path(request.uri().path()) else {
        return text(StatusCode::NOT_FOUND, "there is nothing here\n");
    };
    if let Err(refused) = check_change(request.headers()) {
        return refuse(&refused);
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
    BTreeMap::from([("shadows", source.shadows())])
}

/// What came of a reload: what changed, or a line for each mistake.
fn reloaded(outcome: Result<String, Vec<String>>) -> Response<Full<Bytes>> {
    match outcome {
        Ok(changed) => text(StatusCode::OK, &format!("{changed}\n")),
        Err(mistakes) => {
            let why = format!("nothing is changed\n{}\n", mistakes.join("\n"));
            text(StatusCode::UNPROCESSABLE_ENTITY, &why)
        }
    }
}

/// A body that is too long, or broke off.
pub(super) fn bad_body() -> Response<Full<Bytes>> {
    let why = "the body is longer than 4 KiB, or broke off\n";
    text(StatusCode::BAD_REQUEST, why)
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
    let kind = HeaderValue::from_static(kind);
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
