//! Bytes that two readers could cut into messages at different places: refused, or passed on in one reading only.

use crate::kit::{Client, Ledger, Message, OK, Server, Tee, answers, get, latin1};

/// A primary, a shadow, and shadowtee between; what a client sends is looked at from all sides.
pub(crate) struct Scene {
    pub(crate) primary: Server,
    pub(crate) shadow: Server,
    pub(crate) tee: Tee,
}

impl Scene {
    pub(crate) fn new() -> Self {
        let primary = Server::unix(answers(OK));
        let shadow = Server::unix(answers(OK));
        let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
        Self {
            primary,
            shadow,
            tee,
        }
    }

    /// Sends bytes and no more, and returns the status of the first answer, if one came before the end.
    pub(crate) fn send(&self, bytes: impl AsRef<[u8]>) -> Option<u16> {
        let mut client = self.tee.client();
        let _ = client.try_send(bytes);
        client.half_close_quietly();
        let (rest, _) = client.rest();
        let text = latin1(&rest);
        text.split(' ').nth(1).map(|word| word.parse().unwrap())
    }

    /// Nobody got a whole request, and none is counted as answered.
    #[track_caller]
    pub(crate) fn nobody_got_anything(&self, sent: &str) {
        for server in [&self.primary, &self.shadow] {
            assert!(
                server.requests().is_empty(),
                "{sent:?}: {:?}",
                server.requests()
            );
        }
        let ledger = self.tee.wait_for_ledger("balance", Ledger::is_settled);
        assert_eq!(ledger.count("next", "answered"), 0, "{sent:?}");
    }
}

/// Refused with one of these statuses; no part of it is a request for anybody.
#[track_caller]
pub(crate) fn refused(statuses: &[u16], sent: &str) {
    let scene = Scene::new();
    let status = scene.send(sent.chars().map(|c| c as u8).collect::<Vec<_>>());
    assert!(
        status.is_some_and(|status| statuses.contains(&status)),
        "{status:?} for {sent:?}"
    );
    scene.nobody_got_anything(sent);
}

/// Refused, or passed on once, as this body in a framing without doubt.
#[track_caller]
pub(crate) fn refused_or_clear(sent: &str, body: &str) {
    let scene = Scene::new();
    let mut client = scene.tee.client();
    client.send(sent);
    let status = client.answer().status();
    if [400, 501].contains(&status) {
        client.half_close().rest();
        return scene.nobody_got_anything(sent);
    }
    assert_eq!(status, 200, "{sent:?}");
    for server in [&scene.primary, &scene.shadow] {
        let request = server.request();
        let (lengths, codings) = (
            request.all("content-length"),
            request.all("transfer-encoding"),
        );
        let (is_sized, is_chunked) = (
            lengths == [body.len().to_string()],
            codings.len() == 1 && request.is_chunked(),
        );
        assert!(
            is_sized && codings.is_empty() || is_chunked && lengths.is_empty(),
            "{}",
            request.head
        );
        assert_eq!(request.text(), body, "{sent:?}");
    }
}

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";

fn chunked(rest: &str) -> String {
    format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{rest}")
}

#[test]
fn behind_a_request_with_length_and_chunks_no_further_request_is_read() {
    // A server must close the connection after such a request, whatever it does with it (RFC 9112, 6.1).
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 40",
        "Transfer-Encoding: chunked\r\nContent-Length: 0",
    ] {
        let scene = Scene::new();
        let status = scene.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n0\r\n\r\n{HIDDEN}"
        ));
        assert!([Some(200), Some(400)].contains(&status), "{headers}");
        for server in [&scene.primary, &scene.shadow] {
            let targets = server.requests();
            assert!(
                targets.iter().all(|request| request.target() != "/hidden"),
                "{headers}"
            );
        }
    }
}

#[test]
fn behind_a_request_that_is_refused_no_further_request_is_read() {
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nContent-Length: 1\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
    ] {
        let scene = Scene::new();
        let status = scene.send(format!("{request}{HIDDEN}"));
        assert!([Some(400), Some(405)].contains(&status), "{request}");
        scene.nobody_got_anything(request);
    }
}

