//! What there is to ask for: the table, and the checks that hold for each of its lines.

use std::{fmt::Write, pin::Pin};

use bytes::Bytes;
use http::{
    HeaderValue, Request, StatusCode,
    header::{ALLOW, WWW_AUTHENTICATE},
};

use super::{
    Administration, api,
    call::{Call, Reply, text},
    guard::{Refused, check, check_change},
};

/// A line of the table: who may ask, for what, what answers, and what that is. `NAME` in a path stands for a shadow's name.
struct Route(Guard, &'static str, Handler, &'static str);

/// What is asked of a request before it is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// That it is none of another site's page: what is here tells nothing of the traffic.
    Open,
    /// That it bears the token or, where none is set, names this machine.
    Trusted,
    /// As that, and that it is such as no page of another site can send; with these methods.
    Change(&'static str),
}

/// How a line is answered.
enum Handler {
    At(fn(&Call<'_>) -> Reply),
    /// After something has happened.
    Later(for<'a> fn(&'a Call<'_>) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

use Guard::{Change, Open, Trusted};
use Handler::{At, Later};

/// A page is a line here, whose handler answers with `text/html`: `Open` where it holds nothing by itself and asks for the
/// rest with the token that its reader gives it, as a browser that opens a page sends none. The Content-Security-Policy of
/// all answers lets it have styles in itself, and scripts and data from lines of this table.
#[rustfmt::skip]
const ROUTES: &[Route] = &[
    Route(Open, "/healthz", At(api::health), "the process runs"),
    Route(Open, "/readyz", At(api::readiness), "200 while clients are accepted, 503 while draining"),
    Route(Trusted, "/metrics", At(api::metrics), "for Prometheus"),
    Route(Trusted, "/api/ledger", At(api::ledger), "requests, and what became of each copy, as JSON"),
    Route(Trusted, "/api/shadows", At(api::shadows), "each shadow as it is now, and what was changed when, as JSON"),
    Route(Trusted, "/api/report", At(api::report), "which responses differ, and why, as JSON; ?shadow=NAME"),
    Route(Trusted, "/api/report/example", At(api::example), "a cause's example with both responses, where compare.examples is on; ?cause=ID"),
    Route(Trusted, "/", At(index), "this list"),
    Route(Change("POST"), "/api/reload", Later(api::reload), "reads the configuration again"),
    Route(Change("POST"), "/api/shadows/NAME/pause", At(api::pause), "no more copies"),
    Route(Change("POST"), "/api/shadows/NAME/resume", At(api::resume), "copies again"),
    Route(Change("PUT, POST"), "/api/shadows/NAME/sample", At(api::sample), r#"{"percent": "10%"}"#),
    Route(Change("POST"), "/api/report/rules", At(api::add_rule), r#"{"place": "$.total", "action": "expected", "reason": "..."}"#),
    Route(Change("POST"), "/api/report/replay", Later(api::replay), "a cause's example to the shadow once more; ?cause=ID"),
    Route(Change("POST"), "/api/report/reset", At(api::forget), "forgets what comparing learned; ?shadow=NAME"),
];

impl Guard {
    fn methods(self) -> &'static str {
        match self {
            Open | Trusted => "GET, HEAD",
            Change(methods) => methods,
        }
    }
}

/// What a path has in place of `NAME`; `None` where it is another line's.
fn name_in<'a>(Route(_, wanted, ..): &Route, path: &'a str) -> Option<&'a str> {
    match wanted.split_once("NAME") {
        Some((before, after)) => path.strip_prefix(before)?.strip_suffix(after),
        None => (path == *wanted).then_some(""),
    }
}

/// Answers one request, whose body was read; `is_tcp`: it came over tcp.
pub(super) async fn answer(
    source: &dyn Administration,
    is_tcp: bool,
    request: &Request<Bytes>,
) -> Reply {
    let (path, headers) = (request.uri().path(), request.headers());
    let mut routes = ROUTES.iter();
    let found = routes.find_map(|route| Some((route, name_in(route, path)?)));
    let is_open = found.is_some_and(|(route, _)| route.0 == Open);
    if let Err(refused) = check(headers, is_tcp, is_open, source.token().as_ref()) {
        return refuse(&refused);
    }
    let Some((Route(guard, _, handler, _), name)) = found else {
        let why = "there is nothing here; GET / lists what there is\n";
        return text(StatusCode::NOT_FOUND, why);
    };
    let allowed = guard.methods();
    if !allowed.split(", ").any(|one| request.method() == one) {
        let why = format!("only {allowed} is understood here\n");
        let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, why);
        let allowed = HeaderValue::from_static(allowed);
        reply.headers_mut().insert(ALLOW, allowed);
        return reply;
    }
    if matches!(guard, Change(_))
        && let Err(refused) = check_change(headers)
    {
        return refuse(&refused);
    }
    let call = Call {
        source,
        request,
        name,
    };
    match handler {
        At(handler) => handler(&call),
        Later(handler) => handler(&call).await,
    }
}

/// The table, for people.
fn index(_: &Call<'_>) -> Reply {
    let mut list = String::from("shadowtee, administration\n\n");
    let mut is_change = false;
    for Route(guard, path, _, help) in ROUTES {
        if matches!(guard, Change(_)) && !is_change {
            list += "\nWith Content-Type: application/json:\n";
            is_change = true;
        }
        let method = guard.methods().split(',').next().unwrap_or_default();
        // Writing to memory can't fail.
        let _ = writeln!(list, "{method:4} {path:24}  {help}");
    }
    text(StatusCode::OK, list)
}

fn refuse(Refused(status, why): &Refused) -> Reply {
    let mut reply = text(*status, *why);
    if *status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        reply.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_that_of_one_line_and_names_its_shadow() {
        let found = |path| {
            let of = ROUTES
                .iter()
                .filter_map(|route| Some((route.1, name_in(route, path)?)));
            of.collect::<Vec<_>>()
        };
        let [pause] = found("/api/shadows/next/pause")[..] else {
            panic!("one line is meant");
        };
        assert_eq!(pause, ("/api/shadows/NAME/pause", "next"));
        assert_eq!(found("/api/shadows"), [("/api/shadows", "")]);
        assert!(found("/api/shadows/pause").is_empty() && found("/api").is_empty());
    }
}
