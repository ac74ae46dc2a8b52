//! Corners of passing messages on: odd framings, odd ends, and what comes before, between and behind messages.

use std::fmt::Write as _;

use crate::kit::{
    Ending, Gate, Message, OK, Server, Tee, answers, eventually, get, latin1, post, tells,
};

/// A primary and a shadow that answer with these bytes, and shadowtee before them.
fn before(answer: &'static str) -> (Server, Server, Tee) {
    let primary = Server::unix(answers(answer));
    let shadow = Server::unix(answers(answer));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    (primary, shadow, tee)
}

/// What primary and shadow get when a client sends these bytes.
#[track_caller]
fn arrived(request: impl AsRef<[u8]>) -> [Message; 2] {
    let (primary, shadow, tee) = before(OK);
    let answer = tee.client().send(request).answer();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    [primary.request(), shadow.request()]
}

#[test]
fn a_body_arrives_with_every_method_in_both_framings() {
    for method in [
        "GET", "DELETE", "OPTIONS", "PATCH", "PUT", "QUERY", "PROPFIND",
    ] {
        for framed in [
            "Content-Length: 5\r\n\r\nhello",
            "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        ] {
            for request in arrived(format!("{method} /a HTTP/1.1\r\nHost: a\r\n{framed}")) {
                assert_eq!(
                    (request.method(), request.text().as_str()),
                    (method, "hello")
                );
                assert_eq!(
                    request.is_chunked(),
                    framed.starts_with("Transfer"),
                    "{}",
                    request.head
                );
            }
        }
    }
}

#[test]
fn header_values_keep_what_stands_in_them() {
    let odd = "X-Quoted: \"a, b\\\"c\"; q=0.1,,  d\r\nCookie: a=\"b c\"; d=e\r\nCookie: f\r\nX-Tab: a\tb  c";
    for request in arrived(format!("GET / HTTP/1.1\r\nHost: a\r\n{odd}\r\n\r\n")) {
        let lines = request.lines_sent();
        let wanted: Vec<_> = std::iter::once("Host: a")
            .chain(odd.split("\r\n"))
            .collect();
        assert_eq!(lines, wanted);
    }
}

#[test]
fn an_odd_reason_or_none_does_no_harm() {
    for start in [
        &b"HTTP/1.1 200 "[..],
        b"HTTP/1.1 200",
        b"HTTP/1.1 200 A\tB",
        b"HTTP/1.1 999 Odd",
    ] {
        let answer = [start, b"\r\nContent-Length: 2\r\n\r\nok"].concat();
        let primary = Server::unix(answers(answer));
        let tee = Tee::with_primary(&primary).start();
        let got = tee.get("/");
        assert_eq!(got.text(), "ok");
        assert_eq!(
            got.start().trim_end(),
            latin1(start).trim_end(),
            "{}",
            got.head
        );
    }
}

#[test]
fn absolute_targets_of_a_host_arrive_for_that_host() {
    for target in ["http://app.example/", "http://app.example:80/a?b"] {
        let host = target.split('/').nth(2).unwrap();
        for request in arrived(format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")) {
            assert_eq!(
                (request.target(), request.all("host")),
                (target, vec![host])
            );
        }
    }
}

#[test]
fn an_asterisk_belongs_to_options_alone() {
    let (primary, _, tee) = before(OK);
    let answer = tee
        .client()
        .send("GET * HTTP/1.1\r\nHost: a\r\n\r\n")
        .answer();
    if answer.status() == 200 {
        assert_eq!(primary.request().start(), "GET * HTTP/1.1");
    } else {
        assert_eq!(answer.status(), 400);
        assert!(primary.requests().is_empty());
    }
}

#[test]
fn a_request_of_http_1_0_without_host_is_no_bad_request_for_the_primary() {
    // A primary of HTTP/1.1 must refuse a request of that version without Host (RFC 9112, 3.2).
    for request in arrived("GET /a HTTP/1.0\r\n\r\n") {
        assert!(
            request.start() == "GET /a HTTP/1.0" || request.has("host"),
            "{}",
            request.head
        );
    }
}

