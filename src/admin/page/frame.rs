//! What every view stands in: the head, the ways to the other views, the foot; and the two files that it uses.

use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{ETAG, IF_NONE_MATCH},
};
use maud::{DOCTYPE, Markup, html};
use ring::digest::{SHA256, digest};

use super::{form, live::Regions, text::visible};
use crate::admin::call::{Call, Reply, content};

const STYLE: &str = include_str!("assets/style.css");
const SCRIPT: &str = include_str!("assets/live.js");
const ICON: &str = include_str!("assets/icon.svg");

/// The views that each page leads to: the address, what it is called.
const VIEWS: [(&str, &str); 7] = [
    ("/", "Causes"),
    ("/routes", "Routes"),
    ("/sessions", "Sessions"),
    ("/shadows", "Shadows"),
    ("/rules", "Marked"),
    ("/captures", "Captures"),
    ("/configuration", "Configuration"),
];

/// A view that is to be framed.
pub(super) struct View<'a> {
    /// What the browser's tab says.
    pub(super) title: &'a str,
    /// The address in [`VIEWS`] under which it is found.
    pub(super) under: &'a str,
    pub(super) body: Markup,
    pub(super) regions: Regions,
}

/// The whole page or, where the page's script asks, those parts of it that change by themselves.
pub(super) fn framed(call: &Call<'_>, view: &View<'_>) -> Reply {
    if Regions::are_asked_for(call.request.headers()) {
        return unless_known(
            call.request.headers(),
            "application/json",
            view.regions.json(),
        );
    }
    page(call, StatusCode::OK, view)
}

/// A page of another status: what was asked for is not there, or was refused.
pub(super) fn told(call: &Call<'_>, status: StatusCode, title: &str, body: &Markup) -> Reply {
    let view = View {
        title,
        under: "",
        body: html! { h1 { (title) } (body) },
        regions: Regions::default(),
    };
    page(call, status, &view)
}

fn page(call: &Call<'_>, status: StatusCode, view: &View<'_>) -> Reply {
    let is_live = !view.regions.is_empty();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(view.title, &html! {}))
            body data-live[is_live] {
                a.skip href="#main" { "Skip to the content" }
                header {
                    a.brand href="/" { "shadowtee" }
                    nav aria-label="Views" {
                        @for (address, name) in VIEWS {
                            @if address == view.under {
                                a href=(address) aria-current="page" { (name) }
                            } @else {
                                a href=(address) { (name) }
                            }
                        }
                    }
                    @if call.source.token().is_some() {
                        form method="post" action="/sign-out" {
                            (form::key())
                            button.quiet { "Sign out" }
                        }
                    }
                }
                main #main tabindex="-1" { (view.body) }
                footer {
                    p { "shadowtee " (env!("CARGO_PKG_VERSION")) ". Times are in UTC. " a href="/api" { "For programs" } }
                    p #live-state role="status" {}
                }
            }
        }
    };
    content(
        status,
        "text/html; charset=utf-8",
        visible(page.into_string()),
    )
}

/// The head of each page, with what else one has.
pub(super) fn head(title: &str, more: &Markup) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            (more)
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta name="color-scheme" content="light dark";
            title { (title) " · shadowtee" }
            link rel="stylesheet" href="/assets/style.css";
            script src="/assets/live.js" defer {}
        }
    }
}

/// Where nothing is.
pub(in crate::admin) fn nothing(call: &Call<'_>) -> Reply {
    let body = html! { p { a href="/" { "To the causes" } } };
    told(call, StatusCode::NOT_FOUND, "There is nothing here", &body)
}

pub(in crate::admin) fn style(call: &Call<'_>) -> Reply {
    let kind = "text/css; charset=utf-8";
    unless_known(call.request.headers(), kind, STYLE.to_owned())
}

/// Where each browser looks for it, with text that is for programs, too.
pub(in crate::admin) fn icon(call: &Call<'_>) -> Reply {
    unless_known(call.request.headers(), "image/svg+xml", ICON.to_owned())
}

pub(in crate::admin) fn script(call: &Call<'_>) -> Reply {
    let kind = "text/javascript; charset=utf-8";
    unless_known(call.request.headers(), kind, SCRIPT.to_owned())
}

/// The text, or 304 where the client has it already.
fn unless_known(headers: &HeaderMap, kind: &'static str, text: String) -> Reply {
    let hash = digest(&SHA256, text.as_bytes());
    let tag = hash.as_ref()[..8]
        .iter()
        .fold(0, |tag, byte| tag << 8 | u64::from(*byte));
    let tag = format!("\"{tag:016x}\"");
    let is_known = headers
        .get(IF_NONE_MATCH)
        .is_some_and(|known| known == tag.as_str());
    let mut reply = if is_known {
        content(StatusCode::NOT_MODIFIED, kind, String::new())
    } else {
        content(StatusCode::OK, kind, text)
    };
    // Hexadecimal digits in quotes.
    if let Ok(tag) = HeaderValue::try_from(tag) {
        reply.headers_mut().insert(ETAG, tag);
    }
    reply
}