#[test]
fn behind_the_last_request_of_a_connection_no_further_request_is_read() {
    let scene = Scene::new();
    let last = "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    assert_eq!(scene.send(format!("{last}{HIDDEN}")), Some(200));
    assert_eq!(scene.primary.request().target(), "/last");
}

#[test]
fn lists_of_lengths_that_are_no_single_number_are_refused() {
    for length in [
        "5, 6", "5,5,6", "5;5", "5 5", "5,", ",5", "5,+5", "5, 0x5", "5.0", "\"5\"", "5\u{b}",
        "\u{a0}5",
    ] {
        refused(
            &[400],
            &format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\nhello"),
        );
    }
}

#[test]
fn a_length_with_zeros_before_it_is_refused_or_made_plain() {
    let scene = Scene::new();
    let mut client = scene.tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 005\r\n\r\nhello");
    if client.answer().status() == 200 {
        assert_eq!(scene.primary.request().text(), "hello");
    }
}

#[test]
fn a_coding_that_is_not_chunked_alone_is_refused() {
    for coding in [
        "chunked, identity",
        "identity",
        "chunked\r\nTransfer-Encoding: identity",
        "chunked\r\nTransfer-Encoding: chunked",
        "chunked\u{b}",
        "\u{b}chunked",
        "chunked\u{a0}",
        "chun ked",
        "ch\u{212a}ed",
        "'chunked'",
        "chunked;a=b",
        "",
    ] {
        refused(
            &[400, 501],
            &format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n{HIDDEN}"
            ),
        );
    }
}

#[test]
fn a_coding_that_is_not_chunked_alone_is_refused_beside_a_length_too() {
    for coding in [
        "",
        "identity",
        "xchunked",
        "chunked, identity",
        "\u{b}chunked",
    ] {
        refused(
            &[400, 501],
            &format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"
            ),
        );
    }
}

#[test]
fn chunked_however_it_is_written_is_chunked() {
    for coding in ["Chunked", "CHUNKED", "\tchunked", "chunked \t"] {
        refused_or_clear(
            &format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:{coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            ),
            "hello",
        );
    }
}

#[test]
fn chunks_of_http_1_0_are_refused_with_a_length_too() {
    for line in [
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Connection: keep-alive\r\nTransfer-Encoding: chunked",
    ] {
        refused(
            &[400],
            &format!("POST / HTTP/1.0\r\nHost: a\r\n{line}\r\n\r\n0\r\n\r\n{HIDDEN}"),
        );
    }
}

#[test]
fn a_folded_length_or_coding_leaves_no_doubt() {
    for line in [
        "Content-Length:\r\n 5",
        "Content-Length: 5\r\n ",
        "X-A: 1\r\n Content-Length: 7\r\nContent-Length: 5",
    ] {
        refused_or_clear(
            &format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\nhello"),
            "hello",
        );
    }
    for line in [
        "Transfer-Encoding:\r\n chunked",
        "X-A: 1\r\n\tContent-Length: 5\r\nTransfer-Encoding: chunked",
    ] {
        refused_or_clear(
            &format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
            "hello",
        );
    }
}

#[test]
fn a_space_before_the_colon_of_a_framing_header_is_refused() {
    for line in [
        "Content-Length : 5",
        "Content-Length\t: 5",
        "Transfer-Encoding : chunked",
        " Transfer-Encoding: chunked",
        "Content-Length: 5\r\nTransfer-Encoding\u{b}: chunked",
    ] {
        refused(
            &[400],
            &format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n0\r\n\r\n"),
        );
    }
}

