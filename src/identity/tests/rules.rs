//! Each rule alone: what a copy is copied with after the answers before it.

use std::fmt::Write;
use std::time::Duration;

use super::super::{Identity, Learning, Unpaired, Whose};
use crate::{
    compare::{Answer, Break},
    http::RequestHead,
};

/// 2026-01-01.
const NOW: i64 = 1_767_225_600_000;

struct Shadow(Identity);

fn answer(text: &str) -> Answer<'_> {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    Answer {
        status,
        headers: headers
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect(),
        body: body.as_bytes(),
        length: body.len() as u64,
        is_whole: true,
        at: NOW,
        took: Duration::ZERO,
    }
}

fn head(request: &str) -> (RequestHead, String) {
    let (lines, body) = request.split_once("\n\n").unwrap_or((request, ""));
    let mut lines = lines.lines();
    let mut text = format!(
        "{} HTTP/1.1\r\nHost: app.example\r\n",
        lines.next().unwrap()
    );
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    if !body.is_empty() {
        write!(text, "Content-Length: {}\r\n", body.len()).unwrap();
    }
    text.push_str("\r\n");
    let mut head = RequestHead::default();
    head.parse(text.as_bytes(), 100).unwrap().unwrap();
    (head, body.to_owned())
}

impl Shadow {
    fn new() -> Self {
        Self(Identity::new(1 << 20))
    }

    /// What the copy of a request is, as far as it is another, or all of it.
    fn copy(&mut self, request: &str) -> Result<String, Unpaired> {
        let (head, body) = head(request);
        let session = self.0.session(&head, None);
        let substituted = self.0.substitute(session, &head, Some(body.as_bytes()))?;
        let copied = substituted.head.as_deref().unwrap_or(&head);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut lines = vec![format!(
            "{} {}",
            text(copied.method()),
            text(copied.target())
        )];
        for (name, value) in copied.headers.iter() {
            if name != b"Host" {
                lines.push(format!("{}: {}", text(name), text(value)));
            }
        }
        let body = substituted.body.map_or(body, |body| text(&body));
        if body.is_empty() {
            return Ok(lines.join("\n"));
        }
        lines.retain(|line| !line.starts_with("Content-Length"));
        Ok(format!("{}\n\n{body}", lines.join("\n")))
    }

    /// Both sides answer a request; `None`: the shadow didn't.
    /// Returns ids in the answers that are different on the shadow.
    fn pair<'a>(
        &mut self,
        request: &str,
        primary: &str,
        shadow: impl Into<Option<&'a str>>,
    ) -> Vec<(String, String)> {
        let (head, _) = head(request);
        let session = self.0.session(&head, None);
        let primary = answer(primary);
        self.0.issued(session, &head, &primary);
        let shadow = shadow.into().map(answer);
        let counterparts = self.0.learn(&Learning {
            session,
            head: &head,
            primary: &primary,
            shadow: shadow.as_ref(),
        });
        let both = counterparts.iter();
        both.map(|both| (both.primary.to_string(), both.shadow.to_string()))
            .collect()
    }
}

const OURS: &str = "Pq8sKd93jFh2LxZ0vB7n";
const THEIRS: &str = "aZ4kTy61mWc9RgQ5uE2h";

#[test]
fn a_cookie_is_the_shadows_own() {
    let mut shadow = Shadow::new();
    let set = |value: &str| format!("200\nSet-Cookie: sid={value}; Path=/");
    let _ = shadow.pair("GET /", &set(OURS), &*set(THEIRS));
    let copied = shadow.copy(&format!("GET /a\nCookie: theme=dark; sid={OURS}"));
    assert_eq!(
        copied,
        Ok(format!("GET /a\nCookie: theme=dark; sid={THEIRS}"))
    );
    // Production gives another one, and the shadow goes on with the same.
    let request = format!("GET /a\nCookie: sid={OURS}");
    let _ = shadow.pair(&request, &set("another-1-Kd93jFh2LxZ0"), "200");
    let copied = shadow.copy("GET /b\nCookie: sid=another-1-Kd93jFh2LxZ0");
    assert_eq!(copied, Ok(format!("GET /b\nCookie: sid={THEIRS}")));
    // The shadow alone gives another one.
    shadow.pair(
        "GET /b\nCookie: sid=another-1-Kd93jFh2LxZ0",
        "200",
        &*set("new-2"),
    );
    let copied = shadow.copy("GET /b\nCookie: sid=another-1-Kd93jFh2LxZ0");
    assert_eq!(copied, Ok("GET /b\nCookie: sid=new-2".to_owned()));
    // And deletes it.
    shadow.pair(
        "GET /b\nCookie: sid=another-1-Kd93jFh2LxZ0",
        "200",
        "302\nSet-Cookie: sid=; Max-Age=0",
    );
    let copied = shadow.copy("GET /b\nCookie: sid=another-1-Kd93jFh2LxZ0");
    assert_eq!(copied, Ok("GET /b".to_owned()));
}

