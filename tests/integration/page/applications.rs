//! What the pages tell of: a shop in two versions, and an application that wants to become part of the page.

use crate::kit::{Conn, Server};

/// An application: what it answers to a target.
fn application(page: impl Fn(&str) -> String + Send + Sync + 'static) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            conn.send(page(request.target()))?;
        }
    })
}

fn response(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

const HTML: &str = "Content-Type: text/html; charset=utf-8\r\n";
const JSON: &str = "Content-Type: application/json\r\n";

/// What people ask the shop for.
pub(super) fn targets_of_shop() -> Vec<String> {
    let kinds = ["orders", "pages", "account"];
    let of = |id| kinds.map(|kind| format!("/{kind}/{id}"));
    (0..10).flat_map(of).collect()
}

/// A shop in one of two versions: the new one counts in cents, forgets a header, and has lost a page.
pub(super) fn shop(is_new: bool) -> Server {
    application(move |target| {
        let (kind, id) = target[1..].split_once('/').unwrap_or_default();
        let id: u32 = id.parse().unwrap_or(0);
        match kind {
            "orders" => {
                let total = (100 + id) * if is_new { 100 } else { 1 };
                response(
                    "200 OK",
                    JSON,
                    &format!("{{\"id\":{id},\"total\":{total}}}"),
                )
            }
            "account" if is_new => response("500 Oh", HTML, "<h1>Something went wrong</h1>"),
            "pages" => {
                let guard = if is_new {
                    ""
                } else {
                    "X-Frame-Options: DENY\r\n"
                };
                let body =
                    format!("<title>Page</title><h1>Page {id}</h1><p>Words of page {id}.</p>");
                response("200 OK", &format!("{HTML}{guard}"), &body)
            }
            _ => response("200 OK", HTML, &format!("<h1>Yours, {id}</h1>")),
        }
    })
}

const SCRIPT: &str = "<script>alert(1)</script>";
const IMAGE: &str = "\"><img src=x onerror=alert(2)>";
/// Turns what stands behind it.
const TURNED: &str = "\u{202e}txt.exe\u{2066}";

/// Hostile in each place that a report may show: paths, keys, values, header names, titles, addresses.
pub(super) fn targets_of_hostile() -> Vec<String> {
    let in_path = [
        "/<script>alert(1)</script>".to_owned(),
        "/\"><img_src=x_onerror=alert(2)>".to_owned(),
        "/%3Cscript%3Ealert(1)%3C/script%3E".to_owned(),
        "/%E2%80%AEtxt.exe".to_owned(),
        "/a%00b".to_owned(),
        format!("/{}", "a".repeat(4000)),
    ];
    let kinds = ["json", "html", "headers", "redirect", "fails", "long"];
    let kinds = kinds
        .into_iter()
        .flat_map(|kind| (0..3).map(move |id| format!("/{kind}/{id}")));
    kinds.chain(in_path).collect()
}

/// Says the same in both versions, each with its own number in it.
pub(super) fn hostile(version: u32) -> Server {
    application(
        move |target| match target[1..].split('/').next().unwrap_or_default() {
            "html" => {
                let text = format!("{SCRIPT}{TURNED}{version}").replace('<', "&lt;");
                let body = format!(
                    "<title>{text}</title><h1>{text}</h1><p>{text}</p><script>{version}</script>\
                 <form action=\"javascript:alert({version})\"><input name='{IMAGE}{version}'></form>\
                 <a href=\"javascript:alert({version})\">{text}</a>"
                );
                response("200 OK", HTML, &body)
            }
            "headers" => {
                let headers = format!(
                    "{HTML}X-Note: {SCRIPT}{IMAGE}{version}\r\nX-'`!*|{version}: {IMAGE}\r\nSet-Cookie: a{IMAGE}={SCRIPT}{version}\r\n"
                );
                response("200 OK", &headers, "same")
            }
            "redirect" => {
                let headers = format!("Location: javascript:alert({version})//{SCRIPT}\r\n");
                response("302 Found", &headers, "")
            }
            "fails" if version > 1 => {
                let text = format!("{SCRIPT}{IMAGE}{TURNED}").replace('<', "&lt;");
                response(
                    &format!("500 {SCRIPT}"),
                    HTML,
                    &format!("<title>{text}</title><h1>{text}</h1>"),
                )
            }
            "long" => response(
                "200 OK",
                "Content-Type: text/plain\r\n",
                &version.to_string().repeat(1 << 20),
            ),
            _ => {
                let body = format!(
                    "{{\"{SCRIPT}\":{version},\"\\\"><img src=x onerror=alert(2)>\":{version},\"{TURNED}\":{version},\
                 \"script\":\"{SCRIPT}{version}\",\"image\":\"\\\"><img src=x onerror=alert(2)>{version}\",\
                 \"turned\":\"{TURNED}{version}\",\"none\":\"a\\u0000b{version}\",\"of\":[\"{TURNED}\",{version}]}}"
                );
                response("200 OK", JSON, &body)
            }
        },
    )
}
