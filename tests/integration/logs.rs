//! What the logs say, and what they never say.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::kit::{Message, OK, Server, Tee, answers, eventually, free_port};

#[test]
fn a_difference_between_primary_and_shadow_is_told() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers("HTTP/1.1 503 Oh\r\nContent-Length: 0\r\n\r\n"));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    tee.client().send("PATCH /broken/route?token=hidden HTTP/1.1\r\nHost: a\r\nX-Request-Id: id-of-this\r\n\r\n").answer();
    let line = tee.wait_for_log("both statuses", |line| {
        line.contains("id-of-this") && line.contains("503")
    });
    for part in ["PATCH", "/broken/route", "200", "next"] {
        assert!(line.contains(part), "{part} in {line}");
    }
    assert!(!line.contains("hidden"), "{line}");
}

#[test]
fn answers_of_the_same_class_are_not_told() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers("HTTP/1.1 204 None\r\n\r\n"));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    tee.client()
        .send("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: id-of-this\r\n\r\n")
        .answer();
    tee.settled(1);
    assert!(!tee.log().contains("id-of-this"), "{}", tee.log());
}

#[test]
fn differences_are_limited_in_rate_and_those_left_out_are_counted() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[log]\ndifferences_per_second = 2")
        .start();
    let mut client = tee.client();
    for n in 0..200 {
        client
            .send(format!(
                "GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: number-{n:04}\r\n\r\n"
            ))
            .answer();
    }
    tee.settled(200);
    let told = tee
        .log()
        .lines()
        .filter(|line| line.contains("number-"))
        .count();
    assert!((1..100).contains(&told), "{told} lines");
    // The next that is told, or a line of its own, says how many were not.
    eventually("the number left out", || {
        client.get("/");
        tee.log()
            .lines()
            .any(|line| line.contains("left_out") || line.contains("left out"))
            .then_some(())
    });
}

#[test]
fn logs_carry_no_header_values_no_bodies_and_no_queries() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(
        "HTTP/1.1 500 Oh\r\nContent-Length: 11\r\n\r\nshadow-body",
    ));
    let tee = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .shadow("dead", &free_port())
        .toml("[log]\nlevel = \"debug\"\naccess = true")
        .start();
    tee.client()
        .send(
            "POST /path?query-secret=1 HTTP/1.1\r\nHost: a\r\nCookie: cookie-secret\r\n\
             Authorization: Bearer header-secret\r\nContent-Length: 11\r\n\r\nbody-secret",
        )
        .answer();
    tee.client()
        .send("GET /bad?query-secret HTTP/1.1\r\nHost: a\r\nX-A : header-secret\r\n\r\n")
        .answer();
    tee.wait_for_ledger("a settled request", |ledger| {
        ledger.requests > 0 && ledger.is_settled()
    });
    tee.wait_for_log("the request", |line| line.contains("/path"));
    let log = tee.log();
    for secret in [
        "query-secret",
        "cookie-secret",
        "header-secret",
        "body-secret",
        "shadow-body",
    ] {
        assert!(!log.contains(secret), "{secret} in\n{log}");
    }
}

fn access_line(setting: &str) -> (Message, String) {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).toml(setting).start();
    tee.client()
        .send("DELETE /things/7?x HTTP/1.1\r\nHost: a\r\nX-Request-Id: id-of-this\r\n\r\n")
        .answer();
    (
        primary.request(),
        tee.wait_for_log("the request", |line| line.contains("id-of-this")),
    )
}

#[test]
fn an_access_log_is_written_when_asked_for() {
    let (_, line) = access_line("[log]\naccess = true");
    for part in ["DELETE", "/things/7", "200"] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn logs_are_json_where_nobody_reads_them_and_text_when_asked() {
    let (_, line) = access_line("[log]\naccess = true");
    assert!(
        serde_json::from_str::<serde_json::Value>(&line).is_ok(),
        "{line}"
    );
    let (_, line) = access_line("[log]\naccess = true\nformat = \"text\"");
    assert!(
        serde_json::from_str::<serde_json::Value>(&line).is_err(),
        "{line}"
    );
    assert!(!line.contains('\u{1b}'), "no colours in a file: {line}");
}

#[test]
fn a_shadow_that_gets_nothing_is_warned_about() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .shadow("next", "unix:/nowhere/at/all.sock")
        .start();
    let mut client = tee.client();
    eventually("a warning about the shadow", || {
        client.get("/");
        tee.log()
            .lines()
            .any(|line| line.contains("WARN") && line.contains("next"))
            .then_some(())
    });
}

