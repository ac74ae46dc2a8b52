//! What the primary receives is what the client sent, and what the client receives is what the primary sent.

use crate::kit::{Message, OK, Server, Tee, answers, latin1, tells};

/// A primary that answers with these bytes, and shadowtee before it.
fn before(answer: &'static str) -> (Server, Tee) {
    let primary = Server::unix(answers(answer));
    let tee = Tee::with_primary(&primary).start();
    (primary, tee)
}

/// What the primary gets when a client sends these bytes.
#[track_caller]
fn arrived(request: impl AsRef<[u8]>) -> Message {
    let (primary, tee) = before(OK);
    let answer = tee.client().send(request).answer();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    primary.request()
}

#[test]
fn a_request_arrives_as_it_was_sent() {
    let request = arrived(
        "PUT /items/7?x=1&x=2 HTTP/1.1\r\nHost: app.example:8080\r\nContent-Type: text/plain\r\n\
         X-Request-Id: one\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert_eq!(request.start(), "PUT /items/7?x=1&x=2 HTTP/1.1");
    assert_eq!(
        request.lines(),
        [
            "Host: app.example:8080",
            "Content-Type: text/plain",
            "X-Request-Id: one",
            "Content-Length: 5"
        ]
    );
    assert_eq!(request.text(), "hello");
}

#[test]
fn an_answer_arrives_byte_for_byte() {
    let answer = "HTTP/1.1 201 Made It\r\nserver: app\r\nX-ODD-case: 1\r\nContent-Length: 4\r\n\
                  Set-Cookie: a=1\r\nset-cookie: b=2\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\nmade";
    let (_primary, tee) = before(answer);
    assert_eq!(tee.get("/").raw, answer.as_bytes());
}

#[test]
fn an_answer_gets_no_header_that_the_primary_did_not_send() {
    let (_primary, tee) = before(OK);
    assert_eq!(tee.get("/").raw, OK.as_bytes());
}

#[test]
fn header_names_keep_their_case_both_ways() {
    let (primary, tee) = before(
        "HTTP/1.1 200 OK\r\nX-uPPer: 1\r\nx-lower: 2\r\nETAG: \"e\"\r\ncontent-LENGTH: 0\r\n\r\n",
    );
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nhOST: a\r\nX-uPPer: 1\r\nACCEPT: */*\r\n\r\n")
        .answer();
    assert_eq!(
        answer.lines(),
        [
            "X-uPPer: 1",
            "x-lower: 2",
            "ETAG: \"e\"",
            "content-LENGTH: 0"
        ]
    );
    assert_eq!(
        primary.request().lines_sent(),
        ["hOST: a", "X-uPPer: 1", "ACCEPT: */*"]
    );
}

#[test]
fn headers_keep_their_order_both_ways() {
    let (primary, tee) = before(
        "HTTP/1.1 200 OK\r\nZ-Last: 1\r\nServer: x\r\nA-First: 2\r\nContent-Length: 0\r\nM-Middle: 3\r\n\r\n",
    );
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nZ: 1\r\nB: 2\r\nHost: a\r\nA: 3\r\nCookie: c\r\n\r\n")
        .answer();
    assert_eq!(
        answer.lines(),
        [
            "Z-Last: 1",
            "Server: x",
            "A-First: 2",
            "Content-Length: 0",
            "M-Middle: 3"
        ]
    );
    assert_eq!(
        primary.request().lines_sent(),
        ["Z: 1", "B: 2", "Host: a", "A: 3", "Cookie: c"]
    );
}

#[test]
fn repeated_headers_stay_separate_lines_in_their_order() {
    let (primary, tee) = before(
        "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nset-cookie: b=2\r\nSET-COOKIE: a=1\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\nX-a: 1\r\n\r\n")
        .answer();
    assert_eq!(
        answer.lines()[..3],
        ["Set-Cookie: a=1", "set-cookie: b=2", "SET-COOKIE: a=1"]
    );
    assert_eq!(
        primary.request().lines_sent(),
        ["Host: a", "X-A: 1", "x-a: 2", "X-a: 1"]
    );
}

