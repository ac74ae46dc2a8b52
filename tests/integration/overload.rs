//! At its limits: refusals are quick and counted, whoever is served is served on, and nothing grows.

use std::thread;

use crate::kit::{At, Client, Load, Server, Tee, answers, assert_refusal, get, hangs, tells};

/// The value of a metric without labels.
fn metric(tee: &Tee, name: &str) -> u64 {
    let text = tee.ask_admin("/metrics").text();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("{name} in {text}"))
        .parse()
        .unwrap()
}

#[test]
fn clients_beyond_the_limit_are_refused_and_counted_while_the_others_are_served() {
    let primary = Server::unix(tells);
    let shadow = Server::unix(answers(crate::kit::OK));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[limits]\nconnections = 4")
        .start();
    let load = Load::on(&tee.at(), 4);
    let before = tee.descriptors();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..25 {
                    let mut client = tee.client();
                    // It may be refused before it has sent anything.
                    let _ = client.try_send(get("/"));
                    let answer = client.answer();
                    assert_refusal(&answer, 503);
                    assert!(answer.has("retry-after"));
                }
            });
        }
    });
    load.goes_on();
    let sent = load.end();
    assert_eq!(
        metric(&tee, "shadowtee_client_connections_refused_total"),
        200
    );
    assert_eq!(tee.settled(sent).of("next"), [("answered", sent)]);
    crate::kit::eventually("descriptors that come back", || {
        (tee.descriptors() <= before + 4).then_some(())
    });
}

#[test]
fn with_the_budget_used_up_and_no_descriptor_left_for_shadows_no_request_fails() {
    let primary = Server::unix(tells);
    let shadow = Server::unix(hangs);
    let tee = Tee::with_primary(&primary)
        .shadow_with(
            "next",
            &shadow,
            "answer_timeout = \"10m\"\nmax_in_flight = 1000\nmax_connections = 1000\nqueue = 100000",
        )
        .toml("[limits]\nshadow_memory = \"64KiB\"")
        .open_files(192)
        .start();
    let idle = tee.descriptors();
    let load = Load::on(&tee.at(), 4);
    tee.wait_for_ledger("a budget that is used up", |ledger| {
        ledger.count("next", "over_budget") > 100
    });
    load.goes_on_for(100);
    let memory = tee.memory();
    load.goes_on_for(1000);
    assert!(
        tee.memory() < memory + (8 << 20),
        "{memory} and {}",
        tee.memory()
    );
    // Shadows have a quarter of what is free of 192 at most; a client has one, its connection to the primary another, and
    // one that was left may still be open.
    let most = idle + 192 / 4 + 3 * 4;
    assert!(tee.descriptors() <= most, "{} of {most}", tee.descriptors());
    load.end();
    assert!(metric(&tee, "shadowtee_shadow_memory_used_bytes") <= 65_536);
    assert!(tee.ledger().balances());
    drop(Client::connect(&tee.at()));
}
