//! Which requests a shadow gets: each kind of rule over real sockets, their order, and what it is counted as.

use std::collections::BTreeSet;
use std::fs;

use crate::kit::{Client, OK, Server, Tee, answers, get, post, shadowtee};

/// Sends requests through a tee whose shadow has this `select`, and returns which of them were copied, by target.
#[track_caller]
fn copied(select: &str, requests: &[String]) -> BTreeSet<String> {
    copied_with(select, "", requests)
}

#[track_caller]
fn copied_with(settings: &str, tables: &str, requests: &[String]) -> BTreeSet<String> {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .toml(tables)
        .start();
    let mut client = tee.client();
    for request in requests {
        assert_eq!(client.send(request).answer().raw, OK.as_bytes());
    }
    let ledger = tee.settled(requests.len() as u64);
    let copies = shadow.requests();
    let filtered = requests.len() - copies.len();
    assert_eq!(ledger.count("next", "filtered"), filtered as u64);
    assert_eq!(ledger.count("next", "answered"), copies.len() as u64);
    copies.iter().map(|copy| copy.target().to_owned()).collect()
}

fn with(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: app.example\r\n{headers}\r\n")
}

fn set(targets: &[&str]) -> BTreeSet<String> {
    targets.iter().map(ToString::to_string).collect()
}

#[test]
fn methods_select() {
    let requests = [
        get("/get"),
        post("/post", "x"),
        get("/2").replace("GET", "HEAD"),
    ];
    let requests = &requests[..2];
    let got = copied(
        "select.allow = [{ method = [\"GET\", \"HEAD\"] }]",
        requests,
    );
    assert_eq!(got, set(&["/get"]));
    let got = copied("select.deny = [{ method = \"GET\" }]", requests);
    assert_eq!(got, set(&["/post"]));
}

#[test]
fn paths_select_exactly_by_prefix_by_glob_and_by_regex() {
    let targets = [
        "/a", "/a?x", "/a/", "/b/1", "/b/1/2", "/b", "/c/x/d", "/c/x/y/d", "/n/12", "/n/x",
    ];
    let requests: Vec<_> = targets.iter().map(|target| get(target)).collect();
    for (pattern, expected) in [
        ("/a", set(&["/a", "/a?x"])),
        ("prefix:/b/", set(&["/b/1", "/b/1/2"])),
        ("glob:/c/*/d", set(&["/c/x/d"])),
        ("glob:/c/**/d", set(&["/c/x/d", "/c/x/y/d"])),
        ("regex:^/n/[0-9]+$", set(&["/n/12"])),
    ] {
        let got = copied(&format!("select.allow = [\"{pattern}\"]"), &requests);
        assert_eq!(got, expected, "{pattern}");
    }
}

#[test]
fn a_path_that_is_spelt_otherwise_is_the_same_path() {
    let requests = ["/%70ay/1", "//pay/1", "/x/../pay/1", "/pay%2f1", "/paying"].map(get);
    let got = copied("select.deny = [\"prefix:/pay/\"]", &requests);
    assert_eq!(got, set(&["/paying"]));
}

#[test]
fn hosts_select_in_every_case_and_without_their_port() {
    let to = |target: &str, host: &str| format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let requests = [
        to("/1", "Shop.example"),
        to("/2", "shop.example:8080"),
        to("/3", "other.example"),
        to("/4", "a.shop.example"),
    ];
    let got = copied("select.allow = [{ host = \"shop.EXAMPLE\" }]", &requests);
    assert_eq!(got, set(&["/1", "/2"]));
    let got = copied(
        "select.allow = [{ host = \"glob:*.shop.example\" }]",
        &requests,
    );
    assert_eq!(got, set(&["/4"]));
}

#[test]
fn headers_select_by_being_there_by_being_absent_and_by_what_they_say() {
    let requests = [
        with("/none", ""),
        with("/one", "X-Debug: 1\r\n"),
        with("/two", "x-debug: 0\r\nX-Debug: two\r\n"),
    ];
    let of = |wanted: &str| {
        copied(
            &format!("select.allow = [{{ header = {{ X-Debug = {wanted} }} }}]"),
            &requests,
        )
    };
    assert_eq!(of("true"), set(&["/one", "/two"]));
    assert_eq!(of("false"), set(&["/none"]));
    assert_eq!(of("\"1\""), set(&["/one"]));
    assert_eq!(of("[\"1\", \"regex:^t\"]"), set(&["/one", "/two"]));
}

