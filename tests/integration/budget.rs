//! What is kept for shadows is bounded, and a copy beyond a bound is counted and left.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::kit::{Gate, OK, Server, Tee, answers, hangs, post, takes_nothing, tells};

/// A primary whose answers differ from one request to the next.
fn primary() -> Server {
    Server::unix(tells)
}

#[test]
fn copies_beyond_queue_and_flight_are_counted_and_left() {
    let primary = primary();
    let shadow = Server::unix(hangs);
    let settings = "max_in_flight = 2\nqueue = 3\nanswer_timeout = \"2s\"\nbreaker = { failures = 100000, pause = \"1s\" }";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let mut client = tee.client();
    for _ in 0..50 {
        client.get("/");
    }
    let ledger = tee.settled(50);
    assert!(ledger.count("next", "queue_full") >= 30, "{ledger:?}");
    assert!(ledger.count("next", "timeout") >= 5, "{ledger:?}");
}

#[test]
fn after_a_run_of_failures_copies_are_not_tried_for_a_while_and_then_one_is() {
    let primary = primary();
    let well = Arc::new(AtomicBool::new(false));
    let state = Arc::clone(&well);
    let shadow = Server::unix(move |conn| {
        loop {
            conn.request()?;
            if !state.load(Ordering::SeqCst) {
                return Ok(());
            }
            conn.send(OK)?;
        }
    });
    let settings = "breaker = { failures = 3, pause = \"1s\" }";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let mut client = tee.client();
    let mut sent = 0;
    let mut one_more = || {
        sent += 1;
        client.get(&format!("/{sent}"));
        tee.settled(sent)
    };
    for _ in 0..10 {
        one_more();
    }
    let ledger = one_more();
    assert!(
        (3..=6).contains(&ledger.count("next", "broken")),
        "{ledger:?}"
    );
    assert!(ledger.count("next", "breaker_open") >= 5, "{ledger:?}");
    assert_eq!(ledger.count("next", "answered"), 0);
    well.store(true, Ordering::SeqCst);
    crate::kit::eventually("a copy that is tried again", || {
        (one_more().count("next", "answered") > 0).then_some(())
    });
    let open = one_more().count("next", "breaker_open");
    for _ in 0..10 {
        assert_eq!(
            one_more().count("next", "breaker_open"),
            open,
            "closed for good after a success"
        );
    }
}

#[test]
fn a_copy_larger_than_its_buffer_is_given_up_when_the_shadow_takes_nothing() {
    let primary = primary();
    let shadow = Server::unix(takes_nothing);
    let settings = "body_buffer = \"256KiB\"\nanswer_timeout = \"10m\"";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let body = "x".repeat(8 << 20);
    assert_eq!(
        tee.client().send(post("/", &body)).answer().text(),
        format!("POST / {}", body.len())
    );
    assert_eq!(tee.settled(1).of("next"), [("body_overrun", 1)]);
}

#[test]
fn a_copy_within_its_buffer_is_complete_however_slow_the_shadow() {
    let primary = primary();
    let go = Gate::default();
    let gate = go.clone();
    let shadow = Server::unix(move |conn| {
        gate.pass();
        conn.request()?;
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "body_buffer = \"4MiB\"")
        .start();
    let body: String = (0..26_u8)
        .cycle()
        .take(3 << 20)
        .map(|n| char::from(b'a' + n % 26))
        .collect();
    tee.client().send(post("/", &body)).answer();
    assert_eq!(tee.ledger().shadows["next"].in_flight, 1);
    go.open();
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert!(
        shadow.request().text() == body,
        "the body arrives as it was"
    );
}

#[test]
fn copies_beyond_the_budget_are_given_up_and_the_budget_comes_back() {
    let primary = primary();
    let hung = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&hung);
    let shadow = Server::unix(move |conn| {
        if state.load(Ordering::SeqCst) {
            conn.hang()?;
            return Ok(());
        }
        answers(OK)(conn)
    });
    // Sent to hung connections, they wait in the queue with their bodies.
    let settings = "max_in_flight = 1\nanswer_timeout = \"2s\"\nbreaker = { failures = 100000, pause = \"1s\" }";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .toml("[limits]\nshadow_memory = \"1MiB\"")
        .start();
    let mut client = tee.client();
    let body = "x".repeat(100 * 1024);
    for _ in 0..40 {
        client.send(post("/", &body)).answer();
    }
    let ledger = tee.wait_for_ledger("all requests", |ledger| {
        ledger.requests == 40 && ledger.balances()
    });
    assert!(ledger.count("next", "over_budget") >= 20, "{ledger:?}");
    hung.store(false, Ordering::SeqCst);
    tee.settled(40);
    client.send(post("/", &body)).answer();
    let before = ledger.count("next", "answered");
    tee.wait_for_ledger("an answered copy", |ledger| {
        ledger.count("next", "answered") > before
    });
}

