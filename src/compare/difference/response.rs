//! Compares two responses from the top: status, content type, target of a redirect, headers, cookies, body.

use super::{
    Difference, Differences, Explained,
    asset::{asset, is_asset},
    change::Change,
    error_page::fingerprint,
    kind::Kind,
    moved::moved,
    walk::Walk,
};
use crate::compare::extract::{Class, Extract, Media, NotCompared, OWN, Place, Scalar, Value};

pub(super) fn compare(primary: &Extract, shadow: &Extract, differences: &mut Differences) {
    if primary.status != shadow.status {
        if is_revalidation(primary, shadow) {
            differences.explained.push(Explained::Revalidation);
            return;
        }
        differences.add(status(primary, shadow));
        let is_success = |extract: &Extract| (200..400).contains(&extract.status);
        if primary.status / 100 != shadow.status / 100 || !is_success(shadow) {
            return;
        }
    }
    let mut walk = Walk {
        left: primary.tree(),
        right: shadow.tree(),
        differences,
        is_dressed_anew: false,
    };
    let bodies = (primary.parts().body, shadow.parts().body);
    let has_both = bodies.0.is_some() && bodies.1.is_some();
    // Where one side has no body that is what differs, not its type.
    let before = walk.differences.found.len();
    let has_same_type =
        bodies.0.is_some() != bodies.1.is_some() || same_type(&mut walk, primary, shadow);
    let has_same_target = same_target(&mut walk, primary, shadow);
    let encoding_before = walk.differences.found.len();
    walk.pair(primary.parts().headers, shadow.parts().headers);
    drop_what_follows(walk.differences, encoding_before);
    walk.pair(primary.parts().cookies, shadow.parts().cookies);
    if !has_same_type || !has_same_target {
        debug_assert!(walk.differences.found.len() > before);
        return;
    }
    let body_before = walk.differences.found.len();
    match bodies {
        (Some(one), Some(other)) => body(&mut walk, (primary, one), (shadow, other)),
        (Some(_), None) => add_body(&mut walk, Kind::Missing, Change::Gone, bodies),
        (None, Some(_)) => add_body(&mut walk, Kind::Extra, Change::Added, bodies),
        (None, None) => {}
    }
    let is_told = |found: &[Difference]| {
        let is_markup = |difference: &Difference| difference.place.as_str() == "markup";
        found[body_before..].iter().any(is_markup)
    };
    if walk.is_dressed_anew && has_both && !is_told(&walk.differences.found) {
        differences.add(Difference {
            place: Place::new("markup"),
            class: Class::Markup,
            kind: Kind::Value,
            change: Change::Markup,
            primary: None,
            shadow: None,
        });
    }
    if has_both && differences.found.len() == body_before {
        beyond(primary, shadow, differences);
    }
}

/// Two bodies of one type.
fn body(walk: &mut Walk<'_>, (primary, one): (&Extract, u32), (shadow, other): (&Extract, u32)) {
    let (left, right) = (walk.left, walk.right);
    if is_asset(left, one) && is_asset(right, other) {
        if left.node(one).hash != right.node(other).hash {
            walk.differences.add(asset((left, one), (right, other)));
        }
        return;
    }
    let before = walk.differences.found.len();
    walk.pair(one, other);
    if primary.media == Media::Html && shadow.media == Media::Html {
        moved(&mut walk.differences.found, before);
    }
    never_in_silence(walk, before, (one, other));
}

fn is_revalidation(primary: &Extract, shadow: &Extract) -> bool {
    primary.is_conditional && matches!((primary.status, shadow.status), (304, 200) | (200, 304))
}

fn status(primary: &Extract, shadow: &Extract) -> Difference {
    let value = |extract: &Extract| Some(Value::of(Scalar::Number, &extract.status.to_string()));
    let change = if shadow.status >= 400 {
        Change::ErrorPage {
            fingerprint: fingerprint(shadow),
        }
    } else {
        Change::OtherStatus
    };
    Difference {
        place: Place::new("status"),
        class: Class::Status,
        kind: Kind::Status,
        change,
        primary: value(primary),
        shadow: value(shadow),
    }
}