#[test]
fn parameters_of_the_query_select() {
    let requests = ["/", "/?q=a+b", "/?q=a%20b&x", "/?q", "/?%71=other"].map(get);
    let of = |wanted: &str| {
        copied(
            &format!("select.allow = [{{ query = {{ q = {wanted} }} }}]"),
            &requests,
        )
    };
    assert_eq!(of("\"a b\""), set(&["/?q=a+b", "/?q=a%20b&x"]));
    assert_eq!(of("false"), set(&["/"]));
    assert_eq!(of("\"prefix:o\""), set(&["/?%71=other"]));
}

#[test]
fn the_client_selects_where_nginx_says_who_it_is() {
    let requests = [
        with("/1", "X-Real-IP: 192.0.2.7\r\n"),
        with("/2", "X-Real-IP: 198.51.100.7\r\n"),
        with("/3", ""),
    ];
    let select = "select.allow = [{ client = [\"192.0.2.0/24\", \"2001:db8::/32\"] }]";
    let trusted = "[client_address]\nheader = \"X-Real-IP\"\ntrusted = [\"unix\"]";
    assert_eq!(copied_with(select, trusted, &requests), set(&["/1"]));
    // Whoever is not trusted can write there what they like.
    let others = "[client_address]\nheader = \"X-Real-IP\"\ntrusted = [\"10.0.0.0/8\"]";
    assert_eq!(copied_with(select, others, &requests), set(&[]));
}

#[test]
fn the_client_of_a_tcp_connection_is_known_without_any_header() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .on_tcp()
        .shadow_with(
            "mine",
            &shadow,
            "select.allow = [{ client = \"127.0.0.0/8\" }]",
        )
        .shadow_with(
            "none",
            &shadow,
            "select.deny = [{ client = \"127.0.0.0/8\" }]",
        )
        .start();
    tee.get("/");
    let ledger = tee.settled(1);
    assert_eq!(ledger.of("mine"), [("answered", 1)]);
    assert_eq!(ledger.of("none"), [("filtered", 1)]);
}

#[test]
fn users_of_basic_authentication_select() {
    let requests = [
        with("/alice", "Authorization: Basic YWxpY2U6c2VjcmV0\r\n"),
        with("/bot", "Authorization: basic Ym90LTE6eA==\r\n"),
        with("/none", "Authorization: Bearer YWxpY2U6c2VjcmV0\r\n"),
    ];
    let got = copied(
        "select.allow = [{ user = [\"alice\", \"prefix:bot-\"] }]",
        &requests,
    );
    assert_eq!(got, set(&["/alice", "/bot"]));
}

#[test]
fn content_types_and_sizes_of_bodies_select() {
    let body = |target: &str, kind: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let chunked =
        "POST /chunks HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n";
    let requests = [
        body("/json", "Application/JSON; charset=utf-8", "12345"),
        body("/form", "multipart/form-data; boundary=x", "1234567890"),
        chunked.to_owned(),
        get("/none"),
    ];
    let got = copied(
        "select.allow = [{ content_type = \"application/json\" }]",
        &requests,
    );
    assert_eq!(got, set(&["/json"]));
    let got = copied(
        "select.deny = [{ content_type = \"prefix:multipart/\" }]",
        &requests,
    );
    assert_eq!(got, set(&["/json", "/chunks", "/none"]));
    let got = copied("select.allow = [{ max_body = 5 }]", &requests);
    assert_eq!(got, set(&["/json", "/none"]));
    let got = copied(
        "select.allow = [{ min_body = 5, max_body = \"1KiB\" }]",
        &requests,
    );
    assert_eq!(got, set(&["/json", "/form"]));
    // Nobody knows how long a body in chunks will be.
    let got = copied("select.deny = [{ min_body = \"1KiB\" }]", &requests);
    assert_eq!(got, set(&["/json", "/form", "/none"]));
}

