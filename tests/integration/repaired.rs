//! What breaks a rule without being two messages at once passes, repaired where another reader could stumble over it. The
//! table in docs/malformed-messages.md has each rule; this is about what happens around them.

use std::fmt::Write as _;

use crate::kit::{Ending, Message, OK, Server, Setup, Tee, answers, assert_refusal, get};

/// A response as some applications send it: padded chunk sizes, bare LF, a space before a colon, a folded line, a line that
/// is none, framing that is said twice.
const SLOPPY: &str = "HTTP/1.1 200 OK\nTransfer-Encoding : chunked\r\nTransfer-Encoding: chunked\r\nPHP Warning\r\n\
                      X[]: \x01\r\nX-A: 1\r\n  2\r\n\r\n5  \r\nhello\n6\t;a=b\n there\r\n0 \nX-B : 1\n\n";

#[track_caller]
fn is_repaired(answer: &Message) {
    assert_eq!(
        answer.lines_sent(),
        ["Transfer-Encoding: chunked", "X[]: \x01", "X-A: 1 2"]
    );
    assert_eq!(answer.text(), "hello there");
    assert_eq!(answer.trailers, ["X-B: 1"]);
}

#[test]
fn a_connection_serves_on_behind_a_response_that_was_repaired() {
    let primary = Server::unix(answers(SLOPPY));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for _ in 0..3 {
        is_repaired(&client.get("/"));
    }
    assert_eq!(primary.connections(), 1);
}

#[test]
fn a_repaired_response_arrives_however_it_is_cut() {
    let primary = Server::unix(move |conn| {
        conn.request()?;
        for byte in SLOPPY.bytes() {
            conn.send([byte])?;
        }
        Ok(())
    });
    let tee = Tee::with_primary(&primary).start();
    is_repaired(&tee.get("/"));
}

#[test]
fn a_client_of_http_1_0_gets_a_repaired_response_without_chunks() {
    let primary = Server::unix(answers(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n5  \nhello\n0\n\n",
    ));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let answer = client.send("GET / HTTP/1.0\r\n\r\n").answer();
    assert!(!answer.has("transfer-encoding"), "{}", answer.head);
    assert_eq!(answer.text(), "hello");
}

#[test]
fn a_shadow_whose_responses_break_rules_answers_all_the_same() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(SLOPPY));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    for n in 1..=3 {
        client.get("/");
        assert_eq!(tee.settled(n).of("next"), [("answered", n)]);
    }
    assert_eq!(shadow.connections(), 1);
}

#[test]
fn odd_bytes_of_a_request_reach_primary_shadow_and_capture_as_they_were_sent() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = Tee::with_primary(&primary).shadow_with(
        "next",
        &shadow,
        "[shadow.rewrite.headers]\nset = { X-Added = \"1\" }",
    );
    let captured = setup.dir().join("captured.gor");
    let capture = format!(
        "[capture]\nfile = \"{}\"\n[log]\naccess = true",
        captured.display()
    );
    let mut tee = setup.toml(&capture).start();
    let request = b"POST /caf\xe9?\xff=\xc3\xa9 HTTP/1.2\r\nHost: b\xfccher\r\nX[]: 1\r\nCookie: a=\x01\x1b\x7f\r\n\
                    Transfer-Encoding: chunked\r\n\r\n5 \t\r\nhello\r\n0;\x01\r\nX-Sum: \x02\r\n\r\n";
    assert_eq!(tee.client().send(request).answer().status(), 200);
    tee.settled(1);
    for server in [&primary, &shadow] {
        let got = server.request();
        assert_eq!(got.start(), "POST /caf\u{e9}?\u{ff}=\u{c3}\u{a9} HTTP/1.1");
        assert_eq!(got.all("host"), ["b\u{fc}cher"]);
        assert_eq!(got.all("cookie"), ["a=\x01\x1b\x7f"]);
        assert!(!got.has("x[]"), "{}", got.head);
        assert_eq!(
            (got.text().as_str(), &got.trailers[..]),
            ("hello", &["X-Sum: \x02".to_owned()][..])
        );
    }
    tee.drain();
    assert!(tee.wait_for_exit().success());
    let captured = std::fs::read(captured).unwrap();
    let target = b"POST /caf\xe9?\xff=\xc3\xa9 ";
    assert!(captured.windows(target.len()).any(|part| part == target));
}