/// Whether bodies are of the same type, or of types that are read alike. Parameters, as the charset, don't decide that.
fn same_type(walk: &mut Walk<'_>, primary: &Extract, shadow: &Extract) -> bool {
    let essence = |extract: &Extract| {
        let at = extract.tree().children(extract.parts().content_type).next();
        at.map(|at| extract.tree().text(at).to_owned())
    };
    if essence(primary) == essence(shadow) {
        walk.pair(primary.parts().content_type, shadow.parts().content_type);
        return true;
    }
    let first = |extract: &Extract| extract.tree().children(extract.parts().content_type).next();
    match (first(primary), first(shadow)) {
        (Some(one), Some(other)) => walk.pair(one, other),
        (Some(one), None) => walk.missing(one),
        (None, Some(other)) => walk.extra(other),
        (None, None) => {}
    }
    primary.media == shadow.media && !matches!(primary.media, Media::Binary | Media::None)
}

/// Whether redirects lead to the same target: origin, path, then parameters.
fn same_target(walk: &mut Walk<'_>, primary: &Extract, shadow: &Extract) -> bool {
    let before = walk.differences.found.len() + walk.differences.left_out;
    let parts = |extract: &Extract| -> Vec<u32> {
        extract.tree().children(extract.parts().location).collect()
    };
    match (&parts(primary)[..], &parts(shadow)[..]) {
        ([], []) => return true,
        ([one, ..], []) => walk.missing(*one),
        ([], [other, ..]) => walk.extra(*other),
        ([path, origin, ..], [other_path, other_origin, ..]) => {
            origins(walk, *origin, *other_origin);
            let is_same = walk.left.node(*path).hash == walk.right.node(*other_path).hash;
            if is_same {
                let parameters = |parts: &[u32]| parts.get(2..).unwrap_or_default().to_vec();
                let (one, other) = (parameters(&parts(primary)), parameters(&parts(shadow)));
                walk.named(one, other);
            } else {
                walk.pair(*path, *other_path);
            }
        }
        _ => {}
    }
    walk.differences.found.len() + walk.differences.left_out == before
}

/// Two origins. A relative target leads to the same place as one with the own origin, and is written in another way.
fn origins(walk: &mut Walk<'_>, one: u32, other: u32) {
    if walk.left.node(one).hash == walk.right.node(other).hash {
        return;
    }
    let is_own = |text: &str| text.is_empty() || text == OWN;
    let kind = if is_own(walk.left.text(one)) && is_own(walk.right.text(other)) {
        Kind::Format
    } else {
        Kind::Value
    };
    walk.add(kind, Change::Origin, Some(one), Some(other));
}

/// A body that is no longer compressed has another length, and servers say it or don't: what follows from the encoding
/// isn't told again.
fn drop_what_follows(differences: &mut Differences, from: usize) {
    let headers = &differences.found[from.min(differences.found.len())..];
    let has_encoding = headers
        .iter()
        .any(|difference| difference.place.as_str() == "header content-encoding");
    if has_encoding {
        let is_length = |place: &Place| place.as_str() == "header content-length";
        differences
            .found
            .retain(|difference| !is_length(&difference.place));
    }
}

fn add_body(walk: &mut Walk<'_>, kind: Kind, change: Change, bodies: (Option<u32>, Option<u32>)) {
    walk.differences.add(Difference {
        place: Place::new("body"),
        class: Class::Content,
        kind,
        change,
        primary: bodies.0.map(|at| walk.left.value(at)),
        shadow: bodies.1.map(|at| walk.right.value(at)),
    });
}

/// Bodies that don't say the same have a difference, whatever the walk made of them.
fn never_in_silence(walk: &mut Walk<'_>, before: usize, bodies: (u32, u32)) {
    let (one, other) = (walk.left.node(bodies.0), walk.right.node(bodies.1));
    let is_told = walk.differences.found.len() > before
        || walk.differences.left_out > 0
        || !walk.differences.explained.is_empty()
        || walk.is_dressed_anew;
    if one.hash != other.hash && !one.is_cut && !other.is_cut && !is_told {
        let bodies = (Some(bodies.0), Some(bodies.1));
        add_body(walk, Kind::Value, Change::Other, bodies);
    }
}

