//! What users of `GoReplay`'s middleware have runs unchanged; the example scripts do what they say.

use std::path::{Path, PathBuf};

use crate::kit::{
    At, OK, Server, Setup, Tee, answers, eventually, get, gor_answer, gor_request, latin1, need,
    post, shadowtee,
};

/// What tests/run.sh installs.
fn installed(what: &str) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("scripts")
        .join(what);
    assert!(
        file.exists(),
        "{} is not installed: tests/run.sh installs what the tests need and runs them",
        file.display()
    );
    file
}

fn own(file: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join(file)
        .display()
        .to_string()
}

fn script(setup: Setup, command: &[&str], settings: &str) -> Setup {
    let words: Vec<_> = command.iter().map(|word| format!("{word:?}")).collect();
    setup.toml(&format!(
        "[script]\ncommand = [{}]\ntimeout = \"60s\"\nhang_timeout = \"60s\"\n{settings}",
        words.join(", ")
    ))
}

fn node(setup: Setup) -> Setup {
    need("node");
    let modules = installed("node_modules/goreplay_middleware")
        .parent()
        .unwrap()
        .to_owned();
    setup.env("NODE_PATH", modules.to_str().unwrap())
}

const FOUND: &str = "HTTP/1.1 200 OK\r\nX-Token: mine1\r\nContent-Length: 2\r\n\r\nok";
const FAILED: &str = "HTTP/1.1 500 No\r\nX-Token: theirs2\r\nContent-Length: 2\r\n\r\nno";

#[test]
fn a_script_with_the_library_for_node_works_unchanged() {
    let (primary, shadow) = (Server::unix(answers(FOUND)), Server::unix(answers(FAILED)));
    let setup = node(Tee::with_primary(&primary).shadow("next", &shadow));
    let file = own("tests/integration/scripts/middleware.js");
    let tee = script(setup, &["node", &file], "answers = true").start();
    let mut client = tee.client();
    client
        .send("GET /page?page=1&b=2 HTTP/1.1\r\nHost: shop\r\nX-Old: 1\r\nCookie: session=mine; a=b\r\n\r\n")
        .answer();
    client
        .send("POST /login HTTP/1.1\r\nHost: shop\r\nCookie: a=b\r\nTransfer-Encoding: chunked\r\n\r\n\
               d\r\npassword=mine\r\n8\r\n&x=1&y=2\r\n0\r\n\r\n")
        .answer();
    client
        .send(
            "PUT /thing HTTP/1.1\r\nHost: shop\r\nCookie: a=b\r\nContent-Length: 7\r\n\r\n1234567",
        )
        .answer();
    let ledger = tee.settled(3);
    assert_eq!(ledger.of("next"), [("answered", 3)]);
    let copies = shadow.requests();
    let of = |path: &str| {
        copies
            .iter()
            .find(|copy| copy.target().starts_with(path))
            .unwrap()
    };
    let page = of("/page");
    assert_eq!(page.target(), "/page?page=2&b=2");
    assert_eq!(page.header("cookie"), Some("a=b; session=shadow"));
    assert_eq!(
        (page.header("x-script"), page.has("x-old")),
        (Some("node"), false)
    );
    let login = of("/login");
    assert_eq!(
        latin1(&login.body),
        "password=m%25C3%25A4sked-and-longer&x=1&y=2"
    );
    assert_eq!(
        login.header("content-length"),
        Some(login.body.len().to_string().as_str())
    );
    assert_eq!(of("/thing").body, "n\u{e4}w".as_bytes());
    // Each answer of the primary was matched with the shadow's.
    for path in ["/page?page=1&b=2", "/login", "/thing"] {
        tee.wait_for_log("both statuses", |line| {
            line.contains(&format!("{path} 200 500"))
        });
    }
    tee.wait_for_log("both tokens", |line| {
        line.contains("token mine1 is theirs2")
    });
}

#[test]
fn a_request_that_the_library_for_node_drops_is_not_sent() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = node(Tee::with_primary(&primary).shadow("next", &shadow));
    let file = own("tests/integration/scripts/middleware.js");
    let tee = setup.toml(&format!(
        "[script]\ncommand = [\"node\", {file:?}]\ntimeout = \"500ms\"\nhang_timeout = \"60s\""
    ));
    let tee = tee.start();
    tee.get("/drop/this");
    assert_eq!(tee.settled(1).of("next"), [("scripted_out", 1)]);
    assert_eq!(shadow.connections(), 0);
}

