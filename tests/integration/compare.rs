//! Responses are compared with production's: faults are found, noise is not told, and no copy ever waits for it.

use std::{
    fs,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::kit::{Client, Conn, OK, Server, Tee, answers, eventually, get, shadowtee};

/// What is never the same.
static TOKEN: AtomicU64 = AtomicU64::new(0x9e37_79b9);

fn token() -> String {
    let mut state = TOKEN.fetch_add(0x9e37_79b9_7f4a_7c15, SeqCst);
    let mut half = || {
        state ^= state >> 33;
        state = state.wrapping_mul(0xff51_afd7_ed55_8ccd);
        state ^= state >> 29;
        format!("{state:016x}")
    };
    half() + &half()
}

/// An application whose answers have a token, and what `page` makes of the target.
fn application(page: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let body = page(request.target()).replace("TOKEN", &token());
            conn.send(format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Request-Id: {}\r\nContent-Length: {}\r\n\r\n{body}",
                token(),
                body.len()
            ))?;
        }
    })
}

fn order(target: &str, factor: u32) -> String {
    let id: u32 = target.rsplit('/').next().unwrap().parse().unwrap_or(0);
    format!(
        "{{\"id\":{id},\"total\":{},\"token\":\"TOKEN\"}}",
        (100 + id) * factor
    )
}

fn admin_of(tee: &Tee) -> String {
    format!("unix:{}", tee.admin().display())
}

fn report(tee: &Tee) -> Value {
    serde_json::from_str(&tee.ask_admin("/api/report").text()).unwrap()
}

/// The report once so many answers are counted in it.
fn report_of(tee: &Tee, answered: u64) -> Value {
    eventually("what was compared", || {
        let report = report(tee);
        (report["requests"]["answered"] == answered).then_some(report)
    })
}

/// Asks for twenty orders, each a few times.
fn ask(tee: &Tee, rounds: u32) -> u64 {
    let mut client = tee.client();
    for _ in 0..rounds {
        for id in 0..20 {
            client.get(&format!("/orders/{id}"));
        }
    }
    u64::from(rounds) * 20
}

fn titles(report: &Value, status: &str) -> Vec<String> {
    let causes = report["causes"].as_array().unwrap();
    let causes = causes.iter().filter(|cause| cause["status"] == status);
    causes
        .map(|cause| cause["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_fault_is_found_and_what_is_random_is_not_told() {
    let primary = application(|target| order(target, 1));
    let shadow = application(|target| order(target, 100));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .start();
    let sent = ask(&tee, 3);
    let report = report_of(&tee, sent);
    assert_eq!(
        titles(&report, "confirmed"),
        ["total is 100 times larger"],
        "{report:#}"
    );
    let cause = &report["causes"][0];
    assert_eq!(cause["routes"][0]["route"], "GET /orders/{n}");
    assert_eq!(cause["routes"][0]["different"], sent);
    let requests = &report["requests"];
    let sum = |keys: &[&str]| {
        keys.iter()
            .map(|key| requests[key].as_u64().unwrap())
            .sum::<u64>()
    };
    assert_eq!(
        sum(&["identical", "explained", "different", "unconfirmed"]),
        sent
    );
    let metrics = tee.ask_admin("/metrics").text();
    for line in [
        format!(
            "shadowtee_responses_compared_total{{shadow=\"next\",result=\"different\"}} {sent}\n"
        ),
        "shadowtee_response_causes{shadow=\"next\",status=\"confirmed\"} 1\n".to_owned(),
    ] {
        assert!(metrics.contains(&line), "{line} in {metrics}");
    }
    tee.wait_for_log("the first of its kind", |line| {
        line.contains("a response differs in a way that was not seen before")
            && line.contains("total is 100 times larger")
    });
}

#[test]
fn two_equal_instances_have_no_difference() {
    let [primary, shadow] = [(); 2].map(|()| application(|target| order(target, 1)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .start();
    let sent = ask(&tee, 5);
    let report = report_of(&tee, sent);
    assert_eq!(report["causes"].as_array().unwrap().len(), 0, "{report:#}");
    assert_eq!(report["requests"]["different"], 0);
}

#[test]
fn every_copy_that_is_answered_is_compared_or_says_why_not() {
    let primary = Server::unix(|conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            if request.target() == "/none" {
                return Ok(());
            }
            conn.send(OK)?;
        }
    });
    let shadow = Server::unix(|conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            if request.target() == "/large" {
                let body = "x".repeat(2 << 20);
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ))?;
                continue;
            }
            conn.send(OK)?;
        }
    });
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .start();
    tee.get("/same");
    tee.get("/none");
    tee.get("/large");
    let ledger = tee.settled(3);
    let answered = ledger.count("next", "answered");
    let report = report_of(&tee, answered);
    let not: u64 = report["not_compared"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(
        report["requests"]["compared"].as_u64().unwrap() + not,
        answered
    );
    assert_eq!(report["not_compared"]["no_primary"], 1, "{report:#}");
}

