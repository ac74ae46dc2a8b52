//! A stop loses no request that could have been answered, and tells what became of the copies.

use std::time::Instant;

use rustix::process::Signal;

use crate::kit::{
    Client, Ending, Gate, OK, PATIENCE, Server, Tee, answers, eventually, get, hangs,
};

/// A primary that answers when it is told to.
fn gated() -> (Server, Gate) {
    let go = Gate::default();
    let gate = go.clone();
    let primary = Server::unix(move |conn| {
        loop {
            conn.request()?;
            gate.pass();
            conn.send(OK)?;
        }
    });
    (primary, go)
}

#[test]
fn a_request_in_flight_is_answered_and_then_it_ends_well() {
    for signal in [Signal::TERM, Signal::INT] {
        let (primary, go) = gated();
        let mut tee = Tee::with_primary(&primary)
            .toml("[stop]\nlinger = \"10ms\"")
            .start();
        let mut client = tee.client();
        client.send(get("/"));
        primary.wait_for(1);
        tee.signal(signal);
        eventually("readiness that goes", || {
            (tee.try_admin("/readyz").ok()?.status() == 503).then_some(())
        });
        assert_eq!(
            tee.ask_admin("/healthz").status(),
            200,
            "it lives as long as it drains"
        );
        go.open();
        let answer = client.answer();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
        assert_eq!(tee.wait_for_exit().code(), Some(0));
    }
}

#[test]
fn the_answer_to_a_request_in_flight_says_that_the_connection_ends() {
    let (primary, go) = gated();
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send(get("/"));
    primary.wait_for(1);
    tee.drain();
    go.open();
    let answer = client.answer();
    let (rest, ending) = client.rest();
    assert_eq!(
        (answer.header("connection"), rest, ending),
        (Some("close"), Vec::new(), Ending::Clean)
    );
}

#[test]
fn new_connections_are_not_taken_while_draining() {
    for on_tcp in [false, true] {
        let (primary, go) = gated();
        let setup = Tee::with_primary(&primary);
        let mut tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut client = tee.client();
        client.send(get("/"));
        primary.wait_for(1);
        tee.drain();
        eventually("a listener that is closed", || {
            Client::try_connect(&crate::kit::At::at(&tee))
                .is_err()
                .then_some(())
        });
        go.open();
        assert_eq!(client.answer().status(), 200);
        tee.wait_for_exit();
        assert_eq!(primary.requests().len(), 1);
    }
}

#[test]
fn a_request_on_its_way_on_an_idle_connection_is_answered() {
    let primary = Server::unix(answers(OK));
    let mut tee = Tee::with_primary(&primary)
        .toml("[stop]\nlinger = \"20s\"")
        .start();
    let mut client = tee.client();
    assert_eq!(client.get("/").status(), 200);
    tee.drain();
    let answer = client.send(get("/late")).answer();
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (200, Some("close"))
    );
    assert_eq!(client.rest().1, Ending::Clean);
    // The last connection is gone: nothing is left to linger for.
    assert_eq!(tee.wait_for_exit().code(), Some(0));
}

#[test]
fn idle_connections_are_closed_after_the_linger() {
    let primary = Server::unix(answers(OK));
    let mut tee = Tee::with_primary(&primary)
        .toml("[stop]\nlinger = \"100ms\"")
        .start();
    let mut client = tee.client();
    client.get("/");
    tee.signal(Signal::TERM);
    assert_eq!(client.rest(), (Vec::new(), Ending::Clean));
    assert_eq!(tee.wait_for_exit().code(), Some(0));
}

#[test]
fn without_anything_to_do_it_ends_at_once() {
    let primary = Server::unix(answers(OK));
    let mut tee = Tee::with_primary(&primary).start();
    tee.signal(Signal::TERM);
    assert_eq!(tee.wait_for_exit().code(), Some(0));
}

#[test]
fn requests_in_flight_are_not_waited_for_beyond_their_limit() {
    let primary = Server::unix(hangs);
    let mut tee = Tee::with_primary(&primary)
        .toml("[stop]\nrequests = \"200ms\"\nlinger = \"10ms\"")
        .start();
    let mut client = tee.client();
    client.send(get("/"));
    primary.wait_for(1);
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    client.rest();
}