#[test]
fn a_cookie_that_production_was_not_seen_to_give_stays() {
    let mut shadow = Shadow::new();
    let request = format!("GET /a\nCookie: sid={OURS}");
    assert_eq!(shadow.copy(&request), Ok(request));
}

#[test]
fn a_cookie_that_the_shadow_alone_sets_comes_with_its_session() {
    let mut shadow = Shadow::new();
    shadow.pair(
        "GET /",
        &format!("200\nSet-Cookie: sid={OURS}"),
        &*format!("200\nSet-Cookie: sid={THEIRS}\nSet-Cookie: flash=abc"),
    );
    let copied = shadow.copy(&format!("GET /a\nCookie: sid={OURS}"));
    assert_eq!(
        copied,
        Ok(format!("GET /a\nCookie: sid={THEIRS}; flash=abc"))
    );
    assert_eq!(shadow.copy("GET /a"), Ok("GET /a".to_owned()));
}

#[test]
fn a_token_of_a_form_is_the_one_of_the_same_form_else_the_latest() {
    let mut shadow = Shadow::new();
    let page = |token: &str| {
        format!(
            "200\nContent-Type: text/html\nSet-Cookie: sid={token}0\n\n<form action=/orders><input type=hidden name=_csrf value={token}></form>"
        )
    };
    let _ = shadow.pair("GET /orders/new", &page(OURS), &*page(THEIRS));
    let post = |token: &str| {
        format!(
            "POST /orders\nCookie: sid={OURS}0\nContent-Type: application/x-www-form-urlencoded\n\n_csrf={token}&name=tea"
        )
    };
    let wanted = post(THEIRS).replace(&format!("sid={OURS}"), &format!("sid={THEIRS}"));
    assert_eq!(shadow.copy(&post(OURS)), Ok(wanted.clone()));
    assert_eq!(shadow.copy(&post("never-seen")), Ok(wanted));
    let other = post("never-seen").replace("Cookie: sid=", "Cookie: sid=x");
    assert_eq!(shadow.copy(&other), Ok(other), "another session");
}

#[test]
fn a_token_of_a_page_is_sent_in_a_header() {
    let mut shadow = Shadow::new();
    let page = |token: &str| {
        format!(
            "200\nContent-Type: text/html\nSet-Cookie: sid={token}0\n\n<meta name=csrf-token content={token}>"
        )
    };
    let _ = shadow.pair("GET /", &page(OURS), &*page(THEIRS));
    for token in [OURS, "never-seen"] {
        let copied = shadow.copy(&format!(
            "POST /a\nCookie: sid={OURS}0\nX-CSRF-Token: {token}\nContent-Type: application/json\n\n{{}}"
        ));
        let wanted = format!(
            "POST /a\nCookie: sid={THEIRS}0\nX-CSRF-Token: {THEIRS}\nContent-Type: application/json\n\n{{}}"
        );
        assert_eq!(copied, Ok(wanted));
    }
}

#[test]
fn a_header_that_repeats_a_cookie_repeats_the_shadows() {
    let mut shadow = Shadow::new();
    let set = |token: &str| format!("200\nSet-Cookie: XSRF-TOKEN={token}%3D%3D");
    let _ = shadow.pair("GET /", &set(OURS), &*set(THEIRS));
    let copied = shadow.copy(&format!(
        "DELETE /a\nCookie: XSRF-TOKEN={OURS}%3D%3D\nX-XSRF-TOKEN: {OURS}=="
    ));
    let wanted = format!("DELETE /a\nCookie: XSRF-TOKEN={THEIRS}%3D%3D\nX-XSRF-TOKEN: {THEIRS}==");
    assert_eq!(copied, Ok(wanted));
}