#[test]
fn control_characters_in_a_head_are_refused() {
    for head in [
        "GET /\0 HTTP/1.1\r\nHost: a",
        "G\0T / HTTP/1.1\r\nHost: a",
        "GET / HTTP/1.1\r\nHost: a\0",
        "GET / HTTP/1.1\r\nHost: a\r\nX\0: 1",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\0",
        "GET /\r HTTP/1.1\r\nHost: a",
        "GET /\u{1}a HTTP/1.1\r\nHost: a",
        "GET /\u{b}a HTTP/1.1\r\nHost: a",
        "GET /\ta HTTP/1.1\r\nHost: a",
        "GET\t/ HTTP/1.1\r\nHost: a",
        "GET /\tHTTP/1.1\r\nHost: a",
        "GET / HTTP/1.1\rHost: a",
        "GET / HTTP/1.1\r\nHost: a\rX: 1",
        "GET / HTTP/1.1\r\nHost: a\r\nX: 1\r",
        "GET / HTTP/1.1\r\r\nHost: a",
    ] {
        refused(&[400], &format!("{head}\r\n\r\n"));
    }
}

#[test]
fn lines_that_end_with_a_bare_line_feed_are_refused_or_made_whole() {
    for head in [
        "GET / HTTP/1.1\nHost: a\nX-A: 1\n\n",
        "GET / HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\n\n",
    ] {
        let scene = Scene::new();
        let mut client = scene.tee.client();
        let status = client.send(head).half_close().answer().status();
        assert!([200, 400].contains(&status), "{head:?}: {status}");
        for request in scene.primary.requests() {
            let bare = request
                .head
                .split("\r\n")
                .any(|line| line.contains(['\r', '\n']));
            assert!(!bare, "{:?}", request.head);
            assert_eq!(request.lines_sent(), ["Host: a", "X-A: 1"], "{head:?}");
        }
    }
}

#[test]
fn a_request_line_of_another_form_is_refused() {
    for line in [
        "GET / HTTP/1.1 ",
        " GET / HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1.10",
        "GET / HTTP/01.1",
        "GET / HTTP/1,1",
        "GET / HTTP/2.0",
        "GET / HTTP/0.9",
        "GET / HTTP/-1.1",
        "GET / HTTP/1.",
        "GET / HTTP",
        "GET",
        "GET /",
        "/ HTTP/1.1",
        "G(T / HTTP/1.1",
        "PRI * HTTP/2.0",
    ] {
        let sent = format!("{line}\r\nHost: a\r\n\r\n");
        let scene = Scene::new();
        let status = scene.send(&sent);
        assert!(matches!(status, Some(400 | 505)), "{status:?} for {line:?}");
        scene.nobody_got_anything(line);
    }
}

#[test]
fn a_chunk_that_two_readers_could_cut_differently_is_never_the_end() {
    for chunks in [
        "+5\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\n\r\nhello\r\n0\r\n\r\n",
        "5;a\nb\r\nhello\r\n0\r\n\r\n",
        "5;a\rb\r\nhello\r\n0\r\n\r\n",
        "5\r;a\r\nhello\r\n0\r\n\r\n",
        "5 \r ;a\r\nhello\r\n0\r\n\r\n",
        "5\u{c};a\r\nhello\r\n0\r\n\r\n",
        "5\u{c}\r\nhello\r\n0\r\n\r\n",
        "5\u{b};a\r\nhello\r\n0\r\n\r\n",
        "5 a\r\nhello\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\r\n\nX: 1\r\n\r\n",
        "5\0\r\nhello\r\n0\r\n\r\n",
        "5_0\r\nhello\r\n0\r\n\r\n",
        "5,0\r\nhello\r\n0\r\n\r\n",
        "5.0\r\nhello\r\n0\r\n\r\n",
        "5h\r\nhello\r\n0\r\n\r\n",
        "\u{ff15}\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "100000000000000000000000000000005\r\nhello\r\n0\r\n\r\n",
        ";a=b\r\nhello\r\n0\r\n\r\n",
        "-0\r\n\r\n",
        "+0\r\n\r\n",
        "0x0\r\n\r\n",
        "0\n\r\n",
        "0\r\r\n\r\n",
        "0\r\nX : 1\r\n\r\n",
        "0\r\n X: 1\r\n\r\n",
        "0\r\nX\r\n\r\n",
        "0\r\n: 1\r\n\r\n",
        "0\r\nX: \0\r\n\r\n",
        "0\r\nX: 1\r2\r\n\r\n",
    ] {
        let scene = Scene::new();
        let sent = chunked(&format!("{chunks}{HIDDEN}"));
        let status = scene.send(&sent);
        assert!(
            matches!(status, None | Some(400 | 413 | 502)),
            "{status:?} for {chunks:?}"
        );
        scene.nobody_got_anything(chunks);
    }
}

