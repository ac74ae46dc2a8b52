//! Every request counts once for each shadow; the administrative interface says how.

use crate::kit::{Gate, OK, Server, Tee, answers, eventually, get, hangs, post, shadowtee};

const OUTCOMES: [&str; 28] = [
    "answered",
    "refused",
    "connect_timeout",
    "unresolved",
    "tls_failed",
    "timeout",
    "broken",
    "filtered",
    "sampled_out",
    "absent",
    "rate_limited",
    "looped",
    "upgrade",
    "queue_full",
    "connection_limit",
    "over_budget",
    "body_overrun",
    "body_cut",
    "unpaired",
    "scripted_out",
    "script_timeout",
    "script_invalid",
    "script_down",
    "breaker_open",
    "paused",
    "client_aborted",
    "not_forwarded",
    "shutdown",
];

#[test]
fn the_ledger_lists_every_outcome_from_the_start() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow("one", &primary)
        .shadow("two", &primary)
        .start();
    let ledger = tee.ledger();
    assert_eq!(ledger.requests, 0);
    assert_eq!(ledger.shadows.keys().collect::<Vec<_>>(), ["one", "two"]);
    for copies in ledger.shadows.values() {
        for outcome in OUTCOMES {
            assert_eq!(copies.outcomes.get(outcome), Some(&0), "{outcome}");
        }
        assert_eq!(copies.outcomes.len(), OUTCOMES.len(), "no other one");
    }
}

#[test]
fn the_ledger_is_json() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    let answer = tee.ask_admin("/api/ledger");
    assert!(
        answer
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/json"))
    );
    assert_eq!(tee.ledger().requests, 0);
}

#[test]
fn a_copy_under_way_is_in_flight_and_then_has_its_outcome() {
    let primary = Server::unix(answers(OK));
    let go = Gate::default();
    let gate = go.clone();
    let shadow = Server::unix(move |conn| {
        conn.request()?;
        gate.pass();
        conn.send(OK)
    });
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    tee.get("/");
    shadow.wait_for(1);
    let ledger = tee.ledger();
    assert!(ledger.balances());
    assert_eq!((ledger.requests, ledger.shadows["next"].in_flight), (1, 1));
    go.open();
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
}

#[test]
fn the_ledger_balances_while_many_requests_of_all_kinds_pass() {
    let primary = Server::unix(answers(OK));
    let (well, hung) = (Server::unix(answers(OK)), Server::unix(hangs));
    let tee = Tee::with_primary(&primary)
        .shadow("well", &well)
        .shadow_with(
            "hung",
            &hung,
            "answer_timeout = \"500ms\"\nmax_in_flight = 3\nqueue = 5",
        )
        .shadow("dead", &crate::kit::free_port())
        .start();
    let mut whole = 0;
    for n in 0_usize..60 {
        let mut client = tee.client();
        match n % 4 {
            0 => assert_eq!(client.get("/").raw, OK.as_bytes()),
            1 => assert_eq!(
                client.send(post("/", &"x".repeat(n * 1000))).answer().raw,
                OK.as_bytes()
            ),
            2 => assert_eq!(
                client
                    .send("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
                    .answer()
                    .status(),
                400
            ),
            _ => drop(client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf")),
        }
        whole += u64::from(n % 4 < 2);
        let ledger = tee.wait_for_ledger("balance", crate::kit::Ledger::balances);
        assert!(ledger.requests <= 60);
    }
    let ledger = tee.wait_for_ledger("its end", |ledger| {
        ledger.is_settled()
            && ledger.count("well", "answered") == whole
            && ledger.count("well", "client_aborted") == 15
    });
    let [well, hung, dead] = ["well", "hung", "dead"].map(|name| ledger.of(name));
    for outcomes in [&well, &hung, &dead] {
        assert_eq!(
            outcomes.iter().map(|(_, n)| n).sum::<u64>(),
            ledger.requests
        );
    }
}

#[test]
fn what_shadowtee_itself_refuses_is_not_forwarded() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &primary).start();
    let long = "x".repeat(20_000);
    let refused = [
        (405, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n".to_owned()),
        (
            400,
            "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        ),
        (414, get(&format!("/{long}"))),
        (
            431,
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\n{}\r\n",
                format!("X: {long}\r\n").repeat(4)
            ),
        ),
        (
            400,
            "GET / HTTP/1.1\r\nHost: a\r\nX-A : 1\r\n\r\n".to_owned(),
        ),
    ];
    for (n, (status, request)) in refused.iter().enumerate() {
        assert_eq!(tee.client().send(request).answer().status(), *status);
        let n = n as u64 + 1;
        assert_eq!(tee.settled(n).of("next"), [("not_forwarded", n)]);
    }
}

#[test]
fn health_and_readiness() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.ask_admin("/healthz").status(), 200);
    assert_eq!(tee.ask_admin("/readyz").status(), 200);
    assert_eq!(tee.ask_admin("/nothing").status(), 404);
}