#[test]
fn a_bearer_token_is_the_shadows() {
    let mut shadow = Shadow::new();
    let jwt =
        |part: &str| format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{part}In0.{part}xKd93jFh2LxZ0vB7n");
    let login = |token: &str| {
        format!("200\nContent-Type: application/json\n\n{{\"access_token\":\"{token}\"}}")
    };
    shadow.pair(
        "POST /login\nContent-Type: application/json\n\n{\"user\":\"a\"}",
        &login(&jwt(OURS)),
        &*login(&jwt(THEIRS)),
    );
    let request = format!("GET /me\nAuthorization: Bearer {}", jwt(OURS));
    let wanted = format!("GET /me\nAuthorization: Bearer {}", jwt(THEIRS));
    assert_eq!(shadow.copy(&request), Ok(wanted));
    let (head, _) = head(&request);
    assert!(matches!(shadow.0.whose(&head, None), Whose::Known(_)));
}

#[test]
fn an_opaque_id_is_the_shadows_wherever_it_stands() {
    let mut shadow = Shadow::new();
    let (ours, theirs) = (
        "550e8400-e29b-41d4-a716-446655440000",
        "6ba7b810-9dad-41d1-80b4-00c04fd430c8",
    );
    let made = |id: &str| format!("201\nContent-Type: application/json\n\n{{\"id\":\"{id}\"}}");
    let _ = shadow.pair("POST /files\n\nx", &made(ours), &*made(theirs));
    let request = |id: &str| {
        format!(
            "POST /files/{id}.png?of={id}&next=%2Ffiles%2F{id}\nContent-Type: application/json\n\n{{\"a\": [\"{id}\", \"x:{id}\"], \"note\": \"about {ours} as text\"}}"
        )
    };
    assert_eq!(shadow.copy(&request(ours)), Ok(request(theirs)));
}

#[test]
fn what_has_no_partner_is_withheld() {
    let mut shadow = Shadow::new();
    let made = |id: &str| format!("302\nLocation: /orders/{id}");
    let _ = shadow.pair("POST /orders\n\nx", &made("7"), &*made("5"));
    let _ = shadow.pair("POST /orders\n\nx", &made("8"), "500");
    let _ = shadow.pair("POST /orders\n\nx", &made("9"), None);
    assert_eq!(shadow.copy("GET /orders/7"), Ok("GET /orders/5".to_owned()));
    for request in [
        "GET /orders/8",
        "DELETE /orders/9",
        "GET /orders/5",
        "GET /orders/6/edit",
    ] {
        assert_eq!(shadow.copy(request), Err(Unpaired), "{request}");
    }
    assert_eq!(shadow.copy("GET /orders/4"), Ok("GET /orders/4".to_owned()));
    assert_eq!(shadow.0.counts().unpaired, 4);
}

#[test]
fn a_condition_is_told_in_the_shadows_etags() {
    let mut shadow = Shadow::new();
    let _ = shadow.pair("GET /a", "200\nETag: \"one\"", "200\nETag: W/\"two\"");
    let copied = shadow.copy("GET /a\nIf-None-Match: \"one\"");
    assert_eq!(copied, Ok("GET /a\nIf-None-Match: W/\"two\"".to_owned()));
    let copied = shadow.copy("GET /b\nIf-None-Match: \"one\"");
    assert_eq!(copied, Ok("GET /b".to_owned()));
    let all = "PUT /b\nIf-Match: *".to_owned();
    assert_eq!(shadow.copy(&all), Ok(all));
}

#[test]
fn what_a_client_signed_stays() {
    let mut shadow = Shadow::new();
    let made = |id: &str| format!("302\nLocation: /orders/{id}");
    let _ = shadow.pair("POST /orders\n\nx", &made("7"), &*made("5"));
    for header in [
        "Authorization: AWS4-HMAC-SHA256 Credential=x",
        "X-Hub-Signature-256: sha256=x",
        "Signature: sig1=:x:",
    ] {
        let request = format!("GET /orders/7\n{header}");
        assert_eq!(shadow.copy(&request), Ok(request));
    }
}

