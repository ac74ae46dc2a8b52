//! A capture is sent to a target as it came, and the report says what came of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::kit::{
    At, Client, Gate, Message, Nginx, OK, SEPARATOR, Server, Tee, answers, eventually, finish, get,
    gor_answer, gor_request, hangs, latin1, post, shadowtee, stored, tells,
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_shadowtee");

/// A file of these records.
fn file(records: &[Vec<u8>]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.gor");
    fs::write(&file, records.concat()).unwrap();
    (dir, file)
}

fn replay(file: &Path, to: &(impl At + ?Sized), more: &[&str]) -> Output {
    let to = to.at();
    let args = ["replay", file.to_str().unwrap(), "--to", &to];
    shadowtee(&[&args[..], more].concat())
}

/// The report of a replay that went well.
#[track_caller]
fn report(file: &Path, to: &(impl At + ?Sized), more: &[&str]) -> Value {
    let output = replay(file, to, &[&["--report", "json"], more].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn gets(many: usize, apart: u64) -> Vec<Vec<u8>> {
    (0..many)
        .map(|n| gor_request(n, n as u64 * apart, get(&format!("/{n}"))))
        .collect()
}

fn targets(requests: &[Message]) -> Vec<&str> {
    requests.iter().map(Message::target).collect()
}

#[test]
fn what_was_captured_through_nginx_arrives_byte_for_byte_in_order_of_time() {
    let primary = Server::unix(tells);
    let setup = Tee::with_primary(&primary);
    let capture = setup.dir().join("c.tee");
    let tee = setup
        .toml(&format!(
            "[capture]\nfile = \"{}\"\nflush = \"1ms\"",
            capture.display()
        ))
        .start();
    let front = Nginx::unix(
        &format!("upstream tee {{ server {}; keepalive 8; }}", tee.at()),
        "location / { proxy_pass http://tee; proxy_http_version 1.1; proxy_set_header Connection \"\"; }",
    );
    let mut client = Client::connect(&front);
    for n in 0..30 {
        client.get(&format!("/page/{n}?q=a%20b"));
        client.send(post("/form", &"y".repeat(n * 700))).answer();
    }
    client
        .send("PUT /c HTTP/1.1\r\nHost: a\r\nX-a: 1\r\nx-A: 2\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
        .answer();
    eventually("the last record in the file", || {
        (stored(&capture).len() == 61).then_some(())
    });
    let target = Server::unix(tells);
    let report = report(&capture, &target, &["--speed", "max", "--concurrency", "1"]);
    assert_eq!(
        (&report["sent"], &report["statuses"]["200"]),
        (&61.into(), &61.into())
    );
    assert_eq!(report["captured"]["compared"], 61);
    assert_eq!(report["captured"]["differing"], 0);
    let (sent, arrived) = (primary.requests(), target.requests());
    assert_eq!(arrived.len(), 61);
    for (sent, arrived) in sent.iter().zip(&arrived) {
        assert_eq!(arrived.header("x-shadow-request"), Some("replay"));
        assert_eq!(latin1(&without_mark(arrived)), latin1(&sent.raw));
    }
    assert_eq!(target.connections(), 1);
}

/// The bytes of a request without the lines that say that it is a copy.
fn without_mark(request: &Message) -> Vec<u8> {
    let text = latin1(&request.raw);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let lines = head.split("\r\n");
    let kept: Vec<_> = lines
        .filter(|line| {
            !line.starts_with("X-Shadow-Request:") && !line.starts_with("X-Shadowtee-Instance:")
        })
        .collect();
    let text = format!("{}\r\n\r\n{body}", kept.join("\r\n"));
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

#[test]
fn a_real_nginx_gets_everything() {
    let target = Nginx::unix(
        "",
        "location / { return 204; } location /missing { return 404; }",
    );
    let mut records = gets(200, 0);
    records.push(gor_request(200, 0, get("/missing")));
    let (_dir, file) = file(&records);
    let report = report(&file, &target, &["--speed", "max", "--concurrency", "4"]);
    assert_eq!(
        (&report["statuses"]["204"], &report["statuses"]["404"]),
        (&200.into(), &1.into())
    );
}

#[test]
fn requests_are_sent_in_order_of_time_from_several_files() {
    let target = Server::unix(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    for (name, numbers) in [("one.gor", [1, 4, 3]), ("two.gor", [6, 2, 5])] {
        let records: Vec<_> = numbers
            .map(|n: usize| gor_request(n, n as u64, get(&format!("/{n}"))))
            .concat();
        fs::write(dir.path().join(name), records).unwrap();
    }
    let pattern = dir.path().join("*.gor");
    report(
        &pattern,
        &target,
        &[
            "--speed",
            "max",
            "--concurrency",
            "1",
            "--loop",
            "2",
            "--limit",
            "9",
        ],
    );
    let requests = target.requests();
    assert_eq!(
        targets(&requests),
        ["/1", "/2", "/3", "/4", "/5", "/6", "/1", "/2", "/3"]
    );
}

#[test]
fn an_answer_that_does_not_come_delays_no_other_request() {
    let gate = Gate::default();
    let target = Server::unix({
        let gate = gate.clone();
        move |conn| {
            loop {
                if conn.request()?.target() == "/0" {
                    gate.pass();
                }
                conn.send(OK)?;
            }
        }
    });
    let (_dir, file) = file(&gets(20, 1));
    let replaying = std::thread::spawn({
        let to = target.at();
        move || report(&file, &to, &[])
    });
    // All others arrive while the first has no answer.
    target.wait_for(20);
    gate.open();
    let report = replaying.join().unwrap();
    assert_eq!(
        (&report["sent"], &report["answered"]),
        (&20.into(), &20.into())
    );
    // Nothing goes before it is due.
    let half = |of: &str| report[of]["p50"].as_f64().unwrap();
    assert!(half("latency_ms") >= half("service_ms"), "{report}");
}

#[test]
fn latency_counts_from_when_a_request_was_due() {
    // One connection, and answers that take 30 ms: requests that are due at once wait for each other.
    let target = Server::unix(|conn| {
        loop {
            conn.request()?;
            std::thread::sleep(Duration::from_millis(30));
            conn.send(OK)?;
        }
    });
    let (_dir, file) = file(&gets(10, 0));
    let report = report(&file, &target, &["--concurrency", "1"]);
    let max = |of: &str| report[of]["max"].as_f64().unwrap();
    assert!(max("latency_ms") >= 300.0, "{report}");
    assert!(
        report["late"]["by_target"].as_u64().unwrap() >= 8,
        "{report}"
    );
}

#[test]
fn speed_and_gaps_change_how_long_it_takes() {
    let (_dir, file) = file(&gets(3, 10_000));
    let span = |more: &[&str]| {
        let more = [&["--dry-run"], more].concat();
        report(&file, "127.0.0.1:1", &more)["span_seconds"]
            .as_f64()
            .unwrap()
    };
    assert!((span(&[]) - 20.0).abs() < 0.01);
    assert!((span(&["--speed", "10x"]) - 2.0).abs() < 0.01);
    assert!((span(&["--speed", "0.5x"]) - 40.0).abs() < 0.01);
    assert!((span(&["--max-gap", "1s"]) - 2.0).abs() < 0.01);
    assert!((span(&["--rate", "2/s"]) - 1.0).abs() < 0.01);
    assert!((span(&["--until", "2023-11-14T22:13:35Z"]) - 10.0).abs() < 0.01);
    assert!((span(&["--from", "2023-11-14T22:13:25Z"]) - 10.0).abs() < 0.01);
    assert!(span(&["--speed", "max"]).abs() < 0.01);
}

#[test]
fn requests_of_one_session_wait_for_each_other() {
    let target = Server::unix(answers(OK));
    let records: Vec<_> = (0..40)
        .map(|n| {
            let text = format!(
                "GET /{n} HTTP/1.1\r\nHost: a\r\nCookie: x=1; s={}\r\n\r\n",
                n % 2
            );
            gor_request(n, 0, text)
        })
        .collect();
    let (_dir, file) = file(&records);
    report(
        &file,
        &target,
        &[
            "--speed",
            "max",
            "--concurrency",
            "8",
            "--ordered-by",
            "cookie:s",
        ],
    );
    let requests = target.requests();
    assert_eq!(requests.len(), 40);
    for session in ["0", "1"] {
        let of: Vec<usize> = requests
            .iter()
            .filter(|request| request.header("cookie").unwrap().ends_with(session))
            .map(|request| request.target()[1..].parse().unwrap())
            .collect();
        assert!(of.is_sorted(), "{of:?}");
    }
}

#[test]
fn statuses_are_compared_with_those_of_production() {
    let target = Server::unix(|conn| {
        loop {
            let answer = if conn.request()?.target().starts_with("/orders") {
                "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
            } else {
                OK
            };
            conn.send(answer)?;
        }
    });
    let mut records = Vec::new();
    for n in 0..10 {
        let path = if n < 3 {
            format!("/orders/{n}")
        } else {
            "/ok".into()
        };
        records.push(gor_request(n, n as u64, get(&path)));
        records.push(gor_answer(n, n as u64, OK));
    }
    let (_dir, file) = file(&records);
    let report = report(&file, &target, &["--speed", "max"]);
    assert_eq!(report["captured"]["differing"], 3);
    assert_eq!(report["captured"]["pairs"]["2xx to 5xx"], 3);
    assert_eq!(report["captured"]["routes"][0]["route"], "GET /orders/:id");
    for (condition, code) in [
        ("differences>20%", 2),
        ("differences>30%", 0),
        ("errors>0", 0),
        ("p50>1h", 0),
        ("max>1us", 2),
    ] {
        let output = replay(&file, &target, &["--speed", "max", "--fail-on", condition]);
        assert_eq!(output.status.code(), Some(code), "{condition}: {output:?}");
    }
    let text = latin1(&replay(&file, &target, &["--speed", "max"]).stdout);
    assert!(
        text.contains("3 are of another class") && text.contains("GET /orders/:id"),
        "{text}"
    );
}

#[test]
fn a_target_that_is_not_there_or_hangs_is_an_error_in_the_report() {
    let (_dir, file) = file(&gets(3, 0));
    let refused = report(&file, "unix:/nowhere.sock", &["--speed", "max"]);
    assert_eq!(
        (&refused["errors"]["refused"], &refused["answered"]),
        (&3.into(), &0.into())
    );
    let target = Server::unix(hangs);
    let late = report(&file, &target, &["--timeout", "50ms"]);
    assert_eq!(late["errors"]["timeout"], 3);
    let target = Server::unix(|conn| {
        conn.request()?;
        conn.send("SSH-2.0-x\r\n\r\n")
    });
    assert_eq!(
        report(&file, &target, &["--speed", "max"])["errors"]["no_http"],
        3
    );
    let output = replay(&file, "unix:/nowhere.sock", &["--fail-on", "errors>50%"]);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn without_a_target_nothing_is_sent() {
    let (_dir, file) = file(&gets(1, 0));
    let output = shadowtee(&["replay", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(latin1(&output.stderr).contains("--to"));
}

#[test]
fn what_is_no_whole_request_is_left_out_and_counted() {
    let target = Server::unix(answers(OK));
    let whole = gor_request(
        1,
        1,
        "GET /1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nKeep-Alive: 1\r\n\r\n",
    );
    let short = gor_request(2, 2, "POST /2 HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf");
    let none = gor_request(3, 3, "hello\r\n\r\n");
    let upgrade = gor_request(
        4,
        4,
        "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
    );
    let smuggled = gor_request(
        5,
        5,
        "POST /5 HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    );
    let last = gor_request(6, 6, get("/6"));
    let (_dir, file) = file(&[whole, short, none, upgrade, smuggled, last]);
    let report = report(&file, &target, &["--speed", "max", "--concurrency", "1"]);
    assert_eq!(report["left_out"]["malformed"], 2);
    assert_eq!(report["left_out"]["not_whole"], 1);
    assert_eq!(report["left_out"]["upgrade"], 1);
    let requests = target.requests();
    assert_eq!(targets(&requests), ["/1", "/6"]);
    assert!(!requests[0].has("connection") && !requests[0].has("keep-alive"));
}

#[test]
fn damage_is_told_with_file_and_offset_and_the_rest_is_sent() {
    let target = Server::unix(answers(OK));
    let (one, other) = (gor_request(1, 1, get("/1")), gor_request(2, 2, get("/2")));
    let garbage = format!("what is this{SEPARATOR}").into_bytes();
    let (_dir, file) = file(&[one.clone(), garbage, other]);
    let report = report(&file, &target, &["--speed", "max"]);
    assert_eq!(
        (&report["sent"], &report["damage"]["places"]),
        (&2.into(), &1.into())
    );
    let line = report["damage"]["lines"][0].as_str().unwrap();
    let expected = format!("{}, at byte {}: ", file.display(), one.len());
    assert!(line.starts_with(&expected), "{line}");
}

#[test]
fn the_mark_can_have_another_name_or_none() {
    let (_dir, file) = file(&gets(1, 0));
    for (more, mark) in [
        (&["--no-mark"][..], None),
        (&["--mark", "X-Copy"], Some("replay")),
    ] {
        let target = Server::unix(answers(OK));
        report(&file, &target, more);
        let request = target.request();
        assert_eq!(request.header("x-copy"), mark);
        assert!(!request.has("x-shadow-request"));
    }
}

#[test]
fn a_connection_that_the_target_closes_is_made_anew() {
    let target = Server::unix(|conn| {
        conn.request()?;
        conn.send(OK)
    });
    let (_dir, file) = file(&gets(20, 0));
    let report = report(&file, &target, &["--speed", "max", "--concurrency", "2"]);
    assert_eq!(
        (&report["answered"], &report["errors"]),
        (&20.into(), &serde_json::json!({}))
    );
}

#[test]
fn a_replay_sends_what_a_shadow_of_a_configuration_would_get() {
    let (dir, file) = file(&[
        gor_request(0, 0, get("/shop/1")),
        gor_request(1, 1, get("/health")),
        gor_request(2, 2, post("/shop/2", "hello")),
        gor_request(3, 3, get("http://app.example/shop/3")),
    ]);
    let config = dir.path().join("shadowtee.toml");
    fs::write(
        &config,
        "listen = [\"127.0.0.1:1\"]\nprimary.address = \"127.0.0.1:2\"\n\
         [[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:3\"\nhost = \"next.example\"\n\
         [shadow.select]\nallow = [\"prefix:/shop/\"]\n\
         [shadow.rewrite]\nbase_path = \"/v2\"\nheaders = { set = { X-Replayed = \"yes\" } }\n",
    )
    .unwrap();
    let target = Server::unix(tells);
    let config = config.to_str().unwrap();
    let with = [
        "--config",
        config,
        "--as",
        "next",
        "--speed",
        "max",
        "--concurrency",
        "1",
    ];
    let report = report(&file, &target, &with);
    assert_eq!(report["sent"], 3, "{report}");
    let requests = target.requests();
    let expected = ["/v2/shop/1", "/v2/shop/2", "/v2/shop/3"];
    assert_eq!(targets(&requests), expected);
    for request in &requests {
        assert_eq!(request.all("host"), ["next.example"]);
        assert_eq!(request.all("x-replayed"), ["yes"]);
    }
    assert_eq!(requests[1].text(), "hello");
    let unknown = replay(&file, &target, &["--config", config, "--as", "other"]);
    assert_eq!(unknown.status.code(), Some(1));
    let text = latin1(&unknown.stderr);
    assert!(text.contains("other") && text.contains("next"), "{text}");
}

/// What a failure says; the exit code is 1.
fn failure(file: &Path, more: &[&str]) -> String {
    let nobody = "127.0.0.1:1".to_owned();
    let mut arguments = vec!["replay", file.to_str().unwrap(), "--to", &nobody];
    arguments.extend(more);
    let output = shadowtee(&arguments);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    latin1(&output.stderr)
}

#[test]
fn a_replay_that_sends_nothing_is_no_success() {
    let (dir, file) = file(&gets(3, 0));
    assert!(failure(&file, &["--until", "1971-01-01T00:00:00Z"]).contains("no request"));
    let garbage = dir.path().join("garbage.tee");
    for text in ["", "GET / HTTP/1.1\r\n\r\n"] {
        fs::write(&garbage, text).unwrap();
        assert!(failure(&garbage, &["--fail-on", "errors>0"]).contains("no request"));
    }
    assert!(failure(dir.path(), &[]).contains("Is a directory"));
}

#[test]
fn a_condition_that_is_met_says_what_was() {
    let (_dir, file) = file(&gets(4, 0));
    let target = Server::unix(answers("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
    let conditions = [
        "--fail-on",
        "errors>0",
        "--fail-on",
        "max>0s",
        "--speed",
        "max",
    ];
    let output = replay(&file, &target, &conditions);
    assert_eq!(output.status.code(), Some(2));
    let said = latin1(&output.stderr);
    assert!(said.starts_with("shadowtee: failed by max>0s: "), "{said}");
}

#[test]
fn files_that_follow_each_other_are_opened_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let target = Server::unix(tells);
    // The names say another order than the times; each two files overlap.
    for n in 0..40_u64 {
        let records: Vec<_> = (0..10)
            .map(|m| gor_request(0, n * 8 + m, get(&format!("/{}", n * 8 + m))))
            .collect();
        fs::write(dir.path().join(format!("{}.gor", 99 - n)), records.concat()).unwrap();
    }
    let pattern = dir.path().join("*.gor");
    // More than a few can't be open.
    let output = finish(
        Command::new("prlimit")
            .args([
                "--nofile=24:24",
                PROGRAM,
                "replay",
                pattern.to_str().unwrap(),
            ])
            .args(["--to", &target.at(), "--speed", "max", "--concurrency", "1"]),
    );
    assert!(output.status.success(), "{output:?}");
    let requests = target.wait_for(400);
    let numbers: Vec<u64> = targets(&requests)
        .iter()
        .map(|target| target[1..].parse().unwrap())
        .collect();
    assert!(numbers.is_sorted(), "{numbers:?}");
}

#[test]
fn standard_input_is_read_once() {
    let (_dir, file) = file(&gets(3, 0));
    let target = Server::unix(tells);
    let pipe = |more: &[&str]| {
        let mut command = Command::new(PROGRAM);
        let command = command.args(["replay", "-", "--to", &target.at(), "--speed", "max"]);
        let command = command.args(more).stdin(fs::File::open(&file).unwrap());
        command.output().unwrap()
    };
    assert!(pipe(&[]).status.success());
    assert_eq!(target.wait_for(3).len(), 3);
    let output = pipe(&["--loop", "2"]);
    assert!(
        latin1(&output.stderr).contains("can be read only once"),
        "{output:?}"
    );
}

#[test]
fn whoever_interrupts_gets_the_report_of_what_was_sent() {
    let (_dir, file) = file(&gets(2, 3_600_000));
    let target = Server::unix(tells);
    let mut command = Command::new(PROGRAM);
    let child = command
        .args(["replay", file.to_str().unwrap(), "--to", &target.at()])
        .args(["--report", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    target.wait_for(1);
    let id = Pid::from_child(&child);
    kill_process(id, Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["interrupted"], true);
    assert_eq!(report["sent"], 1);
}