#[test]
fn a_token_is_asked_for_where_one_is_set() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .env("SHADOWTEE_ADMIN__TOKEN", "sesame")
        .start();
    assert_eq!(tee.ask_admin("/healthz").status(), 200);
    for path in ["/metrics", "/api/ledger"] {
        assert_eq!(tee.ask_admin(path).status(), 401, "{path}");
        let with = |token: &str| {
            let mut client = crate::kit::Client::connect(tee.admin().as_path());
            client
                .send(format!(
                    "GET {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
                ))
                .answer()
                .status()
        };
        assert_eq!(
            (with("sesame"), with("sesam"), with("")),
            (200, 401, 401),
            "{path}"
        );
    }
}

#[test]
fn the_admin_answers_while_the_shadow_hangs_and_the_primary_too() {
    let primary = Server::unix(hangs);
    let shadow = Server::unix(hangs);
    let tee = Tee::with_primary(&primary)
        .top("workers = 1")
        .shadow("next", &shadow)
        .start();
    let mut clients: Vec<_> = (0..50).map(|_| tee.client()).collect();
    for client in &mut clients {
        client.send(get("/"));
    }
    primary.wait_for(50);
    assert_eq!(tee.ask_admin("/healthz").status(), 200);
    assert!(tee.ledger().balances());
}

#[test]
fn the_metrics_say_what_the_ledger_says() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .shadow("dead", "unix:/nowhere.sock")
        .start();
    for _ in 0..7 {
        tee.get("/");
    }
    tee.settled(7);
    // The pair of statuses is known when both are, which may be later than the outcome.
    let answer = eventually("all pairs", || {
        let answer = tee.ask_admin("/metrics");
        let is_pair = |line: &&str| line.contains("answer_pairs_total") && line.ends_with("} 7");
        answer
            .text()
            .lines()
            .any(|line| is_pair(&line))
            .then_some(answer)
    });
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let text = answer.text();
    // What is scraped has its kind and its help under the very name of its samples.
    for kind in ["HELP", "TYPE"] {
        for name in [
            "shadowtee_requests_total",
            "shadowtee_copies_total",
            "shadowtee_workers",
        ] {
            assert!(text.contains(&format!("# {kind} {name} ")), "{text}");
        }
    }
    let samples: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect();
    for sample in &samples {
        let value = sample.rsplit_once(' ').unwrap().1;
        assert!(value.parse::<f64>().is_ok(), "{sample}");
        assert!(sample.starts_with("shadowtee_"), "{sample}");
    }
    let has = |parts: &[&str], value: &str| {
        assert!(
            samples
                .iter()
                .any(|s| parts.iter().all(|part| s.contains(part))
                    && s.ends_with(&format!(" {value}"))),
            "{parts:?} = {value} in\n{text}"
        );
    };
    has(&["shadow=\"next\"", "outcome=\"answered\""], "7");
    has(&["shadow=\"dead\"", "outcome=\"refused\""], "7");
    has(&["requests"], "7");
    // Pairs of status classes.
    has(&["shadow=\"next\"", "2xx", "5xx"], "7");
    for name in [
        "build_info",
        "budget",
        "queue",
        "breaker",
        "bytes",
        "connections",
    ] {
        assert!(
            samples.iter().any(|sample| sample.contains(name)),
            "{name} in\n{text}"
        );
    }
    assert!(
        samples
            .iter()
            .filter(|sample| sample.contains("_bucket{"))
            .count()
            > 2,
        "latency histograms in\n{text}"
    );
}

#[test]
fn without_a_shadow_it_is_a_plain_proxy_and_says_so() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    assert_eq!(tee.get("/").raw, OK.as_bytes());
    let ledger = tee.ledger();
    assert_eq!((ledger.requests, ledger.shadows.len()), (1, 0));
    tee.wait_for_log("the lack of a shadow", |line| line.contains("no shadow"));
}

#[test]
fn the_version_is_told() {
    let output = shadowtee(&["--version"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains(env!("CARGO_PKG_VERSION")));
}
