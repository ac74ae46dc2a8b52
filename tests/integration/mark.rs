//! The mark, the id, and the header by which shadowtee knows its own copies.

use crate::kit::{Message, OK, Server, Tee, answers, assert_refusal, get, latin1};

/// What primary and shadow get of one request.
#[track_caller]
fn both(setting: &str, request: &str) -> (Message, Message) {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml(setting)
        .start();
    assert_eq!(tee.client().send(request).answer().raw, OK.as_bytes());
    tee.settled(1);
    (primary.request(), shadow.request())
}

#[test]
fn a_request_without_an_id_gets_one_that_primary_and_shadow_share() {
    let (primary, shadow) = both("", &get("/"));
    let id = primary.header("x-request-id").unwrap();
    assert!(
        id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(shadow.all("x-request-id"), [id]);
}

#[test]
fn an_id_that_nginx_set_is_kept() {
    let (primary, shadow) = both(
        "",
        "GET / HTTP/1.1\r\nHost: a\r\nx-request-ID: from nginx\r\n\r\n",
    );
    for request in [primary, shadow] {
        assert_eq!(request.all("x-request-id"), ["from nginx"]);
    }
}

#[test]
fn the_header_of_the_id_may_have_another_name() {
    let (primary, shadow) = both("[request_id]\nheader = \"X-Trace\"", &get("/"));
    for request in [&primary, &shadow] {
        assert_eq!(request.header("x-trace").map(str::len), Some(32));
        assert!(!request.has("x-request-id"));
    }
}

#[test]
fn the_copy_is_the_request_with_its_mark_and_the_instance() {
    let (primary, shadow) = both(
        "",
        "PUT /a?b=c HTTP/1.1\r\nHost: app.example\r\nX-B: 1\r\nCookie: s=1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nhi",
    );
    assert_eq!(shadow.start(), "PUT /a?b=c HTTP/1.1");
    assert_eq!(shadow.lines_sent(), primary.lines_sent());
    assert_eq!(shadow.text(), "hi");
    assert_eq!(shadow.all("x-shadow-request"), ["next"]);
    assert_eq!(shadow.all("x-shadowtee-instance").len(), 1);
    assert!(
        !primary.has("x-shadow-request") && !primary.has("x-shadowtee-instance"),
        "{}",
        primary.head
    );
}

#[test]
fn each_shadow_gets_its_own_name_as_mark() {
    let primary = Server::unix(answers(OK));
    let (one, two) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow("one", &one)
        .shadow("two", &two)
        .start();
    tee.get("/");
    tee.settled(1);
    assert_eq!(one.request().all("x-shadow-request"), ["one"]);
    assert_eq!(two.request().all("x-shadow-request"), ["two"]);
    assert_eq!(
        one.request().header("x-shadowtee-instance"),
        two.request().header("x-shadowtee-instance")
    );
}

#[test]
fn a_forged_mark_does_not_reach_the_primary_however_it_is_written() {
    let (primary, shadow) = both(
        "",
        "GET / HTTP/1.1\r\nX-Shadow-Request: next\r\nHost: a\r\nx-shadow-request: 1\r\nX-SHADOW-REQUEST:\r\n\r\n",
    );
    assert_eq!(primary.lines_sent(), ["Host: a"]);
    assert!(!primary.has("x-shadow-request"), "{}", primary.head);
    assert_eq!(shadow.all("x-shadow-request"), ["next"]);
}

#[test]
fn a_forged_mark_does_not_reach_the_primary_in_a_trailer_either() {
    let (primary, _) = both(
        "",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Shadow-Request\r\n\r\n\
         0\r\nX-Shadow-Request: next\r\n\r\n",
    );
    assert!(
        !primary
            .trailers
            .join("\n")
            .to_ascii_lowercase()
            .contains("x-shadow-request"),
        "{primary:?}"
    );
}

#[test]
fn a_forged_mark_does_not_reach_the_primary_of_an_upgrade_either() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    tee.client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Shadow-Request: 1\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .answer();
    assert!(!primary.request().has("x-shadow-request"));
}

#[test]
fn in_a_chain_the_mark_may_be_kept() {
    let (primary, shadow) = both(
        "[mark]\nkeep = true",
        "GET / HTTP/1.1\r\nHost: a\r\nX-Shadow-Request: before\r\n\r\n",
    );
    assert_eq!(primary.all("x-shadow-request"), ["before"]);
    assert_eq!(shadow.all("x-shadow-request"), ["next"]);
}

