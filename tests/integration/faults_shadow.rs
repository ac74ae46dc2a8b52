//! Whatever a shadow does, the primary's answers stay as they are, and the ledger says what became of each copy.

use std::os::unix::net::UnixListener;

use crate::kit::{
    At, OK, Server, Setup, Tee, answers, babbles, certificate, closes, drips, free_port, full_tcp,
    full_unix, hangs, post, pours, resets, resets_between_chunks, sized, stops_between_chunks,
    stops_short, takes_nothing, tells, trusted,
};

/// A primary whose answers differ from one request to the next.
fn primary() -> Server {
    Server::unix(tells)
}

/// Sends so many requests on one connection, and holds the answers to those of a direct one.
#[track_caller]
fn served(primary: &Server, tee: &Tee, requests: usize) {
    let mut direct = crate::kit::Client::connect(primary);
    let mut client = tee.client();
    for n in 0..requests {
        let request = post(&format!("/{n}"), &"x".repeat(n * 100));
        let expected = direct.send(&request).answer().raw;
        assert_eq!(client.send(&request).answer().raw, expected);
    }
}

/// A shadow at an address does what it does: each copy has this outcome, and the primary goes on.
#[track_caller]
fn outcome(at: &(impl At + ?Sized), settings: &str, expected: &str) {
    let primary = primary();
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", at, settings)
        .start();
    served(&primary, &tee, 3);
    let ledger = tee.settled(3);
    assert_eq!(ledger.of("next"), [(expected, 3)]);
}

#[test]
fn a_shadow_that_answers() {
    outcome(&Server::tcp(answers(OK)), "", "answered");
    outcome(
        &Server::unix(answers("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n")),
        "",
        "answered",
    );
}

#[test]
fn a_shadow_with_nobody_at_its_port_is_refused() {
    outcome(&free_port(), "", "refused");
}

#[test]
fn a_shadow_whose_socket_is_not_there_is_refused() {
    outcome("unix:/nowhere/at/all.sock", "", "refused");
}

#[test]
fn a_shadow_whose_socket_nobody_listens_on_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("left.sock");
    drop(UnixListener::bind(&path).unwrap());
    outcome(path.as_path(), "", "refused");
}

#[test]
fn a_shadow_whose_name_nobody_knows_is_unresolved() {
    outcome(
        "http://no-such-host.invalid:80",
        "connect_timeout = \"20s\"",
        "unresolved",
    );
}

#[test]
fn a_shadow_that_speaks_no_tls_fails_in_tls() {
    let shadow = Server::tcp(|conn| {
        conn.some()?;
        conn.send("HTTP/1.1 400 Bad Request\r\n\r\n")
    });
    outcome(
        &format!("https://{}", shadow.at()),
        &trusted(),
        "tls_failed",
    );
}

#[test]
fn a_shadow_that_takes_no_connection_on_tcp_is_too_late_to_connect() {
    let (address, _full) = full_tcp();
    outcome(&address, "connect_timeout = \"200ms\"", "connect_timeout");
}

#[test]
fn a_shadow_with_a_full_backlog_is_too_late_to_connect() {
    let full = full_unix();
    outcome(
        full.path(),
        "connect_timeout = \"200ms\"",
        "connect_timeout",
    );
}

#[test]
fn a_shadow_whose_backlog_was_full_gets_its_copies_when_it_takes_connections_again() {
    let primary = primary();
    let full = full_unix();
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", full.path(), "connect_timeout = \"30s\"")
        .start();
    served(&primary, &tee, 3);
    let shadow = full.serve(answers(OK));
    assert_eq!(tee.settled(3).of("next"), [("answered", 3)]);
    shadow.wait_for(3);
}

#[test]
fn a_shadow_that_hangs_is_too_late() {
    outcome(
        &Server::unix(hangs),
        "answer_timeout = \"300ms\"",
        "timeout",
    );
}

#[test]
fn a_shadow_that_takes_not_a_byte_is_too_late() {
    outcome(
        &Server::unix(takes_nothing),
        "answer_timeout = \"300ms\"",
        "timeout",
    );
}

#[test]
fn a_shadow_that_drips_is_too_late() {
    outcome(
        &Server::unix(drips(1000)),
        "answer_timeout = \"1500ms\"",
        "timeout",
    );
}

#[test]
fn a_shadow_that_drips_within_its_time_answers() {
    outcome(
        &Server::unix(drips(2)),
        "answer_timeout = \"25s\"",
        "answered",
    );
}

#[test]
fn a_shadow_that_resets_is_broken() {
    outcome(&Server::tcp(resets), "", "broken");
    outcome(&Server::unix(resets), "", "broken");
}

#[test]
fn a_shadow_that_closes_without_a_word_is_broken() {
    outcome(&Server::tcp(closes), "", "broken");
}

#[test]
fn a_shadow_that_closes_at_once_is_broken() {
    outcome(&Server::unix(|_| Ok(())), "", "broken");
}