#[test]
fn what_would_be_put_in_is_told_without_the_shadows_secrets() {
    let mut shadow = Shadow::new();
    let page = |token: &str, more: &str| {
        format!(
            "200\nContent-Type: text/html\nETag: \"{token}\"\nSet-Cookie: sid={token}{more}\n\n<form action=/orders><input type=hidden name=_csrf value={token}></form>"
        )
    };
    shadow.pair(
        "GET /new",
        &page(OURS, ""),
        &*page(THEIRS, "\nSet-Cookie: flash=secret"),
    );
    let made = |id: &str| format!("302\nLocation: /orders/{id}");
    let post = format!("POST /orders\nCookie: sid={OURS}\n\nx");
    shadow.pair(&post, &made("1407"), &*made("1392"));
    shadow.pair(&post, &made("1408"), None);
    let mut tell = |request: String| {
        let (head, _) = head(&request);
        let Whose::Known(session) = shadow.0.whose(&head, None) else {
            panic!("whose is {request}?");
        };
        let previewed = shadow.0.preview(session, &head);
        let head = previewed.substituted.map(|substituted| {
            let mut text = Vec::new();
            let head = *substituted.head.unwrap();
            head.write(head.version, &mut text);
            String::from_utf8(text).unwrap()
        });
        (head, previewed.lines)
    };
    let (head, lines) = tell(format!(
        "GET /orders/1407?page=3\nCookie: a=b; sid={OURS}\nX-CSRF-Token: {OURS}\nReferer: /orders/1408\nIf-None-Match: \"x\""
    ));
    assert_eq!(
        lines,
        [
            "id 1407 of /orders/{} becomes 1392",
            "cookie a stays: production was not seen to give it out",
            "cookie sid is the shadow's",
            "cookie flash is added: the shadow alone gave it out",
            "the token of X-CSRF-Token is the shadow's",
            "the condition is left out: the shadow's ETag is not known",
        ]
    );
    let head = head.unwrap();
    assert!(head.starts_with("GET /orders/1392?page=3 "), "{head}");
    assert!(
        head.contains("Cookie: a=b; sid=********; flash=********\r\n"),
        "{head}"
    );
    assert!(!head.contains(THEIRS) && !head.contains("secret"), "{head}");
    let (head, lines) = tell(format!("DELETE /orders/1408\nCookie: sid={OURS}"));
    assert_eq!(head, Err(Unpaired));
    assert_eq!(
        lines,
        ["would be withheld (unpaired): id 1408 of /orders/{}"]
    );
    let copied = shadow.copy(&format!("GET /a\nCookie: sid={OURS}"));
    assert!(copied.unwrap().contains(THEIRS), "what is sent has no mask");
}

#[test]
fn another_answer_teaches_nothing() {
    let mut shadow = Shadow::new();
    shadow.pair(
        "GET /dashboard",
        "302\nLocation: /orders/7",
        "302\nLocation: /login",
    );
    shadow.pair(
        "GET /a",
        "302\nLocation: /dashboard",
        "302\nLocation: /welcome",
    );
    for request in ["GET /orders/7", "GET /dashboard"] {
        assert_eq!(shadow.copy(request), Ok(request.to_owned()));
    }
}

#[test]
fn small_numbers_that_are_no_ids_stay() {
    let mut shadow = Shadow::new();
    let made = |id: &str| format!("302\nLocation: /orders/{id}");
    let _ = shadow.pair("POST /orders\n\nx", &made("7"), &*made("5"));
    let request = "POST /orders/7?page=7\nContent-Type: application/x-www-form-urlencoded\n\nquantity=7&note=order+7&order_id=7";
    let wanted = "POST /orders/5?page=7\nContent-Type: application/x-www-form-urlencoded\n\nquantity=7&note=order+7&order_id=5";
    assert_eq!(shadow.copy(request), Ok(wanted.to_owned()));
}

#[test]
fn fields_of_an_upload_are_the_shadows() {
    let mut shadow = Shadow::new();
    let made = |id: &str| format!("302\nLocation: /orders/{id}");
    let _ = shadow.pair("POST /orders\n\nx", &made("7"), &*made("5"));
    let request = |id: &str| {
        format!(
            "POST /files\nContent-Type: multipart/form-data; boundary=b\n\n--b\r\nContent-Disposition: form-data; name=\"order_id\"\r\n\r\n{id}\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"7\"\r\n\r\n7\u{0}\r\n--b--\r\n"
        )
    };
    assert_eq!(shadow.copy(&request("7")), Ok(request("5")));
}

