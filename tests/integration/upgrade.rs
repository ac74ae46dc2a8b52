//! Upgrades (websocket) pass both ways until either side ends.

use crate::kit::{Client, Conn, Ending, OK, Server, Tee, answers, eventually};

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// Switches, then says back all that comes, and ends at a `.`.
fn echoes(conn: &mut Conn) -> std::io::Result<()> {
    conn.request()?;
    conn.send(SWITCH)?;
    loop {
        let piece = conn.some()?;
        conn.send(&piece)?;
        if piece.ends_with(b".") {
            return Ok(());
        }
    }
}

fn switched(tee: &Tee) -> Client {
    let mut client = tee.client();
    let answer = client.send(UPGRADE).answer();
    assert_eq!(answer.status(), 101);
    assert_eq!(answer.header("upgrade"), Some("websocket"));
    assert!(
        answer
            .header("connection")
            .is_some_and(|c| c.eq_ignore_ascii_case("upgrade")),
        "{}",
        answer.head
    );
    assert!(answer.has("sec-websocket-accept"));
    client
}

#[test]
fn an_upgraded_connection_passes_bytes_both_ways() {
    let primary = Server::unix(echoes);
    let tee = Tee::with_primary(&primary).start();
    let mut client = switched(&tee);
    for text in ["one", "\0\u{1}\u{7f}", "GET / HTTP/1.1\r\n\r\n"] {
        client.send(text);
        assert_eq!(client.take(text.len()), text.as_bytes());
    }
    let request = primary.request();
    assert_eq!(request.header("upgrade"), Some("websocket"));
    assert!(
        request
            .header("connection")
            .is_some_and(|c| c.eq_ignore_ascii_case("upgrade")),
        "{}",
        request.head
    );
    assert_eq!(
        request.header("sec-websocket-key"),
        Some("dGhlIHNhbXBsZSBub25jZQ==")
    );
}

#[test]
fn an_upgraded_connection_ends_when_the_primary_ends() {
    let primary = Server::unix(echoes);
    let tee = Tee::with_primary(&primary).start();
    let mut client = switched(&tee);
    client.send("end.");
    assert_eq!(client.rest(), (b"end.".to_vec(), Ending::Clean));
}

#[test]
fn an_upgraded_connection_ends_when_the_client_ends() {
    for on_tcp in [false, true] {
        let primary = Server::unix(echoes);
        let setup = Tee::with_primary(&primary);
        let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut client = switched(&tee);
        client.send("x");
        client.take(1);
        drop(client);
        eventually("the end at the primary", || primary.connection(0).ending());
    }
}

#[test]
fn bytes_sent_right_behind_the_switch_are_not_lost() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send(format!("{SWITCH}first"))?;
        conn.hang().map(drop)
    });
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(switched(&tee).take(5), b"first");
}

#[test]
fn bytes_sent_right_behind_the_request_are_not_lost() {
    let primary = Server::unix(echoes);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send(format!("{UPGRADE}early"));
    assert_eq!(client.answer().status(), 101);
    assert_eq!(client.take(5), b"early");
}

#[test]
fn much_passes_both_ways_at_once() {
    let primary = Server::unix(echoes);
    let tee = Tee::with_primary(&primary).start();
    let mut client = switched(&tee);
    let piece = vec![b'x'; 100_000];
    for _ in 0..50 {
        client.send(&piece);
        assert_eq!(client.take(piece.len()).len(), piece.len());
    }
}

#[test]
fn an_upgrade_is_not_copied_and_is_counted() {
    let primary = Server::unix(echoes);
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = switched(&tee);
    client.send("secret");
    client.take(6);
    drop(client);
    assert_eq!(tee.settled(1).of("next"), [("upgrade", 1)]);
    assert!(shadow.requests().is_empty());
}

#[test]
fn an_upgrade_that_the_primary_declines_is_an_answer_like_any_other_and_is_copied() {
    for send in ["with_request", "after_answer"] {
        let primary = Server::unix(answers(OK));
        let shadow = Server::unix(answers(OK));
        let tee = Tee::with_primary(&primary)
            .shadow_with("next", &shadow, &format!("send = \"{send}\""))
            .start();
        let mut client = tee.client();
        for _ in 0..2 {
            assert_eq!(client.send(UPGRADE).answer().raw, OK.as_bytes());
        }
        assert_eq!(tee.settled(2).of("next"), [("answered", 2)]);
        let copies = shadow.requests();
        assert!(
            copies
                .iter()
                .all(|copy| copy.header("upgrade") == Some("websocket"))
        );
        assert_eq!((primary.connections(), shadow.connections()), (2, 2));
    }
}

/// Java's client and `curl --http2` offer HTTP/2 with each request.
#[test]
fn what_is_no_upgrade_is_an_ordinary_request_and_is_copied() {
    let offers = [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade:\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: foo\r\n\
         Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ];
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow("next", &shadow)
        .start();
    let mut client = tee.client();
    for (n, offer) in offers.iter().enumerate() {
        assert_eq!(client.send(offer).answer().raw, OK.as_bytes());
        let n = n as u64 + 1;
        assert_eq!(tee.settled(n).of("next"), [("answered", n)], "{offer}");
    }
    for server in [&primary, &shadow] {
        for request in server.requests() {
            for name in ["connection", "upgrade", "http2-settings"] {
                assert!(!request.has(name), "{}", request.head);
            }
        }
        assert_eq!(server.connections(), 1);
    }
}

#[test]
fn a_switch_that_nobody_asked_for_is_not_passed_on() {
    let primary = Server::unix(echoes);
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.get("/").status(), 502);
}

#[test]
fn an_upgraded_connection_may_be_silent_for_longer_than_any_body() {
    let primary = Server::unix(echoes);
    let tee = Tee::with_primary(&primary)
        .toml("[timeouts]\nidle = \"100ms\"\nanswer = \"100ms\"\nclient_header = \"100ms\"\nkeep_alive = \"100ms\"")
        .start();
    let mut client = switched(&tee);
    std::thread::sleep(std::time::Duration::from_millis(500));
    client.send("still here");
    assert_eq!(client.take(10), b"still here");
}