/// What lies beyond the limits of both is compared by how long it is, where all before it is equal.
fn beyond(primary: &Extract, shadow: &Extract, differences: &mut Differences) {
    let is_cut = |extract: &Extract| extract.not_compared == Some(NotCompared::Truncated);
    if is_cut(primary) && is_cut(shadow) && primary.length != shadow.length {
        let value = |length: u64| Some(Value::of(Scalar::Number, &length.to_string()));
        differences.add(Difference {
            place: Place::new("truncated"),
            class: Class::Whole,
            kind: Kind::Length,
            change: Change::Other,
            primary: value(primary.length),
            shadow: value(shadow.length),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::{between, html, json, response, shown, values};
    use super::*;

    fn same(shown: &[String]) {
        assert_eq!(shown, <[&str; 0]>::default());
    }

    #[test]
    fn a_status_dominates_and_tells_what_the_error_page_says() {
        let page = html(
            "<title>Action Controller: Exception caught</title><h1>NoMethodError in OrdersController#show</h1>",
        );
        assert_eq!(
            shown(&json("{\"a\": 1}"), &page.status(500)),
            [
                "status status: error: Action Controller: Exception caught | NoMethodError in OrdersController#show"
            ]
        );
        let problem = json(
            r#"{"status":500,"error":"Internal Server Error","exception":"KeyError: key 4711 not found"}"#,
        );
        assert_eq!(
            shown(&json("{}"), &problem.status(500)),
            ["status status: error: Internal Server Error | KeyError: key {n} not found"]
        );
        assert_eq!(
            shown(&json("{}"), &json("{}").status(201)),
            ["status status: other status"]
        );
    }

    #[test]
    fn a_revalidation_is_explained() {
        let fresh = response(304).conditional();
        let full = json("{}").conditional();
        let differences = between(&fresh, &full);
        assert!(differences.is_empty());
        assert_eq!(differences.explained, [Explained::Revalidation]);
        assert!(!between(&response(304), &json("{}")).is_empty());
    }

    #[test]
    fn another_content_type_dominates_the_body_and_the_charset_does_not() {
        assert_eq!(
            shown(&json("{}"), &html("<p>a</p>")),
            ["value content-type: other value"]
        );
        let abbreviated = response(200)
            .header(
                "content-type",
                "application/vnd.shop.v2+json; charset=utf-8",
            )
            .body("{}");
        assert_eq!(
            shown(&json("{\"a\": 1}"), &abbreviated),
            ["value content-type: other value", "missing $.a: gone"]
        );
        let latin = response(200)
            .header("content-type", "application/json; charset=latin1")
            .body("{}");
        assert_eq!(
            shown(&json("{}"), &latin),
            ["value content-type; charset: other value"]
        );
    }

    #[test]
    fn the_target_of_a_redirect_dominates_the_body() {
        let to = |target: &str| {
            html(&format!("<a href=\"{target}\">moved</a>"))
                .status(302)
                .header("Location", target)
        };
        let (orders, login) = (
            to("http://app.example/orders/7"),
            to("http://app.example/login?back=%2Forders"),
        );
        assert_eq!(shown(&orders, &login), ["value location: other value"]);
        assert_eq!(
            values(&orders, &login),
            ("/orders/7".to_owned(), "/login".to_owned())
        );
        let other = to("http://app.example/login?back=%2Fcart");
        assert_eq!(shown(&login, &other), ["value location ?back: other value"]);
        assert_eq!(
            shown(&orders, &to("http://127.0.0.1:3000/orders/7")),
            ["value location origin: origin replaced"]
        );
        assert_eq!(
            shown(
                &orders,
                &response(302)
                    .header("Content-Type", "text/html; charset=utf-8")
                    .header("Location", "http://app.example/orders/7")
            ),
            ["missing body: gone"]
        );
    }

    #[test]
    fn list_headers_are_sets_and_one_difference_each() {
        let with = |name: &str, value: &str| json("{}").header(name, value);
        same(&shown(
            &with("Vary", "Accept, Accept-Encoding"),
            &with("vary", "accept-encoding,  Accept"),
        ));
        assert_eq!(
            shown(&with("Vary", "Accept, Cookie"), &with("Vary", "Cookie")),
            ["items header vary: fewer items"]
        );
        assert_eq!(
            shown(
                &with("Cache-Control", "max-age=60, public"),
                &with("Cache-Control", "public, max-age=3600")
            ),
            ["value header cache-control; max-age: factor 60"]
        );
        assert_eq!(
            shown(
                &with("Cache-Control", "max-age=0, private"),
                &with("Cache-Control", "no-store")
            ),
            ["items header cache-control: other items"]
        );
        assert_eq!(
            shown(
                &with(
                    "Content-Security-Policy",
                    "default-src 'self'; script-src 'self' 'nonce-abc'"
                ),
                &with(
                    "Content-Security-Policy",
                    "script-src 'nonce-xyz' 'self' cdn.example; default-src 'self'"
                )
            ),
            ["items header content-security-policy; script-src: more items"]
        );
    }

    #[test]
    fn derived_headers_are_compared_by_presence_and_format() {
        let base = |etag: &str, id: &str| {
            json("{}")
                .header("ETag", etag)
                .header("X-Request-Id", id)
                .header("Date", "Tue, 05 Mar 2024 14:22:07 GMT")
                .header("X-Runtime", "0.0123")
        };
        let one = base("W/\"abc\"", "2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b");
        same(&shown(
            &one,
            &base("W/\"def\"", "3f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5c"),
        ));
        assert_eq!(
            shown(
                &one,
                &base("\"abc\"", "2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b")
            ),
            ["format header etag: other shape"]
        );
        assert_eq!(
            shown(
                &json("{}").header("X-RateLimit-Remaining", "7"),
                &json("{}")
            ),
            ["missing header x-ratelimit-remaining: gone"]
        );
        same(&shown(
            &json("{}")
                .header("Connection", "close, X-A")
                .header("X-A", "1"),
            &json("{}").header("Connection", "keep-alive"),
        ));
    }

    #[test]
    fn how_a_body_is_framed_is_no_difference() {
        let page = || html("<p>a</p>");
        let sized = page().header("Content-Length", "8");
        let chunked = page().header("Transfer-Encoding", "chunked");
        let to_the_end = page().header("Connection", "close");
        same(&shown(&sized, &chunked));
        same(&shown(&chunked, &to_the_end));
        same(&shown(&to_the_end, &sized));
        let redirect = |name, value| response(301).header("Location", "/a/").header(name, value);
        let nothing = redirect("Transfer-Encoding", "chunked");
        same(&shown(&nothing, &redirect("Connection", "close")));
        // Without a body the length is all that is said of it.
        let unchanged = response(304).conditional();
        assert_eq!(
            shown(
                &response(304).conditional().header("Content-Length", "8"),
                &unchanged
            ),
            ["missing header content-length: gone"]
        );
    }

    #[test]
    fn an_answer_that_is_no_longer_compressed_is_one_difference() {
        let packed = zstd::encode_all(&b"{\"a\": 1}"[..], 1).unwrap();
        let packed = json("").body(packed).header("Content-Encoding", "zstd");
        let plain = json("{\"a\": 1}").header("Content-Length", "8");
        assert_eq!(
            shown(&packed, &plain),
            ["missing header content-encoding: gone"]
        );
    }

    #[test]
    fn cookies_are_compared_by_name_and_attribute() {
        let with = |line: &str| json("{}").header("Set-Cookie", line);
        let one = with("sid=x7k2m9q4abcd; Path=/; HttpOnly; Expires=Tue, 05 Mar 2024 15:22:07 GMT");
        let later =
            with("sid=x7k2m9q4abcd; path=/; httponly; expires=Tue, 05 Mar 2024 15:22:09 GMT")
                .at(1_709_648_529_000);
        same(&shown(&one, &later));
        assert_eq!(
            shown(
                &one,
                &with("sid=x7k2m9q4abcd; Path=/; Expires=Tue, 05 Mar 2024 16:22:07 GMT")
            ),
            [
                "value cookie sid; expires: other value",
                "missing cookie sid; httponly: gone"
            ]
        );
        assert_eq!(shown(&one, &json("{}")), ["missing cookie sid: gone"]);
        assert_eq!(
            shown(&with("a=1; SameSite=Lax"), &with("a=1; SameSite=None")),
            ["value cookie a; samesite: other value"]
        );
        // {"alg":"HS256"} with {"sub":"7","adm":false} and with {"sub":"7","adm":true}
        let jwt = |claims: &str| with(&format!("jwt=eyJhbGciOiJIUzI1NiJ9.{claims}.c2lnbmF0dXJl"));
        assert_eq!(
            shown(
                &jwt("eyJzdWIiOiI3IiwiYWRtIjpmYWxzZX0"),
                &jwt("eyJzdWIiOiI3IiwiYWRtIjp0cnVlfQ")
            ),
            ["value cookie jwt jwt.adm: other value"]
        );
    }

    #[test]
    fn what_is_cut_on_both_sides_is_compared_as_far_as_both_go() {
        let list = |changed: usize| {
            let items: Vec<String> = (0..1000)
                .map(|n| format!("{{\"id\":{n},\"v\":{}}}", if n == changed { 7 } else { 1 }))
                .collect();
            json(&format!("[{}]", items.join(",")))
        };
        same(&shown(&list(2000).cut(9000), &list(2000).cut(8000).at(1)));
        assert_eq!(
            shown(&list(2000).cut(9000), &list(50).cut(9000)),
            ["value $[].v: other value"]
        );
    }
}
