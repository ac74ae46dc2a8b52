//! What takes too long ends, with an answer where one can still be given.

use std::time::Duration;

use crate::kit::{
    Ending, Gate, Ledger, OK, Server, Setup, Tee, answers, assert_refusal, drips, hangs, post,
};

fn with(primary: &Server, timeouts: &str) -> Setup {
    Tee::with_primary(primary).toml(&format!("[timeouts]\n{timeouts}"))
}

#[test]
fn a_primary_that_never_answers_is_answered_for_with_504() {
    let primary = Server::unix(hangs);
    let tee = with(&primary, "answer = \"200ms\"").start();
    let text = assert_refusal(&tee.get("/"), 504);
    assert!(text.contains("primary"), "{text}");
    // Nothing will read what it would still answer.
    crate::kit::eventually("the end of the connection to the primary", || {
        primary.connection(0).ending()
    });
}

#[test]
fn the_time_for_the_answer_does_not_run_while_the_client_sends() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "answer = \"300ms\"").start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for _ in 0..8 {
        std::thread::sleep(Duration::from_millis(100));
        client.send("x");
    }
    assert_eq!(client.answer().raw, OK.as_bytes());
}

#[test]
fn an_answer_that_stops_midway_breaks_the_connection_of_the_client() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n")?;
        conn.hang().map(drop)
    });
    let tee = with(&primary, "idle = \"200ms\"").start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.head().status(), 200);
    let (rest, _) = client.rest();
    assert_eq!(rest, b"4\r\nfour\r\n", "no last chunk");
}

#[test]
fn an_answer_that_drips_is_not_idle() {
    let primary = Server::unix(drips(3));
    let tee = with(&primary, "idle = \"10s\"\nanswer = \"500ms\"").start();
    assert_eq!(tee.get("/").text(), "xxx");
}

#[test]
fn an_upload_that_stops_midway_is_given_up() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = with(&primary, "idle = \"200ms\"")
        .shadow("next", &shadow)
        .start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfour");
    let (rest, _) = client.rest();
    assert!(
        rest.is_empty() || rest.starts_with(b"HTTP/1.1 408 "),
        "{rest:?}"
    );
    assert!(primary.requests().is_empty());
    crate::kit::eventually("the end of the connection to the primary", || {
        primary.connection(0).ending()
    });
    let ledger = tee.settled(1);
    assert_eq!(ledger.count("next", "answered"), 0, "{ledger:?}");
    assert!(shadow.requests().is_empty());
}

#[test]
fn a_client_that_does_not_finish_its_header_gets_408() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "client_header = \"200ms\"").start();
    let mut client = tee.client();
    let answer = client.send("GET / HTTP/1.1\r\nHost: a\r\nX-A").answer();
    assert_refusal(&answer, 408);
    assert_eq!(client.rest(), (Vec::new(), Ending::Clean));
    assert_eq!(primary.connections(), 0);
    assert!(
        tee.wait_for_ledger("balance", Ledger::balances)
            .shadows
            .is_empty()
    );
}

#[test]
fn a_client_that_drips_its_header_gets_408_all_the_same() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "client_header = \"300ms\"").start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\n");
    // Until it is told, it sends a byte every now and then.
    while client.is_silent() {
        if client.try_send("X").is_err() {
            break;
        }
    }
    assert_refusal(&client.answer(), 408);
}

#[test]
fn an_idle_client_is_closed_without_a_word() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "keep_alive = \"200ms\"").start();
    let mut client = tee.client();
    assert_eq!(client.get("/").raw, OK.as_bytes());
    assert_eq!(client.rest(), (Vec::new(), Ending::Clean));
}

#[test]
fn an_idle_client_is_kept_for_longer_than_its_header_may_take() {
    let primary = Server::unix(answers(OK));
    let tee = with(&primary, "client_header = \"100ms\"\nkeep_alive = \"30s\"").start();
    let mut client = tee.client();
    client.get("/");
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(client.get("/").raw, OK.as_bytes());
}

#[test]
fn a_client_that_goes_away_cancels_the_request_to_the_primary() {
    for on_tcp in [false, true] {
        let primary = Server::unix(hangs);
        let setup = with(&primary, "half_close = \"100ms\"");
        let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut client = tee.client();
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        primary.wait_for(1);
        assert_eq!(primary.connection(0).ending(), None);
        drop(client);
        crate::kit::eventually("the end of the connection to the primary", || {
            primary.connection(0).ending()
        });
    }
}

#[test]
fn a_client_that_resets_cancels_the_request_to_the_primary() {
    let primary = Server::unix(hangs);
    let tee = with(&primary, "half_close = \"10m\"").on_tcp().start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    primary.wait_for(1);
    client.reset();
    crate::kit::eventually("the end of the connection to the primary", || {
        primary.connection(0).ending()
    });
}

#[test]
fn a_client_that_goes_away_in_its_upload_leaves_no_whole_request_anywhere() {
    for on_tcp in [false, true] {
        let primary = Server::unix(answers(OK));
        let shadow = Server::unix(answers(OK));
        let setup = with(&primary, "half_close = \"100ms\"").shadow("next", &shadow);
        let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut client = tee.client();
        client
            .send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n");
        drop(client);
        let ledger = tee.settled(1);
        assert_eq!(ledger.of("next"), [("client_aborted", 1)]);
        assert!(primary.requests().is_empty());
        assert!(
            shadow.requests().is_empty(),
            "a broken request must not reach the shadow as if whole"
        );
    }
}

#[test]
fn a_copy_goes_on_when_the_client_leaves_after_its_request_was_whole() {
    let primary = Server::unix(hangs);
    let go = Gate::default();
    let gate = go.clone();
    let shadow = Server::unix(move |conn| {
        conn.request()?;
        gate.pass();
        conn.send(OK)
    });
    let tee = with(&primary, "half_close = \"100ms\"")
        .shadow("next", &shadow)
        .start();
    let mut client = tee.client();
    client.send(post("/", "whole"));
    primary.wait_for(1);
    shadow.wait_for(1);
    drop(client);
    go.open();
    let ledger = tee.settled(1);
    assert_eq!(ledger.of("next"), [("answered", 1)]);
}