#[test]
fn a_copy_whose_body_the_primary_did_not_take_is_not_passed_on_as_whole() {
    let primary = Server::unix(|conn| {
        conn.head()?;
        conn.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\npart");
    assert_eq!(client.answer().status(), 413);
    drop(client);
    let ledger = tee.settled(1);
    assert_eq!(ledger.of("next"), [("body_cut", 1)]);
    assert!(shadow.requests().is_empty());
}

#[test]
fn a_hung_shadow_gets_no_more_connections_than_allowed() {
    let primary = primary();
    let shadow = Server::unix(hangs);
    let settings = "max_connections = 2\nmax_in_flight = 20\nconnect_timeout = \"300ms\"\nanswer_timeout = \"10m\"";
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow_with("next", &shadow, settings)
        .start();
    let mut client = tee.client();
    for _ in 0..12 {
        client.get("/");
    }
    let ledger = tee.wait_for_ledger("two in flight", |ledger| {
        ledger.requests == 12 && ledger.balances() && ledger.shadows["next"].in_flight == 2
    });
    assert_eq!(ledger.of("next"), [("connection_limit", 10)]);
    assert_eq!(shadow.connections(), 2);
}

#[test]
fn where_each_copy_in_flight_may_have_a_connection_none_lacks_one() {
    let primary = primary();
    let shadow = Server::unix(answers(OK));
    // Idle connections of one worker must not keep another from having any.
    let tee = Tee::with_primary(&primary)
        .top("workers = 4")
        .shadow_with("next", &shadow, "max_in_flight = 4\nmax_connections = 4")
        .start();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for n in 0..40 {
                    tee.get(&format!("/{n}"));
                }
            });
        }
    });
    assert_eq!(tee.settled(320).of("next"), [("answered", 320)]);
}

/// A tee whose only shadow never answers, with room for any number of copies but not for any number of bytes.
fn waiting(primary: &Server, shadow: &Server) -> Tee {
    let settings = "max_in_flight = 1\nqueue = 100000\nanswer_timeout = \"10m\"";
    Tee::with_primary(primary)
        .shadow_with("next", shadow, settings)
        .toml("[limits]\nshadow_memory = \"8MiB\"")
        .start()
}

#[test]
fn headers_of_copies_that_wait_count_against_the_budget() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(hangs);
    let tee = waiting(&primary, &shadow);
    let mut client = tee.client();
    let cookie = "x".repeat(30_000);
    let request = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n");
    for _ in 0..3000 {
        assert_eq!(client.send(&request).answer().raw, OK.as_bytes());
    }
    let ledger = tee.wait_for_ledger("balance", |l| l.requests == 3000 && l.balances());
    assert!(ledger.count("next", "over_budget") > 2000, "{ledger:?}");
    assert!(tee.peak_memory() < 80 << 20, "{}", tee.peak_memory());
}

#[test]
fn many_small_copies_that_wait_count_against_the_budget() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(hangs);
    let tee = waiting(&primary, &shadow);
    let mut client = tee.client();
    let request = post("/", "x");
    for _ in 0..20_000 {
        assert_eq!(client.send(&request).answer().raw, OK.as_bytes());
    }
    let ledger = tee.wait_for_ledger("balance", |l| l.requests == 20_000 && l.balances());
    assert!(ledger.count("next", "over_budget") > 0, "{ledger:?}");
    assert!(tee.peak_memory() < 80 << 20, "{}", tee.peak_memory());
}
