//! Configuration: what is wrong is told at once and all together; what is right is shown.

use std::fs;
use std::process::Output;

use crate::kit::{At, OK, Server, Tee, answers, free_port, shadowtee};

fn check(toml: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(&file, toml).unwrap();
    let output = shadowtee(&["check", "--config", file.to_str().unwrap()]);
    said(&output)
}

fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

const SMALL: &str = "listen = [\"127.0.0.1:8080\"]\n[primary]\naddress = \"unix:/run/app.sock\"\n";

/// Mistakes, each with its key.
#[track_caller]
fn wrong(toml: &str, told: &[&str]) {
    let (code, stdout, stderr) = check(toml);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    for part in told {
        assert!(stderr.contains(part), "{part:?} in\n{stderr}");
    }
    assert!(stderr.contains("shadowtee.toml"), "the file in\n{stderr}");
}

#[test]
fn a_valid_configuration_is_shown_as_it_will_be_used() {
    let toml = format!(
        "{SMALL}[[shadow]]\nname = \"next\"\naddress = \"https://shadow.example\"\nanswer_timeout = \"7s\"\n"
    );
    let (code, stdout, stderr) = check(&toml);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
    let shown: toml::Table = stdout
        .parse()
        .unwrap_or_else(|e| panic!("{e} in\n{stdout}"));
    for key in [
        "workers",
        "listen",
        "primary",
        "timeouts",
        "limits",
        "shadow",
        "mark",
        "request_id",
        "stop",
        "log",
    ] {
        assert!(shown.contains_key(key), "{key} in\n{stdout}");
    }
    assert_eq!(shown["shadow"][0]["answer_timeout"].as_str(), Some("7s"));
    assert_eq!(shown["shadow"][0]["name"].as_str(), Some("next"));
    assert_eq!(shown["mark"]["header"].as_str(), Some("X-Shadow-Request"));
}

#[test]
fn what_is_shown_is_valid_and_shows_the_same() {
    let (_, shown, _) = check(&format!(
        "{SMALL}[[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:9\"\n"
    ));
    let (code, again, stderr) = check(&shown);
    assert_eq!((code, again), (Some(0), shown), "{stderr}");
}

#[test]
fn all_mistakes_are_told_at_once() {
    wrong(
        "workers = 0\nlisten = [\"nonsense\"]\n[primary]\naddress = \"ftp://a\"\n[timeouts]\nanswer = \"soon\"\n\
         [limits]\nbody_bytes = \"much\"\n[[shadow]]\nname = \"a\"\naddress = \"unix:\"\n",
        &[
            "workers",
            "listen",
            "nonsense",
            "primary.address",
            "ftp://a",
            "timeouts.answer",
            "soon",
            "limits.body_bytes",
            "much",
            "shadow",
            "address",
        ],
    );
}

#[test]
fn an_unknown_key_is_a_mistake_with_a_suggestion() {
    wrong(
        &format!("{SMALL}[timeouts]\nanwser = \"1s\"\n"),
        &["timeouts", "anwser", "answer"],
    );
    wrong(&format!("wrokers = 2\n{SMALL}"), &["wrokers", "workers"]);
    wrong(
        &format!("{SMALL}[[shadow]]\nname = \"a\"\naddress = \"a:1\"\nmax_inflight = 2\n"),
        &["max_inflight", "max_in_flight"],
    );
    wrong(
        &format!("{SMALL}[limit]\nconnections = 2\n"),
        &["limit", "limits"],
    );
}

#[test]
fn what_must_be_there_and_is_not_is_told_together() {
    wrong("", &["listen", "primary"]);
    wrong(
        &format!("{SMALL}[[shadow]]\nname = \"next\"\n"),
        &["shadow", "address"],
    );
}

#[test]
fn two_shadows_of_one_name_are_a_mistake() {
    let shadow = "[[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:9\"\n";
    wrong(&format!("{SMALL}{shadow}{shadow}"), &["shadow", "next"]);
}

#[test]
fn values_of_the_wrong_kind_are_told_with_what_would_be_right() {
    wrong(
        &format!("{SMALL}[limits]\nconnections = \"many\"\n"),
        &["limits.connections"],
    );
    wrong(
        &format!("{SMALL}[limits]\nconnections = -1\n"),
        &["limits.connections"],
    );
    wrong(
        &format!("{SMALL}[mark]\nkeep = \"perhaps\"\n"),
        &["mark.keep"],
    );
    wrong(
        &format!("{SMALL}[mark]\nheader = \"no header\"\n"),
        &["mark.header"],
    );
    wrong(
        &format!("{SMALL}[log]\nformat = \"xml\"\n"),
        &["log.format", "xml", "json"],
    );
}

#[test]
fn a_file_that_is_no_toml_is_told_with_its_line() {
    wrong("listen = [\"127.0.0.1:8080\"]\nthis is no toml\n", &["2"]);
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let (code, _, stderr) = said(&shadowtee(&["check", "--config", "/no/such/file.toml"]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("/no/such/file.toml"), "{stderr}");
}

#[test]
fn a_wrong_configuration_is_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(&file, format!("{SMALL}[timeouts]\nanwser = \"1s\"\n")).unwrap();
    let (code, _, stderr) = said(&shadowtee(&["run", "--config", file.to_str().unwrap()]));
    assert_eq!(code, Some(1));
    assert!(stderr.contains("anwser"), "{stderr}");
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    for args in [
        ["run", "--no-such-flag"].as_slice(),
        &["no-such-command"],
        &["check"],
        &["run", "--workers", "x"],
    ] {
        let (code, _, stderr) = said(&shadowtee(args));
        assert_eq!(code, Some(2), "{args:?}: {stderr}");
        assert!(!stderr.is_empty());
    }
}

