//! A reload changes what can be changed with no connection touched; what is wrong is told and changes nothing.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::kit::{
    At, Gate, Ledger, Load, OK, Server, Tee, answers, certificate, curl, eventually, finish, get,
    hangs, need, post, tells,
};

/// Asks for a page, trusting the test CA only.
fn is_trusted(tee: &Tee) -> bool {
    let at = tee.at();
    let (ca, port) = (certificate("ca.pem"), at.rsplit(':').next().unwrap());
    let connect = format!("app.example:{port}:{at}");
    let url = format!("https://app.example:{port}/");
    curl(&[
        "--cacert",
        ca.to_str().unwrap(),
        "--connect-to",
        &connect,
        &url,
    ])
    .status
    .success()
}

#[test]
fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).on_tcp();
    let (cert, key) = (setup.dir().join("cert.pem"), setup.dir().join("key.pem"));
    // The first is one that no client here trusts.
    let made = finish(
        Command::new(need("openssl"))
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=app.example",
                "-addext",
                "subjectAltName=DNS:app.example",
            ])
            .args([
                "-keyout",
                key.to_str().unwrap(),
                "-out",
                cert.to_str().unwrap(),
            ]),
    );
    assert!(made.status.success(), "{made:?}");
    let tls = format!(
        r#"tls = {{ certificate = "{}", key = "{}" }}"#,
        cert.display(),
        key.display()
    );
    let tee = setup.listening(&tls).start();
    assert!(!is_trusted(&tee));
    fs::copy(certificate("server.pem"), &cert).unwrap();
    fs::copy(certificate("server.key"), &key).unwrap();
    tee.signal(Signal::HUP);
    eventually("the new certificate", || is_trusted(&tee).then_some(()));
    fs::write(&cert, "no certificate").unwrap();
    tee.signal(Signal::HUP);
    tee.wait_for_log("the mistake", |line| {
        line.contains("ERROR") && line.contains("cert.pem")
    });
    assert!(is_trusted(&tee), "the one before is still there");
}

#[test]
fn a_connection_open_during_a_reload_is_served_on() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    for _ in 0..5 {
        assert_eq!(client.get("/").raw, OK.as_bytes());
        tee.signal(Signal::HUP);
    }
    assert_eq!(client.get("/").raw, OK.as_bytes());
    assert_eq!(tee.settled(6).of("next"), [("answered", 6)]);
}

#[test]
fn a_wrong_configuration_is_told_and_changes_nothing() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    fs::write(tee.dir().join("shadowtee.toml"), "primray = 1\n").unwrap();
    tee.signal(Signal::HUP);
    tee.wait_for_log("the mistake", |line| {
        line.contains("ERROR") && line.contains("primray")
    });
    assert_eq!(tee.get("/").raw, OK.as_bytes());
}

/// Another shadow at the end of the configuration.
fn with_shadow(name: &str, at: &Server, text: &str) -> String {
    format!(
        "{text}\n[[shadow]]\nname = \"{name}\"\naddress = \"{}\"\n",
        at.at()
    )
}

#[test]
fn a_hundred_reloads_under_load_half_of_them_wrong_fail_no_request_and_the_ledger_balances() {
    let primary = Server::unix(tells);
    let shadows = [Server::unix(answers(OK)), Server::unix(answers(OK))];
    let tee = Tee::with_primary(&primary)
        .shadow("stays", &shadows[0])
        .start();
    let base = fs::read_to_string(tee.dir().join("shadowtee.toml")).unwrap();
    let load = Load::gently(&tee.at(), 4);
    for n in 0..50 {
        let name = format!("comes-{}", n % 5);
        tee.configure(|_| {
            let text = with_shadow(&name, &shadows[1], &base);
            match n % 3 {
                0 => text,
                1 => format!("{text}max_in_flight = {}\n", n + 1),
                _ => format!("{text}\n[limits]\nshadow_memory = \"{}MiB\"\n", n + 1),
            }
        });
        let answer = tee.reload();
        assert_eq!(answer.status(), 200, "{}", answer.text());
        load.goes_on();
        tee.configure(|_| match n % 3 {
            0 => "primray = 1".to_owned(),
            1 => base.replace("[primary]", "workers = 99\n[primary]"),
            _ => format!("{base}\n[log]\nlevel = \"loud\"\n"),
        });
        let answer = tee.reload();
        assert_eq!(answer.status(), 422, "{}", answer.text());
        load.goes_on();
    }
    let sent = load.end();
    let ledger = tee.settled(sent);
    assert_eq!(ledger.of("stays"), [("answered", sent)]);
    for n in 0..5 {
        let of = ledger.of(&format!("comes-{n}"));
        let outcomes: Vec<_> = of.iter().map(|(outcome, _)| *outcome).collect();
        assert_eq!(outcomes, ["absent", "answered"]);
        assert_eq!(of.iter().map(|(_, count)| count).sum::<u64>(), sent);
    }
    // The metrics say the same.
    let metrics = tee.ask_admin("/metrics").text();
    let absent = format!("outcome=\"absent\"}} {}", ledger.count("comes-0", "absent"));
    assert!(metrics.contains(&absent), "{absent} in {metrics}");
}