#[test]
fn what_was_learned_survives_a_restart_and_is_forgotten_when_asked() {
    let primary = application(|target| order(target, 1));
    let shadow = application(|target| order(target, 100));
    let state = tempfile::tempdir().unwrap();
    let start = || {
        Tee::with_primary(&primary)
            .shadow_with("next", &shadow, "compare = true")
            .toml(&format!("[compare]\nstate = {:?}", state.path()))
            .start()
    };
    let mut tee = start();
    let sent = ask(&tee, 3);
    let before = report_of(&tee, sent);
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    let tee = start();
    let after = report_of(&tee, sent);
    assert_eq!(after["causes"][0]["id"], before["causes"][0]["id"]);
    assert!(state.path().join("next.compare").is_file());
    let output = shadowtee(&["report", "--admin", &admin_of(&tee), "--reset"]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(report(&tee)["requests"]["answered"], 0);
}

#[test]
fn a_report_is_written_in_every_form_and_fails_a_pipeline_on_new_causes() {
    let primary = application(|target| order(target, 1));
    let shadow = application(|target| order(target, 100));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .start();
    let sent = ask(&tee, 3);
    report_of(&tee, sent);
    let admin = admin_of(&tee);
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("old.json");
    for (format, says) in [
        ("text", "total is 100 times larger"),
        ("markdown", "total is 100 times larger"),
        ("html", "<!"),
        ("junit", "<testsuite"),
        ("json", "\"schema\": 1"),
    ] {
        let output = shadowtee(&["report", "--admin", &admin, "--format", format]);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && text.contains(says),
            "{format}: {text}"
        );
        if format == "json" {
            fs::write(&old, text.as_bytes()).unwrap();
        }
    }
    let old = old.to_str().unwrap();
    let fails = |args: &[&str]| {
        let all = [&["report", "--admin", &admin], args].concat();
        shadowtee(&all).status.code()
    };
    assert_eq!(fails(&["--fail-on", "causes>0"]), Some(2));
    assert_eq!(fails(&["--fail-on", "new-causes>0"]), Some(2));
    assert_eq!(
        fails(&["--since", old, "--fail-on", "new-causes>0"]),
        Some(0)
    );
    assert_eq!(shadowtee(&["report", old]).status.code(), Some(0));
}

#[test]
fn rules_hide_what_is_expected_and_a_wrong_file_changes_nothing() {
    let primary = application(|target| order(target, 1));
    let shadow = application(|target| order(target, 100));
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.toml");
    fs::write(&rules, "").unwrap();
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .toml(&format!("[compare]\nrules = {rules:?}"))
        .start();
    let sent = ask(&tee, 3);
    assert_eq!(titles(&report_of(&tee, sent), "confirmed").len(), 1);
    fs::write(
        &rules,
        "[[rule]]\nplace = \"$.total\"\nactions = \"expected\"\n",
    )
    .unwrap();
    let refused = tee.reload().text();
    assert!(refused.contains("compare.rules"), "{refused}");
    assert_eq!(titles(&report(&tee), "confirmed").len(), 1);
    fs::write(
        &rules,
        "[[rule]]\nplace = \"$.total\"\naction = \"expected\"\nreason = \"cents\"\n",
    )
    .unwrap();
    let changed = tee.reload();
    assert_eq!(changed.status(), 200, "{}", changed.text());
    let hidden = report(&tee);
    assert_eq!(titles(&hidden, "confirmed").len(), 0, "{hidden:#}");
    assert!(
        hidden["rules"][0]["hides"].as_u64().unwrap() > 0,
        "{hidden:#}"
    );
}