#[test]
fn repeated_headers_stay_where_they_stand() {
    let (primary, tee) = before(
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\nX-A: 3\r\nContent-Length: 0\r\nX-B: 4\r\n\r\n",
    );
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nX-A: 1\r\nHost: a\r\nX-A: 2\r\nX-B: 3\r\nX-A: 4\r\n\r\n")
        .answer();
    assert_eq!(
        answer.lines(),
        ["X-A: 1", "X-B: 2", "X-A: 3", "Content-Length: 0", "X-B: 4"]
    );
    assert_eq!(
        primary.request().lines_sent(),
        ["X-A: 1", "Host: a", "X-A: 2", "X-B: 3", "X-A: 4"]
    );
}

#[test]
fn header_bytes_outside_ascii_pass_both_ways() {
    let mut odd: Vec<u8> = (0x80..=0xff).collect();
    odd.extend_from_slice("caf\u{e9}\tau lait".as_bytes());
    let header = [b"X-Odd: ".as_slice(), &odd, b"\r\n"].concat();
    let answer = [
        b"HTTP/1.1 200 OK\r\n".as_slice(),
        &header,
        b"Content-Length: 0\r\n\r\n",
    ]
    .concat();
    let primary = Server::unix(answers(answer.clone()));
    let tee = Tee::with_primary(&primary).start();
    let request = [
        b"GET / HTTP/1.1\r\nHost: a\r\n".as_slice(),
        &header,
        b"\r\n",
    ]
    .concat();
    assert_eq!(tee.client().send(request).answer().raw, answer);
    assert_eq!(
        primary.request().header("x-odd"),
        Some(latin1(&odd).as_str())
    );
}

#[test]
fn empty_header_values_pass_both_ways() {
    let (primary, tee) = before("HTTP/1.1 200 OK\r\nX-Empty: \r\nContent-Length: 0\r\n\r\n");
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nAccept:\r\n\r\n")
        .answer();
    assert_eq!(answer.header("x-empty"), Some(""));
    assert_eq!(primary.request().all("x-empty"), [""]);
    assert_eq!(primary.request().all("accept"), [""]);
}

#[test]
fn a_body_on_get_arrives() {
    let request = arrived("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(
        (request.method(), request.text().as_str()),
        ("GET", "hello")
    );
}

#[test]
fn an_answer_to_head_keeps_its_length_and_has_no_body() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n";
    let (_primary, tee) = before(answer);
    let mut client = tee.client();
    for _ in 0..2 {
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer_to_head().raw, answer.as_bytes());
    }
}

#[test]
fn an_answer_to_head_without_length_gets_none() {
    let (_primary, tee) = before("HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n");
    let mut client = tee.client();
    for _ in 0..2 {
        let answer = client
            .send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            .answer_to_head();
        assert!(!answer.has("content-length"), "{}", answer.head);
    }
}

#[test]
fn no_content_and_not_modified_have_no_body_and_keep_the_connection() {
    for (answer, connections) in [
        ("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n", 1),
        ("HTTP/1.1 304 Not Modified\r\nETag: \"1\"\r\n\r\n", 1),
        // The client's is kept. That of the primary may carry the body that it announces.
        (
            "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\nETag: \"1\"\r\n\r\n",
            3,
        ),
    ] {
        let (primary, tee) = before(answer);
        let mut client = tee.client();
        for _ in 0..3 {
            assert_eq!(latin1(&client.get("/").raw), answer);
        }
        assert_eq!(
            (primary.requests().len(), primary.connections()),
            (3, connections)
        );
    }
}

#[test]
fn status_and_reason_arrive_as_they_were_sent() {
    for start in [
        "HTTP/1.1 200 Fine",
        "HTTP/1.1 299 Odd Thing",
        "HTTP/1.1 418 ",
        "HTTP/1.1 599 ",
    ] {
        let raw: Vec<u8> = start.chars().map(|c| u8::try_from(c).unwrap()).collect();
        let answer = [&raw[..], b"\r\nContent-Length: 0\r\n\r\n"].concat();
        let primary = Server::unix(answers(answer));
        let tee = Tee::with_primary(&primary).start();
        assert_eq!(tee.get("/").start(), start);
    }
}

