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

/// What `check` says where an environment variable is set.
fn check_with(toml: &str, name: &str, value: &str) -> (Option<i32>, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(&file, toml).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_shadowtee"));
    command
        .args(["check", "--config", file.to_str().unwrap()])
        .env(name, value);
    said(&crate::kit::finish(&mut command))
}

#[test]
fn a_level_that_is_none_is_a_mistake_and_does_not_silence_the_log() {
    for level in ["loud", "5", "info,loud", ""] {
        wrong(
            &format!("{SMALL}[log]\nlevel = \"{level}\"\n"),
            &["log.level", "debug"],
        );
    }
    for level in ["WARN", "info,shadowtee::proxy=debug"] {
        let (code, _, stderr) = check(&format!("{SMALL}[log]\nlevel = \"{level}\"\n"));
        assert_eq!(code, Some(0), "{stderr}");
    }
}

#[test]
fn a_list_of_listeners_with_none_in_it_is_a_mistake() {
    wrong(
        "listen = []\n[primary]\naddress = \"unix:/run/app.sock\"\n",
        &["listen: is empty"],
    );
}

#[test]
fn numbers_where_text_belongs_are_mistakes_in_a_file() {
    wrong(
        "listen = [{ address = \"unix:/run/a.sock\", mode = 660 }]\n[primary]\naddress = \"a:1\"\n\
         [admin]\naddress = \"a:2\"\ntoken = 12345\n",
        &["listen[0].mode: is 660", "admin.token: is a number"],
    );
}

#[test]
fn a_time_of_nothing_and_one_beyond_all_clocks_are_mistakes() {
    wrong(
        &format!(
            "{SMALL}[timeouts]\nconnect = \"0s\"\nanswer = \"500000000000 years\"\n\
             [[shadow]]\nname = \"a\"\naddress = \"a:1\"\nanswer_timeout = \"0s\"\n"
        ),
        &[
            "timeouts.connect: has to be more than 0",
            "timeouts.answer: \"500000000000 years\" is longer than a year",
            "shadow[0].answer_timeout: has to be more than 0",
        ],
    );
}

#[test]
fn a_header_that_messages_need_is_no_mark_and_no_id() {
    for name in ["Content-Length", "transfer-encoding", "Host", "Connection"] {
        wrong(
            &format!("{SMALL}[mark]\nheader = \"{name}\"\n[request_id]\nheader = \"{name}\"\n"),
            &["mark.header", "request_id.header"],
        );
    }
    wrong(
        &format!("{SMALL}[mark]\nheader = \"X-A\"\n[request_id]\nheader = \"x-a\"\n"),
        &["request_id.header: is the header of the mark, too"],
    );
}

#[test]
fn one_address_for_two_ends_is_a_mistake() {
    wrong(
        "listen = [\"127.0.0.1:8080\", \"http://127.0.0.1:8080\"]\n[primary]\naddress = \"127.0.0.1:8080\"\n\
         [admin]\naddress = \"127.0.0.1:8080\"\n",
        &["listen[1].address", "primary.address", "admin.address"],
    );
}

#[test]
fn addresses_that_cannot_be_meant_are_mistakes() {
    for address in [
        "app.example:+80",
        "app.example:0",
        "::1:8080",
        "[app.example]:80",
        "a..example:80",
        "https://",
    ] {
        let toml = format!("listen = [\"127.0.0.1:8080\"]\n[primary]\naddress = \"{address}\"\n");
        wrong(&toml, &["primary.address"]);
    }
}

#[test]
fn a_password_in_an_address_is_not_told_among_the_mistakes() {
    let toml = format!("{SMALL}[[shadow]]\nname = \"a\"\naddress = \"https://u:hunter2@a\"\n");
    let (code, _, stderr) = check(&toml);
    assert_eq!(code, Some(1));
    assert!(
        stderr.contains("shadow[0].address") && !stderr.contains("hunter2"),
        "{stderr}"
    );
}