#[test]
fn the_mark_may_have_another_name() {
    let (primary, shadow) = both(
        "[mark]\nheader = \"X-Copy\"",
        "GET / HTTP/1.1\r\nHost: a\r\nx-copy: forged\r\nX-Shadow-Request: 1\r\n\r\n",
    );
    assert!(!primary.has("x-copy"));
    assert_eq!(
        primary.all("x-shadow-request"),
        ["1"],
        "under another name it is a header like any other"
    );
    assert_eq!(shadow.all("x-copy"), ["next"]);
}

#[test]
fn a_copy_that_comes_back_is_refused_and_never_reaches_the_primary() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    let itself = setup.address().to_owned();
    let tee = setup.shadow("next", &itself).start();
    assert_eq!(tee.get("/").raw, OK.as_bytes());
    let ledger = tee.settled(2);
    assert_eq!(ledger.of("next"), [("answered", 1), ("looped", 1)]);
    assert_eq!(primary.requests().len(), 1);
}

#[test]
fn a_request_with_this_instances_id_gets_508() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    tee.get("/");
    tee.settled(1);
    let instance = shadow
        .request()
        .header("x-shadowtee-instance")
        .unwrap()
        .to_owned();
    let mut client = tee.client();
    for name in ["X-Shadowtee-Instance", "x-shadowtee-instance"] {
        let body = "Content-Length: 2\r\n\r\nhi";
        let request =
            format!("POST / HTTP/1.1\r\nHost: a\r\n{name}: other\r\n{name}: {instance}\r\n{body}");
        assert_refusal(&client.send(request).answer(), 508);
    }
    let ledger = tee.settled(3);
    assert_eq!(ledger.of("next"), [("answered", 1), ("looped", 2)]);
    assert_eq!((primary.requests().len(), shadow.requests().len()), (1, 1));
}

#[test]
fn a_request_that_went_through_another_instance_is_served() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let inner = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[mark]\nkeep = true")
        .start();
    let outer_primary = Server::unix(answers(OK));
    let outer = Tee::with_primary(&outer_primary)
        .shadow("chain", &inner)
        .start();
    outer.get("/");
    assert_eq!(outer.settled(1).of("chain"), [("answered", 1)]);
    inner.settled(1);
    assert_eq!(primary.request().all("x-shadow-request"), ["chain"]);
    assert_eq!(shadow.request().all("x-shadow-request"), ["next"]);
}

#[test]
fn a_loop_of_two_instances_ends() {
    let (one_primary, two_primary) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let one = Tee::with_primary(&one_primary);
    let two = Tee::with_primary(&two_primary)
        .shadow("one", one.address())
        .start();
    let one = one.shadow("two", &two).start();
    one.get("/");
    // It comes back once: as its own.
    let ledger = one.settled(2);
    assert_eq!(ledger.of("two"), [("answered", 1), ("looped", 1)]);
    assert_eq!(
        (one_primary.requests().len(), two_primary.requests().len()),
        (1, 1)
    );
}

#[test]
fn the_host_of_the_copy_is_the_clients_unless_told_otherwise() {
    for (setting, expected) in [
        ("", "app.example"),
        ("host = \"client\"", "app.example"),
        ("host = \"next.example:81\"", "next.example:81"),
    ] {
        let primary = Server::unix(answers(OK));
        let shadow = Server::tcp(answers(OK));
        let tee = Tee::with_primary(&primary)
            .shadow_with("next", &shadow, setting)
            .start();
        tee.get("/");
        assert_eq!(shadow.request().all("host"), [expected]);
        assert_eq!(primary.request().all("host"), ["app.example"]);
    }
}

#[test]
fn the_host_of_the_copy_may_be_that_of_the_address() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::tcp(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "host = \"address\"")
        .start();
    tee.get("/");
    assert_eq!(shadow.request().all("host"), [crate::kit::At::at(&shadow)]);
}

/// Rack, WSGI and PHP read `X_Name` and `X-Name` as one.
#[test]
fn a_mark_spelt_with_underscores_reaches_nobody() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for name in ["X_Shadow_Request", "X-Shadow_Request", "x_shadow-request"] {
        client.send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\n{name}: next\r\nX_Other: 1\r\n\r\n"
        ));
        assert_eq!(client.answer().status(), 200);
    }
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\
         X_Shadow_Request: next\r\nX-Request-Id: forged\r\nAuthorization: Basic x\r\nProxy_Authorization: x\r\nX-Sum: 1\r\n\r\n",
    );
    assert_eq!(client.answer().status(), 200);
    for request in primary.requests() {
        let raw = latin1(&request.raw).to_ascii_lowercase().replace('_', "-");
        assert!(!raw.contains("x-shadow-request"), "{raw}");
        assert!(
            !raw.contains("forged") && !raw.contains("authorization"),
            "{raw}"
        );
        assert!(
            raw.contains("x-other: 1") || raw.contains("x-sum: 1"),
            "{raw}"
        );
    }
}
