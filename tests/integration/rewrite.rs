//! What is changed in a copy, and that the primary gets none of it.

use std::fs;

use crate::kit::{Message, OK, Server, Tee, answers, get, post};

/// The copy of a request, and that the primary got the request as it was.
#[track_caller]
fn copy(settings: &str, request: &str) -> Message {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    tee.client().send(request).answer();
    let copy = shadow.request();
    let original = primary.request();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let sent: Vec<_> = head.split("\r\n").collect();
    assert_eq!(original.start(), sent[0]);
    assert_eq!(original.lines_sent(), sent[1..]);
    assert_eq!(original.text(), body);
    assert_eq!(copy.text(), body);
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    copy
}

#[track_caller]
fn target(settings: &str, target: &str) -> String {
    copy(settings, &get(target)).target().to_owned()
}

#[test]
fn a_path_is_rewritten_by_regexes_with_groups_one_after_the_other() {
    let rules = r#"rewrite.path = [
        { regex = "^/api/v1/(?<rest>.*)$", to = "/api/v2/${rest}" },
        { regex = "/(\\d+)/edit$", to = "/edit/$1" },
    ]"#;
    assert_eq!(target(rules, "/api/v1/a/b?q=1"), "/api/v2/a/b?q=1");
    assert_eq!(target(rules, "/api/v1/7/edit"), "/api/v2/edit/7");
    assert_eq!(target(rules, "/%61pi/v1/a?x=%20"), "/%61pi/v1/a?x=%20");
    let all = r#"rewrite.path = [{ regex = ".*", to = "" }]"#;
    assert_eq!(target(all, "/a?b"), "/?b");
}

#[test]
fn a_base_path_stands_before_every_path() {
    let base = "rewrite.base_path = \"/app/\"";
    assert_eq!(target(base, "/a?b"), "/app/a?b");
    assert_eq!(target(base, "/"), "/app/");
    assert_eq!(
        target(base, "http://app.example/a?b"),
        "http://app.example/app/a?b"
    );
    assert_eq!(
        target(base, "http://app.example?b"),
        "http://app.example/app/?b"
    );
    let request = "OPTIONS * HTTP/1.1\r\nHost: app.example\r\n\r\n";
    assert_eq!(copy(base, request).target(), "*");
}

#[test]
fn parameters_of_the_query_are_set_and_removed() {
    let rules =
        r#"rewrite.query = { set = { env = "a b", new = "1" }, remove = ["token", "utm source"] }"#;
    assert_eq!(
        target(rules, "/?a=%41&env=x&token=1&&utm+source=2&env=y"),
        "/?a=%41&env=a%20b&&new=1"
    );
    assert_eq!(target(rules, "/p"), "/p?env=a%20b&new=1");
    let removed = r#"rewrite.query.remove = ["token"]"#;
    assert_eq!(target(removed, "/p?token=1"), "/p");
    assert_eq!(target(removed, "/p?"), "/p?");
}

#[test]
fn headers_are_removed_replaced_set_and_added() {
    let rules = r#"[shadow.rewrite.headers]
        remove = ["X-Gone"]
        replace = [{ name = "Referer", regex = "//shop\\.example", to = "//next.example" }]
        set = { X-One = "new", X-Fresh = "1" }
        add = { X-One = "more" }"#;
    let request = "POST / HTTP/1.1\r\nHost: shop.example\r\nx-gone: 1\r\nX-one: a\r\nX-ONE: b\r\n\
                   Referer: https://shop.example/cart\r\nAccept:  x\r\nX-Gone: 2\r\nContent-Length: 4\r\n\r\nbody";
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, rules)
        .start();
    tee.client().send(request).answer();
    assert_eq!(
        shadow.request().lines_sent(),
        [
            "Host: shop.example",
            "X-one: new",
            "Referer: https://next.example/cart",
            "Accept: x",
            "Content-Length: 4",
            "X-Fresh: 1",
            "X-One: more",
        ]
    );
    assert_eq!(primary.request().all("x-gone"), ["1", "2"]);
}

#[test]
fn cookies_are_renamed_and_removed() {
    let rules = r#"rewrite.cookies = { rename = { session = "next_session" }, remove = ["_ga"] }"#;
    let with = |cookie: &str| {
        let request = format!("GET / HTTP/1.1\r\nHost: app.example\r\nCookie: {cookie}\r\n\r\n");
        copy(rules, &request).header("cookie").map(str::to_owned)
    };
    assert_eq!(
        with("a=1; session=x=y; _ga=2").as_deref(),
        Some("a=1; next_session=x=y")
    );
    assert_eq!(with("_ga=2"), None);
    assert_eq!(with("a=1;b=2").as_deref(), Some("a=1;b=2"));
}

#[test]
fn the_authorization_comes_from_a_file_and_stands_nowhere_else() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    fs::write(&file, "Bearer s3cret-of-the-shadow\n").unwrap();
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(crate::kit::resets));
    let settings = format!(
        "rewrite.authorization = {{ file = \"{}\" }}",
        file.display()
    );
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, &settings)
        .toml("[log]\nlevel = \"trace\"")
        .start();
    let request = "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Basic dXNlcjpwdw==\r\n\r\n";
    tee.client().send(request).answer();
    let copy = shadow.wait_for(1).remove(0);
    assert_eq!(copy.all("authorization"), ["Bearer s3cret-of-the-shadow"]);
    assert_eq!(
        primary.request().all("authorization"),
        ["Basic dXNlcjpwdw=="]
    );
    tee.settled(1);
    let config = tee.dir().join("shadowtee.toml");
    let shown = crate::kit::shadowtee(&["check", "--config", config.to_str().unwrap()]);
    for text in [
        tee.log(),
        tee.ask_admin("/api/shadows").text(),
        String::from_utf8_lossy(&shown.stdout).into_owned(),
    ] {
        assert!(!text.contains("s3cret"), "{text}");
    }
}

#[test]
fn the_authorization_comes_from_the_environment() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with(
            "next",
            &shadow,
            "rewrite.authorization = { env = \"NEXT_AUTH\" }",
        )
        .env("NEXT_AUTH", "Basic bmV4dDpwdw==")
        .start();
    tee.get("/");
    assert_eq!(
        shadow.request().header("authorization"),
        Some("Basic bmV4dDpwdw==")
    );
    assert!(!primary.request().has("authorization"));
}

#[test]
fn each_shadow_is_rewritten_for_itself_and_the_body_is_the_same() {
    let primary = Server::unix(answers(OK));
    let (one, two) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with(
            "one",
            &one,
            "host = \"one.example\"\nrewrite.base_path = \"/1\"",
        )
        .shadow_with("two", &two, "rewrite.headers.set = { X-Two = \"2\" }")
        .start();
    tee.client().send(post("/a", "the body")).answer();
    let (one, two) = (one.request(), two.request());
    assert_eq!((one.target(), two.target()), ("/1/a", "/a"));
    assert_eq!(one.header("host"), Some("one.example"));
    assert_eq!(two.header("host"), Some("app.example"));
    assert!(!one.has("x-two") && two.has("x-two"));
    assert_eq!(
        (one.text(), two.text()),
        ("the body".into(), "the body".into())
    );
    assert_eq!(primary.request().target(), "/a");
}

#[test]
fn rules_look_at_the_request_and_not_at_what_was_made_of_it() {
    let settings = "rewrite.base_path = \"/v2\"\nselect.allow = [\"/a\"]";
    assert_eq!(target(settings, "/a"), "/v2/a");
}
