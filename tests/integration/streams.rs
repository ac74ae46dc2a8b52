//! A stream that never ends is no failure of a shadow, and holds up nobody.

use std::time::Duration;

use crate::kit::{Conn, OK, Server, Tee, answers, drips, eventually, get};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Sends a header in time, and then the same piece until nobody takes it.
fn endless(head: &'static str, piece: &'static str) -> impl Fn(&mut Conn) -> std::io::Result<()> {
    move |conn| {
        conn.request()?;
        conn.send(head)?;
        loop {
            conn.send(piece)?;
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn events(conn: &mut Conn) -> std::io::Result<()> {
    endless(HEAD, "a\r\ndata: one\n\r\n")(conn)
}

/// The same, of no type that says so.
fn plain_events(conn: &mut Conn) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    endless(head, "1\r\nx\r\n")(conn)
}

/// Says that ten bytes come, and sends one.
fn stalls(conn: &mut Conn) -> std::io::Result<()> {
    conn.request()?;
    conn.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx")?;
    conn.hang().map(drop)
}

const QUICK: &str = "answer_timeout = \"200ms\"\nstream_timeout = \"400ms\"\nbreaker = { failures = 3, pause = \"10m\" }";

#[test]
fn streams_are_answered_counted_and_open_no_breaker_and_what_stalls_is_late() {
    let primary = Server::unix(answers(OK));
    for (shadow, outcome, streams) in [
        (Server::unix(events), "answered", 6),
        (Server::unix(plain_events), "answered", 6),
        (Server::unix(stalls), "timeout", 0),
    ] {
        let tee = Tee::with_primary(&primary)
            .shadow_with("next", &shadow, QUICK)
            .start();
        for _ in 0..6 {
            tee.get("/");
        }
        let ledger = tee.settled(6);
        assert_eq!(ledger.count("next", outcome), 6, "{:?}", ledger.of("next"));
        let metrics = tee.ask_admin("/metrics").text();
        let counted = format!("shadowtee_streams_total{{shadow=\"next\"}} {streams}");
        assert!(metrics.contains(&counted), "{metrics}");
        let state = u8::from(outcome != "answered");
        let breaker = format!("shadowtee_breaker_state{{shadow=\"next\"}} {state}");
        assert!(metrics.contains(&breaker), "{metrics}");
    }
}

#[test]
fn a_copy_of_a_stream_ends_when_its_client_has_left() {
    let (primary, shadow) = (Server::unix(events), Server::unix(events));
    let settings = "stream_timeout = \"10m\"\nmax_in_flight = 4";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = tee.client();
            client.send(get("/events")).head();
            client
        })
        .collect();
    eventually("four streams", || {
        (tee.ledger().shadows["next"].in_flight == 4).then_some(())
    });
    drop(clients);
    assert_eq!(tee.settled(4).of("next"), [("answered", 4)]);
}

#[test]
fn a_session_waits_for_the_header_of_a_stream_and_not_for_its_end() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(|conn| {
        let request = conn.request()?;
        if request.target() == "/events" {
            conn.send(HEAD)?;
            return conn.hang().map(drop);
        }
        conn.send(OK)
    });
    let settings = "order_by = \"header:X-Session\"\nstream_timeout = \"10m\"";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .toml("[stop]\nlinger = \"0s\"\ncopies = \"0s\"")
        .start();
    let mut client = tee.client();
    // It stays a stream for as long as its client is there: the primary's is over, so it ends soon after.
    for target in ["/events", "/next"] {
        client.send(format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nX-Session: one\r\n\r\n"
        ));
        assert_eq!(client.answer().status(), 200);
    }
    let targets: Vec<_> = shadow
        .wait_for(2)
        .iter()
        .map(|r| r.target().to_owned())
        .collect();
    assert_eq!(targets, ["/events", "/next"]);
}

#[test]
fn shadows_get_origin_form_whatever_the_client_sent() {
    let (primary, next, fixed) = (
        Server::unix(answers(OK)),
        Server::unix(answers(OK)),
        Server::unix(answers(OK)),
    );
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &next, "host = \"address\"")
        .shadow_with("fixed", &fixed, "host = \"next.example\"")
        .start();
    let mut client = tee.client();
    for (n, (request, target)) in [
        ("GET http://app.example/a?b=c", "/a?b=c"),
        ("GET http://app.example?b", "/?b"),
        ("GET http://app.example", "/"),
        ("OPTIONS http://app.example", "*"),
        ("OPTIONS http://app.example/", "/"),
        ("GET /a?u=http://b/", "/a?u=http://b/"),
    ]
    .into_iter()
    .enumerate()
    {
        client.send(format!("{request} HTTP/1.1\r\nHost: app.example\r\n\r\n"));
        assert_eq!(client.answer().status(), 200);
        tee.settled(n as u64 + 1);
        for shadow in [&next, &fixed] {
            assert_eq!(shadow.requests()[n].target(), target, "{request}");
        }
    }
}

#[test]
fn an_answer_with_a_length_that_comes_slowly_is_late_and_opens_no_breaker() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(drips(1000));
    let settings = "answer_timeout = \"2500ms\"\nbreaker = { failures = 1, pause = \"10m\" }";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    tee.get("/");
    assert_eq!(tee.settled(1).of("next"), [("timeout", 1)]);
    let metrics = tee.ask_admin("/metrics").text();
    let closed = "shadowtee_breaker_state{shadow=\"next\"} 0";
    assert!(metrics.contains(closed), "{metrics}");
}

#[test]
fn streams_that_say_nothing_hold_up_no_new_connection() {
    fn quiet(conn: &mut Conn) -> std::io::Result<()> {
        let request = conn.request()?;
        if request.target() == "/page" {
            return conn.send(OK);
        }
        conn.send(HEAD)?;
        // In enough parts that the stream is read in turns.
        for _ in 0..8 {
            conn.send("a\r\ndata: one\n\r\n")?;
            std::thread::sleep(Duration::from_millis(5));
        }
        conn.hang().map(drop)
    }
    let (primary, shadow) = (Server::unix(quiet), Server::unix(quiet));
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow_with("next", &shadow, "stream_timeout = \"10m\"")
        .start();
    let clients: Vec<_> = (0..50)
        .map(|_| {
            let mut client = tee.client();
            client.send(get("/events")).head();
            client
        })
        .collect();
    tee.get("/page");
    let ledger = tee.wait_for_ledger("the page", |ledger| ledger.count("next", "answered") == 1);
    assert_eq!(ledger.shadows["next"].in_flight, 50);
    drop(clients);
    tee.settled(51);
}