#[test]
fn files_that_cannot_be_used_are_told_with_all_other_mistakes() {
    let pem = |name| crate::kit::certificate(name).display().to_string();
    let (cert, key) = (pem("server.pem"), pem("server.key"));
    let toml = format!(
        "wrokers = 1\n[primary]\naddress = \"nonsense\"\n\
         [[listen]]\naddress = \"127.0.0.1:8443\"\ntls = {{ certificate = \"{key}\", key = \"{cert}\" }}\n\
         [[listen]]\naddress = \"nonsense\"\n\
         [[listen]]\naddress = \"127.0.0.1:8444\"\ntls = {{ certificate = \"{cert}\", key = \"{}\" }}\n\
         [[shadow]]\nname = \"a\"\naddress = \"https://a\"\ntls = {{ ca = \"missing.pem\" }}\n",
        pem("client.key")
    );
    wrong(
        &toml,
        &[
            "wrokers",
            "primary.address",
            "listen[0].tls.certificate",
            "listen[0].tls.key",
            "listen[1].address",
            "listen[2].tls.certificate",
            "shadow[0].tls.ca",
            "missing.pem",
        ],
    );
}

#[test]
fn what_is_shown_names_files_so_that_it_can_be_read_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("etc")).unwrap();
    fs::copy(
        crate::kit::certificate("ca.pem"),
        dir.path().join("etc/ca.pem"),
    )
    .unwrap();
    let toml = "listen = [\"127.0.0.1:8080\"]\n\
                [primary]\naddress = \"https://a\"\ntls = { ca = \"ca.pem\" }\n\
                [admin]\naddress = \"127.0.0.1:9900\"\ntoken = \"hunter2\"\n";
    fs::write(dir.path().join("etc/shadowtee.toml"), toml).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_shadowtee"));
    command
        .current_dir(dir.path())
        .args(["check", "--config", "etc/shadowtee.toml"]);
    let (code, shown, stderr) = said(&crate::kit::finish(&mut command));
    assert_eq!(code, Some(0), "{stderr}");
    let (code, again, stderr) = check(&shown);
    assert_eq!((code, again), (Some(0), shown), "{stderr}");
}

#[test]
fn a_configuration_may_come_through_a_pipe() {
    let script = format!(
        "printf '%s' '{SMALL}' | \"{}\" check --config /dev/stdin",
        env!("CARGO_BIN_EXE_shadowtee")
    );
    let (code, shown, stderr) = said(&crate::kit::finish(
        std::process::Command::new("sh").args(["-c", &script]),
    ));
    assert_eq!(code, Some(0), "{stderr}");
    assert!(shown.contains("unix:/run/app.sock"), "{shown}");
}

#[test]
fn a_wrong_kind_is_one_mistake_and_not_also_a_missing_key() {
    let (code, _, stderr) = check("listen = [1]\nprimary = \"127.0.0.1:3000\"\n");
    assert_eq!(code, Some(1));
    assert!(stderr.contains("has 2 mistakes"), "{stderr}");
    assert!(
        stderr.contains("listen[0]: is a number") && stderr.contains("write [primary]"),
        "{stderr}"
    );
}

#[test]
fn variables_that_nobody_knows_are_told_with_what_was_meant() {
    for (name, tip) in [
        (
            "SHADOWTEE_FOO",
            "known here: workers, shadow_threads, listen",
        ),
        (
            "SHADOWTEE_LIMITS_CONNECTIONS",
            "SHADOWTEE_LIMITS__CONNECTIONS, with two underscores",
        ),
        (
            "SHADOWTEE_LIMITS__CONECTIONS",
            "did you mean `connections`?",
        ),
        (
            "SHADOWTEE_LIMITS__CONNECTIONS__X",
            "`limits.connections` is not a table",
        ),
    ] {
        let (code, _, stderr) = check_with(SMALL, name, "5");
        assert_eq!(code, Some(1), "{name}");
        assert!(
            stderr.contains(&format!("environment variable {name}:")) && stderr.contains(tip),
            "{stderr}"
        );
    }
}

#[test]
fn a_mistake_in_a_flag_is_told_as_one_of_the_command_line() {
    let (code, _, stderr) = said(&shadowtee(&[
        "run",
        "--listen=127.0.0.1:1",
        "--primary=127.0.0.1:2",
        "--workers=0",
        "--log-level=loud",
        "--shadow=no name=127.0.0.1:3",
    ]));
    assert_eq!(code, Some(1), "{stderr}");
    for part in ["--workers", "--log-level", "--shadow"] {
        assert!(
            stderr.contains(&format!("command line: {part}")),
            "{part} in\n{stderr}"
        );
    }
}

