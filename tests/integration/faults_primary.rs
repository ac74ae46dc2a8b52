//! A primary that fails: the client gets an answer that says so, or a connection that breaks, never half an answer
//! that looks whole. The shadows go on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::kit::{
    At, Client, Conn, Ending, Message, OK, Server, Tee, answers, assert_refusal, babbles, closes,
    drips, eventually, free_port, full_tcp, full_unix, get, hangs, pours, resets,
    resets_between_chunks, stops_between_chunks, stops_short,
};

const TIMEOUTS: &str = "[timeouts]\nconnect = \"300ms\"\nanswer = \"300ms\"";

/// What a client gets from a primary that fails before its header: an error that names the side, and no more.
#[track_caller]
fn fails(primary: &(impl At + ?Sized), status: u16) {
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(primary)
        .shadow("next", &shadow)
        .toml(TIMEOUTS)
        .start();
    let mut client = tee.client();
    for _ in 0..2 {
        let text = assert_refusal(&client.send(get("/")).answer(), status);
        assert!(text.contains("primary"), "{text}");
    }
    assert!(tee.settled(2).balances());
    tee.wait_for_log("what failed", |line| {
        line.contains("the primary gave no answer") && line.contains("\"path\":\"/\"")
    });
}

#[test]
fn a_primary_with_nobody_at_its_port_gets_502() {
    fails(&free_port(), 502);
}

#[test]
fn a_primary_whose_socket_is_not_there_gets_502() {
    fails("unix:/nowhere/at/all.sock", 502);
}

#[test]
fn a_primary_whose_name_nobody_knows_gets_502() {
    let tee = Tee::with_primary("http://no-such-host.invalid:80")
        .toml("[timeouts]\nconnect = \"25s\"")
        .start();
    let text = assert_refusal(&tee.get("/"), 502);
    assert!(!text.contains("no-such-host"), "{text}");
}

#[test]
fn a_primary_that_hangs_gets_504() {
    fails(&Server::unix(hangs), 504);
}

#[test]
fn a_primary_that_resets_gets_502() {
    fails(&Server::tcp(resets), 502);
}

#[test]
fn a_primary_that_closes_without_a_word_gets_502() {
    fails(&Server::unix(closes), 502);
}

#[test]
fn a_primary_that_babbles_gets_502() {
    fails(&Server::unix(babbles), 502);
}

#[test]
fn a_primary_that_breaks_off_in_its_header_gets_502() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nContent-Le")
    });
    fails(&primary, 502);
}

#[test]
fn a_primary_with_an_endless_header_gets_502() {
    let primary = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\n")?;
        loop {
            conn.send(format!("X-More: {}\r\n", "x".repeat(10_000)))?;
        }
    });
    fails(&primary, 502);
}

#[test]
fn a_primary_that_takes_no_connection_is_given_up_in_time() {
    let full = full_unix();
    let (address, _full_tcp) = full_tcp();
    for at in [full.path().at(), address.at()] {
        let tee = Tee::with_primary(&at).toml(TIMEOUTS).start();
        let status = tee.get("/").status();
        assert!([502, 504].contains(&status), "{status}");
    }
}

#[test]
fn a_full_backlog_is_waited_for_and_is_no_502_yet() {
    let full = full_unix();
    let tee = Tee::with_primary(full.path()).start();
    let mut clients: Vec<_> = (0..5).map(|_| tee.client()).collect();
    for client in &mut clients {
        client.send(get("/"));
    }
    assert!(
        clients[0].is_silent(),
        "an answer before anybody took the connection"
    );
    let _primary = full.serve(answers(OK));
    for client in &mut clients {
        assert_eq!(client.answer().raw, OK.as_bytes());
    }
}

/// What comes after the head of an answer that breaks off.
#[track_caller]
fn breaks(
    script: fn(&mut Conn) -> std::io::Result<()>,
    request: &str,
    on_tcp: bool,
) -> (Message, Vec<u8>, Ending) {
    let primary = Server::tcp(script);
    let shadow = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
    let mut client = tee.client();
    let head = client.send(request).head();
    let (rest, ending) = client.rest();
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    (head, rest, ending)
}

#[test]
fn a_sized_answer_that_breaks_off_stays_short() {
    for on_tcp in [false, true] {
        let (head, rest, _) = breaks(stops_short, &get("/"), on_tcp);
        assert_eq!(
            (head.header("content-length"), rest.as_slice()),
            (Some("10"), b"four".as_slice())
        );
    }
}

#[test]
fn a_chunked_answer_that_breaks_off_has_no_last_chunk() {
    for on_tcp in [false, true] {
        for script in [stops_between_chunks, resets_between_chunks] {
            let (head, rest, _) = breaks(script, &get("/"), on_tcp);
            assert!(head.is_chunked());
            assert!(rest == b"4\r\nfour\r\n" || rest.is_empty(), "{rest:?}");
        }
    }
}

