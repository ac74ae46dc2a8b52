//! A small shop in two versions. Both have what no two answers have in common: tokens, ids and the time. The second has
//! faults as well, as an upgrade may have.

use std::{
    convert::Infallible,
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CONTENT_TYPE, HeaderName, LOCATION, SET_COOKIE, X_FRAME_OPTIONS},
};
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

/// A response of the shop.
type Page = Response<Full<Bytes>>;

fn page(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Page {
    let mut page = Response::new(Full::from(body.into()));
    *page.status_mut() = status;
    set(&mut page, CONTENT_TYPE, kind);
    page
}

fn html(title: &str, main: &str) -> Page {
    let body = format!(
        "<!doctype html><html><head><title>{title}</title><meta name=\"csrf-token\" content=\"{}\"></head>\
         <body><h1>{title}</h1>{main}</body></html>\n",
        token()
    );
    page(StatusCode::OK, "text/html; charset=utf-8", body)
}

fn set(page: &mut Page, name: HeaderName, value: &str) {
    let value = HeaderValue::from_str(value);
    let value = value.expect("all that the shop says is printable");
    page.headers_mut().insert(name, value);
}

async fn answer(version: Version, request: Request<Incoming>) -> Result<Page, Infallible> {
    let (head, body) = request.into_parts();
    // Read, so that the connection serves the next request.
    let _ = body.collect().await;
    let is_upgraded = version == Version::Two;
    let path = head.uri.path().to_owned();
    let number = path.rsplit('/').next().and_then(|last| last.parse().ok());
    let mut page = match (&head.method, path.as_str(), number) {
        (&Method::GET, "/", _) => html("Lamps and chairs", "<p>Welcome to the shop.</p>"),
        (&Method::GET, "/search", _) => search(head.uri.query().unwrap_or_default(), is_upgraded),
        (&Method::GET, "/account", _) => account(is_upgraded),
        (&Method::POST, "/orders", _) => {
            let mut ordered = page(StatusCode::SEE_OTHER, "text/plain", "");
            set(&mut ordered, LOCATION, "/account");
            ordered
        }
        (&Method::GET, "/reports", _) => {
            // Fault: a query that is no longer answered from an index.
            sleep(Duration::from_millis(if is_upgraded { 40 } else { 5 })).await;
            html("Reports", "<p>12 orders this week.</p>")
        }
        (&Method::GET, path, Some(number)) if path.starts_with("/products/") => {
            product(number, is_upgraded)
        }
        (&Method::GET, path, Some(number)) if path.starts_with("/api/orders/") => {
            order(number, is_upgraded)
        }
        _ => page(StatusCode::NOT_FOUND, "text/plain", "no such page\n"),
    };
    set(&mut page, HeaderName::from_static("x-request-id"), &token());
    let session = format!("session={}; Path=/; HttpOnly", token());
    set(&mut page, SET_COOKIE, &session);
    // Fault: a setting that has another default in the new framework.
    if !is_upgraded {
        set(&mut page, X_FRAME_OPTIONS, "DENY");
    }
    Ok(page)
}

fn product(number: u32, is_upgraded: bool) -> Page {
    // Fault: a part of the template that is not rendered any more.
    let stock = if is_upgraded {
        ""
    } else {
        "<p>In stock, delivered in two days.</p>"
    };
    let main = format!(
        "<p>A lamp, number {number}.</p>{stock}<form action=\"/orders\" method=\"post\">\
         <input type=\"hidden\" name=\"token\" value=\"{}\"><input name=\"amount\" value=\"1\">\
         <button>Order</button></form>",
        token()
    );
    html(&format!("Lamp {number}"), &main)
}

fn order(number: u32, is_upgraded: bool) -> Page {
    let cents = 1990 + number * 10;
    // Fault: cents are taken for whole units.
    let total = if is_upgraded {
        format!("{cents}.00")
    } else {
        format!("{}.{:02}", cents / 100, cents % 100)
    };
    let body = format!(
        "{{\"id\":{number},\"total\":{total},\"paid\":true,\"etag\":\"{}\",\"now\":\"{}\"}}\n",
        token(),
        humantime::format_rfc3339_seconds(SystemTime::now())
    );
    page(StatusCode::OK, "application/json", body)
}

fn search(query: &str, is_upgraded: bool) -> Page {
    let words = query.strip_prefix("q=").unwrap_or_default();
    let words = percent_encoding::percent_decode_str(words).decode_utf8_lossy();
    // Fault: what was sent in UTF-8 is read as if it were Latin 1.
    let shown: String = if is_upgraded {
        words.bytes().map(char::from).collect()
    } else {
        words.into_owned()
    };
    html("Search", &format!("<p>3 results for {shown}</p>"))
}

fn account(is_upgraded: bool) -> Page {
    if is_upgraded {
        // Fault: a helper that the new framework no longer has.
        let error = "NoMethodError: undefined method `name' for nil\n";
        return page(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error);
    }
    html("Account", "<p>Signed in as Ada.</p>")
}

/// What is never the same.
fn token() -> String {
    format!("{:032x}", fastrand::u128(..))
}