#[test]
fn a_token_of_the_environment_is_taken_letter_by_letter() {
    let primary = Server::unix(answers(OK));
    for token in ["0012", "1e3", "true", "[a"] {
        let tee = Tee::with_primary(&primary)
            .env("SHADOWTEE_ADMIN__TOKEN", token)
            .start();
        let mut client = crate::kit::Client::connect(tee.admin().as_path());
        client.send(format!(
            "GET /api/ledger HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n"
        ));
        assert_eq!(client.answer().status(), 200, "{token}");
    }
}

#[test]
fn a_port_that_the_system_chose_is_told() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .toml("[[listen]]\naddress = \"127.0.0.1:0\"")
        .start();
    let line = tee.wait_for_log("the port", |line| line.contains("127.0.0.1:"));
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let address = said["address"].as_str().unwrap();
    assert_eq!(
        crate::kit::Client::connect(address).get("/").raw,
        OK.as_bytes()
    );
}

/// A shadow with these settings, and what is told of them.
#[track_caller]
fn wrong_shadow(settings: &str, told: &[&str]) {
    let toml = format!("{SMALL}[[shadow]]\nname = \"a\"\naddress = \"a:1\"\n{settings}\n");
    wrong(&toml, told);
}

#[test]
fn a_share_that_is_none_is_told() {
    for (share, told) in [
        ("\"101%\"", "more than 100%"),
        ("\"ten\"", "not a share"),
        ("10", "\"10%\""),
        ("\"-1%\"", "not a share"),
    ] {
        wrong_shadow(
            &format!("sample = {share}"),
            &["shadow[0].sample.percent", told],
        );
    }
    wrong_shadow(
        "sample.by = \"cookie\"",
        &["shadow[0].sample.by", "cookie:NAME"],
    );
    wrong_shadow(
        "sample.by = \"path:0\"",
        &["shadow[0].sample.by", "the first is 1"],
    );
    wrong_shadow(
        "sample.without_key = \"copy\"",
        &["sample.without_key", "at random"],
    );
    wrong_shadow(
        "order_by = \"random\"",
        &["shadow[0].order_by", "not a key"],
    );
    wrong_shadow("limit = 0", &["shadow[0].limit.per_second", "0.001"]);
    wrong_shadow("limit.burst = 5", &["shadow[0].limit.burst", "per_second"]);
    wrong_shadow(
        "limit.concurrent = 0",
        &["shadow[0].limit.concurrent", "at least 1"],
    );
    wrong_shadow("send = \"later\"", &["shadow[0].send", "after_answer"]);
}

#[test]
fn a_wrong_regex_is_told_where_it_stands() {
    wrong_shadow(
        "select.deny = [\"/a\", { path = [\"/b\", \"regex:/(c\"] }]",
        &["shadow[0].select.deny[1].path", "\"/(c\"", "unclosed group"],
    );
    wrong_shadow(
        "select.allow = [{ header = { X-A = \"regex:[\" } }]",
        &["shadow[0].select.allow[0].header.X-A", "unclosed"],
    );
    wrong_shadow(
        "rewrite.path = [{ regex = \"*\", to = \"\" }]",
        &[
            "shadow[0].rewrite.path[0].regex",
            "not a regular expression",
        ],
    );
}

#[test]
fn a_rule_that_can_never_match_is_told() {
    for (select, told) in [
        (
            "deny = [\"orders\"]",
            "select.deny[0].path: \"orders\" does not begin with /",
        ),
        ("deny = [\"/a?b=1\"]", "which no path has"),
        ("deny = [\"regex:^orders\"]", "every path with /"),
        ("deny = [{ method = \"get\" }]", "\"GET\""),
        ("deny = [{ method = [] }]", "is empty"),
        (
            "deny = [{ host = \"a.example:80\" }]",
            "the port is not looked at",
        ),
        (
            "deny = [{ content_type = \"text/html; charset=utf-8\" }]",
            "';' is not looked at",
        ),
        ("deny = [{ user = \"a:b\" }]", "no user of Basic"),
        (
            "deny = [{ min_body = 10, max_body = 5 }]",
            "more than max_body",
        ),
        ("deny = [{ status = 404 }]", "send = \"after_answer\""),
        ("deny = [{ header = { X-A = true, x-a = false } }]", "twice"),
        ("deny = [{ header = { X-A = [] } }]", "never match"),
        ("deny = [{}]", "no condition"),
        (
            "deny = [\"prefix:/a\", \"/a/b\"]",
            "deny[0] comes first and matches all that this does",
        ),
        (
            "deny = [\"prefix:/a\"]\nselect.allow = [{ path = \"prefix:/a/b\", method = \"GET\" }]",
            "shadow[0].select.allow[0]: can never match: deny[0]",
        ),
        (
            "rules = [{ action = \"allow\" }, { action = \"deny\", path = \"/a\" }]",
            "rules[0] comes first",
        ),
        (
            "rules = [{ path = \"/a\" }]",
            "select.rules[0].action: is missing",
        ),
        (
            "deny = [{ client = \"10.0.0.0/40\" }]",
            "neither an address nor a network",
        ),
        ("deny = [{ pth = \"/a\" }]", "did you mean `path`?"),
    ] {
        wrong_shadow(&format!("select.{select}"), &["shadow[0].select", told]);
    }
    let after = "send = \"after_answer\"\nselect.deny = [{ status = [\"6xx\"] }]";
    wrong_shadow(after, &["shadow[0].select.deny[0].status", "not a status"]);
}

