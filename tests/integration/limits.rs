//! What is too much is refused, with an answer that says which limit it was.

use std::fmt::Write as _;

use crate::kit::{
    Client, Ending, OK, Server, Setup, Tee, answers, assert_refusal, eventually, get, hangs,
};

fn with(primary: &Server, limits: &str) -> Setup {
    Tee::with_primary(primary).toml(&format!("[limits]\n{limits}"))
}

/// A request that goes over a limit is answered and nothing of it is passed on.
#[track_caller]
fn refused(limits: &str, request: impl AsRef<[u8]>, status: u16) -> String {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = with(&primary, limits).shadow("next", &shadow).start();
    let mut client = tee.client();
    let _ = client.try_send(request);
    let text = assert_refusal(&client.answer(), status);
    assert!(primary.requests().is_empty());
    assert!(shadow.requests().is_empty());
    let ledger = tee.wait_for_ledger("balance", crate::kit::Ledger::is_settled);
    assert!(
        ledger
            .of("next")
            .iter()
            .all(|(outcome, _)| *outcome == "not_forwarded"),
        "{ledger:?}"
    );
    text
}

fn with_header(size: usize) -> String {
    format!(
        "GET / HTTP/1.1\r\nHost: a\r\nX-Long: {}\r\n\r\n",
        "x".repeat(size)
    )
}

#[test]
fn a_target_that_is_too_long_gets_414() {
    refused(
        "target_bytes = \"1KiB\"",
        get(&format!("/{}", "x".repeat(1025))),
        414,
    );
}

#[test]
fn a_target_within_its_limit_passes() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "target_bytes = \"1KiB\"").start();
    let target = format!("/{}", "x".repeat(1023));
    assert_eq!(tee.get(&target).status(), 200);
    assert_eq!(primary.request().target(), target);
}

#[test]
fn a_target_of_sixteen_thousand_bytes_passes_by_default_and_twice_as_many_get_414() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.get(&format!("/{}", "x".repeat(16_000))).status(), 200);
    assert_refusal(&tee.get(&format!("/{}", "x".repeat(32_000))), 414);
}

#[test]
fn a_header_that_is_too_large_gets_431() {
    refused("header_bytes = \"16KiB\"", with_header(17 * 1024), 431);
}

#[test]
fn a_header_far_beyond_any_limit_gets_431() {
    refused("header_bytes = \"16KiB\"", with_header(2 << 20), 431);
}

#[test]
fn a_header_within_its_limit_passes() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "header_bytes = \"16KiB\"").start();
    assert_eq!(
        tee.client().send(with_header(15 * 1024)).answer().status(),
        200
    );
    assert_eq!(
        primary.request().header("x-long").map(str::len),
        Some(15 * 1024)
    );
}

#[test]
fn sixty_thousand_bytes_of_header_pass_by_default() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(
        tee.client().send(with_header(60_000)).answer().status(),
        200
    );
}

fn with_headers(many: usize) -> String {
    let mut request = "GET / HTTP/1.1\r\nHost: a\r\n".to_owned();
    for n in 1..many {
        write!(request, "X-{n}: {n}\r\n").unwrap();
    }
    request + "\r\n"
}

#[test]
fn too_many_headers_get_431() {
    refused("header_count = 20", with_headers(21), 431);
}

#[test]
fn as_many_headers_as_the_limit_pass() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "header_count = 20").start();
    assert_eq!(tee.client().send(with_headers(20)).answer().status(), 200);
    assert_eq!(primary.request().lines_sent().len(), 20);
}

#[test]
fn a_hundred_headers_pass_by_default() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    assert_eq!(tee.client().send(with_headers(100)).answer().status(), 200);
    assert_eq!(primary.request().lines_sent().len(), 100);
    assert_eq!(shadow.request().lines_sent().len(), 100);
}

#[test]
fn an_answer_with_many_headers_passes() {
    let mut answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n".to_owned();
    for n in 0..90 {
        write!(answer, "Set-Cookie: c{n}={}\r\n", "x".repeat(300)).unwrap();
    }
    answer.push_str("\r\nok");
    let primary = Server::unix(answers(answer.clone()));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.get("/").raw, answer.as_bytes());
}

#[test]
fn a_body_that_says_it_is_too_large_gets_413() {
    let text = refused(
        "body_bytes = \"1KiB\"",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1025\r\nExpect: 100-continue\r\n\r\n",
        413,
    );
    assert!(text.contains("body"), "{text}");
}

#[test]
fn a_body_that_turns_out_too_large_is_refused_and_never_passed_on_as_whole() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = with(&primary, "body_bytes = \"1KiB\"")
        .shadow("next", &shadow)
        .start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..2 {
        let _ = client.try_send(format!("400\r\n{}\r\n", "x".repeat(1024)));
    }
    let _ = client.try_send("0\r\n\r\n");
    assert_refusal(&client.answer(), 413);
    assert!(primary.requests().is_empty());
    let ledger = tee.settled(1);
    assert_eq!(ledger.count("next", "answered"), 0, "{ledger:?}");
    assert!(shadow.requests().is_empty());
}

#[test]
fn a_body_within_its_limit_passes() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "body_bytes = \"1KiB\"").start();
    let body = "x".repeat(1024);
    let request = format!(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n400\r\n{body}\r\n0\r\n\r\n"
    );
    assert_eq!(tee.client().send(request).answer().status(), 200);
    assert_eq!(primary.request().text(), body);
}

#[test]
fn a_connection_too_many_gets_503_and_the_next_after_one_closes_is_served() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "connections = 2").start();
    let (mut one, mut two) = (tee.client(), tee.client());
    assert_eq!((one.get("/").status(), two.get("/").status()), (200, 200));
    let mut three = tee.client();
    let text = assert_refusal(&three.send(get("/")).answer(), 503);
    assert!(text.contains("connections"), "{text}");
    assert_eq!(three.rest().1, Ending::Clean);
    assert_eq!(
        one.get("/").status(),
        200,
        "those that were there are served on"
    );
    drop(two);
    eventually("a place for another", || {
        Client::connect(&tee)
            .send(get("/"))
            .try_answer()
            .ok()
            .filter(|answer| answer.status() == 200)
    });
}

#[test]
fn an_idle_connection_takes_no_memory_and_no_place_when_it_is_gone() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "connections = 5").start();
    for _ in 0..50 {
        eventually("a place for another", || {
            Client::connect(&tee)
                .send(get("/"))
                .try_answer()
                .ok()
                .filter(|answer| answer.status() == 200)
        });
    }
}

#[test]
fn every_refusal_has_an_id_of_its_own() {
    let primary = Server::unix(hangs);
    let tee = with(&primary, "target_bytes = \"1KiB\"").start();
    let target = format!("/{}", "x".repeat(2000));
    let ids: Vec<_> = (0..3)
        .map(|_| {
            tee.get(&target)
                .header("x-request-id")
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    assert!(
        ids.iter()
            .all(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit())),
        "{ids:?}"
    );
    assert!(
        ids[0] != ids[1] && ids[1] != ids[2] && ids[0] != ids[2],
        "{ids:?}"
    );
}
