//! Connections to the primary are used again when that is safe, and only then.

use crate::kit::{At, Conn, Gate, OK, Server, Tee, answers, assert_refusal, eventually, get, post};

/// Serves the first request of a connection, and closes it when the second is there.
fn stale(conn: &mut Conn) -> std::io::Result<()> {
    if conn.number > 0 {
        return answers(OK)(conn);
    }
    conn.request()?;
    conn.send(OK)?;
    conn.request().map(drop)
}

#[test]
fn a_get_on_a_connection_that_the_primary_just_closed_is_tried_again() {
    let primary = Server::unix(stale);
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut client = tee.client();
    client.get("/first");
    assert_eq!(client.get("/second").raw, OK.as_bytes());
    let targets: Vec<_> = primary
        .requests()
        .iter()
        .map(|r| r.target().to_owned())
        .collect();
    assert_eq!(targets, ["/first", "/second", "/second"]);
}

#[test]
fn a_post_that_was_sent_is_not_sent_twice() {
    let primary = Server::unix(stale);
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut client = tee.client();
    client.get("/first");
    assert_refusal(&client.send(post("/second", "once")).answer(), 502);
    let targets: Vec<_> = primary
        .requests()
        .iter()
        .map(|r| r.target().to_owned())
        .collect();
    assert_eq!(targets, ["/first", "/second"]);
}

/// An interim answer says that the request was taken up, so the connection was no stale one.
#[test]
fn a_request_that_had_an_interim_answer_is_not_sent_twice() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send(OK)?;
        conn.request()?;
        conn.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")
    });
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut client = tee.client();
    client.get("/first");
    client.send(get("/second"));
    assert_eq!(client.answer().status(), 103);
    assert_refusal(&client.answer(), 502);
    assert_eq!(primary.requests().len(), 2);
}

#[test]
fn connections_that_the_primary_closed_while_idle_are_not_used_again() {
    let gate = Gate::default();
    let close = gate.clone();
    let primary = Server::unix(move |conn| {
        if conn.number > 0 {
            return answers(OK)(conn);
        }
        conn.request()?;
        conn.send(OK)?;
        close.pass();
        Ok(())
    });
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut client = tee.client();
    client.get("/first");
    gate.open();
    eventually("the close", || primary.is_closed(0).then_some(()));
    assert_eq!(
        client.send(post("/second", "once")).answer().raw,
        OK.as_bytes()
    );
    assert_eq!(primary.requests().len(), 2);
}

#[test]
fn requests_one_after_the_other_share_a_connection_to_the_primary() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    for _ in 0..10 {
        let mut client = tee.client();
        for _ in 0..3 {
            client.get("/");
        }
    }
    assert_eq!((primary.requests().len(), primary.connections()), (30, 1));
}

#[test]
fn an_idle_connection_to_the_primary_is_closed_in_time() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .primary("idle_timeout = \"200ms\"")
        .start();
    tee.get("/");
    eventually("the end of the connection", || {
        primary.connection(0).ending()
    });
}

#[test]
fn an_idle_connection_to_a_shadow_is_closed_in_time() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "idle_timeout = \"200ms\"")
        .start();
    tee.get("/");
    tee.settled(1);
    eventually("the end of the connection", || {
        shadow.connection(0).ending()
    });
}

#[test]
fn no_more_idle_connections_are_kept_than_allowed() {
    let go = Gate::default();
    let gate = go.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        gate.pass();
        conn.send(OK)?;
        answers(OK)(conn)
    });
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .primary("idle_connections = 2\nidle_timeout = \"10m\"")
        .start();
    let mut clients: Vec<_> = (0..8).map(|_| tee.client()).collect();
    for client in &mut clients {
        client.send(get("/"));
    }
    primary.wait_for(8);
    go.open_for(8);
    for client in &mut clients {
        client.answer();
    }
    let ended = || {
        (0..8)
            .filter(|n| primary.connection(*n).ending().is_some())
            .count()
    };
    eventually("all but two closed", || (ended() == 6).then_some(()));
}

/// Answers before the body came, and takes what comes then for the next request.
fn hasty(conn: &mut Conn) -> std::io::Result<()> {
    loop {
        conn.head()?;
        conn.send(OK)?;
    }
}

#[test]
fn a_connection_with_half_a_request_on_it_is_not_used_again() {
    let primary = Server::unix(hasty);
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut first = tee.client();
    first.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
    assert_eq!(first.answer().status(), 200);
    drop(first);
    assert_eq!(tee.get("/next").status(), 200);
    assert_eq!(primary.connections(), 2);
    assert!(
        primary
            .connection(1)
            .bytes()
            .starts_with(b"GET /next HTTP/1.1\r\n")
    );
}

#[test]
fn the_rest_of_a_body_that_was_answered_early_is_no_request() {
    let primary = Server::unix(|conn| {
        conn.head()?;
        conn.send(OK)?;
        conn.hang().map(drop)
    });
    let tee = Tee::with_primary(&primary)
        .toml("[timeouts]\nanswer = \"1s\"")
        .start();
    let mut client = tee.client();
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    client.send(format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
        hidden.len()
    ));
    assert_eq!(client.answer().status(), 200);
    let _ = client.try_send(hidden);
    let _ = client.try_send(get("/second"));
    // Either the connection ends here, or the second is answered; the hidden one is never seen as a request.
    let _ = client.try_answer();
    for n in 0..primary.connections() {
        let bytes = primary.connection(n).bytes();
        assert!(!bytes.starts_with(b"GET /hidden"), "connection {n}");
    }
}

