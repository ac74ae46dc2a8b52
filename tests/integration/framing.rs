//! Where a message ends is never in doubt: neither for the primary nor for the client.

use crate::kit::{Ending, Message, OK, Server, Tee, answers};

#[track_caller]
fn arrived(request: &str) -> Message {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee.client().send(request).answer();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    primary.request()
}

/// What the client gets when the primary answers so.
#[track_caller]
fn answered(request: &str, answer: &'static str) -> (Message, Vec<u8>, Ending) {
    let primary = Server::unix(move |conn| {
        conn.request()?;
        conn.send(answer)
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let answer = client.send(request).answer();
    let (rest, ending) = client.half_close().rest();
    (answer, rest, ending)
}

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_sized_body_arrives_sized() {
    let request = arrived("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(
        (
            request.header("content-length"),
            request.has("transfer-encoding")
        ),
        (Some("5"), false)
    );
    assert_eq!(request.text(), "hello");
}

#[test]
fn a_chunked_body_arrives_chunked() {
    let request = arrived(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    );
    assert_eq!(
        (request.is_chunked(), request.has("content-length")),
        (true, false)
    );
    assert_eq!(request.text(), "hello!");
}

#[test]
fn an_empty_body_keeps_its_framing() {
    let request = arrived("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(request.lines_sent(), ["Host: a", "Content-Length: 0"]);
    let request =
        arrived("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(
        request.lines_sent(),
        ["Host: a", "Transfer-Encoding: chunked"]
    );
    let request = arrived("POST / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(request.lines_sent(), ["Host: a"]);
}

#[test]
fn announced_trailers_of_a_request_reach_the_primary_and_the_shadow() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    tee.client()
        .send(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-More\r\n\r\n\
             5\r\nhello\r\n0\r\nX-Sum: 42\r\nX-More: yes\r\n\r\n",
        )
        .answer();
    for server in [&primary, &shadow] {
        let request = server.request();
        assert_eq!(
            (request.header("trailer"), request.text().as_str()),
            (Some("X-Sum, X-More"), "hello")
        );
        let trailers: Vec<_> = request
            .trailers
            .iter()
            .map(|line| line.to_ascii_lowercase())
            .collect();
        assert_eq!(trailers, ["x-sum: 42", "x-more: yes"]);
    }
}

#[test]
fn trailers_of_an_answer_reach_a_client_that_takes_them() {
    let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
                  5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n";
    let primary = Server::unix(answers(answer));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let got = client
        .send("GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n")
        .answer();
    assert_eq!(
        (got.header("trailer"), got.text().as_str()),
        (Some("X-Sum"), "hello")
    );
    assert_eq!(got.trailers.join("").to_ascii_lowercase(), "x-sum: 42");
    let request = primary.request();
    assert_eq!(
        request.header("te"),
        Some("trailers"),
        "the primary must know that trailers are welcome"
    );
}

#[test]
fn trailers_of_an_answer_do_no_harm_to_a_client_that_did_not_ask() {
    let (got, ..) = answered(
        GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n",
    );
    assert_eq!(got.text(), "hello");
}

#[test]
fn a_sized_answer_stays_sized_and_a_chunked_one_chunked() {
    let (got, ..) = answered(GET, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    assert_eq!(
        got.raw,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    );
    let (got, ..) = answered(
        GET,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    assert_eq!(
        (
            got.is_chunked(),
            got.has("content-length"),
            got.text().as_str()
        ),
        (true, false, "hello")
    );
}

#[test]
fn an_answer_that_ends_with_the_connection_arrives_whole_and_with_an_end() {
    for answer in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello",
    ] {
        let (got, rest, ending) = answered(GET, answer);
        assert_eq!(
            (got.text().as_str(), rest.as_slice(), ending),
            ("hello", [].as_slice(), Ending::Clean),
            "{answer}"
        );
        assert!(
            got.is_chunked() || got.header("connection") == Some("close"),
            "{}",
            got.head
        );
    }
}

#[test]
fn an_answer_with_both_length_and_chunks_is_never_passed_on_as_two_possible_messages() {
    let (got, ..) = answered(
        GET,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    );
    assert!(
        got.status() == 502 || (got.text() == "hello" && !got.has("content-length")),
        "{}",
        got.head
    );
}

#[test]
fn an_answer_with_two_different_lengths_is_not_passed_on() {
    let (got, ..) = answered(
        GET,
        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 5\r\n\r\nhello",
    );
    assert_eq!(got.status(), 502);
}