#[test]
fn what_is_given_to_all_names_no_session() {
    let mut shadow = Shadow::new();
    let set = "200\nSet-Cookie: lb=x7Kq2mB9zR4tYw1p";
    let _ = shadow.pair("GET /", set, set);
    let _ = shadow.pair("GET /", set, set);
    let (head, _) = head("GET /\nCookie: lb=x7Kq2mB9zR4tYw1p");
    assert_eq!(shadow.0.whose(&head, None), Whose::Nobody);
}

#[test]
fn redirects_that_name_the_shadow_itself_are_understood() {
    let mut shadow = Shadow::new();
    shadow.pair(
        "POST /orders\n\nx",
        "303\nLocation: http://app.example/orders/7",
        "303\nLocation: http://app.example/orders/5",
    );
    assert_eq!(shadow.copy("GET /orders/7"), Ok("GET /orders/5".to_owned()));
}

#[test]
fn ids_of_things_that_were_made_under_way_are_told_with_the_pair() {
    let mut shadow = Shadow::new();
    let made = shadow.pair(
        "POST /orders",
        "302\nLocation: /orders/1407",
        "302\nLocation: /orders/1392",
    );
    let both = [("1407".to_owned(), "1392".to_owned())];
    assert_eq!(made, both);
    let page = |order: u32| {
        format!(
            "200\nContent-Type: text/html\n\n<a href=/orders/{order}>x</a><a href=/users/5>y</a>"
        )
    };
    let seen = shadow.pair("GET /orders", &page(1407), &*page(1392));
    assert_eq!(seen, both);
    assert_eq!(shadow.pair("GET /orders/1407", "200", "200"), both);
    assert!(shadow.pair("GET /orders/3", "200", "200").is_empty());
}

#[test]
fn a_lost_session_tells_where_it_broke_until_what_changes_something_ends_alike_again() {
    let mut shadow = Shadow::new();
    let set = format!("200\nSet-Cookie: sid={OURS}");
    let theirs = format!("200\nSet-Cookie: sid={THEIRS}");
    shadow.pair("GET /login", &set, &*theirs);
    let mut pair = |request: &str, primary: &str, other: &str| {
        let request = format!("{request}\nCookie: sid={OURS}");
        shadow.pair(&request, primary, other);
        let report = shadow.0.report();
        assert_eq!(report.alive + report.lost, 1);
        (report.lost, report.breaks)
    };
    let at = |route: &str| {
        vec![Break {
            route: route.to_owned(),
            sessions: 1,
        }]
    };
    assert_eq!(pair("GET /a", "200", "200"), (0, vec![]));
    let broken = pair("POST /orders/7/lines?page=2", "303", "403");
    assert_eq!(broken, (1, at("POST /orders/{n}/lines")));
    // A page that anybody may see says nothing.
    assert_eq!(pair("GET /", "200", "200"), (0, vec![]));
    assert_eq!(pair("GET /b", "200", "302").1, at("POST /orders/{n}/lines"));
    assert_eq!(pair("POST /c", "200", "200"), (0, vec![]));
    assert_eq!(pair("GET /d", "200", "500"), (1, at("GET /d")));
}

#[test]
fn what_needs_help_is_counted_and_sent_as_it_is() {
    let mut shadow = Shadow::new();
    let form = "Content-Type: application/x-www-form-urlencoded";
    let request = format!("POST /login\n{form}\n\notp=123456&g-recaptcha-response=abc&name=ann");
    assert_eq!(shadow.copy(&request), Ok(request));
    let earlier = format!("GET /a\nCookie: theme=dark; sid={OURS}");
    assert_eq!(shadow.copy(&earlier), Ok(earlier));
    let set = |value: &str| format!("200\nSet-Cookie: sid={value}2");
    shadow.pair("GET /", &set(OURS), &*set(THEIRS));
    shadow
        .copy(&format!("GET /a\nCookie: sid={OURS}2"))
        .unwrap();
    let report = shadow.0.report();
    let help = report.needs_help;
    assert_eq!(
        (help.one_time_codes, help.captchas, help.earlier_cookies),
        (1, 1, 1)
    );
    assert_eq!((report.put_in.cookies, report.put_in.all()), (1, 1));
}