#[test]
fn a_second_signal_ends_at_once() {
    let primary = Server::unix(hangs);
    let mut tee = Tee::with_primary(&primary)
        .toml("[stop]\nrequests = \"10m\"")
        .start();
    let mut client = tee.client();
    client.send(get("/"));
    primary.wait_for(1);
    tee.drain();
    assert!(tee.is_running());
    let begin = Instant::now();
    tee.signal(Signal::INT);
    tee.wait_for_exit();
    assert!(begin.elapsed() < PATIENCE / 2);
}

#[test]
fn copies_in_flight_are_finished() {
    let primary = Server::unix(answers(OK));
    let go = Gate::default();
    let gate = go.clone();
    let shadow = Server::unix(move |conn| {
        conn.request()?;
        gate.pass();
        conn.send(OK)
    });
    let mut tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[stop]\ncopies = \"30s\"\nlinger = \"10ms\"")
        .start();
    tee.get("/");
    shadow.wait_for(1);
    tee.drain();
    go.open();
    assert_eq!(tee.wait_for_exit().code(), Some(0));
    let line = ledger_line(&tee);
    assert!(
        line.contains("answered") && !has_count(&line, "shutdown"),
        "{line}"
    );
}

#[test]
fn copies_that_take_too_long_are_counted_as_shut_down() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(hangs);
    let mut tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "max_in_flight = 2")
        .toml("[stop]\ncopies = \"200ms\"\nlinger = \"10ms\"")
        .start();
    for _ in 0..5 {
        tee.get("/");
    }
    tee.signal(Signal::TERM);
    assert_eq!(tee.wait_for_exit().code(), Some(0));
    let line = ledger_line(&tee);
    assert!(has_count(&line, "shutdown"), "{line}");
}

#[test]
fn an_open_websocket_does_not_hold_up_the_end_beyond_the_limit() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        )?;
        conn.hang().map(drop)
    });
    let mut tee = Tee::with_primary(&primary)
        .toml("[stop]\nrequests = \"300ms\"\nlinger = \"10ms\"")
        .start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert_eq!(client.answer().status(), 101);
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    assert_eq!(client.rest().0, b"");
}

#[test]
fn an_upload_in_flight_is_finished() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let mut tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[stop]\nlinger = \"10ms\"")
        .start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst");
    eventually("the request", || (tee.ledger().requests == 1).then_some(()));
    tee.drain();
    client.send("after");
    assert_eq!(client.answer().status(), 200);
    assert_eq!(tee.wait_for_exit().code(), Some(0));
    assert_eq!(primary.request().text(), "firstafter");
    assert_eq!(shadow.request().text(), "firstafter");
}

#[test]
fn an_answer_without_end_is_broken_off_at_the_limit_and_does_not_look_whole() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nevent\r\n")?;
        conn.hang().map(drop)
    });
    let mut tee = Tee::with_primary(&primary)
        .toml("[stop]\nrequests = \"300ms\"\nlinger = \"10ms\"")
        .start();
    let mut client = tee.client();
    client.send(get("/events")).head();
    assert_eq!(client.chunk(), Some(b"event".to_vec()));
    tee.signal(Signal::TERM);
    assert_eq!(client.rest().0, b"", "no last chunk");
    tee.wait_for_exit();
}

/// The last line of the log that has outcomes of the shadow.
#[track_caller]
fn ledger_line(tee: &Tee) -> String {
    let log = tee.log();
    let line = log.lines().rev().find(|line| {
        line.contains("next") && (line.contains("answered") || line.contains("shutdown"))
    });
    line.unwrap_or_else(|| panic!("the ledger in\n{log}"))
        .to_owned()
}

/// Whether an outcome stands there with a number that is not zero.
fn has_count(line: &str, outcome: &str) -> bool {
    line.split(outcome).skip(1).any(|rest| {
        let number: String = rest
            .chars()
            .skip_while(|c| !c.is_ascii_digit() && *c != ',')
            .take_while(char::is_ascii_digit)
            .collect();
        number.parse().is_ok_and(|n: u64| n > 0)
    })
}