#[test]
fn a_client_that_nobody_could_know_is_told() {
    let behind = |rest: &str| {
        format!(
            "listen = [\"unix:/run/tee.sock\"]\n[primary]\naddress = \"unix:/run/app.sock\"\n\
             [[shadow]]\nname = \"a\"\naddress = \"a:1\"\n{rest}\n"
        )
    };
    for (rest, key) in [
        (
            "select.deny = [{ client = \"10.0.0.0/8\" }]",
            "shadow[0].select",
        ),
        (
            "sample = { percent = \"1%\", by = \"client\" }",
            "shadow[0].sample.by",
        ),
        ("order_by = \"client\"", "shadow[0].order_by"),
    ] {
        wrong(&behind(rest), &[key, "client_address"]);
    }
    wrong(
        &behind("[client_address]\nheader = \"X-Real-IP\""),
        &["client_address.trusted", "is missing"],
    );
    wrong(
        &behind("[client_address]\ntrusted = [\"unix\"]"),
        &["client_address.header", "is missing"],
    );
    let known = behind(
        "order_by = \"client\"\n[client_address]\nheader = \"X-Real-IP\"\ntrusted = [\"unix\"]",
    );
    let (code, _, stderr) = check(&known);
    assert_eq!((code, stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_rewrite_that_would_make_no_sound_request_is_told() {
    for (rewrite, key, told) in [
        ("base_path = \"v2\"", "base_path", "begin with /"),
        (
            "path = [{ regex = \"a\", to = \"b c\" }]",
            "path[0].to",
            "has a space",
        ),
        (
            "path = [{ regex = \"(a)\", to = \"$2\" }]",
            "path[0].to",
            "no such group",
        ),
        (
            "path = [{ regex = \"(a)\", to = \"$1x\" }]",
            "path[0].to",
            "${1x}",
        ),
        ("path = [{ regex = \"a\" }]", "path[0].to", "is missing"),
        ("headers.set = { Host = \"a\" }", "headers.set", "key host"),
        (
            "headers.set = { Content-Length = \"1\" }",
            "headers.set",
            "Content-Length",
        ),
        (
            "headers.remove = [\"Transfer-Encoding\"]",
            "headers.remove",
            "Transfer-Encoding",
        ),
        (
            "headers.set = { X-A = \"a\\r\\nX-B: c\" }",
            "headers.set.X-A",
            "line break",
        ),
        (
            "headers.add = { \"X A\" = \"1\" }",
            "headers.add.X A",
            "not a header name",
        ),
        (
            "headers.set = { X-Shadow-Request = \"1\" }",
            "headers",
            "X-Shadow-Request",
        ),
        (
            "headers.remove = [\"x-request-id\"]",
            "headers",
            "X-Request-Id",
        ),
        (
            "cookies.rename = { a = \"b c\" }",
            "cookies.rename",
            "not a cookie name",
        ),
        (
            "authorization = { }",
            "authorization",
            "one of file and env",
        ),
        (
            "authorization = { env = \"NOBODY_SET_THIS\" }",
            "authorization",
            "is not set",
        ),
        (
            "authorization = { file = \"missing\" }",
            "authorization",
            "can't be read",
        ),
        (
            "authorization = { env = \"PATH\" }\nrewrite.headers.remove = [\"Authorization\"]",
            "authorization",
            "in one place",
        ),
    ] {
        let path = format!("shadow[0].rewrite.{key}");
        wrong_shadow(&format!("rewrite.{rewrite}"), &[&path, told]);
    }
}

#[test]
fn what_selects_and_rewrites_is_shown_so_that_it_can_be_read_again() {
    for example in ["config/select.toml", "config/rewrite.toml"] {
        let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(example);
        let output = shadowtee(&["check", "--config", file.to_str().unwrap()]);
        let (code, shown, stderr) = said(&output);
        assert_eq!(code, Some(0), "{stderr}");
        let (code, again, stderr) = check(&shown);
        assert_eq!((code, again), (Some(0), shown), "{stderr}");
    }
}

#[test]
fn a_file_that_is_named_without_a_folder_may_have_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let toml = format!("{SMALL}[script]\ncommand = [\"./s.sh\"]\n");
    fs::write(dir.path().join("s.toml"), toml).unwrap();
    let script = dir.path().join("s.sh");
    fs::copy("/bin/true", &script).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_shadowtee"));
    command
        .args(["check", "--config", "s.toml"])
        .current_dir(dir.path());
    let (code, _, stderr) = said(&crate::kit::finish(&mut command));
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn mistakes_in_flags_are_told_together_and_by_the_flag() {
    let (code, _, stderr) = said(&shadowtee(&[
        "run",
        "--listen=/tmp/x.sock",
        "--primary=nonsense",
        "--shadow=a=also:nonsense",
        "--shadow=b=127.0.0.1:3",
        "--sample=ten",
        "--order-by=luck",
    ]));
    assert_eq!(code, Some(1), "{stderr}");
    for part in [
        "command line: --listen: \"/tmp/x.sock\" is not an address; that of a unix socket is \"unix:/tmp/x.sock\"",
        "command line: --primary: ",
        "command line: --shadow: ",
        "command line: --sample: ",
        "command line: --order-by: ",
        "has 5 mistakes",
    ] {
        assert!(stderr.contains(part), "{part} in\n{stderr}");
    }
}

#[test]
fn numbers_and_headers_of_flags_are_told_in_plain_words() {
    for flag in [
        "--workers=x",
        "--rate=x",
        "--concurrent=x",
        "--set-header=Foo",
    ] {
        let (code, _, stderr) = said(&shadowtee(&[
            "run",
            "--listen=127.0.0.1:1",
            "--primary=127.0.0.1:2",
            "--shadow=127.0.0.1:3",
            flag,
        ]));
        assert_eq!(code, Some(2), "{flag}: {stderr}");
        assert!(
            !stderr.contains("literal") && !stderr.contains("digit"),
            "{stderr}"
        );
        assert!(stderr.contains("write "), "{stderr}");
    }
}

#[test]
fn a_mistake_in_a_file_is_told_with_its_line() {
    wrong(
        &format!("{SMALL}[timeouts]\nanswer = \"soon\"\n"),
        &["shadowtee.toml:5: timeouts.answer: "],
    );
    let (_, _, stderr) = said(&shadowtee(&["check", "--config", "/no/such/file.toml"]));
    assert!(
        stderr.contains("there is no such file") && !stderr.contains("os error"),
        "{stderr}"
    );
}

#[test]
fn a_file_to_check_needs_no_flag() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(&file, SMALL).unwrap();
    let (code, _, stderr) = said(&shadowtee(&["check", "--quiet", file.to_str().unwrap()]));
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn help_has_examples_and_groups_that_fit() {
    for command in ["run", "check", "demo", "show"] {
        let (_, help, _) = said(&shadowtee(&[command, "--help"]));
        assert!(help.contains("Examples:"), "{help}");
    }
    let (_, help, _) = said(&shadowtee(&["run", "--help"]));
    let at = |part: &str| {
        help.find(part)
            .unwrap_or_else(|| panic!("{part} in {help}"))
    };
    let of_shadows = at("What each --shadow gets:");
    for general in [
        "--capture",
        "--admin",
        "--workers",
        "--config",
        "--access-log",
    ] {
        assert!(at(general) < of_shadows, "{general}");
    }
    let (_, help, _) = said(&shadowtee(&["--help"]));
    assert!(help.contains("generate"), "{help}");
}