#[test]
fn a_malformed_chunk_in_an_answer_has_no_last_chunk() {
    fn malformed(conn: &mut Conn) -> std::io::Result<()> {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\nzz\r\n")?;
        conn.hang().map(drop)
    }
    let (_, rest, _) = breaks(malformed, &get("/"), false);
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{rest:?}");
}

#[test]
fn an_answer_to_a_client_of_http_1_0_on_tcp_that_breaks_off_ends_in_a_reset() {
    let request = "GET / HTTP/1.0\r\nHost: a\r\n\r\n";
    for script in [stops_between_chunks, resets_between_chunks] {
        let (head, _, ending) = breaks(script, request, true);
        assert!(!head.has("content-length"), "{}", head.head);
        assert_eq!(
            ending,
            Ending::Reset,
            "a clean end would look like the whole answer"
        );
    }
}

/// A reset throws away what the client has not taken yet, so it waits for that.
#[test]
fn a_slow_client_of_http_1_0_gets_all_that_came_of_an_answer_that_breaks_off() {
    // Sockets hold so much, however the kernel sizes their buffers.
    const LENGTH: usize = 1 << 20;
    fn breaks_off(conn: &mut Conn) -> std::io::Result<()> {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        conn.send(format!("{LENGTH:x}\r\n{}\r\n", "x".repeat(LENGTH)))
    }
    let primary = Server::tcp(breaks_off);
    let tee = Tee::with_primary(&primary).on_tcp().start();
    let mut client = tee.client();
    client.send("GET / HTTP/1.0\r\nHost: a\r\n\r\n").head();
    eventually("the primary's end", || primary.is_closed(0).then_some(()));
    // Nothing is read until all of it lies in sockets, or would have been thrown away.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let mut got = 0;
    let ending = client.count(&mut |n| got += n);
    assert_eq!((got, ending), (LENGTH, Ending::Reset));
}

#[test]
fn an_answer_that_drips_arrives_piece_by_piece_and_whole() {
    let primary = Server::unix(drips(3));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    let head = client.send(get("/")).head();
    assert_eq!(head.header("content-length"), Some("3"));
    for _ in 0..3 {
        assert_eq!(client.take(1), b"x");
    }
}

#[test]
fn an_answer_of_a_gibibyte_arrives_whole_and_is_not_held() {
    let primary = Server::unix(pours(1 << 30));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client
        .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .head();
    let mut got = 0;
    assert_eq!(client.count(&mut |n| got += n), Ending::Clean);
    assert_eq!(got, 1 << 30);
    assert!(tee.peak_memory() < 100 << 20, "{}", tee.peak_memory());
}

#[test]
fn an_answer_that_the_client_does_not_read_is_not_held() {
    let primary = Server::unix(pours(256 << 20));
    let tee = Tee::with_primary(&primary).start();
    let mut clients: Vec<_> = (0..8).map(|_| tee.client()).collect();
    for client in &mut clients {
        client
            .send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            .head();
    }
    // A last one is served while the others wait, and reads to the end.
    let mut last = tee.client();
    last.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .head();
    let mut got = 0;
    last.count(&mut |n| got += n);
    assert_eq!(got, 256 << 20);
    assert!(tee.peak_memory() < 100 << 20, "{}", tee.peak_memory());
}

#[test]
fn an_answer_given_before_the_body_was_read_reaches_the_client() {
    let primary = Server::unix(|conn| {
        conn.head()?;
        conn.send("HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
    });
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    // The client goes on until it is told.
    let piece = vec![b'x'; 64 * 1024];
    while client.is_silent() && client.try_send(&piece).is_ok() {}
    let answer = client.answer();
    assert_eq!((answer.status(), answer.text().as_str()), (413, "no"));
}

#[test]
fn a_primary_that_comes_back_is_served_from_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let tee = Tee::with_primary(path.as_path()).start();
    let mut client = tee.client();
    assert_eq!(client.get("/").status(), 502);
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let _primary = Server::over(listener, &path, dir, answers(OK));
    assert_eq!(client.get("/").raw, OK.as_bytes());
}

#[test]
fn concurrent_clients_get_their_own_answers() {
    let primary = Server::unix(crate::kit::tells);
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let address = tee.at();
    let done = Arc::new(AtomicUsize::new(0));
    let wrong = Arc::new(Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for worker in 0..16 {
            let (address, done, wrong) = (&address, Arc::clone(&done), Arc::clone(&wrong));
            scope.spawn(move || {
                let mut client = Client::connect(address);
                for n in 0..50 {
                    let target = format!("/{worker}/{n}");
                    let text = client.get(&target).text();
                    if text != format!("GET {target} 0") {
                        wrong.lock().unwrap().push(text);
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
    });
    assert_eq!(
        (done.load(Ordering::SeqCst), wrong.lock().unwrap().len()),
        (800, 0)
    );
    assert!(tee.settled(800).balances());
}
