//! Everything at once: what clients get stays right, and the ledger balances in the end.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::kit::{
    Client, OK, Server, Tee, answers, babbles, closes, drips, free_port, get, hangs, post, resets,
    stops_short, tells,
};

const CLIENTS: usize = 12;
const ROUNDS: usize = 40;

#[test]
fn with_shadows_of_every_kind_and_clients_that_leave_all_is_counted_and_all_answers_are_right() {
    let primary = Server::unix(tells);
    let well = Server::unix(answers(OK));
    let faults = [
        ("hangs", Server::unix(hangs)),
        ("drips", Server::tcp(drips(100))),
        ("resets", Server::tcp(resets)),
        ("closes", Server::unix(closes)),
        ("babbles", Server::unix(babbles)),
        ("stops-short", Server::tcp(stops_short)),
    ];
    let bounds = "answer_timeout = \"1s\"\nmax_in_flight = 8\nqueue = 16\nmax_connections = 8\n\
                  breaker = { failures = 10, pause = \"200ms\" }";
    let mut setup = Tee::with_primary(&primary)
        .shadow("well", &well)
        .shadow_with("dead", &free_port(), bounds);
    for (name, shadow) in &faults {
        setup = setup.shadow_with(name, shadow, bounds);
    }
    let tee = setup.start();
    let whole = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for seed in 0..CLIENTS {
            let (tee, whole) = (&tee, &whole);
            scope.spawn(move || busy(tee, seed, whole));
        }
    });
    let whole = whole.into_inner();
    let ledger = tee.wait_for_ledger("balance", |ledger| {
        ledger.is_settled() && ledger.count("well", "answered") >= whole
    });
    assert_eq!(ledger.count("well", "answered"), whole);
    // Of clients that left, some may have done so before their request was seen.
    let left = ledger.count("well", "client_aborted");
    assert_eq!(whole + left, ledger.requests);
    for (name, _) in &faults {
        assert_eq!(ledger.count(name, "answered"), 0, "{name}");
    }
    assert_eq!(tee.get("/after").text(), "GET /after 0");
}

/// One client that does a bit of everything, and counts what it got an answer to.
fn busy(tee: &Tee, seed: usize, whole: &AtomicU64) {
    let mut client: Client = tee.client();
    for round in 0..ROUNDS {
        let target = format!("/{seed}/{round}");
        let body = "x".repeat((seed * 7919 + round * 104_729) % 50_000 + 1);
        let length = body.len();
        match (seed + round) % 5 {
            0 => {
                client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
                client = tee.client();
                continue;
            }
            1 => assert_eq!(client.get(&target).text(), format!("GET {target} 0")),
            2 => {
                client.send(post(&target, &body) + &get("/second"));
                assert_eq!(client.answer().text(), format!("POST {target} {length}"));
                assert_eq!(client.answer().text(), "GET /second 0");
                whole.fetch_add(1, Ordering::SeqCst);
            }
            3 => {
                let head = "HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked";
                client.send(format!(
                    "PUT {target} {head}\r\n\r\n{length:x}\r\n{body}\r\n"
                ));
                client.send("0\r\n\r\n");
                assert_eq!(client.answer().text(), format!("PUT {target} {length}"));
            }
            _ => {
                let last = "HTTP/1.1\r\nHost: a\r\nConnection: close";
                let answer = client.send(format!("GET {target} {last}\r\n\r\n")).answer();
                assert_eq!(answer.text(), format!("GET {target} 0"));
                client = tee.client();
            }
        }
        whole.fetch_add(1, Ordering::SeqCst);
    }
}
