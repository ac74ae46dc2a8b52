//! When the process runs out of file descriptors the primary goes on.

use crate::kit::{Client, Gate, OK, Server, Tee, answers, eventually, get, hangs};

#[test]
fn a_hung_shadow_does_not_take_the_file_descriptors_of_the_primary() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(hangs);
    // Each copy may want a connection of its own, and there are far fewer descriptors than copies.
    let settings = "max_in_flight = 1000\nmax_connections = 1000\nanswer_timeout = \"10m\"";
    let tee = Tee::with_primary(&primary)
        .top("workers = 2")
        .shadow_with("next", &shadow, settings)
        .open_files(128)
        .start();
    for _ in 0..4 {
        let mut clients: Vec<_> = (0..10).map(|_| tee.client()).collect();
        for _ in 0..20 {
            for client in &mut clients {
                assert_eq!(client.get("/").raw, OK.as_bytes());
            }
        }
    }
    let ledger = tee.wait_for_ledger("all requests", |ledger| {
        ledger.requests == 800 && ledger.balances()
    });
    assert_eq!(ledger.count("next", "answered"), 0);
}

#[test]
fn with_no_descriptor_left_for_clients_those_that_are_there_are_served_and_others_later() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow("next", &shadow)
        .open_files(64)
        .start();
    let mut first = tee.client();
    assert_eq!(first.get("/").raw, OK.as_bytes());
    // More than it can take; some stay in the backlog.
    let crowd: Vec<_> = (0..100)
        .map(|_| Client::try_connect(&crate::kit::At::at(&tee)))
        .collect();
    for _ in 0..20 {
        assert_eq!(first.get("/").raw, OK.as_bytes());
    }
    drop(crowd);
    eventually("a new client that is served", || {
        Client::try_connect(&crate::kit::At::at(&tee))
            .and_then(|mut client| client.try_send(get("/")).and_then(|()| client.try_answer()))
            .ok()
            .filter(|answer| answer.status() == 200)
    });
}

#[test]
fn with_fewer_descriptors_than_busy_clients_requests_wait_for_one_and_none_fails() {
    let go = Gate::default();
    let gate = go.clone();
    let primary = Server::unix(move |conn| {
        loop {
            conn.request()?;
            gate.pass();
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .open_files(256)
        .start();
    // As many as it takes, and each of them wants a connection to the primary.
    let mut clients: Vec<_> = (0..144).map(|_| tee.client()).collect();
    for client in &mut clients {
        client.send(get("/"));
    }
    primary.wait_for(80);
    go.open_for(1000);
    for client in &mut clients {
        assert_eq!(client.answer().raw, OK.as_bytes());
    }
    assert!(primary.connections() < 144, "{}", primary.connections());
}
