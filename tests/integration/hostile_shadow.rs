//! A shadow that sends more than anybody asked for takes neither the processor nor the memory that clients need.

use std::fs;
use std::io;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use rustix::process::Signal;

use crate::kit::{Conn, OK, Server, Tee, answers, eventually, get, need, pours};

const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// Takes a request, sends a head, and then the same again and again until nobody takes it.
fn repeats(head: &'static str, rest: &'static str) -> impl Fn(&mut Conn) -> io::Result<()> {
    move |conn| {
        conn.request()?;
        conn.send(head)?;
        let rest = rest.repeat(64 * 1024 / rest.len());
        loop {
            conn.send(&rest)?;
        }
    }
}

/// Chunks of one byte without end.
fn crumbs() -> impl Fn(&mut Conn) -> io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    repeats(head, "1\r\nx\r\n")
}

/// How often the program asked for events and how often it read from a socket, while it served clients beside this
/// shadow.
#[track_caller]
fn events_and_reads(shadow: &Server) -> (u64, u64) {
    need("strace");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("counts");
    let command = ["strace", "-D", "-f", "-c", "-o", file.to_str().unwrap()];
    let primary = Server::unix(answers(OK));
    let mut tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow_with(
            "next",
            shadow,
            "answer_bytes = \"1GiB\"\nbreaker = { failures = 0 }",
        )
        .toml("[log]\nlevel = \"error\"\n[stop]\nlinger = \"0s\"")
        .under(&command)
        .start();
    let mut client = tee.client();
    for _ in 0..300 {
        assert_eq!(client.get("/").raw, OK.as_bytes());
    }
    drop(client);
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    let table = eventually("the counts", || {
        fs::read_to_string(&file)
            .ok()
            .filter(|text| text.trim_end().ends_with(" total"))
    });
    let calls = |name: &str| -> u64 {
        let row = table.lines().find(|line| line.trim_end().ends_with(name));
        let calls = row.and_then(|row| row.split_whitespace().nth(3));
        calls.map_or(0, |calls| calls.parse().unwrap())
    };
    (calls("epoll_wait"), calls("recvfrom"))
}

/// A task that has more to read must not be polled again before the events of clients.
#[test]
fn between_two_reads_of_a_shadow_that_floods_the_events_of_clients_have_their_turn() {
    for shadow in [
        Server::unix(pours(1 << 40)),
        Server::tcp(pours(1 << 40)),
        Server::unix(crumbs()),
    ] {
        let (events, reads) = events_and_reads(&shadow);
        assert!(
            reads <= 4 * events,
            "{reads} reads, and events were asked for {events} times"
        );
    }
}

#[test]
fn interim_answers_without_end_are_no_answer() {
    let primary = Server::unix(answers(OK));
    for shadow in [
        Server::unix(repeats("", CONTINUE)),
        Server::tcp(repeats("", CONTINUE)),
    ] {
        let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
        tee.get("/");
        assert_eq!(tee.settled(1).of("next"), [("broken", 1)]);
        tee.wait_for_log("what was wrong", |line| {
            line.contains("100 interim responses") && line.contains("next")
        });
    }
}

#[test]
fn a_primary_that_sends_interim_answers_without_end_gets_502_and_one_that_sends_many_is_passed_on()
{
    let endless = Server::unix(repeats("", CONTINUE));
    let tee = Tee::with_primary(&endless).start();
    let mut client = tee.client();
    client.send(get("/"));
    assert_eq!(client.final_answer().status(), 502);
    tee.wait_for_log("what was wrong", |line| {
        line.contains("100 interim responses")
    });
    let many = Server::unix(answers(format!("{}{OK}", CONTINUE.repeat(100))));
    let tee = Tee::with_primary(&many).start();
    let mut client = tee.client();
    client.send(get("/"));
    for _ in 0..100 {
        assert_eq!(client.answer().status(), 100);
    }
    assert_eq!(client.answer().raw, OK.as_bytes());
}