#[test]
fn a_script_with_the_library_for_python_works_unchanged() {
    let python = installed("venv/bin/python");
    let (primary, shadow) = (Server::unix(answers(FOUND)), Server::unix(answers(FAILED)));
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let file = own("tests/integration/scripts/middleware.py");
    let tee = script(setup, &[python.to_str().unwrap(), &file], "answers = true").start();
    let mut client = tee.client();
    client
        .send("GET /page?page=1 HTTP/1.1\r\nHost: shop\r\nCookie: session=mine; a=b\r\n\r\n")
        .answer();
    client
        .send("POST /login HTTP/1.1\r\nHost: shop\r\nCookie: a=b\r\nContent-Length: 4\r\n\r\na=bc")
        .answer();
    assert_eq!(tee.settled(2).of("next"), [("answered", 2)]);
    let copies = shadow.requests();
    let of = |path: &str| {
        copies
            .iter()
            .find(|copy| copy.target().starts_with(path))
            .unwrap()
    };
    assert_eq!(of("/page").target(), "/page?page=2");
    assert_eq!(of("/page").header("cookie"), Some("a=b; session=shadow"));
    // Whatever length the library says, the body is whole.
    assert_eq!(of("/login").body, "p\u{e4}ssword=masked".as_bytes());
    for path in ["/page?page=1", "/login"] {
        tee.wait_for_log("both statuses", |line| {
            line.contains(&format!("{path} 200 500"))
        });
    }
}

#[test]
fn the_example_in_python_masks_personal_data() {
    need("python3");
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let file = own("config/scripts/mask.py");
    let tee = script(setup, &["python3", &file], "").start();
    let mut client = tee.client();
    let with = |target: &str, kind: &str, body: &str| {
        let length = body.len();
        format!(
            "POST {target} HTTP/1.1\r\nHost: a\r\nX-Real-IP: 192.0.2.1\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    for request in [
        get("/find?email=ann%40shop.example&page=2"),
        with(
            "/form",
            "application/x-www-form-urlencoded",
            "password=secret&note=mail+ann%40shop.example&n=1",
        ),
        with(
            "/json",
            "application/json; charset=utf-8",
            r#"{"user":{"Name":"Ann"},"notes":["4111 1111 1111 1111","x"],"n":7}"#,
        ),
        with("/text", "text/plain", "write to ann@shop.example"),
    ] {
        client.send(request).answer();
    }
    assert_eq!(tee.settled(4).of("next"), [("answered", 4)]);
    let copies = shadow.requests();
    let all: String = copies
        .iter()
        .map(|copy| copy.head.clone() + &copy.text())
        .collect();
    for secret in ["ann", "Ann", "secret", "4111 1111", "192.0.2.1"] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
    for kept in [
        "page=2",
        "n=1",
        "\"n\": 7",
        "\"x\"",
        "write to masked@example.invalid",
    ] {
        assert!(all.contains(kept), "{kept} in {all}");
    }
    assert!(
        primary
            .requests()
            .iter()
            .any(|request| request.text().contains("4111"))
    );
}

#[test]
fn the_example_for_node_gives_copies_the_shadows_own_token() {
    need("node");
    let issues = |token: &'static str| {
        move |conn: &mut crate::kit::Conn| {
            loop {
                conn.request()?;
                let body = format!("{{\"token\": \"{token}\"}}");
                conn.send(format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                ))?;
            }
        }
    };
    let (primary, shadow) = (
        Server::unix(issues("of-primary")),
        Server::unix(issues("of-shadow")),
    );
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let file = own("config/scripts/token.js");
    let tee = script(setup, &["node", &file], "answers = true").start();
    let mut client = tee.client();
    client.send(post("/login", "name=ann")).answer();
    tee.settled(1);
    let asked = eventually("the shadow's token", || {
        client
            .send("GET /orders HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer of-primary\r\n\r\n")
            .answer();
        let sent = shadow.requests();
        let last = sent.last()?;
        (last.header("authorization") == Some("Bearer of-shadow")).then(|| last.target().to_owned())
    });
    assert_eq!(asked, "/orders");
    assert_eq!(
        primary.requests().last().unwrap().header("authorization"),
        Some("Bearer of-primary")
    );
}

#[test]
fn the_example_for_a_shell_drops_by_rule() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let file = own("config/scripts/drop.sh");
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml(&format!(
            "[script]\ncommand = [\"sh\", {file:?}, \"DELETE \", \"GET /admin\"]\ntimeout = \"500ms\"\nhang_timeout = \"60s\""
        ))
        .start();
    let mut client = tee.client();
    for request in [
        "DELETE /orders/1 HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        get("/admin/users"),
        get("/orders?then=GET%20/admin"),
        post("/admin", "\nDELETE /x"),
    ] {
        client.send(request).answer();
    }
    let ledger = tee.settled(4);
    assert_eq!(ledger.of("next"), [("answered", 2), ("scripted_out", 2)]);
    let targets: Vec<_> = shadow
        .requests()
        .iter()
        .map(|copy| copy.target().to_owned())
        .collect();
    assert!(
        targets
            .iter()
            .all(|target| target.starts_with("/orders?") || target == "/admin")
    );
}