#[test]
fn each_command_has_help() {
    for args in [
        ["--help"].as_slice(),
        &["run", "--help"],
        &["check", "--help"],
        &["demo", "--help"],
    ] {
        let (code, stdout, _) = said(&shadowtee(args));
        assert_eq!(code, Some(0), "{args:?}");
        assert!(stdout.contains("Usage"), "{stdout}");
    }
}

#[test]
fn everything_can_be_given_by_flags() {
    let primary = Server::unix(answers(OK));
    let (one, two) = (Server::unix(answers(OK)), Server::tcp(answers(OK)));
    let dir = tempfile::tempdir().unwrap();
    let [first, second, admin] =
        ["a.sock", "b.sock", "admin.sock"].map(|name| dir.path().join(name).at());
    let shadow = format!("next={}", two.at());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_shadowtee"))
        .args([
            "run",
            "--listen",
            &first,
            "--listen",
            &second,
            "--primary",
            &primary.at(),
        ])
        .args([
            "--shadow",
            &one.at(),
            "--shadow",
            &shadow,
            "--admin",
            &admin,
            "--workers",
            "1",
        ])
        .args([
            "--log-format",
            "text",
            "--log-level",
            "warn",
            "--access-log",
        ])
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let came = std::panic::catch_unwind(|| {
        crate::kit::eventually("sockets", || {
            [&first, &second, &admin]
                .iter()
                .all(|at| crate::kit::Client::try_connect(*at).is_ok())
                .then_some(())
        });
        for at in [&first, &second] {
            assert_eq!(crate::kit::Client::connect(at).get("/").raw, OK.as_bytes());
        }
        (one.wait_for(2).remove(0), two.wait_for(2).remove(0))
    });
    child.kill().unwrap();
    child.wait().unwrap();
    let (one, two) = came.expect("copies");
    assert_eq!(
        (
            one.header("x-shadow-request"),
            two.header("x-shadow-request")
        ),
        (Some("shadow"), Some("next"))
    );
}

#[test]
fn shadows_without_a_name_are_numbered() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .arg(&format!("--shadow={}", primary.at()))
        .arg(&format!("--shadow={}", primary.at()))
        .start();
    assert_eq!(
        tee.ledger().shadows.keys().collect::<Vec<_>>(),
        ["shadow", "shadow-2"]
    );
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let (file, env, flag) = (
        Server::unix(answers("HTTP/1.1 201 F\r\nContent-Length: 0\r\n\r\n")),
        Server::unix(answers("HTTP/1.1 202 E\r\nContent-Length: 0\r\n\r\n")),
        Server::unix(answers("HTTP/1.1 203 A\r\nContent-Length: 0\r\n\r\n")),
    );
    assert_eq!(Tee::with_primary(&file).start().get("/").status(), 201);
    let tee = Tee::with_primary(&file)
        .env("SHADOWTEE_PRIMARY__ADDRESS", &env.at())
        .start();
    assert_eq!(tee.get("/").status(), 202);
    let tee = Tee::with_primary(&file)
        .env("SHADOWTEE_PRIMARY__ADDRESS", &env.at())
        .arg("--primary")
        .arg(&flag.at())
        .start();
    assert_eq!(tee.get("/").status(), 203);
}

#[test]
fn the_environment_sets_limits() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .env("SHADOWTEE_LIMITS__CONNECTIONS", "1")
        .start();
    let mut one = tee.client();
    assert_eq!(one.get("/").status(), 200);
    assert_eq!(tee.get("/").status(), 503);
}

#[test]
fn a_mistake_in_the_environment_is_told_with_its_name() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(&file, SMALL).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_shadowtee"));
    command
        .args(["check", "--config", file.to_str().unwrap()])
        .env("SHADOWTEE_LIMITS__CONNECTIONS", "many");
    let (code, _, stderr) = said(&crate::kit::finish(&mut command));
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("limits.connections") || stderr.contains("SHADOWTEE_LIMITS__CONNECTIONS"),
        "{stderr}"
    );
}

#[test]
fn secrets_in_addresses_are_not_shown() {
    let toml = format!(
        "{SMALL}[[shadow]]\nname = \"a\"\naddress = \"https://user:hunter2@shadow.example\"\n"
    );
    let (_, stdout, _) = check(&toml);
    assert!(!stdout.contains("hunter2"), "{stdout}");
}

#[test]
fn a_token_is_not_shown() {
    let toml = format!("{SMALL}[admin]\naddress = \"127.0.0.1:9900\"\ntoken = \"hunter2\"\n");
    let (code, stdout, stderr) = check(&toml);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stdout.contains("token") && !stdout.contains("hunter2"),
        "{stdout}"
    );
}

#[test]
fn a_start_says_where_it_listens() {
    let primary = Server::unix(answers(OK));
    let port = free_port();
    let tee = Tee::with_primary(&primary).on(&port).start();
    tee.wait_for_log("its address", |line| line.contains(&port.to_string()));
}