#[test]
fn deny_comes_first_then_the_list_then_allow_and_the_first_that_matches_wins() {
    let requests = ["/a", "/a/no", "/a/yes", "/a/yes/but", "/b", "/c"].map(get);
    let select = "[shadow.select]
        deny = [\"/a/yes/but\"]
        allow = [\"prefix:/a\", \"/c\"]
        [[shadow.select.rules]]
        action = \"allow\"
        path = \"prefix:/a/yes\"
        [[shadow.select.rules]]
        action = \"deny\"
        path = \"prefix:/a/\"";
    assert_eq!(copied(select, &requests), set(&["/a", "/a/yes", "/c"]));
}

#[test]
fn all_conditions_of_a_rule_have_to_hold() {
    let requests = [
        with("/a", "X-A: 1\r\n"),
        with("/b", "X-A: 1\r\n"),
        with("/a?2", ""),
    ];
    let got = copied(
        "select.allow = [{ path = \"/a\", header = { X-A = true } }]",
        &requests,
    );
    assert_eq!(got, set(&["/a"]));
}

#[test]
fn each_shadow_has_rules_of_its_own() {
    let primary = Server::unix(answers(OK));
    let (one, two) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("one", &one, "select.allow = [\"/1\"]")
        .shadow_with("two", &two, "select.deny = [\"/1\"]")
        .start();
    for target in ["/1", "/2", "/3"] {
        tee.get(target);
    }
    let ledger = tee.settled(3);
    assert_eq!(ledger.of("one"), [("answered", 1), ("filtered", 2)]);
    assert_eq!(ledger.of("two"), [("answered", 2), ("filtered", 1)]);
    assert_eq!(one.request().target(), "/1");
}

#[test]
fn the_primarys_status_selects_where_copies_wait_for_it() {
    let primary = Server::unix(|conn| {
        loop {
            let request = conn.request()?;
            let status = request.target()[1..].to_owned();
            conn.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"))?;
        }
    });
    let shadow = Server::unix(answers(OK));
    let settings = "send = \"after_answer\"\nselect.deny = [{ status = [\"4xx\", 503] }]";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let mut client = tee.client();
    for status in ["200", "404", "422", "500", "503", "302"] {
        let request = post(&format!("/{status}"), "the body");
        assert_eq!(client.send(request).answer().status().to_string(), status);
    }
    let ledger = tee.settled(6);
    assert_eq!(ledger.of("next"), [("answered", 3), ("filtered", 3)]);
    let copies = shadow.requests();
    let targets: BTreeSet<_> = copies.iter().map(|copy| copy.target().to_owned()).collect();
    assert_eq!(targets, set(&["/200", "/302", "/500"]));
    assert!(copies.iter().all(|copy| copy.body == b"the body"));
}

#[test]
fn a_copy_after_the_answer_is_sent_no_sooner() {
    let gate = crate::kit::Gate::default();
    let held = gate.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        held.pass();
        conn.send(OK)
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "send = \"after_answer\"")
        .start();
    let mut client = tee.client();
    client.send(post("/", "body"));
    primary.wait_for(1);
    let ledger = tee.wait_for_ledger("a copy that waits", |ledger| {
        ledger.shadows["next"].in_flight == 1
    });
    assert_eq!(ledger.count("next", "answered"), 0);
    assert_eq!(shadow.connections(), 0);
    gate.open();
    assert_eq!(client.answer().status(), 200);
    assert_eq!(shadow.request().body, b"body");
    tee.settled(1);
}

#[test]
fn a_copy_whose_primary_never_answers_is_sent_when_that_is_known() {
    let primary = Server::unix(|conn| conn.request().map(drop));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("all", &shadow, "send = \"after_answer\"")
        .shadow_with(
            "some",
            &shadow,
            "send = \"after_answer\"\nselect.deny = [{ status = \"none\" }]",
        )
        .start();
    assert_eq!(tee.client().send(post("/", "body")).answer().status(), 502);
    let ledger = tee.settled(1);
    assert_eq!(ledger.of("all"), [("answered", 1)]);
    assert_eq!(ledger.of("some"), [("filtered", 1)]);
}

#[test]
fn a_body_larger_than_what_is_kept_is_given_up_while_the_copy_waits() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let settings = "send = \"after_answer\"\nbody_buffer = \"16KiB\"";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let big = "x".repeat(100_000);
    assert_eq!(tee.client().send(post("/", &big)).answer().status(), 200);
    assert_eq!(tee.settled(1).of("next"), [("body_overrun", 1)]);
}

#[test]
fn a_client_that_leaves_takes_the_copy_with_it_that_waited_for_the_answer() {
    let primary = Server::unix(crate::kit::hangs);
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "send = \"after_answer\"")
        .start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    tee.wait_for_ledger("a copy that waits", |ledger| {
        ledger.shadows["next"].in_flight == 1
    });
    drop(client);
    assert_eq!(tee.settled(1).of("next"), [("client_aborted", 1)]);
    assert_eq!(shadow.connections(), 0);
}