/// The report of a replay that goes through a script.
#[track_caller]
fn replayed(records: &[Vec<u8>], to: &Server, more: &[&str]) -> serde_json::Value {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.gor");
    std::fs::write(&file, records.concat()).unwrap();
    let to = to.at();
    let args = [
        "replay",
        file.to_str().unwrap(),
        "--to",
        &to,
        "--speed",
        "max",
        "--report",
        "json",
    ];
    let output = shadowtee(&[&args[..], more].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_replay_goes_through_a_script() {
    let target = Server::unix(answers(OK));
    let behave = own("tests/integration/scripts/behave.py");
    let chunked = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nmy secret\r\n0\r\n\r\n";
    let records = [
        gor_request(1, 0, get("/header")),
        gor_request(2, 1, chunked),
        gor_request(3, 2, get("/drop")),
        gor_request(4, 3, get("/chunked")),
        gor_answer(1, 4, OK),
    ];
    let command = format!("python3 '{behave}' edit");
    let report = replayed(&records, &target, &["--script", &command]);
    assert_eq!(
        (&report["requests"], &report["sent"]),
        (&4.into(), &2.into())
    );
    assert_eq!(report["left_out"]["scripted_out"], 1);
    assert_eq!(report["left_out"]["script_invalid"], 1);
    let got = target.requests();
    let of = |path: &str| got.iter().find(|request| request.target() == path).unwrap();
    assert_eq!(of("/header").header("x-script"), Some("yes"));
    assert_eq!(of("/header").header("x-shadow-request"), Some("replay"));
    assert_eq!(of("/body").body, b"my ******** and more");
}

#[test]
fn a_script_of_a_replay_gets_the_captured_answers_and_the_targets() {
    let target = Server::unix(answers(FAILED));
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let behave = own("tests/integration/scripts/behave.py");
    let command = format!("python3 {behave} watch {}", seen.display());
    let records = [gor_request(1, 0, get("/a")), gor_answer(1, 1, FOUND)];
    replayed(
        &records,
        &target,
        &["--script", &command, "--script-answers"],
    );
    let text = std::fs::read_to_string(&seen).unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    for (line, (kind, part)) in
        lines
            .iter()
            .zip([("1", "GET /a"), ("2", "200 OK"), ("3", "500 No")])
    {
        assert!(line.starts_with(kind) && line.contains(part), "{text}");
        assert_eq!(line.split(' ').nth(1), lines[0].split(' ').nth(1));
    }
}

#[test]
fn a_replay_as_a_shadow_goes_through_its_script_between_selection_and_rewriting() {
    let target = Server::unix(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    let (config, seen) = (dir.path().join("s.toml"), dir.path().join("seen"));
    let behave = own("tests/integration/scripts/behave.py");
    std::fs::write(
        &config,
        format!(
            "listen = [\"unix:/run/a.sock\"]\nprimary.address = \"unix:/run/b.sock\"\n\
             [script]\ncommand = [\"python3\", {behave:?}, \"watch\", {:?}]\n\
             [[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:1\"\nselect.deny = [\"/no\"]\nrewrite.base_path = \"/v2\"\n",
            seen.display().to_string()
        ),
    )
    .unwrap();
    let records = [
        gor_request(1, 0, get("/yes")),
        gor_request(2, 1, get("/no")),
    ];
    let more = ["--config", config.to_str().unwrap(), "--as", "next"];
    let report = replayed(&records, &target, &more);
    assert_eq!(
        (&report["sent"], &report["left_out"]["filtered"]),
        (&1.into(), &1.into())
    );
    assert_eq!(target.request().target(), "/v2/yes");
    let text = std::fs::read_to_string(&seen).unwrap();
    assert!(
        text.contains("GET /yes ") && text.lines().count() == 1,
        "{text}"
    );
}

#[test]
fn a_replay_says_what_is_wrong_with_its_script() {
    let target = Server::unix(answers(OK));
    let at = target.at();
    for (command, said) in [
        ("no-such-program", "there is no program no-such-program"),
        ("a 'b", "the quote ' is not closed"),
        (" ", "write a program"),
    ] {
        let output = shadowtee(&["replay", "x.gor", "--to", &at, "--script", command]);
        assert!(!output.status.success());
        assert!(latin1(&output.stderr).contains(said), "{output:?}");
    }
}