#[test]
fn what_stands_around_the_size_of_a_chunk_leaves_no_doubt() {
    for chunks in [
        "5 \r\nhello\r\n0\r\n\r\n",
        "5\t\r\nhello\r\n0\r\n\r\n",
        "5 ;a=b\r\nhello\r\n0\r\n\r\n",
        "05\r\nhello\r\n000\r\n\r\n",
        "5;a=\0\r\nhello\r\n0\r\n\r\n",
        "5;a=\"b\r\nhello\r\n0\r\n\r\n",
    ] {
        let scene = Scene::new();
        let mut client = scene.tee.client();
        client.send(chunked(chunks)).half_close();
        let (rest, _) = client.rest();
        if rest.starts_with(b"HTTP/1.1 200 ") {
            assert_eq!(scene.primary.request().text(), "hello", "{chunks:?}");
            assert_eq!(scene.shadow.request().text(), "hello", "{chunks:?}");
        } else {
            scene.nobody_got_anything(chunks);
        }
    }
}

#[test]
fn a_trailer_never_becomes_a_header() {
    for trailer in [
        "Content-Length: 50",
        "Transfer-Encoding: gzip",
        "Host: b",
        "X-Shadow-Request: next",
        "Authorization: Basic eA==",
    ] {
        let scene = Scene::new();
        let name = trailer.split(':').next().unwrap();
        let mut client = scene.tee.client();
        client.send(format!(
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: {name}\r\n\r\n5\r\nhello\r\n0\r\n{trailer}\r\n\r\n"
        ));
        let status = client.answer().status();
        if status == 200 {
            let request = scene.primary.request();
            assert_eq!(request.all("host"), ["a"]);
            assert_eq!(request.all("transfer-encoding"), ["chunked"]);
            for gone in ["content-length", "authorization", "x-shadow-request"] {
                assert!(!request.has(gone), "{}", request.head);
            }
        } else {
            assert_eq!(status, 400, "{trailer}");
        }
    }
}

#[test]
fn a_body_of_a_get_is_not_the_next_request() {
    let scene = Scene::new();
    let mut client = scene.tee.client();
    client.send(format!(
        "GET /one HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{HIDDEN}{}",
        HIDDEN.len(),
        get("/two")
    ));
    for _ in 0..2 {
        assert_eq!(client.answer().status(), 200);
    }
    for server in [&scene.primary, &scene.shadow] {
        let mut seen: Vec<_> = server
            .wait_for(2)
            .iter()
            .map(|request| (request.target().to_owned(), request.body.len()))
            .collect();
        // The order of copies is not promised.
        seen.sort();
        assert_eq!(
            seen,
            [("/one".to_owned(), HIDDEN.len()), ("/two".to_owned(), 0)]
        );
    }
}

