//! The share of the requests that a shadow gets: at random or by a key, and at a rate; what is left out is counted.

use std::collections::BTreeSet;

use crate::kit::{Gate, OK, Server, Tee, answers, get, hangs};

fn with_cookie(target: &str, session: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\nCookie: theme=dark; sid={session}\r\n\r\n")
}

/// Which of so many sessions are copied, by a process of its own.
#[track_caller]
fn sessions(sample: &str, many: usize) -> BTreeSet<String> {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, sample)
        .start();
    let mut client = tee.client();
    for n in 0..many {
        for page in ["a", "b"] {
            let request = with_cookie(&format!("/{n}/{page}"), &format!("session-{n}"));
            client.send(request).answer();
        }
    }
    let ledger = tee.settled(2 * many as u64);
    let copies = shadow.requests();
    let targets: BTreeSet<_> = copies.iter().map(|copy| copy.target().to_owned()).collect();
    let left_out = 2 * many - copies.len();
    assert_eq!(ledger.count("next", "sampled_out"), left_out as u64);
    let whole: BTreeSet<_> = targets
        .iter()
        .filter_map(|target| target.strip_suffix("/a"))
        .map(str::to_owned)
        .collect();
    for session in &whole {
        assert!(
            targets.contains(&format!("{session}/b")),
            "{session} is not whole"
        );
    }
    assert_eq!(2 * whole.len(), targets.len());
    whole
}

#[test]
fn a_session_is_copied_whole_or_not_at_all_by_every_process_and_more_of_them_with_a_higher_share() {
    let sample = |percent| format!("sample = {{ percent = \"{percent}%\", by = \"cookie:sid\" }}");
    let thirty = sessions(&sample(30), 200);
    assert_eq!(sessions(&sample(30), 200), thirty);
    assert!((30..=90).contains(&thirty.len()), "{thirty:?}");
    let sixty = sessions(&sample(60), 200);
    assert!(sixty.is_superset(&thirty) && sixty.len() > thirty.len());
    // These were copied by the first version that could sample, and are by every other.
    let first: Vec<_> = thirty.iter().filter(|name| name.len() == 2).collect();
    assert_eq!(first, FIRST_OF_THIRTY);
}

/// Of `session-0` to `session-9`, those below 30 %.
const FIRST_OF_THIRTY: &[&str] = &["/2", "/3", "/4", "/5", "/6"];

#[test]
fn every_kind_of_key_is_the_key_of_a_session() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let keys = [
        "cookie:sid",
        "header:X-Sid",
        "query:sid",
        "client",
        "path:2",
    ];
    let mut setup = Tee::with_primary(&primary)
        .toml("[client_address]\nheader = \"X-Real-IP\"\ntrusted = [\"unix\"]");
    for (n, key) in keys.iter().enumerate() {
        let sample = format!("sample = {{ percent = \"50%\", by = \"{key}\" }}");
        setup = setup.shadow_with(&format!("s{n}"), &shadow, &sample);
    }
    let tee = setup.start();
    let mut client = tee.client();
    for n in 0..100 {
        // The same value in all places but one, so that all shadows but one agree.
        client
            .send(format!(
                "GET /x/v{n}?sid=v{n} HTTP/1.1\r\nHost: a\r\nX-Sid: v{n}\r\nX-Real-IP: 10.0.0.{n}\r\nCookie: sid=v{n}\r\n\r\n"
            ))
            .answer();
    }
    let ledger = tee.settled(100);
    let copied: Vec<_> = (0..keys.len())
        .map(|n| ledger.count(&format!("s{n}"), "answered"))
        .collect();
    assert!(copied.iter().all(|n| (25..=75).contains(n)), "{copied:?}");
    assert!(
        [1, 2, 4].iter().all(|n| copied[*n] == copied[0]),
        "{copied:?}"
    );
}