#[test]
fn answers_without_a_body_keep_pipelined_answers_apart() {
    let primary = Server::unix(|conn| {
        loop {
            let request = conn.request()?;
            conn.send(match request.target() {
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                "/304" => "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n".to_owned(),
                "/chunks" => {
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
                        .to_owned()
                }
                _ if request.method() == "HEAD" => {
                    "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n".to_owned()
                }
                target => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{target}",
                    target.len()
                ),
            })?;
        }
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let targets = ["/a", "/204", "/b", "/304", "/chunks", "/c"];
    let mut all: String = targets.iter().map(|target| get(target)).collect();
    all.push_str("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n");
    all.push_str(&post("/d", "xyz"));
    client.send(all);
    let mut got: Vec<_> = (0..6)
        .map(|_| client.answer())
        .map(|a| (a.status(), a.text()))
        .collect();
    let head = client.answer_to_head();
    got.push((head.status(), String::new()));
    let last = client.answer();
    got.push((last.status(), last.text()));
    let wanted = [
        (200, "/a"),
        (204, ""),
        (200, "/b"),
        (304, ""),
        (200, "ok"),
        (200, "/c"),
        (200, ""),
        (200, "/d"),
    ];
    assert_eq!(got, wanted.map(|(status, text)| (status, text.to_owned())));
}

#[test]
fn a_long_pipeline_is_answered_in_its_order() {
    let primary = Server::unix(tells);
    let shadow = Server::unix(tells);
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    let mut all = String::new();
    for n in 0..200 {
        match n % 3 {
            0 => all.push_str(&get(&format!("/{n}"))),
            1 => all.push_str(&post(&format!("/{n}"), "abc")),
            _ => {
                let _ = write!(
                    all,
                    "POST /{n} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n"
                );
            }
        }
    }
    client.send(all);
    for n in 0..200 {
        let wanted = match n % 3 {
            0 => format!("GET /{n} 0"),
            _ => format!("POST /{n} 3"),
        };
        assert_eq!(client.answer().text(), wanted);
    }
    assert_eq!(tee.settled(200).of("next"), [("answered", 200)]);
}

#[test]
fn a_request_that_comes_byte_by_byte_is_the_same_request() {
    let (primary, shadow, tee) = before(OK);
    let mut client = tee.client();
    let text = "POST /a?b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n5;x\r\nhello\r\n0\r\n\r\n";
    for byte in text.as_bytes() {
        client.send([*byte]);
    }
    assert_eq!(client.answer().raw, OK.as_bytes());
    for server in [&primary, &shadow] {
        let request = server.request();
        assert_eq!(
            request.lines_sent(),
            ["Host: a", "X-A: 1", "Transfer-Encoding: chunked"]
        );
        assert_eq!(request.text(), "hello");
    }
}

#[test]
fn an_answer_that_comes_byte_by_byte_is_the_same_answer() {
    for answer in [
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let primary = Server::unix(move |conn| {
            loop {
                conn.request()?;
                for byte in answer.as_bytes() {
                    conn.send([*byte])?;
                }
            }
        });
        let tee = Tee::with_primary(&primary).start();
        let mut client = tee.client();
        for _ in 0..2 {
            assert_eq!(client.get("/").text(), "hello");
        }
        assert_eq!(primary.connections(), 1);
    }
}

#[test]
fn an_error_answer_to_head_has_no_body() {
    let tee = Tee::with_primary("unix:/nowhere.sock").start();
    let mut client = tee.client();
    client.send("HEAD / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    assert_eq!(client.answer_to_head().status(), 502);
    assert_eq!(client.rest().0, b"");
}

#[test]
fn an_unreachable_primary_does_not_close_the_client() {
    let tee = Tee::with_primary("unix:/nowhere.sock").start();
    let mut client = tee.client();
    for _ in 0..3 {
        assert_eq!(client.get("/").status(), 502);
    }
}

#[test]
fn a_refusal_in_the_middle_of_a_body_closes_the_connection_and_says_so() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[limits]\nbody_bytes = \"1KiB\"")
        .start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n");
    let answer = client.answer();
    assert_eq!(
        (answer.status(), answer.header("connection")),
        (413, Some("close"))
    );
    client.half_close_quietly();
    assert_eq!(client.rest().0, b"");
    assert!(primary.requests().is_empty() && shadow.requests().is_empty());
}

#[test]
fn an_endless_extension_of_a_chunk_is_given_up() {
    let (primary, shadow, tee) = before(OK);
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;");
    let piece = "x".repeat(64 * 1024);
    // More than any limit of a header.
    for _ in 0..1024 {
        if client.try_send(&piece).is_err() {
            break;
        }
    }
    client.half_close_quietly();
    client.rest();
    assert!(primary.requests().is_empty() && shadow.requests().is_empty());
    assert!(tee.peak_memory() < 100 << 20, "{}", tee.peak_memory());
    assert_eq!(tee.settled(1).count("next", "answered"), 0);
}

#[test]
fn endless_trailers_are_given_up() {
    let (primary, shadow, tee) = before(OK);
    let mut client = tee.client();
    client.send(
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
    );
    let piece = format!("X-A: {}\r\n", "x".repeat(1000)).repeat(64);
    for _ in 0..1024 {
        if client.try_send(&piece).is_err() {
            break;
        }
    }
    client.half_close_quietly();
    client.rest();
    assert!(primary.requests().is_empty() && shadow.requests().is_empty());
    assert!(tee.peak_memory() < 100 << 20, "{}", tee.peak_memory());
    assert_eq!(tee.settled(1).count("next", "answered"), 0);
}

