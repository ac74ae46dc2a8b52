//! What the administration tells of what was, where it is, and what it is configured to be.

use serde_json::{Value, json};

use crate::kit::{At, Client, OK, Server, Tee, answers, eventually};

#[track_caller]
fn ask(tee: &Tee, path: &str) -> Value {
    let answer = tee.ask_admin(path);
    assert_eq!(answer.status(), 200, "{}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

fn change(tee: &Tee, path: &str, body: &str) -> u16 {
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    let mut client = Client::connect(tee.admin().as_path());
    client.send(request).answer().status()
}

/// The events of a kind, as texts.
fn events(tee: &Tee, kind: &str) -> Vec<String> {
    let history = ask(tee, "/api/history");
    let events = history["events"].as_array().unwrap().iter();
    let events = events.filter(|event| event["kind"] == kind);
    events
        .map(|event| event["text"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_history_has_what_was_counted_and_what_happened() {
    let versioned = "HTTP/1.1 200 OK\r\nX-App-Version: r\u{202e}1\r\nContent-Length: 0\r\n\r\n";
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(versioned)));
    let settings = "build_header = \"X-App-Version\"";
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, settings)
        .start();
    (0..70).for_each(|_| drop(tee.get("/")));
    tee.settled(70);
    assert_eq!(events(&tee, "build"), ["build r\\u{202e}1"]);
    assert!(events(&tee, "start")[0].starts_with("shadowtee "));
    for (body, status) in [
        (r#"{"build": "v2"}"#, 200),
        (r#"{"build": ""}"#, 400),
        (r#"{"build": "a\nb"}"#, 400),
        ("{}", 400),
    ] {
        let answered = change(&tee, "/api/shadows/next/build", body);
        assert_eq!(answered, status, "{body}");
    }
    let none = change(&tee, "/api/shadows/none/build", r#"{"build": "v2"}"#);
    assert_eq!(none, 404);
    assert_eq!(events(&tee, "build").last().unwrap(), "build v2");
    assert_eq!(change(&tee, "/api/shadows/next/pause", ""), 200);
    assert_eq!(events(&tee, "change"), ["paused"]);
    assert_eq!(change(&tee, "/api/reload", ""), 200);
    assert!(events(&tee, "reload").is_empty(), "nothing changed");

    let shadows = ask(&tee, "/api/shadows");
    let next = &shadows["shadows"][0];
    assert_eq!(next["build"], "v2");
    assert_eq!(
        (&next["role"], &next["compare"]),
        (&json!("upgrade"), &json!(false))
    );
    assert!(next["address"].as_str().unwrap().starts_with("unix:/"));

    // The first sample comes after ten seconds.
    let sum = |list: &Value| -> u64 {
        list.as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_u64)
            .sum()
    };
    let hour = eventually("a sample", || {
        let hour = ask(&tee, "/api/history")["hour"].clone();
        (sum(&hour["requests"]) == 70).then_some(hour)
    });
    let next = &hour["shadows"]["next"];
    assert_eq!(
        (sum(&next["answered"]), sum(&next["lost"])),
        (70, 0),
        "{next}"
    );
    assert_eq!(sum(&hour["errors"]), 0);
    for part in [&hour["primary_ms"], &next["latency_ms"]] {
        assert!(
            part["p50"][0].as_f64().is_some_and(|p50| p50 > 0.0),
            "{part}"
        );
    }
}

#[test]
fn a_reload_that_adds_a_shadow_with_a_build_is_told() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &primary, "build = \"v1\"")
        .start();
    assert_eq!(events(&tee, "build"), ["build v1"]);
    let other = format!(
        "[[shadow]]\nname = \"other\"\naddress = \"{}\"\n",
        primary.at()
    );
    tee.configure(|text| format!("{}{other}", text.replace("\"v1\"", "\"v2\"")));
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(events(&tee, "reload"), ["reload changed: shadow (+other)"]);
    assert_eq!(events(&tee, "build"), ["build v1", "build v2"]);
}

#[test]
fn the_administration_tells_where_and_what_it_is_and_no_secret() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    let file = setup.dir().join("c.tee").display().to_string();
    let tee = setup
        .shadow_with(
            "next",
            &primary,
            "rewrite.headers.set = { X-Api-Key = \"hush-hush\" }",
        )
        .toml(&format!("[capture]\nfile = \"{file}\"\nflush = \"10ms\""))
        .start();
    tee.get("/");
    let about = ask(&tee, "/api/about");
    assert_eq!(about["primary"], primary.at());
    assert!(about["listen"][0].as_str().unwrap().ends_with("/tee.sock"));
    assert!(about["started"].as_str().unwrap().ends_with('Z'));
    let capture = eventually("a record", || {
        let capture = ask(&tee, "/api/captures")["captures"][0].clone();
        (capture["records"]["written"] == 1).then_some(capture)
    });
    assert_eq!(
        (&capture["pattern"], &capture["file"]),
        (&json!(file), &json!(file))
    );
    assert!(capture["bytes"].as_u64().unwrap() > 0 && capture["trouble"].is_null());
    let configuration = tee.ask_admin("/api/configuration").text();
    let parsed: toml::Table = configuration.parse().unwrap();
    assert!(parsed["shadow"][0]["name"].as_str() == Some("next"));
    assert!(!configuration.contains("hush-hush"), "{configuration}");
    let page = format!(
        "curl --unix-socket {} http://localhost/",
        tee.admin().display()
    );
    tee.wait_for_log("the page", |line| line.contains(&page));
}