#[test]
fn a_rule_can_be_added_while_it_runs_and_stands_in_the_file() {
    let primary = application(|target| order(target, 1));
    let shadow = application(|target| order(target, 100));
    let dir = tempfile::tempdir().unwrap();
    let rules = dir.path().join("rules.toml");
    fs::write(&rules, "# reviewed by two people\n").unwrap();
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .toml(&format!("[compare]\nrules = {rules:?}"))
        .start();
    let sent = ask(&tee, 3);
    assert_eq!(titles(&report_of(&tee, sent), "confirmed").len(), 1);
    let add = |rule: &str| {
        let mut client = Client::connect(tee.admin().as_path());
        client.send(format!(
            "POST /api/report/rules HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{rule}",
            rule.len()
        ));
        client.answer()
    };
    assert_eq!(
        add("{\"place\": \"$.total\", \"action\": \"hide\"}").status(),
        400
    );
    let added = add("{\"place\": \"$.total\", \"action\": \"expected\", \"reason\": \"cents\"}");
    assert_eq!(added.status(), 200, "{}", added.text());
    assert_eq!(titles(&report(&tee), "confirmed").len(), 0);
    let text = fs::read_to_string(&rules).unwrap();
    assert!(
        text.contains("reviewed by two people") && text.contains("cents"),
        "{text}"
    );
    let reloaded = tee.reload();
    assert_eq!(reloaded.status(), 200, "{}", reloaded.text());
    assert_eq!(titles(&report(&tee), "confirmed").len(), 0);
}

#[test]
fn a_baseline_takes_drift_away() {
    // The data on the side of the shadows is another.
    let primary = application(|target| order(target, 1));
    let page = |target: &str| order(target, 1).replace('}', ",\"stock\":3}");
    let drifted = application(page);
    let next = application(move |target| page(target).replace("total", "sum"));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &next, "compare = true")
        .shadow_with("same", &drifted, "role = \"baseline\"")
        .start();
    let sent = ask(&tee, 4);
    let report = eventually("what was compared", || {
        let report = report(&tee);
        (report["requests"]["answered"].as_u64().unwrap() >= sent - 5).then_some(report)
    });
    let told = titles(&report, "confirmed").join("; ");
    assert!(
        told.contains("total") && !told.contains("stock"),
        "{report:#}"
    );
}

#[test]
fn a_comparer_that_hangs_behind_a_flood_never_holds_up_a_copy() {
    let page = |_: &str| {
        let rows: Vec<_> = (0..3000)
            .map(|n| format!("{{\"id\":{n},\"t\":\"TOKEN\"}}"))
            .collect();
        format!("[{}]", rows.join(","))
    };
    let [primary, shadow] = [(); 2].map(|()| application(page));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .toml("[limits]\nshadow_memory = \"4MiB\"")
        .start();
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let mut client = tee.client();
            thread::spawn(move || {
                for _ in 0..40 {
                    assert_eq!(client.send(get("/all")).answer().status(), 200);
                }
            })
        })
        .collect();
    for client in clients {
        client.join().unwrap();
    }
    let ledger = tee.settled(160);
    assert!(ledger.balances());
    let answered = ledger.count("next", "answered");
    assert!(answered > 0);
    let report = report_of(&tee, answered);
    let not: u64 = report["not_compared"]
        .as_object()
        .unwrap()
        .values()
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(
        report["requests"]["compared"].as_u64().unwrap() + not,
        answered,
        "{report:#}"
    );
}

#[test]
fn a_shadow_that_is_not_compared_says_how_it_would_be() {
    let [primary, shadow] = [(); 2].map(|()| Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let answer = tee.ask_admin("/api/report");
    assert_eq!(answer.status(), 404);
    assert!(
        answer.text().contains("compare = true"),
        "{}",
        answer.text()
    );
}
