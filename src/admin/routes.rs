//! What there is to ask for: the table, and the checks that hold for each of its lines.

use std::{fmt::Write, pin::Pin};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, StatusCode,
    header::{ACCEPT, ALLOW, WWW_AUTHENTICATE},
};

use super::{
    Administration, api,
    call::{Call, Reply, text},
    guard::{
        Guard::{self, Change, Form, Open, Page, Trusted},
        Refused, check, check_change,
    },
    page,
};

/// A line of the table: who may ask, for what, what answers, and what that is. `NAME` in a path stands for what the path
/// names, such as a shadow.
struct Route(Guard, &'static str, Handler, &'static str);

/// How a line is answered.
enum Handler {
    At(fn(&Call<'_>) -> Reply),
    /// After something has happened.
    Later(for<'a> fn(&'a Call<'_>) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

use Handler::{At, Later};

#[rustfmt::skip]
const ROUTES: &[Route] = &[
    Route(Page, "/", At(start), "the page; this list for programs"),
    Route(Page, "/causes/NAME", At(page::cause), "one cause; ?shadow=NAME"),
    Route(Page, "/causes/NAME/example", At(page::example), "its example: both answers, whole; ?shadow=NAME"),
    Route(Page, "/routes", At(page::routes), "routes: coverage, differences, times"),
    Route(Page, "/route", At(page::route), "one route; ?name=ROUTE"),
    Route(Page, "/sessions", At(page::sessions), "sessions on the shadows"),
    Route(Page, "/shadows", At(page::shadows), "all shadows"),
    Route(Page, "/shadows/NAME", At(page::shadow), "one shadow: its ledger, its changes"),
    Route(Page, "/captures", At(page::captures), "what is captured to files"),
    Route(Page, "/configuration", At(page::configuration), "every setting, with masks for secrets"),
    Route(Page, "/rules", At(page::rules), "what is ignored, and why"),
    Route(Open, "/assets/style.css", At(page::style), "how the page looks"),
    Route(Open, "/favicon.ico", At(page::icon), "the page's sign in a browser's tab"),
    Route(Open, "/assets/live.js", At(page::script), "how the page keeps up"),
    Route(Form, "/causes/NAME/rule", At(page::add_rule), "the page's buttons: expected, ignore, not noise"),
    Route(Form, "/causes/NAME/replay", Later(page::replay), "the page's button: send it to the shadow now"),
    Route(Form, "/rules/remove", At(page::remove_rule), "the page's button: take back"),
    Route(Form, "/shadows/NAME/change", At(page::change_shadow), "the page's buttons: pause, resume, sample"),
    Route(Form, "/sign-out", At(page::sign_out), "forgets the token in this browser"),
    Route(Open, "/healthz", At(api::health), "the process runs"),
    Route(Open, "/readyz", At(api::readiness), "200 while clients are accepted, 503 while draining"),
    Route(Trusted, "/metrics", At(api::metrics), "for Prometheus"),
    Route(Trusted, "/api", At(index), "this list"),
    Route(Trusted, "/api/ledger", At(api::ledger), "requests, and what became of each copy, as JSON"),
    Route(Trusted, "/api/shadows", At(api::shadows), "each shadow as it is now, and what was changed when, as JSON"),
    Route(Trusted, "/api/report", At(api::report), "which responses differ, and why, as JSON; ?shadow=NAME"),
    Route(Trusted, "/api/report/example", At(api::example), "a cause's example with both responses, where compare.examples is on; ?cause=ID"),
    Route(Trusted, "/api/history", At(api::history), "what was counted over the last hour and day, and what happened, as JSON"),
    Route(Trusted, "/api/about", At(api::about), "the version, since when it runs, and where, as JSON"),
    Route(Trusted, "/api/captures", At(api::captures), "the file that is captured to, and how far it is, as JSON"),
    Route(Trusted, "/api/configuration", At(api::configuration), "the effective configuration, with masks for secrets, as TOML"),
    Route(Change("POST"), "/api/reload", Later(api::reload), "reads the configuration again"),
    Route(Change("POST"), "/api/shadows/NAME/pause", At(api::pause), "no more copies"),
    Route(Change("POST"), "/api/shadows/NAME/resume", At(api::resume), "copies again"),
    Route(Change("PUT, POST"), "/api/shadows/NAME/sample", At(api::sample), r#"{"percent": "10%"}"#),
    Route(Change("PUT, POST"), "/api/shadows/NAME/build", At(api::build), r#"{"build": "v5.1-rc2"}"#),
    Route(Change("POST, DELETE"), "/api/report/rules", At(api::rules), r#"{"cause": "c-...", "action": "expected", "reason": "..."}; DELETE ?id=ID takes it back"#),
    Route(Change("POST"), "/api/report/replay", Later(api::replay), "a cause's example to the shadow once more; ?cause=ID"),
    Route(Change("POST"), "/api/report/reset", At(api::forget), "forgets what comparing learned; ?shadow=NAME"),
];

/// What a path has in place of `NAME`; `None` where it is another line's.
fn name_in<'a>(Route(_, wanted, ..): &Route, path: &'a str) -> Option<&'a str> {
    match wanted.split_once("NAME") {
        Some((before, after)) => {
            let name = path.strip_prefix(before)?.strip_suffix(after)?;
            (!name.is_empty() && !name.contains('/')).then_some(name)
        }
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
    let token = source.token();
    if path == page::SIGN_IN && request.method() == "POST" {
        return page::sign_in(request, token.as_ref()).await;
    }
    let mut routes = ROUTES.iter();
    let found = routes.find_map(|route| Some((route, name_in(route, path)?)));
    let guard = found.map_or(Trusted, |(route, _)| route.0);
    if let Err(refused) = check(headers, is_tcp, guard, token.as_ref()) {
        if refused.0 == StatusCode::UNAUTHORIZED && guard == Page && wants_page(headers) {
            return page::please_sign_in(request);
        }
        return refuse(&refused);
    }
    let Some((Route(guard, _, handler, _), name)) = found else {
        let call = Call {
            source,
            request,
            name: "",
        };
        return nothing(&call);
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
    if *guard == Form && !page::is_of_this_process(&call) {
        return page::from_before(&call);
    }
    match handler {
        At(handler) => handler(&call),
        Later(handler) => handler(&call).await,
    }
}

fn nothing(call: &Call<'_>) -> Reply {
    if wants_page(call.request.headers()) {
        return page::nothing(call);
    }
    let why = "there is nothing here; GET /api lists what there is\n";
    text(StatusCode::NOT_FOUND, why)
}

/// Whether a browser asks, or somebody who wants what a browser gets.
fn wants_page(headers: &HeaderMap) -> bool {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn start(call: &Call<'_>) -> Reply {
    if wants_page(call.request.headers()) {
        page::overview(call)
    } else {
        index(call)
    }
}

/// The table, for people with a terminal.
fn index(_: &Call<'_>) -> Reply {
    let mut list = String::from("shadowtee, administration\n");
    let section = |list: &mut String, head: &str, is_in: fn(Guard) -> bool| {
        *list += head;
        for Route(guard, path, _, help) in ROUTES.iter().filter(|route| is_in(route.0)) {
            let method = guard.methods().split(',').next().unwrap_or_default();
            // Writing to memory can't fail.
            let _ = writeln!(list, "{method:4} {path:24}  {help}");
        }
    };
    section(&mut list, "\nIn a browser:\n", |guard| guard == Page);
    section(&mut list, "\nFor programs:\n", |guard| {
        matches!(guard, Open | Trusted)
    });
    section(
        &mut list,
        "\nWith Content-Type: application/json:\n",
        |guard| matches!(guard, Change(_)),
    );
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
        assert_eq!(found("/shadows/next"), [("/shadows/NAME", "next")]);
        assert_eq!(found("/api/shadows"), [("/api/shadows", "")]);
        for none in ["/api/shadows/pause", "/shadows/", "/causes/a/b"] {
            assert!(found(none).is_empty(), "{none}");
        }
    }
}
