//! What could be read as two different messages is refused, and nothing of it is passed on.

use crate::kit::{Ledger, Message, OK, Server, Tee, answers};

fn arrived(request: &str) -> Message {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee.client().send(request).answer();
    assert_eq!(answer.status(), 200, "{}", answer.head);
    primary.request()
}

/// Sends what is no request; the primary must see nothing of it. Returns what came back.
#[track_caller]
fn refused(request: impl AsRef<[u8]>) -> Message {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    let answer = client.send(request).answer();
    client.half_close().rest();
    assert!(primary.requests().is_empty(), "{:?}", primary.requests());
    assert!(shadow.requests().is_empty(), "{:?}", shadow.requests());
    let ledger = tee.wait_for_ledger("balance", Ledger::is_settled);
    assert_eq!(ledger.count("next", "answered"), 0);
    answer
}

#[test]
fn both_length_and_chunks_are_never_passed_on_as_two_possible_messages() {
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nContent-Length: 60",
    ] {
        let primary = Server::unix(answers(OK));
        let tee = Tee::with_primary(&primary).start();
        let mut client = tee.client();
        client.send(format!(
            "POST /one HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
        ));
        let answer = client.answer();
        client.half_close().rest();
        if answer.status() == 400 {
            assert!(primary.requests().is_empty());
            continue;
        }
        let request = primary.requests().remove(0);
        assert!(
            request.is_chunked() && !request.has("content-length"),
            "{}",
            request.head
        );
        assert_eq!(request.text(), "");
    }
}

#[test]
fn two_different_lengths_are_refused() {
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 6",
        "Content-Length: 5\r\ncontent-length: 0",
    ] {
        let answer = refused(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\nhello!"
        ));
        assert_eq!(answer.status(), 400, "{lengths}");
    }
}

#[test]
fn two_equal_lengths_are_refused_or_made_one() {
    for lengths in [
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5, 5",
    ] {
        let primary = Server::unix(|conn| {
            let mut request = conn.head()?;
            if request.all("content-length") == ["5"] {
                conn.body(&mut request)?;
                return conn.send(OK);
            }
            conn.send("HTTP/1.1 500 Ambiguous\r\nContent-Length: 0\r\n\r\n")
        });
        let tee = Tee::with_primary(&primary).start();
        let answer = tee
            .client()
            .send(format!(
                "POST / HTTP/1.1\r\nHost: a\r\n{lengths}\r\n\r\nhello"
            ))
            .answer();
        assert!(
            [200, 400].contains(&answer.status()),
            "{lengths}: {}",
            answer.head
        );
    }
}

#[test]
fn a_length_that_is_no_number_is_refused() {
    for length in [
        "+5",
        "-5",
        "0x5",
        "5 5",
        "five",
        "",
        "5;",
        "99999999999999999999999",
    ] {
        let answer = refused(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello"
        ));
        assert_eq!(answer.status(), 400, "{length:?}");
    }
}

#[test]
fn a_transfer_encoding_that_hides_the_end_is_refused() {
    for coding in [
        "gzip",
        "identity",
        "xchunked",
        "chunked, gzip",
        "\"chunked\"",
        "chunked;q=1",
        "chunked, chunked",
    ] {
        let primary = Server::unix(answers(OK));
        let tee = Tee::with_primary(&primary).start();
        let mut client = tee.client();
        let request =
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n");
        let answer = client.send(request).answer();
        assert!(
            [400, 501].contains(&answer.status()),
            "{coding}: {}",
            answer.head
        );
        assert!(primary.requests().is_empty(), "{coding}");
    }
}

#[test]
fn chunks_from_a_client_of_http_1_0_are_refused() {
    let answer =
        refused("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    assert_eq!(answer.status(), 400);
}

#[test]
fn a_malformed_chunk_is_never_passed_on_as_the_end() {
    for chunk in [
        "zz\r\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        " 5\r\nhello\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\nhello",
        "\r\nhello\r\n0\r\n\r\n",
        "5\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
    ] {
        let primary = Server::unix(answers(OK));
        let shadow = Server::unix(answers(OK));
        let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
        let mut client = tee.client();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"
        ));
        // The connection is of no further use, with or without an answer.
        let (rest, _) = client.rest();
        assert!(
            rest.is_empty() || rest.starts_with(b"HTTP/1.1 4") || rest.starts_with(b"HTTP/1.1 502"),
            "{chunk:?}"
        );
        assert!(
            primary.requests().is_empty(),
            "{chunk:?}: {:?}",
            primary.requests()
        );
        let ledger = tee.settled(1);
        assert!(shadow.requests().is_empty(), "{chunk:?}");
        assert_eq!(ledger.count("next", "answered"), 0, "{chunk:?}");
    }
}

#[test]
fn a_malformed_head_is_refused() {
    for head in [
        "GET / HTTP/1.1\r\nHost : a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n: no name\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: \0\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: a\rb\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n",
        "GET  / HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/1.1 x\r\nHost: a\r\n",
        "GET /a b HTTP/1.1\r\nHost: a\r\n",
        "GET / HTTP/3.7\r\nHost: a\r\n",
        "GET / FTP/1.1\r\nHost: a\r\n",
        "GET /\r\nHost: a\r\n",
        "G@T / HTTP/1.1\r\nHost: a\r\n",
        "\x16\x03\x01\x02\r\n",
    ] {
        assert_eq!(refused(format!("{head}\r\n")).status(), 400, "{head:?}");
    }
}

#[test]
fn a_folded_header_is_refused_or_made_one_line() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee
        .client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n 2\r\n\tX-B: 3\r\n\r\n")
        .answer();
    if answer.status() != 400 {
        let lines = primary.request();
        assert_eq!(lines.all("x-a"), ["1 2 X-B: 3"]);
    }
}

#[test]
fn two_hosts_are_refused() {
    for hosts in [
        "Host: a\r\nHost: b",
        "Host: a\r\nHost: a",
        "Host: a\r\nhost: b",
    ] {
        assert_eq!(
            refused(format!("GET / HTTP/1.1\r\n{hosts}\r\n\r\n")).status(),
            400,
            "{hosts}"
        );
    }
}

#[test]
fn a_bad_host_is_refused() {
    for host in [
        "a b", "a/b", "a,b", "a\\b", "user@a", "a:b", "a:1:2", "[::1", "a?b", "a#b", "<a>",
        "a:999999",
    ] {
        assert_eq!(
            refused(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).status(),
            400,
            "{host}"
        );
    }
}

#[test]
fn no_host_at_all_is_refused_in_http_1_1() {
    assert_eq!(refused("GET / HTTP/1.1\r\n\r\n").status(), 400);
}

#[test]
fn hosts_of_every_proper_form_pass() {
    for host in [
        "a",
        "a:80",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "xn--bcher-kva.example",
        "under_score.example",
        "a.example.",
    ] {
        let request = arrived(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        assert_eq!(request.all("host"), [host]);
    }
}

#[test]
fn connect_is_refused() {
    assert_eq!(
        refused("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n").status(),
        405
    );
}
