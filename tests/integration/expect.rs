//! `Expect: 100-continue`: the primary alone says whether it wants the body.

use crate::kit::{Gate, OK, Server, Tee, answers};

const HEAD: &str =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

#[test]
fn a_client_is_told_to_continue_when_the_primary_says_so_and_not_before() {
    let go = Gate::default();
    let gate = go.clone();
    let primary = Server::unix(move |conn| {
        let mut request = conn.head()?;
        gate.pass();
        conn.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        conn.body(&mut request)?;
        conn.send(OK)
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    client.send(HEAD);
    primary.connection(0);
    assert!(client.is_silent(), "nobody has said 100 yet");
    go.open();
    assert_eq!(client.answer().status(), 100);
    client.send("hello");
    assert_eq!(client.answer().raw, OK.as_bytes());
    let request = primary.request();
    assert_eq!(
        (request.header("expect"), request.text().as_str()),
        (Some("100-continue"), "hello")
    );
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!(shadow.request().text(), "hello");
}

#[test]
fn a_body_that_the_primary_refuses_is_never_asked_for() {
    let primary = Server::unix(|conn| {
        conn.head()?;
        conn.send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 2\r\n\r\nno")?;
        conn.hang().map(drop)
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    let answer = client.send(HEAD).answer();
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (417, "no"),
        "no 100 before it"
    );
    client.half_close().rest();
    let ledger = tee.settled(1);
    assert_eq!(ledger.count("next", "answered"), 0, "{ledger:?}");
    assert!(
        shadow.requests().is_empty(),
        "a request without its body is no copy"
    );
    assert!(!String::from_utf8_lossy(&primary.connection(0).bytes()).contains("hello"));
}

#[test]
fn a_client_that_does_not_wait_for_100_is_served() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee.client().send(HEAD).send("hello").final_answer();
    assert_eq!(answer.raw, OK.as_bytes());
    assert_eq!(primary.request().text(), "hello");
}

#[test]
fn a_primary_that_reads_the_body_without_a_word_gets_it_from_a_client_that_does_not_wait_for_ever()
{
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send(HEAD);
    primary.connection(0);
    client.send("hello");
    assert_eq!(client.final_answer().raw, OK.as_bytes());
}

#[test]
fn an_expectation_that_nobody_knows_is_answered_by_the_primary() {
    let primary = Server::unix(answers(
        "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n",
    ));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nExpect: miracles\r\n\r\n")
        .answer();
    assert_eq!(answer.status(), 417);
    assert_eq!(primary.request().header("expect"), Some("miracles"));
}

#[test]
fn a_shadow_that_says_100_gets_the_body() {
    let primary = Server::unix(|conn| {
        let mut request = conn.head()?;
        conn.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        conn.body(&mut request)?;
        conn.send(OK)
    });
    let shadow = Server::unix(|conn| {
        let mut request = conn.head()?;
        if request.has("expect") {
            conn.send("HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        conn.body(&mut request)?;
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    assert_eq!(client.send(HEAD).answer().status(), 100);
    assert_eq!(client.send("hello").answer().raw, OK.as_bytes());
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!(shadow.request().text(), "hello");
}
