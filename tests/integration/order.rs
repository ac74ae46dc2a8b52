//! The copies of a session keep the order of its requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::kit::{Client, Conn, Gate, Message, OK, Server, Tee, answers, get};

fn of(session: usize, step: usize) -> String {
    format!("GET /{session}/{step} HTTP/1.1\r\nHost: a\r\nCookie: sid=session-{session}\r\n\r\n")
}

/// The steps of each session, in the order in which they came.
fn steps(copies: &[Message]) -> BTreeMap<String, Vec<usize>> {
    let mut sessions = BTreeMap::<_, Vec<_>>::new();
    for copy in copies {
        let (session, step) = copy.target()[1..].split_once('/').unwrap();
        sessions
            .entry(session.to_owned())
            .or_default()
            .push(step.parse().unwrap());
    }
    sessions
}

/// Done with each copy after a while that nobody can foresee; notes them in the order in which it is done.
fn dawdles(done: Arc<Mutex<Vec<Message>>>) -> impl Fn(&mut Conn) -> std::io::Result<()> {
    move |conn| {
        let number = u64::try_from(conn.number).unwrap();
        let mut random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        loop {
            let request = conn.request()?;
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            thread::sleep(Duration::from_micros(random % 50_000));
            done.lock().unwrap().push(request);
            conn.send(OK)?;
        }
    }
}

#[test]
fn two_hundred_sessions_at_a_time_keep_their_order_at_a_shadow_that_dawdles() {
    const SESSIONS: usize = 200;
    const STEPS: usize = 10;
    let primary = Server::unix(answers(OK));
    let done = Arc::default();
    let shadow = Server::unix(dawdles(Arc::clone(&done)));
    let tee = Tee::with_primary(&primary)
        .top("workers = 2")
        .shadow_with("next", &shadow, "order_by = \"cookie:sid\"\nqueue = 100000")
        .start();
    let address = crate::kit::At::at(&tee);
    thread::scope(|scope| {
        for session in 0..SESSIONS {
            let address = &address;
            scope.spawn(move || {
                // Each step on another connection, so that other workers have it.
                let mut clients = [0; 3].map(|_| Client::connect(address));
                for step in 0..STEPS {
                    let answer = clients[step % 3].send(of(session, step)).answer();
                    assert_eq!(answer.status(), 200);
                }
            });
        }
    });
    let ledger = tee.settled((SESSIONS * STEPS) as u64);
    assert_eq!(ledger.of("next"), [("answered", (SESSIONS * STEPS) as u64)]);
    let sessions = steps(&done.lock().unwrap());
    assert_eq!(sessions.len(), SESSIONS);
    for (session, steps) in sessions {
        assert!(
            steps.iter().copied().eq(0..STEPS),
            "session {session}: {steps:?}"
        );
    }
}

#[test]
fn the_next_copy_of_a_session_waits_for_the_answer_and_other_sessions_do_not() {
    let primary = Server::unix(answers(OK));
    let gate = Gate::default();
    let held = gate.clone();
    let shadow = Server::unix(move |conn| {
        loop {
            let request = conn.request()?;
            if request.target() == "/1/0" {
                held.pass();
            }
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "order_by = \"cookie:sid\"")
        .start();
    let mut client = tee.client();
    for request in [of(1, 0), of(1, 1), of(2, 0), of(2, 1), get("/none/0")] {
        client.send(request).answer();
    }
    tee.wait_for_ledger("three that were answered", |ledger| {
        ledger.count("next", "answered") == 3
    });
    let came = steps(&shadow.wait_for(4));
    assert_eq!((&came["1"], &came["2"]), (&vec![0], &vec![0, 1]));
    let metrics = tee.ask_admin("/metrics").text();
    assert!(
        metrics.contains("shadowtee_copies_queued{shadow=\"next\"} 1"),
        "{metrics}"
    );
    gate.open();
    tee.settled(5);
    assert_eq!(steps(&shadow.requests())["1"], [0, 1]);
}

#[test]
fn a_copy_that_is_given_up_makes_room_for_the_next() {
    let primary = Server::unix(answers(OK));
    let (came, gate) = (Gate::default(), Gate::default());
    let (coming, held) = (came.clone(), gate.clone());
    let shadow = Server::unix(move |conn| {
        loop {
            let request = conn.request()?;
            if request.target() == "/1/0" {
                coming.open();
                held.pass();
                return Ok(());
            }
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "order_by = \"cookie:sid\"")
        .start();
    let mut client = tee.client();
    for step in 0..3 {
        client.send(of(1, step)).answer();
    }
    came.pass();
    gate.open();
    assert_eq!(tee.settled(3).of("next"), [("answered", 2), ("broken", 1)]);
    assert_eq!(steps(&shadow.requests())["1"], [0, 1, 2]);
}

#[test]
fn one_session_can_not_fill_the_queue() {
    let primary = Server::unix(answers(OK));
    let gate = Gate::default();
    let held = gate.clone();
    let shadow = Server::unix(move |conn| {
        loop {
            let request = conn.request()?;
            if request.target().starts_with("/1/") {
                held.pass();
            }
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "order_by = \"cookie:sid\"\nqueue = 8")
        .start();
    let mut client = tee.client();
    for step in 0..10 {
        client.send(of(1, step)).answer();
    }
    client.send(of(2, 0)).answer();
    // One on its way and a quarter of the queue behind it.
    tee.wait_for_ledger("seven that found no place", |ledger| {
        ledger.count("next", "queue_full") == 7 && ledger.count("next", "answered") == 1
    });
    gate.open_for(100);
    assert_eq!(
        tee.settled(11).of("next"),
        [("answered", 4), ("queue_full", 7)]
    );
}

#[test]
fn copies_after_the_answer_keep_the_order_of_the_requests_and_not_of_the_answers() {
    let gate = Gate::default();
    let held = gate.clone();
    let primary = Server::unix(move |conn| {
        loop {
            let request = conn.request()?;
            if request.target() == "/1/0" {
                held.pass();
            }
            let status = if request.target() == "/1/1" { 404 } else { 200 };
            conn.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"))?;
        }
    });
    let shadow = Server::unix(answers(OK));
    let settings =
        "order_by = \"cookie:sid\"\nsend = \"after_answer\"\nselect.deny = [{ status = 404 }]";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let mut first = tee.client();
    first.send(of(1, 0));
    primary.wait_for(1);
    let mut client = tee.client();
    for step in 1..4 {
        client.send(of(1, step)).answer();
    }
    tee.wait_for_ledger("the one that is left out", |ledger| {
        ledger.count("next", "filtered") == 1
    });
    assert_eq!(shadow.connections(), 0);
    gate.open();
    first.answer();
    assert_eq!(
        tee.settled(4).of("next"),
        [("answered", 3), ("filtered", 1)]
    );
    assert_eq!(steps(&shadow.requests())["1"], [0, 2, 3]);
}