#[test]
fn what_needs_a_restart_is_refused_by_name_and_nothing_else_is_changed_either() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    tee.configure(|text| {
        let text = with_shadow("next", &shadow, &text);
        format!(
            "workers = 7\n{}",
            text.replace("admin.sock", "other.sock")
                .replace("tee.sock", "t.sock")
        )
    });
    let answer = tee.reload();
    assert_eq!(answer.status(), 422);
    let text = answer.text();
    for key in ["workers", "listen", "admin.address"] {
        let line = format!("shadowtee.toml: {key}: differs");
        assert!(text.contains(&line), "{line} in {text}");
    }
    tee.get("/");
    assert!(tee.settled(1).shadows.is_empty());
}

#[test]
fn a_shadow_that_is_added_counts_the_requests_before_it_as_absent() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    for _ in 0..3 {
        client.get("/");
    }
    client.send("no request\r\n\r\n").answer();
    tee.configure(|text| with_shadow("next", &shadow, &text));
    assert_eq!(tee.reload().status(), 200);
    tee.get("/");
    tee.client().send("no request\r\n\r\n").answer();
    let ledger = tee.settled(6);
    assert_eq!(
        ledger.of("next"),
        [("absent", 4), ("answered", 1), ("not_forwarded", 1)]
    );
}

#[test]
fn the_copies_of_a_shadow_that_is_removed_are_finished_and_stay_in_the_ledger() {
    let primary = Server::unix(answers(OK));
    let go = Gate::default();
    let gate = go.clone();
    let shadow = Server::unix(move |conn| {
        loop {
            conn.request()?;
            gate.pass();
            conn.send(OK)?;
        }
    });
    let setup = Tee::with_primary(&primary);
    let without = setup.shadow_with("next", &shadow, "max_in_flight = 1");
    let tee = without.start();
    for _ in 0..4 {
        tee.get("/");
    }
    shadow.wait_for(1);
    tee.configure(|text| text.split("[[shadow]]").next().unwrap().to_owned());
    assert_eq!(tee.reload().status(), 200);
    tee.get("/");
    let held: Ledger = tee.ledger();
    assert!(
        held.balances() && held.shadows["next"].in_flight == 4,
        "{held:?}"
    );
    go.open_for(4);
    assert_eq!(tee.settled(5).of("next"), [("absent", 1), ("answered", 4)]);
}

#[test]
fn new_limits_of_a_shadow_hold_for_the_copies_that_wait() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(hangs);
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "max_in_flight = 1\nqueue = 1")
        .start();
    for _ in 0..3 {
        tee.get("/");
    }
    tee.wait_for_ledger("a full queue", |ledger| {
        ledger.count("next", "queue_full") == 1
    });
    tee.configure(|text| text.replace("max_in_flight = 1\nqueue = 1", "max_in_flight = 3"));
    assert_eq!(tee.reload().status(), 200);
    shadow.wait_for(2);
    tee.get("/");
    shadow.wait_for(3);
    assert_eq!(tee.ledger().count("next", "queue_full"), 1);
}

#[test]
fn an_exchange_under_way_keeps_the_settings_that_it_began_with() {
    let primary = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nfirst");
    eventually("the request", || (tee.ledger().requests == 1).then_some(()));
    tee.configure(|text| format!("{text}\n[limits]\nbody_bytes = 4\n"));
    assert_eq!(tee.reload().status(), 200);
    client.send("after");
    assert_eq!(client.answer().text(), "POST / 10");
    // The next one on the same connection has the new ones.
    assert_eq!(client.send(post("/", "five!")).answer().status(), 413);
}

#[test]
fn the_log_level_and_the_access_log_change() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    tee.get("/before");
    tee.configure(|text| format!("{text}\n[log]\naccess = true\nlevel = \"debug\"\n"));
    assert_eq!(tee.reload().status(), 200);
    tee.client().send(get("/after")).answer();
    tee.client().send("no request\r\n\r\n").answer();
    tee.wait_for_log("a line for the request", |line| line.contains("/after"));
    tee.wait_for_log("a line of level debug", |line| line.contains("DEBUG"));
    assert!(!tee.log().contains("/before"));
}

#[test]
fn another_primary_gets_the_next_requests() {
    let primary = Server::unix(answers(OK));
    let other = Server::unix(tells);
    let tee = Tee::with_primary(&primary).start();
    let mut client = tee.client();
    assert_eq!(client.get("/").text(), "ok");
    tee.configure(|text| text.replace(&primary.at(), &other.at()));
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(client.get("/").text(), "GET / 0");
    // Those to the first one are closed.
    eventually("one idle connection", || {
        let metrics = tee.ask_admin("/metrics").text();
        metrics
            .contains("shadowtee_connections_idle{target=\"primary\"} 1")
            .then_some(())
    });
}
