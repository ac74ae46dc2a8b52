//! What can be changed while it runs: shadows paused and resumed, their share; and who can't.

use serde_json::Value;

use crate::kit::{Client, Message, OK, Server, Tee, answers};

const JSON: &str = "Content-Type: application/json\r\n";

fn ask(tee: &Tee, line: &str, headers: &str, body: &str) -> Message {
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    Client::connect(tee.admin().as_path())
        .send(request)
        .answer()
}

#[track_caller]
fn state(tee: &Tee) -> Value {
    let answer = tee.ask_admin("/api/shadows");
    let all: Value = serde_json::from_slice(&answer.body).unwrap();
    all["shadows"][0].clone()
}

fn tee(primary: &Server, shadow: &Server) -> Tee {
    let other = "sample = { percent = \"50%\", by = \"cookie:sid\" }";
    Tee::with_primary(primary)
        .shadow("next", shadow)
        .shadow_with("other", shadow, other)
        .start()
}

#[test]
fn a_paused_shadow_gets_nothing_until_it_is_resumed() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = tee(&primary, &shadow);
    tee.get("/1");
    tee.settled(1);
    let answer = ask(&tee, "POST /api/shadows/next/pause", JSON, "");
    assert_eq!(answer.status(), 200, "{}", answer.text());
    assert_eq!(state(&tee)["paused"], true);
    tee.get("/2");
    assert_eq!(tee.settled(2).of("next"), [("answered", 1), ("paused", 1)]);
    // Nothing changes, and nothing is noted.
    ask(&tee, "POST /api/shadows/next/pause", JSON, "");
    ask(&tee, "POST /api/shadows/next/resume", JSON, "");
    tee.get("/3");
    assert_eq!(tee.settled(3).of("next"), [("answered", 2), ("paused", 1)]);
    let state = state(&tee);
    assert_eq!(state["paused"], false);
    let changes = state["changes"].as_array().unwrap();
    let what: Vec<_> = changes
        .iter()
        .map(|change| change["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["paused", "resumed"]);
    assert!(changes[0]["at"].as_str().unwrap().ends_with('Z'));
    for what in ["paused", "resumed"] {
        tee.wait_for_log(what, |line| line.contains(what) && line.contains("next"));
    }
    let metrics = tee.ask_admin("/metrics").text();
    assert!(
        metrics.contains("shadowtee_shadow_paused{shadow=\"next\"} 0"),
        "{metrics}"
    );
}

#[test]
fn the_share_is_read_and_set() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = tee(&primary, &shadow);
    assert_eq!(state(&tee)["sample"]["percent"], "100%");
    for (method, percent) in [("PUT", "0%"), ("POST", "0.5%"), ("PUT", "0%")] {
        let line = format!("{method} /api/shadows/next/sample");
        let body = format!("{{\"percent\": \"{percent}\"}}");
        let answer = ask(&tee, &line, JSON, &body);
        assert_eq!(answer.status(), 200, "{}", answer.text());
        assert_eq!(state(&tee)["sample"]["percent"], percent);
    }
    assert_eq!(state(&tee)["sample"]["configured"], "100%");
    tee.get("/");
    assert_eq!(tee.settled(1).of("next"), [("sampled_out", 1)]);
    tee.wait_for_log("the change", |line| line.contains("sample 100% -> 0%"));
    for wrong in [
        "",
        "{}",
        "{\"percent\": \"101%\"}",
        "{\"percent\": 10}",
        "{\"percent\": \"1%\", \"x\": 1}",
    ] {
        let answer = ask(&tee, "PUT /api/shadows/next/sample", JSON, wrong);
        assert_eq!(answer.status(), 400, "{wrong}");
    }
    let long = format!("{{\"percent\": \"1%\"}}{}", " ".repeat(5000));
    assert_eq!(
        ask(&tee, "PUT /api/shadows/next/sample", JSON, &long).status(),
        400
    );
    assert_eq!(state(&tee)["sample"]["percent"], "0%");
}

#[test]
fn get_changes_nothing_and_so_does_a_page_of_another_site() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = tee(&primary, &shadow);
    for (line, headers, status) in [
        ("GET /api/shadows/next/pause", JSON, 405),
        ("DELETE /api/shadows/next/pause", JSON, 405),
        ("PUT /api/shadows/next/pause", JSON, 405),
        ("POST /api/shadows/next/pause", "", 415),
        (
            "POST /api/shadows/next/pause",
            "Content-Type: text/plain\r\n",
            415,
        ),
        (
            "POST /api/shadows/next/pause",
            "Content-Type: application/json\r\nOrigin: https://evil.example\r\n",
            403,
        ),
        (
            "POST /api/shadows/next/pause",
            "Content-Type: application/json\r\nSec-Fetch-Site: cross-site\r\n",
            403,
        ),
        ("POST /api/shadows/nobody/pause", JSON, 404),
        ("POST /api/shadows/next/explode", JSON, 404),
        ("POST /api/shadows", JSON, 405),
    ] {
        assert_eq!(
            ask(&tee, line, headers, "").status(),
            status,
            "{line} {headers}"
        );
    }
    let state = state(&tee);
    assert_eq!(state["paused"], false);
    assert_eq!(state["changes"].as_array().unwrap().len(), 0);
}

#[test]
fn a_token_is_asked_for_where_there_is_one() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .env("SHADOWTEE_ADMIN__TOKEN", "hunter2")
        .start();
    assert_eq!(
        ask(&tee, "POST /api/shadows/next/pause", JSON, "").status(),
        401
    );
    assert_eq!(tee.ask_admin("/api/shadows").status(), 401);
    let with = format!("{JSON}Authorization: Bearer hunter2\r\n");
    assert_eq!(
        ask(&tee, "POST /api/shadows/next/pause", &with, "").status(),
        200
    );
}

#[test]
fn what_was_changed_at_run_time_outlives_a_reload_unless_the_configuration_says_otherwise() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = tee(&primary, &shadow);
    ask(&tee, "POST /api/shadows/next/pause", JSON, "");
    let body = "{\"percent\": \"30%\"}";
    ask(&tee, "PUT /api/shadows/next/sample", JSON, body);
    let file = tee.dir().join("shadowtee.toml");
    let before = std::fs::read_to_string(&file).unwrap();
    let reload = |from: &str, to: &str| {
        let now = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, now.replacen(from, to, 1)).unwrap();
        let answer = ask(&tee, "POST /api/reload", JSON, "");
        assert_eq!(answer.status(), 200, "{}", answer.text());
    };
    assert!(before.contains("name = \"next\"\n"), "{before}");
    reload(
        "name = \"next\"\n",
        "name = \"next\"\nbody_buffer = \"1MiB\"\n",
    );
    let changed = state(&tee);
    assert_eq!(
        (&changed["paused"], &changed["sample"]["percent"]),
        (&true.into(), &"30%".into())
    );
    tee.get("/");
    assert_eq!(tee.settled(1).of("next").len(), 1);
    assert_eq!(tee.ledger().count("next", "answered"), 0);
    reload(
        "body_buffer = \"1MiB\"\n",
        "body_buffer = \"1MiB\"\nsample = \"80%\"\n",
    );
    let changed = state(&tee);
    assert_eq!(
        (&changed["paused"], &changed["sample"]["percent"]),
        (&true.into(), &"80%".into())
    );
}