#[test]
fn what_becomes_of_a_request_without_the_key_is_a_setting() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let sample = |percent: &str, without: &str| {
        format!(
            "sample = {{ percent = \"{percent}\", by = \"cookie:sid\", without_key = \"{without}\" }}"
        )
    };
    let tee = Tee::with_primary(&primary)
        .shadow_with(
            "default",
            &shadow,
            "sample = { percent = \"100%\", by = \"cookie:sid\" }",
        )
        .shadow_with("copy", &shadow, &sample("1%", "copy"))
        .shadow_with("nothing", &shadow, &sample("0%", "copy"))
        .shadow_with("random", &shadow, &sample("100%", "random"))
        .start();
    let mut client = tee.client();
    client.get("/");
    client.send(with_cookie("/", "")).answer();
    let ledger = tee.settled(2);
    assert_eq!(ledger.of("default"), [("sampled_out", 2)]);
    assert_eq!(ledger.of("copy"), [("answered", 2)]);
    assert_eq!(ledger.of("nothing"), [("sampled_out", 2)]);
    assert_eq!(ledger.of("random"), [("answered", 2)]);
}

#[test]
fn a_random_sample_has_its_share() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("half", &shadow, "sample = \"50%\"")
        .shadow_with("none", &shadow, "sample = \"0%\"")
        .shadow_with("all", &shadow, "sample = \"100%\"")
        .start();
    let mut client = tee.client();
    for _ in 0..1000 {
        client.get("/");
    }
    let ledger = tee.settled(1000);
    let half = ledger.count("half", "answered");
    // Eight standard deviations.
    assert!((374..=626).contains(&half), "{half}");
    assert_eq!(ledger.of("none"), [("sampled_out", 1000)]);
    assert_eq!(ledger.of("all"), [("answered", 1000)]);
}

#[test]
fn what_is_over_the_rate_is_left_out_at_once() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    // So slow that no token comes back while the test runs.
    let limit = "limit = { per_second = 0.001, burst = 5 }";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, limit)
        .shadow_with("one", &shadow, "limit = 0.001")
        .start();
    let mut client = tee.client();
    for _ in 0..20 {
        client.get("/");
    }
    let ledger = tee.settled(20);
    assert_eq!(ledger.of("next"), [("answered", 5), ("rate_limited", 15)]);
    assert_eq!(ledger.of("one"), [("answered", 1), ("rate_limited", 19)]);
}

#[test]
fn what_is_not_selected_takes_nothing_of_the_rate() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let settings = "limit = { per_second = 0.001, burst = 2 }\nselect.deny = [\"/no\"]";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    for target in ["/no", "/no", "/no", "/1", "/2", "/3"] {
        tee.get(target);
    }
    let ledger = tee.settled(6);
    assert_eq!(
        ledger.of("next"),
        [("answered", 2), ("filtered", 3), ("rate_limited", 1)]
    );
}

#[test]
fn more_copies_at_a_time_than_there_may_be_are_left_out_at_once() {
    let primary = Server::unix(answers(OK));
    let gate = Gate::default();
    let held = gate.clone();
    let shadow = Server::unix(move |conn| {
        loop {
            conn.request()?;
            held.pass();
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "limit = { concurrent = 3 }")
        .start();
    let mut client = tee.client();
    for _ in 0..10 {
        client.get("/");
    }
    tee.wait_for_ledger("seven that were left out", |ledger| {
        ledger.count("next", "rate_limited") == 7
    });
    gate.open_for(3);
    assert_eq!(
        tee.settled(10).of("next"),
        [("answered", 3), ("rate_limited", 7)]
    );
    // Each place is free again.
    gate.open_for(10);
    client.get("/");
    tee.wait_for_ledger("another that was answered", |ledger| {
        ledger.count("next", "answered") == 4
    });
}

#[test]
fn a_limit_holds_after_the_answer_as_well() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(hangs);
    let settings =
        "send = \"after_answer\"\nlimit = { per_second = 1000, burst = 1000, concurrent = 2 }";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    let mut client = tee.client();
    for n in 0..5 {
        client.send(get(&format!("/{n}"))).answer();
    }
    tee.wait_for_ledger("three that were left out", |ledger| {
        ledger.count("next", "rate_limited") == 3
    });
}