#[test]
fn the_flags_say_what_the_shadows_of_the_command_line_get() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let mut setup = Tee::with_primary(&primary);
    let at = crate::kit::At::at(&shadow);
    for arg in [
        "--shadow",
        &format!("flags={at}"),
        "--methods",
        "GET,HEAD",
        "--allow-path",
        "prefix:/api/",
        "--deny-path",
        "/api/no",
        "--deny-header",
        "X-Bot: regex:.",
        "--set-header",
        "X-Copy: yes",
        "--remove-header",
        "X-Secret",
        "--host",
        "next.example",
        "--sample",
        "100%",
    ] {
        setup = setup.arg(arg);
    }
    let tee = setup.start();
    let mut client = tee.client();
    for request in [
        with("/api/yes", "X-Secret: 1\r\n"),
        get("/api/no"),
        get("/other"),
        post("/api/post", "x"),
        with("/api/bot", "X-Bot: 1\r\n"),
    ] {
        client.send(request).answer();
    }
    let ledger = tee.settled(5);
    assert_eq!(ledger.of("flags"), [("answered", 1), ("filtered", 4)]);
    let copy = shadow.request();
    assert_eq!(copy.target(), "/api/yes");
    assert_eq!(copy.header("host"), Some("next.example"));
    assert_eq!(copy.header("x-copy"), Some("yes"));
    assert!(!copy.has("x-secret"));
}

#[test]
fn check_explains_what_becomes_of_a_request() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(
        &file,
        "listen = [\"127.0.0.1:8080\"]\n[primary]\naddress = \"unix:/run/app.sock\"\n\
         [[shadow]]\nname = \"one\"\naddress = \"127.0.0.1:1\"\n\
         select.deny = [{ name = \"money\", path = \"prefix:/orders\" }]\n\
         [[shadow]]\nname = \"two\"\naddress = \"127.0.0.1:2\"\nhost = \"two.example\"\n\
         rewrite.base_path = \"/v2\"\nrewrite.authorization = { env = \"PATH\" }\n",
    )
    .unwrap();
    let explain = |args: &[&str]| {
        let mut all = vec!["check", "--config", file.to_str().unwrap(), "--explain"];
        all.extend(args);
        let output = shadowtee(&all);
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let (code, said, _) = explain(&["POST /orders HTTP/1.1", "-H", "Content-Length: 0"]);
    assert_eq!(code, Some(0));
    let (one, two) = said.split_once("shadow \"two\"").unwrap();
    assert!(
        one.contains("not copied (filtered): select.deny[0] (\"money\") denies it"),
        "{said}"
    );
    for part in [
        "copied: there are no rules",
        "POST /v2/orders HTTP/1.1\n",
        "Host: two.example\n",
        "Content-Length: 0\n",
        "Authorization: ********\n",
        "X-Shadow-Request: two\n",
    ] {
        assert!(two.contains(part), "{part:?} in {two}");
    }
    let (code, _, said) = explain(&["GET /a b HTTP/1.1"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("not a request"), "{said}");
    let (code, _, said) = explain(&["GET /", "-H", "Host: a", "-H", "Host: b"]);
    assert_eq!(code, Some(1));
    assert!(said.contains("more than one Host"), "{said}");
}

#[test]
fn a_copy_goes_out_as_explained() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "rewrite.base_path = \"/v2\"")
        .start();
    let config = tee.dir().join("shadowtee.toml");
    let output = shadowtee(&[
        "check",
        "--config",
        config.to_str().unwrap(),
        "--explain",
        "GET /a?b",
        "-H",
        "Host: shop",
        "-H",
        "X-Request-Id: 7",
        "-H",
        "Connection: close",
    ]);
    Client::connect(&tee)
        .send("GET /a?b HTTP/1.1\r\nHost: shop\r\nX-Request-Id: 7\r\nConnection: close\r\n\r\n")
        .answer();
    let said = String::from_utf8(output.stdout).unwrap();
    let explained: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect();
    let copy = shadow.request();
    let sent: Vec<_> = copy.head.split("\r\n").collect();
    let same = |lines: &[&str]| -> Vec<String> {
        let lines = lines
            .iter()
            .filter(|line| !line.starts_with("X-Shadowtee-Instance"));
        lines.map(ToString::to_string).collect()
    };
    assert_eq!(same(&explained), same(&sent));
}

#[test]
fn a_host_is_the_same_with_a_dot_at_its_end_in_any_case_and_with_its_port() {
    let hosts = [
        "admin.example",
        "admin.example.",
        "ADMIN.example.:80",
        "admin.example:8080",
        "admin.example..",
    ];
    for rule in [
        "admin.example",
        "Admin.Example.",
        "glob:admin.*",
        "glob:*.example.",
        "prefix:admin.example.",
        "regex:^admin\\\\.example\\\\.$",
    ] {
        let requests = hosts.map(|host| format!("GET /{host} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        let select = format!("select = {{ deny = [{{ host = \"{rule}\" }}] }}");
        assert!(copied(&select, &requests).is_empty(), "{rule}");
    }
}