/// The framing costs as much as what it frames.
#[test]
fn all_bytes_of_an_answer_count_for_its_limit() {
    let primary = Server::unix(answers(OK));
    // Six bytes on the wire for each byte of the body, of which there are fewer than the limit.
    let shadow = Server::unix(|conn| {
        loop {
            conn.request()?;
            conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            conn.send("1\r\nx\r\n".repeat(60_000))?;
            conn.send("0\r\n\r\n")?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow_with("next", &shadow, "answer_bytes = \"200KiB\"")
        .start();
    for n in 1..=2 {
        tee.get("/");
        assert_eq!(tee.settled(n).of("next"), [("answered", n)]);
    }
    assert_eq!(shadow.connections(), 2, "the rest was read");
}

#[test]
fn what_came_of_heads_that_are_not_whole_is_kept_within_the_budget() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(|conn| {
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nX: ")?;
        conn.send("x".repeat(60_000))?;
        conn.hang().map(drop)
    });
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow_with("next", &shadow, "answer_timeout = \"10m\"")
        .toml("[limits]\nshadow_memory = \"256KiB\"\n[stop]\nlinger = \"0s\"")
        .start();
    for n in 0..20 {
        assert_eq!(tee.get(&format!("/{n}")).status(), 200);
    }
    // Four of 64 KiB are more than fit beside what else is held.
    let ledger = tee.wait_for_ledger("those that found no room", |ledger| {
        ledger.requests == 20 && ledger.shadows["next"].in_flight <= 3
    });
    assert!(ledger.balances());
    let outcomes = ledger.of("next");
    assert!(
        matches!(outcomes[..], [("over_budget", n)] if n >= 17),
        "{outcomes:?}"
    );
}

#[test]
fn a_shadow_that_closes_after_each_answer_under_tls_gets_its_copies_and_clients_their_answers() {
    let behind = Server::tcp(answers(OK));
    let nginx = crate::kit::Nginx::tls(&behind, "keepalive_timeout 0;");
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &nginx, &crate::kit::trusted())
        .start();
    let mut client = tee.client();
    for n in 0..20 {
        assert_eq!(client.get("/").raw, OK.as_bytes());
        assert_eq!(tee.settled(n + 1).of("next"), [("answered", n + 1)]);
    }
}

/// The priorities (nice) of the threads whose names begin so.
fn priorities(tee: &Tee, name: &str) -> Vec<i64> {
    let tasks = fs::read_dir(format!("/proc/{}/task", tee.pid())).unwrap();
    let of = |task: io::Result<fs::DirEntry>| {
        let stat = fs::read_to_string(task.ok()?.path().join("stat")).ok()?;
        let (before, after) = stat.rsplit_once(')')?;
        let fields: Vec<_> = after.split_whitespace().collect();
        let is_asked_for = before.split_once('(')?.1.starts_with(name);
        is_asked_for.then(|| fields[16].parse().ok())?
    };
    tasks.filter_map(of).collect()
}

#[test]
fn a_shadow_that_costs_more_than_production_has_what_is_left_over_until_it_behaves() {
    let primary = Server::unix(answers(OK));
    let floods = Arc::new(AtomicBool::new(true));
    let does = Arc::clone(&floods);
    let shadow = Server::unix(move |conn: &mut Conn| {
        if !does.load(SeqCst) {
            return answers(OK)(conn);
        }
        conn.request()?;
        conn.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        while does.load(SeqCst) {
            conn.send("1\r\nx\r\n".repeat(1000))?;
        }
        conn.send("0\r\n\r\n")
    });
    let healthy = Server::unix(answers(OK));
    let settings = "answer_bytes = \"1GiB\"\nbreaker = { failures = 0 }";
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow_with("floods", &shadow, settings)
        .shadow("behaves", &healthy)
        .start();
    for _ in 0..20 {
        tee.get("/");
    }
    tee.wait_for_log("what the shadow costs", |line| {
        line.contains("more processor time than production") && line.contains("\"floods\"")
    });
    let mut shadows = priorities(&tee, "shadow-");
    shadows.sort_unstable();
    // That of whoever started the tests.
    let own = priorities(&tee, "worker-")[0];
    assert_eq!(shadows, [own, 19]);
    let metrics = tee.ask_admin("/metrics").text();
    for said in ["{shadow=\"floods\"} 1", "{shadow=\"behaves\"} 0"] {
        let said = format!("shadowtee_shadow_low_priority{said}\n");
        assert!(metrics.contains(&said), "{said} in {metrics}");
    }
    floods.store(false, SeqCst);
    let mut requests = 20;
    eventually("its share again", || {
        tee.get("/");
        requests += 1;
        (priorities(&tee, "shadow-") == [own, own]).then_some(())
    });
    let ledger = tee.settled(requests);
    assert_eq!(ledger.of("behaves"), [("answered", requests)]);
    tee.get("/");
    tee.settled(requests + 1);
    assert_eq!(
        tee.ledger().count("floods", "answered"),
        ledger.count("floods", "answered") + 1
    );
}