#[test]
fn endless_trailers_of_an_answer_are_given_up() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n")?;
        let piece = format!("X-A: {}\r\n", "x".repeat(1000)).repeat(64);
        loop {
            conn.send(&piece)?;
        }
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send(get("/"));
    let (rest, _) = client.rest();
    assert!(!rest.ends_with(b"\r\n\r\n"));
    assert!(tee.peak_memory() < 100 << 20, "{}", tee.peak_memory());
}

#[test]
fn a_client_that_leaves_while_it_is_answered_cancels_the_rest() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        let piece = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
        loop {
            conn.send(&piece)?;
        }
    });
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    client.send(get("/")).head();
    client.chunk();
    drop(client);
    eventually("the end at the primary", || {
        primary.is_closed(0).then_some(())
    });
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
}

#[test]
fn half_a_head_is_no_request_for_anybody() {
    let (primary, shadow, tee) = before(OK);
    for part in ["G", "GET / HTT", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n"] {
        let mut client = tee.client();
        client.send(part).half_close();
        client.rest();
    }
    assert_eq!(tee.get("/").raw, OK.as_bytes());
    shadow.wait_for(1);
    assert_eq!((primary.requests().len(), shadow.requests().len()), (1, 1));
    tee.wait_for_ledger("balance", crate::kit::Ledger::is_settled);
}

#[test]
fn an_upgrade_keeps_its_bytes_when_one_side_has_said_all() {
    // The client says all that it has to say and ends its side; the primary still answers.
    let go = Gate::default();
    let gate = go.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        conn.send(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: odd/1\r\n\r\n",
        )?;
        assert_eq!(conn.take(4)?, b"last");
        gate.pass();
        conn.send("answer")
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: odd/1\r\n\r\n");
    let switch = client.answer();
    assert_eq!(
        (switch.status(), switch.header("upgrade")),
        (101, Some("odd/1"))
    );
    client.send("last");
    go.open();
    assert_eq!(client.rest(), (b"answer".to_vec(), Ending::Clean));
}

#[test]
fn a_copy_has_the_bytes_of_the_request_beside_its_own_three_headers() {
    let [primary, shadow] = arrived(
        "POST /a?b=%20 HTTP/1.1\r\nhost: a:81\r\nX-B: 1\r\nx-a: 2\r\nAuthorization: Basic eA==\r\nCookie: c\r\n\
         X-Request-Id: mine\r\nContent-Length: 3\r\n\r\nabc",
    );
    assert_eq!(primary.start(), shadow.start());
    assert_eq!(primary.lines_sent(), shadow.lines_sent());
    assert_eq!(primary.header("x-request-id"), Some("mine"));
    assert_eq!(shadow.header("x-request-id"), Some("mine"));
    assert_eq!(primary.body, shadow.body);
    let added: Vec<_> = shadow
        .lines()
        .into_iter()
        .filter(|line| !primary.lines().contains(line))
        .map(|line| line.split(':').next().unwrap().to_ascii_lowercase())
        .collect();
    assert_eq!(added, ["x-shadow-request", "x-shadowtee-instance"]);
}

#[test]
fn a_client_of_http_1_0_gets_no_interim_answer() {
    // RFC 9110, 15.2.
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n")?;
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).start();
    let answer = tee
        .client()
        .send("GET / HTTP/1.0\r\nHost: a\r\n\r\n")
        .answer();
    assert_eq!(answer.text(), "ok");
    assert_eq!(answer.status(), 200, "{}", answer.head);
}

#[test]
fn the_header_of_an_answer_to_head_is_that_of_the_primary() {
    for answer in [
        "HTTP/1.1 200 OK\r\nX-A: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\nX-A: 1\r\n\r\n",
    ] {
        let primary = Server::unix(answers(answer));
        let tee = Tee::with_primary(&primary).start();
        let mut client = tee.client();
        for _ in 0..2 {
            client.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n");
            assert_eq!(client.answer_to_head().raw, answer.as_bytes());
        }
        assert_eq!(primary.connections(), 1);
    }
}

#[test]
fn a_header_that_never_comes_whole_is_counted_as_not_forwarded() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[timeouts]\nclient_header = \"200ms\"")
        .start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n");
    assert_eq!(client.answer().status(), 408);
    assert_eq!(tee.settled(1).of("next"), [("not_forwarded", 1)]);
}

#[test]
fn the_mark_of_a_copy_cannot_be_taken_off_as_a_header_of_one_hop() {
    let [primary, shadow] = arrived(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Shadow-Request, X-Shadowtee-Instance\r\nX-Shadow-Request: b\r\n\r\n",
    );
    assert!(!primary.has("x-shadow-request"), "{}", primary.head);
    assert_eq!(shadow.all("x-shadow-request"), ["next"]);
    assert_eq!(shadow.all("x-shadowtee-instance").len(), 1);
}