#[test]
fn what_strangers_send_forges_neither_fields_nor_lines_and_is_cut() {
    let primary = Server::unix(answers(OK));
    for format in ["text", "json"] {
        let tee = Tee::with_primary(&primary)
            .toml(&format!("[log]\nformat = \"{format}\"\naccess = true"))
            .start();
        let mut client = tee.client();
        for id in [
            "a level=ERROR forged=1",
            "b\u{85}c\u{2028}d\u{9b}2J",
            "e \"f\" \\",
        ] {
            client.send(format!(
                "GET /x%20{} HTTP/1.1\r\nHost: a\r\nX-Request-Id: {id}\r\n\r\n",
                "y".repeat(400)
            ));
            assert_eq!(client.answer().status(), 200);
        }
        let last = |line: &str| line.contains("e ") && line.contains("request_id");
        tee.wait_for_log("the last line", last);
        let log = tee.log();
        assert!(!log.contains(['\u{85}', '\u{2028}', '\u{9b}']), "{log}");
        assert!(log.contains("\\u{2028}"), "{log}");
        assert!(!log.contains(&"y".repeat(260)), "{log}");
        if format == "text" {
            assert!(
                log.contains("request_id=\"a level=ERROR forged=1\""),
                "{log}"
            );
        }
    }
}

/// A tee whose standard error is a named pipe, which is held open by the file and read by nobody yet.
struct Unread {
    tee: Tee,
    pipe: PathBuf,
    held: File,
    _dir: TempDir,
}

impl Unread {
    fn start(primary: &Server) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join("stderr");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        let held = File::options().read(true).write(true).open(&pipe).unwrap();
        let script = format!("exec \"$@\" 2> {}", pipe.display());
        let tee = Tee::with_primary(primary)
            .top("workers = 1")
            .toml("[log]\nformat = \"json\"\naccess = true\n[stop]\nlinger = \"0s\"")
            .under(&["sh", "-c", &script, "sh"])
            .launch();
        eventually("it listens", || crate::kit::Client::try_connect(&tee).ok());
        Self {
            tee,
            pipe,
            held,
            _dir: dir,
        }
    }
}

/// Lines that were left out, by the metric.
fn counted(tee: &Tee) -> u64 {
    let text = tee.ask_admin("/metrics").text();
    let line = text
        .lines()
        .find(|line| line.starts_with("shadowtee_log_lines_left_out_total"));
    line.unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

/// Nobody reads standard error, and each line is long.
#[test]
fn a_log_that_nobody_reads_costs_no_more_memory_than_its_queue() {
    let primary = Server::unix(answers(OK));
    let unread = Unread::start(&primary);
    let mut client = unread.tee.client();
    let target = format!("/{}", "y".repeat(4000));
    for _ in 0..40_000 {
        assert_eq!(client.get(&target).status(), 200);
    }
    let left_out = counted(&unread.tee);
    assert!(left_out > 1000, "{left_out}");
    let memory = unread.tee.memory();
    assert!(memory < 64 << 20, "{memory}");
}

/// Whoever reads slowly is told of every line that is missing, in few lines.
#[test]
fn a_log_that_is_read_slowly_says_exactly_how_many_lines_it_left_out() {
    let primary = Server::unix(answers(OK));
    let Unread {
        mut tee,
        pipe,
        held,
        _dir,
    } = Unread::start(&primary);
    let mut client = tee.client();
    let target = format!("/{}", "y".repeat(240));
    for _ in 0..20_000 {
        assert_eq!(client.get(&target).status(), 200);
    }
    // Now somebody reads, more slowly than is written, and then as fast as there is anything.
    let mut slow = File::open(&pipe).unwrap();
    drop(held);
    let is_over = Arc::new(AtomicBool::new(false));
    let said = Arc::new(Mutex::new(Vec::new()));
    let (hurries, keeps) = (Arc::clone(&is_over), Arc::clone(&said));
    let read = thread::spawn(move || {
        let mut piece = [0; 1024];
        loop {
            match slow.read(&mut piece).unwrap() {
                0 => return,
                length => keeps.lock().unwrap().extend_from_slice(&piece[..length]),
            }
            if !hurries.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    for _ in 0..5_000 {
        assert_eq!(client.get(&target).status(), 200);
    }
    drop(client);
    let counted = counted(&tee);
    assert!(counted > 0);
    is_over.store(true, Ordering::Relaxed);
    let told = eventually("all of them told", || {
        let said = String::from_utf8_lossy(&said.lock().unwrap()).into_owned();
        let notices = said.lines().filter_map(|line| {
            let (_, after) = line.split_once("\"lines\":")?;
            let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
            digits.parse::<u64>().ok()
        });
        let told: Vec<_> = notices.collect();
        (told.iter().sum::<u64>() == counted).then_some(told)
    });
    assert!(told.len() < 20, "{told:?}");
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    read.join().unwrap();
}