#[test]
fn a_shadow_that_breaks_off_its_answer_is_broken() {
    outcome(&Server::tcp(stops_short), "", "broken");
    outcome(&Server::tcp(stops_between_chunks), "", "broken");
    outcome(&Server::tcp(resets_between_chunks), "", "broken");
}

#[test]
fn a_shadow_that_babbles_is_broken() {
    outcome(&Server::tcp(babbles), "", "broken");
}

#[test]
fn a_shadow_with_an_endless_header_is_broken() {
    let shadow = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\n")?;
        loop {
            conn.send(format!("X-More: {}\r\n", "x".repeat(10_000)))?;
        }
    });
    outcome(&shadow, "", "broken");
}

#[test]
fn a_shadow_that_answers_a_gibibyte_is_read_up_to_its_limit_and_closed() {
    let primary = primary();
    let shadow = Server::unix(pours(1 << 30));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "answer_bytes = \"1MiB\"")
        .start();
    served(&primary, &tee, 3);
    assert_eq!(tee.settled(3).of("next"), [("answered", 3)]);
    crate::kit::eventually("the end of all connections", || {
        (0..3).all(|n| shadow.is_closed(n)).then_some(())
    });
    assert_eq!(
        shadow.connections(),
        3,
        "what is left of an answer is not read to save a connection"
    );
    assert!(tee.peak_memory() < 200 << 20, "{}", tee.peak_memory());
}

#[test]
fn a_healthy_shadow_gets_all_copies_on_few_connections() {
    let primary = primary();
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow("next", &shadow)
        .start();
    let mut client = tee.client();
    for n in 0..20 {
        client.get(&format!("/{n}"));
        tee.settled(n + 1);
    }
    assert_eq!((shadow.requests().len(), shadow.connections()), (20, 1));
}

#[test]
fn a_shadow_that_closes_idle_connections_loses_no_copy() {
    let primary = primary();
    // Each connection serves one request and is then closed without a word about it.
    let shadow = Server::unix(|conn| {
        conn.request()?;
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    for n in 0..20 {
        client.get(&format!("/{n}"));
        tee.settled(n + 1);
    }
    assert_eq!(tee.settled(20).of("next"), [("answered", 20)]);
}

#[test]
fn a_hung_shadow_never_holds_up_a_keep_alive_connection() {
    let primary = primary();
    let shadow = Server::unix(hangs);
    // Nothing of the shadow ends within this test.
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "answer_timeout = \"10m\"")
        .start();
    served(&primary, &tee, 500);
    let ledger = tee.wait_for_ledger("all requests", |ledger| {
        ledger.requests == 500 && ledger.balances()
    });
    assert!(ledger.shadows["next"].in_flight > 0);
}

#[test]
fn with_one_shadow_hung_the_others_get_everything() {
    let primary = primary();
    let (one, hung, dead, two) = (
        Server::unix(answers(OK)),
        Server::unix(hangs),
        free_port(),
        Server::tcp(answers(sized("second"))),
    );
    let tee = Tee::with_primary(&primary)
        .shadow("one", &one)
        .shadow_with("hung", &hung, "answer_timeout = \"1s\"")
        .shadow("dead", &dead)
        .shadow("two", &two)
        .start();
    served(&primary, &tee, 200);
    let ledger = tee.settled(200);
    assert_eq!(ledger.of("one"), [("answered", 200)]);
    assert_eq!(ledger.of("two"), [("answered", 200)]);
    let mut targets: Vec<_> = one
        .requests()
        .iter()
        .map(|r| (r.target().to_owned(), r.body.len()))
        .collect();
    targets.sort();
    targets.dedup();
    assert_eq!(targets.len(), 200);
}

#[test]
fn a_wrong_certificate_fails_in_tls() {
    let behind = Server::tcp(answers(OK));
    let nginx = crate::kit::Nginx::tls(&behind, "");
    // No CA is named, and no system trusts this one.
    outcome(
        &nginx,
        "tls = { server_name = \"app.example\" }",
        "tls_failed",
    );
    let ca = certificate("ca.pem");
    let other = format!(
        "tls = {{ ca = \"{}\", server_name = \"other.example\" }}",
        ca.display()
    );
    outcome(&nginx, &other, "tls_failed");
    outcome(&nginx, &trusted(), "answered");
    assert_eq!(behind.requests().len(), 3);
}

fn with_two_shadows(primary: &Server, one: &Server, two: &Server) -> Setup {
    Tee::with_primary(primary)
        .shadow("one", one)
        .shadow("two", two)
}

#[test]
fn a_shadow_that_says_it_closes_is_believed() {
    let primary = primary();
    let one = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    });
    let two = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.0 200 OK\r\n\r\nuntil the end")
    });
    let tee = with_two_shadows(&primary, &one, &two).start();
    served(&primary, &tee, 10);
    let ledger = tee.settled(10);
    assert_eq!(
        (ledger.of("one"), ledger.of("two")),
        (vec![("answered", 10)], vec![("answered", 10)])
    );
}
