//! Clients of HTTP/1.0 and those that end their connection, and primaries that end theirs.

use crate::kit::{Ending, Server, Tee, answers, tells};

#[test]
fn a_client_of_http_1_0_gets_no_chunks_and_the_end_by_the_connection() {
    let primary = Server::unix(answers(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n",
    ));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let got = client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").answer();
    let (rest, ending) = client.rest();
    assert!(!got.has("transfer-encoding"), "{}", got.head);
    assert_eq!(
        (got.text().as_str(), rest.as_slice(), ending),
        ("hello!", [].as_slice(), Ending::Clean)
    );
}

#[test]
fn a_client_of_http_1_0_is_closed_after_its_answer() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    assert_eq!(
        client
            .send("GET /a HTTP/1.0\r\nHost: a\r\n\r\n")
            .answer()
            .text(),
        "GET /a 0"
    );
    assert_eq!(client.rest(), (Vec::new(), Ending::Clean));
}

#[test]
fn nginx_in_its_default_form_is_served() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let answer = client
        .send("POST /a HTTP/1.0\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nxy")
        .answer();
    assert_eq!(answer.text(), "POST /a 2");
    assert_eq!(client.rest(), (Vec::new(), Ending::Clean));
}

#[test]
fn a_client_of_http_1_0_may_keep_its_connection() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for _ in 0..3 {
        let answer = client
            .send("GET /a HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
            .answer();
        assert_eq!(answer.text(), "GET /a 0");
        let connection = answer
            .header("connection")
            .unwrap_or_default()
            .to_ascii_lowercase();
        assert_eq!(
            connection, "keep-alive",
            "a client of HTTP/1.0 must be told"
        );
    }
    assert_eq!(primary.connections(), 1);
}

#[test]
fn a_client_of_http_1_0_without_a_host_is_served() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(
        tee.client().send("GET /a HTTP/1.0\r\n\r\n").answer().text(),
        "GET /a 0"
    );
}

#[test]
fn a_client_that_asks_for_the_end_is_closed_after_its_answer() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let answer = client
        .send("GET /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .answer();
    assert_eq!(
        (answer.text().as_str(), answer.header("connection")),
        ("GET /a 0", Some("close"))
    );
    assert_eq!(client.rest(), (Vec::new(), Ending::Clean));
}

#[test]
fn a_primary_that_closes_after_each_answer_does_not_close_the_client() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "ok");
    }
    assert_eq!(primary.connections(), 3);
}

#[test]
fn a_client_of_http_1_0_that_would_keep_its_connection_is_closed_after_an_answer_without_length() {
    let primary = Server::unix(answers(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let got = client
        .send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        .answer();
    assert!(!got.has("transfer-encoding"), "{}", got.head);
    assert_ne!(
        got.header("connection")
            .map(str::to_ascii_lowercase)
            .as_deref(),
        Some("keep-alive")
    );
    assert_eq!(
        (got.text().as_str(), client.rest().1),
        ("hello", Ending::Clean)
    );
}

#[test]
fn a_primary_of_http_1_0_may_keep_its_connection() {
    let primary = Server::unix(answers(
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    ));
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    for _ in 0..3 {
        let answer = tee.get("/");
        assert_eq!(
            (answer.text().as_str(), answer.has("connection")),
            ("ok", false)
        );
    }
}
