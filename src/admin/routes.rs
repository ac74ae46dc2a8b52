//! What there is to ask for: the table, and the checks that hold for each of its lines.

use std::{fmt::Write as _, pin::Pin};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{ALLOW, WWW_AUTHENTICATE},
};
use http_body_util::Full;

use super::{
    Administration, api,
    guard::{Refused, check, check_change},
    reply::text,
};

/// An answer of the interface.
pub(super) type Reply = Response<Full<Bytes>>;

/// A line of the table.
struct Route {
    /// `NAME` stands for the name of a shadow.
    path: &'static str,
    methods: &'static str,
    access: Access,
    handler: Handler,
    help: &'static str,
}

/// Who may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Everyone who is no page of another site: what is here tells nothing of the traffic.
    Anyone,
    /// Who bears the token, or, where none is set, names this machine.
    Trusted,
}

/// How a line is answered.
enum Handler {
    Now(fn(&Call<'_>) -> Reply),
    /// After something has happened.
    Later(for<'a> fn(&'a Call<'_>) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>>),
}

use Handler::{Later, Now};

/// A page is a line here, whose handler answers with `text/html`: `open` where it holds nothing by itself and asks for
/// the rest with the token that its reader gives it (a browser that opens a page sends none), `show` otherwise. The
/// server's Content-Security-Policy lets it have styles in itself, and scripts and data from lines of this table.
const ROUTES: &[Route] = &[
    open("/healthz", api::health, "the process runs"),
    open(
        "/readyz",
        api::readiness,
        "200 while clients are accepted, 503 while draining",
    ),
    show("/metrics", api::metrics, "for Prometheus"),
    show(
        "/api/ledger",
        api::ledger,
        "requests, and what became of each copy, as JSON",
    ),
    show(
        "/api/shadows",
        api::shadows,
        "each shadow as it is now, and what was changed when, as JSON",
    ),
    show(
        "/api/report",
        api::report,
        "which responses differ, and why, as JSON; ?shadow=NAME",
    ),
    change(
        "POST",
        "/api/reload",
        Later(api::reload),
        "reads the configuration again",
    ),
    change(
        "POST",
        "/api/shadows/NAME/pause",
        Now(api::pause),
        "no more copies, until",
    ),
    change("POST", "/api/shadows/NAME/resume", Now(api::resume), ""),
    change(
        "PUT, POST",
        "/api/shadows/NAME/sample",
        Now(api::sample),
        r#"{"percent": "10%"}"#,
    ),
    change(
        "POST",
        "/api/report/rules",
        Now(api::add_rule),
        r#"{"place": "$.total", "action": "expected", "reason": "..."}"#,
    ),
    change(
        "POST",
        "/api/report/reset",
        Now(api::forget),
        "forgets what comparing learned; ?shadow=NAME",
    ),
    show("/", index, "this list"),
];

/// What changes nothing.
const READ: &str = "GET, HEAD";

/// Something to see for who is trusted.
const fn show(path: &'static str, handler: fn(&Call<'_>) -> Reply, help: &'static str) -> Route {
    Route {
        path,
        methods: READ,
        access: Access::Trusted,
        handler: Now(handler),
        help,
    }
}

/// Something to see for everyone.
const fn open(path: &'static str, handler: fn(&Call<'_>) -> Reply, help: &'static str) -> Route {
    Route {
        access: Access::Anyone,
        ..show(path, handler, help)
    }
}

/// A change: a request for it has to be such as no page of another site can send.
const fn change(
    methods: &'static str,
    path: &'static str,
    handler: Handler,
    help: &'static str,
) -> Route {
    Route {
        path,
        methods,
        access: Access::Trusted,
        handler,
        help,
    }
}

/// A request that may be answered.
pub(super) struct Call<'a> {
    pub(super) source: &'a dyn Administration,
    pub(super) request: &'a Request<Bytes>,
    /// What stands in place of `NAME`.
    pub(super) name: &'a str,
}

impl Route {
    /// What a path has in place of `NAME`; `None` where it is another line's.
    fn name_in<'a>(&self, path: &'a str) -> Option<&'a str> {
        match self.path.split_once("NAME") {
            Some((before, after)) => path.strip_prefix(before)?.strip_suffix(after),
            None => (path == self.path).then_some(""),
        }
    }
}

/// Answers one request, whose body was read; `is_tcp`: it came over tcp.
pub(super) async fn answer(
    source: &dyn Administration,
    is_tcp: bool,
    request: &Request<Bytes>,
) -> Reply {
    let path = request.uri().path();
    let found = ROUTES
        .iter()
        .find_map(|route| Some((route, route.name_in(path)?)));
    let is_open = found.is_some_and(|(route, _)| route.access == Access::Anyone);
    if let Err(refused) = check(request.headers(), is_tcp, is_open, source.token().as_ref()) {
        return refuse(&refused);
    }
    let Some((route, name)) = found else {
        let why = "there is nothing here; GET / lists what there is\n";
        return text(StatusCode::NOT_FOUND, why);
    };
    let (method, allowed) = (request.method(), route.methods);
    if !allowed.split(", ").any(|one| method == one) {
        let why = format!("only {allowed} is understood here\n");
        let mut reply = text(StatusCode::METHOD_NOT_ALLOWED, why);
        let allowed = HeaderValue::from_static(allowed);
        reply.headers_mut().insert(ALLOW, allowed);
        return reply;
    }
    if !matches!(*method, Method::GET | Method::HEAD)
        && let Err(refused) = check_change(request.headers())
    {
        return refuse(&refused);
    }
    let call = Call {
        source,
        request,
        name,
    };
    match route.handler {
        Now(handler) => handler(&call),
        Later(handler) => handler(&call).await,
    }
}

/// The table, for people.
fn index(_: &Call<'_>) -> Reply {
    let (reads, changes): (Vec<_>, Vec<_>) = ROUTES.iter().partition(|route| route.methods == READ);
    let mut list = String::from("shadowtee, administration\n\n");
    add_lines(&reads, &mut list);
    list += "\nWith Content-Type: application/json:\n";
    add_lines(&changes, &mut list);
    text(StatusCode::OK, list)
}

fn add_lines(routes: &[&Route], list: &mut String) {
    let width = routes.iter().map(|route| route.path.len()).max();
    let width = width.unwrap_or_default();
    for Route {
        path,
        methods,
        help,
        ..
    } in routes
    {
        let method = methods.split(", ").next().unwrap_or_default();
        let line = format!("{method:4} {path:width$}  {help}");
        // Writing to memory can't fail.
        let _ = writeln!(list, "{}", line.trim_end());
    }
}

fn refuse(Refused(status, why): &Refused) -> Reply {
    let mut reply = text(*status, *why);
    if *status == StatusCode::UNAUTHORIZED {
        let bearer = HeaderValue::from_static("Bearer");
        reply.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    }
    reply
}