#[test]
fn headers_of_one_hop_go_no_further() {
    let (primary, tee) = before(
        "HTTP/1.1 200 OK\r\nX-Kept: 1\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = tee
        .client()
        .send(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Secret ,x-other\r\nX-Secret: 1\r\nX-OTHER: 2\r\n\
             X-Kept: 3\r\nKeep-Alive: 5\r\nProxy-Connection: keep-alive\r\n\r\n",
        )
        .answer();
    assert_eq!(answer.lines(), ["X-Kept: 1", "Content-Length: 0"]);
    assert_eq!(primary.request().lines_sent(), ["Host: a", "X-Kept: 3"]);
}

#[test]
fn a_client_cannot_have_the_host_or_the_length_taken_off_as_headers_of_one_hop() {
    let (primary, tee) = before(OK);
    let answer = tee
        .client()
        .send("POST / HTTP/1.1\r\nHost: a\r\nConnection: Host, Content-Length\r\nContent-Length: 3\r\n\r\nabc")
        .answer();
    if answer.status() != 400 {
        let request = primary.request();
        assert_eq!(
            (request.header("host"), request.text().as_str()),
            (Some("a"), "abc")
        );
    }
}

#[test]
fn forwarded_headers_pass_as_they_are() {
    let request = arrived(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: b\r\nVia: 1.0 fred\r\nForwarded: for=192.0.2.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n",
    );
    assert_eq!(request.all("x-forwarded-for"), ["192.0.2.1"]);
    assert_eq!(request.lines_sent().len(), 7);
}

#[test]
fn no_forwarded_header_is_added_unless_asked_for() {
    assert_eq!(
        arrived("GET / HTTP/1.1\r\nHost: a\r\n\r\n").lines_sent(),
        ["Host: a"]
    );
}

#[test]
fn forwarded_headers_are_added_when_asked_for() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .on_tcp()
        .toml("[forwarded]\nadd = true")
        .start();
    tee.client()
        .send("GET / HTTP/1.1\r\nHost: app.example\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
        .answer();
    let request = primary.request();
    assert_eq!(
        request.all("x-forwarded-for").join(", "),
        "192.0.2.1, 127.0.0.1"
    );
    assert_eq!(request.header("x-forwarded-proto"), Some("http"));
    assert_eq!(request.header("x-forwarded-host"), Some("app.example"));
    assert!(
        request
            .header("via")
            .is_some_and(|via| via.starts_with("1.1 ")),
        "{}",
        request.head
    );
}

#[test]
fn pipelined_requests_are_answered_in_their_order() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send(
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc\
         GET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
    );
    let texts: Vec<_> = (0..3).map(|_| client.answer().text()).collect();
    assert_eq!(texts, ["GET /1 0", "POST /2 3", "GET /3 0"]);
}

#[test]
fn an_early_hint_does_no_harm_to_the_answer_after_it() {
    let primary = Server::unix(|conn| {
        loop {
            conn.request()?;
            conn.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")?;
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for _ in 0..2 {
        assert_eq!(
            client
                .send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .final_answer()
                .raw,
            OK.as_bytes()
        );
    }
}

#[test]
fn an_answer_to_head_that_would_have_been_chunked_says_so_and_has_no_body() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n";
    let (_primary, tee) = before(answer);
    let mut client = tee.client();
    for _ in 0..2 {
        client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer_to_head().raw, answer.as_bytes());
    }
}

#[test]
fn a_refusal_of_head_has_no_body() {
    let tee = Tee::with_primary("unix:/nowhere.sock").start();
    let mut client = tee.client();
    for _ in 0..2 {
        let answer = client
            .send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n")
            .answer_to_head();
        assert_eq!(answer.status(), 502);
    }
}

#[test]
fn an_early_hint_reaches_a_client_that_understands_it() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n";
    let (_primary, tee) = before(
        "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    );
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().raw, hint.as_bytes());
    assert_eq!(client.answer().raw, OK.as_bytes());
    let mut old = tee.client();
    old.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    assert_eq!(old.answer().status(), 200);
}

#[test]
fn an_empty_line_before_a_request_does_no_harm() {
    let (primary, tee) = before(OK);
    let mut client = tee.client();
    for _ in 0..2 {
        assert_eq!(
            client
                .send("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
                .answer()
                .raw,
            OK.as_bytes()
        );
    }
    assert_eq!(primary.requests().len(), 2);
}