/// A response with so many lines besides its length.
fn with_lines(many: usize, value: &str) -> String {
    let mut head = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n".to_owned();
    for n in 1..many {
        write!(head, "Set-Cookie: c{n}={value}\r\n").unwrap();
    }
    head + "\r\nok"
}

fn limited(primary: &Server, limits: &str) -> Setup {
    Tee::with_primary(primary).toml(&format!("[limits]\n{limits}"))
}

#[test]
fn a_response_may_have_more_lines_than_a_request() {
    let primary = Server::unix(answers(with_lines(1000, "1")));
    let tee = limited(&primary, "header_count = 20\nheader_bytes = \"8KiB\"").start();
    assert_eq!(tee.get("/").all("set-cookie").len(), 999);
}

#[test]
fn a_response_may_have_150_cookies_of_4_kb() {
    let primary = Server::unix(answers(with_lines(150, &"x".repeat(4000))));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee.get("/");
    assert_eq!(answer.all("set-cookie").len(), 149);
    assert_eq!(answer.text(), "ok");
}

#[test]
fn a_response_beyond_its_limits_gets_502_and_the_log_names_the_limit() {
    for (limit, value, lines) in [
        ("response_header_count = 20", "1", 21),
        ("response_header_bytes = \"8KiB\"", "xxxxxxxxxx", 500),
    ] {
        let primary = Server::unix(answers(with_lines(lines, value)));
        let tee = limited(&primary, limit).start();
        assert_refusal(&tee.get("/"), 502);
        let name = limit.split(' ').next().unwrap();
        tee.wait_for_log(name, |line| line.contains("WARN") && line.contains(name));
    }
    let primary = Server::unix(answers(with_lines(20, "1")));
    let tee = limited(&primary, "response_header_count = 20").start();
    assert_eq!(tee.get("/").status(), 200);
}

#[test]
fn a_header_that_can_not_be_saved_is_named_in_the_log_and_its_value_is_not() {
    for (line, told) in [
        ("Set-Cookie: session=hunter2\0", "line 3 (Set-Cookie) "),
        ("X-\x1b[31m: hunter2\rb", "line 3 (X-\\\\x1b[31m) "),
        ("Content-Length: hunter2", "Content-Length is not a number"),
        ("Content-Length: 3", "more than one Content-Length"),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n{line}\r\n\r\nok");
        let primary = Server::unix(answers(answer));
        let tee = Tee::with_primary(&primary).start();
        assert_refusal(&tee.get("/"), 502);
        let line = tee.wait_for_log(told, |line| line.contains(told));
        assert!(line.contains("WARN"), "{line}");
        assert!(!tee.log().contains("hunter2"), "{line}");
    }
}

#[test]
fn a_chunk_that_can_not_be_saved_is_named_in_the_log_and_the_client_is_not_deceived() {
    for (chunks, told) in [
        ("5\r\nhello\r\nhunter2\r\n", "chunk 2 "),
        ("5\r\nhellohunter2\r\n0\r\n\r\n", "chunk 1 "),
        ("5\r\nhello\r\n0\r\nX: hunter2\0\r\n\r\n", "(X) "),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
        let primary = Server::unix(answers(answer));
        let tee = Tee::with_primary(&primary).start();
        let (came, ending) = tee.client().send(get("/")).rest();
        let came = crate::kit::latin1(&came);
        assert!(
            came.contains("hello") && !came.ends_with("0\r\n\r\n"),
            "{came:?}"
        );
        assert!(matches!(ending, Ending::Clean | Ending::Reset));
        let line = tee.wait_for_log(told, |line| line.contains(told));
        assert!(line.contains("WARN"), "{line}");
        assert!(!tee.log().contains("hunter2"), "{line}");
    }
}
