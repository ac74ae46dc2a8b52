//! Nothing is put in another order, nothing is left out, nothing is added.

use crate::kit::{Message, OK, Server, Tee, answers, get};

/// What primary and shadow get when a client sends these bytes.
#[track_caller]
fn arrived(request: impl AsRef<[u8]>) -> [Message; 2] {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let answer = tee.client().send(request).answer();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    [primary.request(), shadow.request()]
}

#[test]
fn repeated_headers_of_a_request_stand_where_they_stood() {
    let lines = ["X-A: 1", "Host: a", "X-A: 2", "X-B: 3", "x-a: 4", "X-b: 5"];
    for request in arrived(format!("GET / HTTP/1.1\r\n{}\r\n\r\n", lines.join("\r\n"))) {
        assert_eq!(request.lines_sent(), lines);
    }
}

#[test]
fn repeated_headers_of_an_answer_stand_where_they_stood() {
    let answer = "HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nX-B: 2\r\nset-cookie: c\r\nContent-Length: 0\r\nX-B: 4\r\n\r\n";
    let primary = Server::unix(answers(answer));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.get("/").raw, answer.as_bytes());
}

#[test]
fn trailers_of_a_request_arrive_with_and_without_announcement() {
    for announced in ["", "Trailer: X-Sum, X-More\r\n"] {
        for request in arrived(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n{announced}\r\n\
             5\r\nhello\r\n0\r\nX-Sum: 42\r\nX-More: a, b\r\nX-Sum: 43\r\n\r\n"
        )) {
            assert_eq!(request.text(), "hello");
            assert_eq!(
                request.trailers,
                ["X-Sum: 42", "X-More: a, b", "X-Sum: 43"],
                "{announced:?}"
            );
        }
    }
}

#[test]
fn trailers_of_an_answer_arrive_with_and_without_being_asked_for() {
    for announced in ["", "Trailer: X-Sum\r\n"] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n{announced}\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n"
        );
        let primary = Server::unix(answers(answer));
        let tee = Tee::with_primary(&primary).start();
        for asked in ["", "TE: trailers\r\nConnection: TE\r\n"] {
            let got = tee
                .client()
                .send(format!("GET / HTTP/1.1\r\nHost: a\r\n{asked}\r\n"))
                .answer();
            assert_eq!(got.text(), "hello");
            assert_eq!(got.trailers, ["X-Sum: 42"], "{announced:?} {asked:?}");
        }
    }
}

#[test]
fn interim_answers_reach_the_client_as_they_come() {
    // A proxy must forward 1xx answers that it did not ask for itself (RFC 9110, 15.2).
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-A: 1\r\n\r\n";
    let primary = Server::unix(move |conn| {
        loop {
            conn.request()?;
            conn.send(hint)?;
            conn.send("HTTP/1.1 102 Processing\r\n\r\n")?;
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for _ in 0..2 {
        assert_eq!(client.get("/").raw, hint.as_bytes());
        assert_eq!(client.answer().status(), 102);
        assert_eq!(client.answer().raw, OK.as_bytes());
    }
}

#[test]
fn absolute_targets_arrive_byte_for_byte() {
    for target in [
        "http://app.example",
        "http://app.example?a",
        "HTTP://App.Example/a",
        "http://app.example:80/a//b/../c?d?e",
    ] {
        let authority = &target[7..];
        let end = authority.find(['/', '?']).unwrap_or(authority.len());
        let host = &authority[..end];
        for request in arrived(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")) {
            assert_eq!(
                (request.target(), request.all("host")),
                (target, vec![host])
            );
        }
    }
}

#[test]
fn options_of_a_server_named_whole_arrives_byte_for_byte() {
    for request in arrived("OPTIONS http://app.example HTTP/1.1\r\nHost: app.example\r\n\r\n") {
        assert_eq!(request.start(), "OPTIONS http://app.example HTTP/1.1");
    }
}

#[test]
fn an_id_that_is_added_has_the_name_as_it_is_configured() {
    for request in arrived(get("/")) {
        assert!(
            request
                .lines()
                .iter()
                .any(|line| line.starts_with("X-Request-Id: ")),
            "{}",
            request.head
        );
    }
}

#[test]
fn the_mark_has_the_name_as_it_is_configured() {
    let [_, copy] = arrived(get("/"));
    for name in ["X-Shadow-Request: next", "X-Shadowtee-Instance: "] {
        assert!(
            copy.lines().iter().any(|line| line.starts_with(name)),
            "{name} in {}",
            copy.head
        );
    }
}

#[test]
fn a_reason_of_any_bytes_arrives() {
    let answer = b"HTTP/1.1 200 d\xe9j\xe0 vu\r\nContent-Length: 2\r\n\r\nok";
    let primary = Server::unix(answers(answer));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.get("/").raw, answer);
}

#[test]
fn an_id_cannot_be_taken_off_as_a_header_of_one_hop() {
    let [primary, shadow] = arrived(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Request-Id\r\nX-Request-Id: mine\r\n\r\n",
    );
    for request in [&primary, &shadow] {
        assert_eq!(request.all("x-request-id").len(), 1, "{}", request.head);
    }
    assert_eq!(
        primary.header("x-request-id"),
        shadow.header("x-request-id")
    );
}
