//! Where a token is set: the form that asks for it, and the cookie that a browser gets for it.

use std::time::Duration;

use bytes::Bytes;
use http::{
    HeaderValue, Request, StatusCode,
    header::{SET_COOKIE, WWW_AUTHENTICATE},
};
use maud::{DOCTYPE, html};

use super::{
    form::{Fields, see},
    frame::head,
};
use crate::{
    admin::{
        call::{Call, Reply, content, text},
        credentials::{cookie, is_token},
        guard::is_cross_site,
    },
    config::Secret,
};

/// Where the form goes.
pub(in crate::admin) const SIGN_IN: &str = "/sign-in";
/// Whoever guesses waits.
const AFTER_WRONG: Duration = Duration::from_millis(500);

/// Asks for the token, in place of the page that was asked for.
pub(in crate::admin) fn please_sign_in(request: &Request<Bytes>) -> Reply {
    let to = request.uri().path_and_query().map_or("/", |to| to.as_str());
    // A browser that follows a link from elsewhere keeps the cookie back. Asked for again by this page, it has it.
    let again = is_cross_site(request.headers());
    asked(to, false, again)
}

fn asked(to: &str, was_wrong: bool, again: bool) -> Reply {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head("Sign in", &html! { @if again { meta http-equiv="refresh" content="0"; } }))
            body.sign-in {
                main {
                    h1 { "shadowtee" }
                    form method="post" action=(SIGN_IN) {
                        input type="hidden" name="to" value=(to);
                        label for="token" { "Token" }
                        @if was_wrong {
                            p.wrong #wrong role="alert" { "That is not the token." }
                        }
                        input #token type="password" name="token" required autofocus autocomplete="current-password"
                            aria-describedby=[was_wrong.then_some("wrong")];
                        p.soft { "It is " code { "admin.token" } " of the configuration." }
                        button { "Sign in" }
                    }
                }
            }
        }
    };
    let kind = "text/html; charset=utf-8";
    let mut reply = content(StatusCode::UNAUTHORIZED, kind, page.into_string());
    let bearer = HeaderValue::from_static("Bearer");
    reply.headers_mut().insert(WWW_AUTHENTICATE, bearer);
    reply
}

/// Exchanges the token for a cookie, and leads on to where the browser wanted to go.
pub(in crate::admin) async fn sign_in(request: &Request<Bytes>, token: Option<&Secret>) -> Reply {
    if is_cross_site(request.headers()) {
        let why = "requests of other sites' pages are not served here\n";
        return text(StatusCode::FORBIDDEN, why);
    }
    let fields = Fields::of(request.body());
    // A path of this host: two slashes would begin another one.
    let to = Some(fields.field("to")).filter(|to| to.starts_with('/') && !to.starts_with("//"));
    // A browser takes a backslash for a slash, and leaves out tabs and ends of lines.
    let is_odd = |letter: char| letter == '\\' || letter.is_control();
    let to = to.filter(|to| !to.contains(is_odd)).unwrap_or("/");
    let Some(token) = token else { return see(to) };
    if !is_token(fields.field("token"), token) {
        tokio::time::sleep(AFTER_WRONG).await;
        return asked(to, true, false);
    }
    let (name, value) = cookie(token);
    with_cookie(see(to), &format!("{name}={value}; {ATTRIBUTES}"))
}

/// No script sees it, and no other site's page has it sent (RFC 6265bis, 4.1.2).
const ATTRIBUTES: &str = "Path=/; HttpOnly; SameSite=Strict";

/// Takes the cookie back.
pub(in crate::admin) fn sign_out(call: &Call<'_>) -> Reply {
    let Some(token) = call.source.token() else {
        return see("/");
    };
    let (name, _) = cookie(&token);
    with_cookie(see("/"), &format!("{name}=; {ATTRIBUTES}; Max-Age=0"))
}

fn with_cookie(mut reply: Reply, cookie: &str) -> Reply {
    // Letters, digits and what attributes are made of.
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        reply.headers_mut().insert(SET_COOKIE, cookie);
    }
    reply
}