#[test]
fn an_answer_that_nobody_asked_for_reaches_no_other_client() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let primary = Server::unix(answers(format!("{OK}{evil}")));
    let shadow = Server::unix(answers(format!("{OK}{evil}")));
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow("next", &shadow)
        .start();
    for _ in 0..20 {
        let answer = tee.get("/");
        assert_ne!(answer.text(), "evil");
        assert!([200, 502].contains(&answer.status()), "{}", answer.head);
    }
    assert!(tee.settled(20).balances());
}

#[test]
fn answers_of_every_form_leave_the_connection_of_the_shadow_in_order() {
    let primary = Server::unix(|conn| {
        loop {
            let head = conn.request()?.method() == "HEAD";
            conn.send(if head {
                "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
            } else {
                OK
            })?;
        }
    });
    let shadow = Server::unix(|conn| {
        loop {
            let request = conn.request()?;
            conn.send(match request.target() {
                "/head" => "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n",
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n",
                "/304" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
                "/103" => "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
                "/chunks" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n",
                _ => OK,
            })?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow("next", &shadow)
        .start();
    let mut client = tee.client();
    for (n, target) in ["/head", "/204", "/304", "/103", "/chunks", "/last"]
        .into_iter()
        .enumerate()
    {
        if target == "/head" {
            client
                .send(format!("HEAD {target} HTTP/1.1\r\nHost: a\r\n\r\n"))
                .answer_to_head();
        } else {
            client.get(target);
        }
        let n = n as u64 + 1;
        assert_eq!(tee.settled(n).of("next"), [("answered", n)], "{target}");
    }
    assert_eq!(shadow.connections(), 1);
}

#[test]
fn a_name_is_resolved_and_each_of_its_addresses_tried() {
    // localhost may be ::1 first, where nobody listens.
    let primary = Server::local(answers(OK));
    let shadow = Server::local(answers(OK));
    let named = |server: &Server| server.at().replace("127.0.0.1", "http://localhost");
    let tee = Tee::with_primary(&named(&primary))
        .shadow("next", &named(&shadow))
        .start();
    assert_eq!(tee.get("/").raw, OK.as_bytes());
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
}

/// A body larger than what sockets hold, of a request that is answered before it is read.
#[test]
fn a_primary_that_answers_early_and_reads_later_gets_the_whole_body() {
    const LENGTH: usize = 250_000;
    fn script(conn: &mut Conn) -> std::io::Result<()> {
        conn.head()?;
        conn.send(OK)?;
        std::thread::sleep(std::time::Duration::from_millis(300));
        conn.take(LENGTH)?;
        conn.hang().map(drop)
    }
    for primary in [Server::unix(script), Server::tcp(script)] {
        let tee = Tee::with_primary(&primary).top("workers = 1").start();
        let mut client = tee.client();
        client.send(post("/", &"x".repeat(LENGTH)));
        assert_eq!(client.answer().status(), 200);
        eventually("the whole body", || {
            let bytes = primary.connection(0).bytes();
            bytes.ends_with(&vec![b'x'; LENGTH]).then_some(())
        });
    }
}

#[test]
fn a_connection_whose_answer_came_before_its_request_was_sent_is_not_used_again() {
    let primary = Server::unix(|conn| {
        if conn.number > 0 {
            return answers(OK)(conn);
        }
        conn.head()?;
        conn.send(OK)?;
        conn.take(1000)?;
        answers(OK)(conn)
    });
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n");
    assert_eq!(client.answer().status(), 200);
    client.send("x".repeat(1000));
    assert_eq!(client.get("/next").raw, OK.as_bytes());
    assert_eq!(primary.connections(), 2);
}

/// Answers the first request with `first`, and anything that it takes for another with what nobody may see.
fn then_evil(first: String) -> impl Fn(&mut Conn) -> std::io::Result<()> {
    move |conn| {
        if conn.number > 0 {
            return answers(OK)(conn);
        }
        conn.head()?;
        conn.send(&first)?;
        loop {
            conn.some()?;
            conn.send(EVIL)?;
        }
    }
}

const EVIL: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";

/// The connection of an answer like this serves no other request.
#[track_caller]
fn is_used_once(request: &str, answer: &str, status: u16) {
    let primary = Server::unix(then_evil(answer.to_owned()));
    let tee = Tee::with_primary(&primary).top("workers = 1").start();
    let mut client = tee.client();
    client.send(request);
    assert_eq!(client.head().status(), status);
    let answer = tee.get("/next");
    assert!(
        answer.status() == 200 && answer.text() != "evil",
        "{answer:?}"
    );
    assert_eq!(primary.connections(), 2, "{request:?}");
}

#[test]
fn a_connection_whose_upgrade_was_not_granted_is_not_used_again() {
    let upgrade = "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\r\n";
    is_used_once(upgrade, OK, 200);
}

#[test]
fn a_connection_behind_an_answer_that_has_no_body_and_announces_one_is_not_used_again() {
    for status in [204, 304] {
        for field in ["Content-Length: 4", "Transfer-Encoding: chunked"] {
            let answer = format!("HTTP/1.1 {status} Whatever\r\n{field}\r\n\r\n");
            is_used_once(&get("/"), &answer, status);
        }
    }
}