#[test]
fn an_expected_body_that_was_not_wanted_is_not_the_next_request() {
    let primary = Server::unix(|conn| {
        loop {
            let request = conn.head()?;
            if request.target() == "/one" {
                conn.send("HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")?;
            } else {
                conn.send(OK)?;
            }
        }
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send(format!(
        "POST /one HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        HIDDEN.len()
    ));
    assert_eq!(client.answer().status(), 417);
    // The body that was announced, sent all the same.
    let _ = client.try_send(HIDDEN);
    client.half_close_quietly();
    client.rest();
    // On whichever connection: nobody asked for this.
    for number in 0..primary.connections() {
        let bytes = latin1(&primary.connection(number).bytes());
        assert!(!bytes.starts_with("GET /hidden"), "{bytes}");
    }
    assert_eq!(tee.ledger().requests, 1);
}

/// What a client gets for a GET when the primary sends these bytes and closes.
fn answered(answer: &'static str) -> (Vec<u8>, Tee) {
    let primary = Server::unix(move |conn| {
        conn.request()?;
        conn.send(answer)
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client: Client = tee.client();
    client.send(get("/")).half_close();
    (client.rest().0, tee)
}

#[test]
fn an_answer_whose_head_is_malformed_gets_502() {
    for answer in [
        "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 +20 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/x.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "ICY 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: +0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A: \0\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: a\rb\r\nContent-Length: 0\r\n\r\n",
    ] {
        let (rest, tee) = answered(answer);
        assert!(
            rest.starts_with(b"HTTP/1.1 502 "),
            "{answer:?}: {}",
            latin1(&rest)
        );
        assert!(tee.ledger().balances());
    }
}

#[test]
fn an_answer_with_a_folded_or_spaced_header_is_refused_or_cleaned() {
    for answer in [
        "HTTP/1.1 200 OK\r\nX-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let (rest, _tee) = answered(answer);
        let text = latin1(&rest);
        if !text.starts_with("HTTP/1.1 502 ") {
            assert!(
                text.starts_with("HTTP/1.1 200 ")
                    && !text.contains("\r\n ")
                    && !text.contains(" :"),
                "{answer:?}: {text}"
            );
        }
    }
}

#[test]
fn an_answer_whose_chunks_are_malformed_never_looks_whole() {
    for chunks in [
        "5\r\nhelloX\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "10000000000000005\r\nhello\r\n0\r\n\r\n",
        "5\r\nhello\r\nzz\r\n",
    ] {
        let primary = Server::unix(move |conn| {
            conn.request()?;
            conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            conn.send(chunks)?;
            conn.hang().map(drop)
        });
        let tee = Tee::with_primary(&primary).start();
        let mut client = tee.client();
        client.send(get("/"));
        let (rest, _) = client.rest();
        assert!(
            !rest.ends_with(b"0\r\n\r\n"),
            "{chunks:?}: {}",
            latin1(&rest)
        );
    }
}

#[test]
fn an_answer_in_chunks_of_http_1_0_or_with_two_codings_leaves_no_doubt() {
    for head in [
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
    ] {
        let primary = Server::unix(move |conn| {
            conn.request()?;
            conn.send(head)?;
            conn.send("5\r\nhello\r\n0\r\n\r\n")
        });
        let tee = Tee::with_primary(&primary).start();
        let mut client = tee.client();
        client.send(get("/")).half_close();
        let (rest, _) = client.rest();
        let text = latin1(&rest);
        let answer_head = text.split("\r\n\r\n").next().unwrap().to_ascii_lowercase();
        assert!(
            !(answer_head.contains("content-length") && answer_head.contains("transfer-encoding")),
            "{head:?}: {text}"
        );
        assert!(
            answer_head.matches("transfer-encoding").count() <= 1,
            "{head:?}: {text}"
        );
    }
}

#[test]
fn one_message_is_one_message_for_both_servers() {
    // Bodies that look like requests and answers, in both framings.
    let scene = Scene::new();
    let mut client = scene.tee.client();
    let inner = format!("{HIDDEN}HTTP/1.1 200 OK\r\n\r\n0\r\n\r\n");
    client.send(format!(
        "POST /sized HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n{inner}",
        inner.len()
    ));
    assert_eq!(client.answer().status(), 200);
    client.send(format!(
        "POST /chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n",
        inner.len()
    ));
    assert_eq!(client.answer().status(), 200);
    for server in [&scene.primary, &scene.shadow] {
        let requests: Vec<Message> = server.wait_for(2);
        assert_eq!(requests.len(), 2);
        assert!(requests.iter().all(|request| request.text() == inner));
    }
}
