//! Every copy that is `answered` is compared, or not compared with a reason: whatever the responses are, and whatever happens.

use std::{
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::kit::{Conn, Server, Tee, eventually};

/// Answers in every way that there is.
fn application(side: &'static str) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let large = "x".repeat(600_000);
            let sized = |kind: &str, body: &str| {
                format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            };
            let answer = match request.target() {
                "/head" => format!("HTTP/1.1 200 OK\r\nX: {side}\r\nContent-Length: 100\r\n\r\n"),
                "/304" => format!("HTTP/1.1 304 Not Modified\r\nETag: \"{side}\"\r\n\r\n"),
                "/204" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
                "/early" => format!(
                    "HTTP/1.1 103 Early Hints\r\nLink: </{side}>\r\n\r\n{}",
                    sized("text/plain", side)
                ),
                "/huge" => sized("text/plain", &large),
                "/huge-same-start" => sized("text/plain", &format!("{large}{side}")),
                "/image" => sized("image/png", &format!("\x7fPNG{side}")),
                "/broken-gzip" => sized("text/plain", side)
                    .replace("Content-Type", "Content-Encoding: gzip\r\nContent-Type"),
                "/chunked" => format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{side}\r\n0\r\nTrailer: {side}\r\n\r\n",
                    side.len()
                ),
                "/short" => {
                    conn.send(format!(
                        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{side}"
                    ))?;
                    return Ok(());
                }
                "/until-end" => {
                    conn.send(format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{side}"
                    ))?;
                    return Ok(());
                }
                "/none" if side == "old" => return Ok(()),
                "/events" => {
                    conn.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")?;
                    let mut left = 3;
                    while left > 0 {
                        conn.send(format!("6\r\n{side:6}\r\n"))?;
                        left -= 1;
                    }
                    // It goes on for as long as somebody listens.
                    conn.hang()?;
                    return Ok(());
                }
                "/upgrade" => {
                    conn.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")?;
                    conn.hang()?;
                    return Ok(());
                }
                _ => sized("text/plain", "the same"),
            };
            conn.send(answer)?;
        }
    })
}

fn report(tee: &Tee, shadow: &str) -> Value {
    serde_json::from_str(
        &tee.ask_admin(&format!("/api/report?shadow={shadow}"))
            .text(),
    )
    .unwrap()
}

fn not_compared(report: &Value) -> u64 {
    let counts = report["not_compared"].as_object().unwrap().values();
    counts.map(|count| count.as_u64().unwrap()).sum()
}

/// Sends one of each, some of them from clients that leave.
fn send_all(tee: &Tee) -> u64 {
    let targets = [
        "/304",
        "/204",
        "/early",
        "/huge",
        "/huge-same-start",
        "/image",
        "/broken-gzip",
        "/chunked",
        "/short",
        "/until-end",
        "/none",
        "/same",
        "/same",
    ];
    for target in targets {
        let mut client = tee.client();
        client.send(format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ));
        // How it ends is not asked here.
        client.count(&mut |_| {});
    }
    let mut head = tee.client();
    head.send("HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n")
        .answer_to_head();
    let mut listener = tee.client();
    listener
        .send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        .head();
    listener.chunk();
    listener.reset();
    let mut aborted = tee.client();
    aborted
        .send("GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        .take(1000);
    aborted.reset();
    let mut upgraded = tee.client();
    upgraded
        .send("GET /upgrade HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")
        .head();
    upgraded.reset();
    targets.len() as u64 + 4
}

/// The report of a shadow, which has as many answers as the ledger, and in which everything adds up.
#[track_caller]
fn assert_sums(tee: &Tee, shadow: &str, requests: u64) {
    let ledger = tee.settled(requests);
    let answered = ledger.count(shadow, "answered");
    assert!(answered > 0);
    let report = eventually("as many in the report as in the ledger", || {
        let report = report(tee, shadow);
        (report["requests"]["answered"] == answered).then_some(report)
    });
    let of = |key: &str| report["requests"][key].as_u64().unwrap();
    assert_eq!(
        of("compared") + not_compared(&report),
        answered,
        "{report:#}"
    );
    assert_eq!(
        of("identical") + of("explained") + of("different") + of("unconfirmed"),
        of("compared"),
        "{report:#}"
    );
    let metrics = tee.ask_admin("/metrics").text();
    let in_metrics = |name: &str| -> u64 {
        let begin = format!("{name}{{shadow=\"{shadow}\"");
        let lines = metrics.lines().filter(|line| line.starts_with(&begin));
        lines
            .map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap())
            .sum()
    };
    assert_eq!(
        in_metrics("shadowtee_responses_not_compared_total"),
        not_compared(&report)
    );
    assert_eq!(
        in_metrics("shadowtee_responses_compared_total"),
        of("compared")
    );
}

#[test]
fn whatever_is_answered_is_compared_or_says_why_not() {
    let [primary, one, other] = [application("old"), application("new"), application("old")];
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &one, "compare = true")
        .shadow_with("other", &other, "compare = true")
        .start();
    let sent = send_all(&tee);
    for shadow in ["next", "other"] {
        assert_sums(&tee, shadow, sent);
    }
}

#[test]
fn with_a_baseline_the_sums_are_the_same() {
    let [primary, one, same] = [application("old"), application("new"), application("old")];
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &one, "compare = true")
        .shadow_with("same", &same, "role = \"baseline\"")
        .start();
    let sent = send_all(&tee);
    assert_sums(&tee, "next", sent);
}

#[test]
fn without_room_for_bodies_the_sums_are_the_same() {
    let [primary, one] = [application("old"), application("new")];
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &one, "compare = true")
        .toml("[limits]\nshadow_memory = \"256KiB\"")
        .start();
    let sent = send_all(&tee);
    assert_sums(&tee, "next", sent);
}

#[test]
fn a_reload_and_a_stop_in_the_middle_lose_no_answer() {
    let [primary, one] = [application("old"), application("new")];
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        Tee::with_primary(&primary)
            .shadow_with("next", &one, "compare = true")
            .toml(&format!("[compare]\nstate = {:?}", folder.path()))
            .start()
    };
    let mut tee = start();
    let goes_on = AtomicBool::new(true);
    let sent = thread::scope(|scope| {
        let sender = scope.spawn(|| {
            let mut sent = 0;
            while goes_on.load(SeqCst) {
                let mut client = tee.client();
                client.get("/same");
                client.get("/image");
                sent += 2;
            }
            sent
        });
        for round in 1..=4 {
            tee.configure(|text| {
                let (before, _) = text.split_once("[compare]").unwrap();
                format!(
                    "{before}[compare]\nbody_bytes = \"{round}KiB\"\nstate = {:?}",
                    folder.path()
                )
            });
            let reloaded = tee.reload();
            assert_eq!(reloaded.status(), 200, "{}", reloaded.text());
        }
        goes_on.store(false, SeqCst);
        sender.join().unwrap()
    });
    assert_sums(&tee, "next", sent);
    // Some are on their way now.
    let mut client = tee.client();
    for _ in 0..50 {
        client.get("/image");
    }
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    let log = tee.log();
    let line = log
        .lines()
        .rfind(|line| line.contains("the ledger"))
        .unwrap();
    let count = line.split("answered ").nth(1).unwrap();
    let digits: String = count.chars().take_while(char::is_ascii_digit).collect();
    let tee = start();
    let report = report(&tee, "next");
    assert_eq!(
        report["requests"]["answered"],
        digits.parse::<u64>().unwrap(),
        "{line}"
    );
    assert_eq!(
        report["requests"]["compared"].as_u64().unwrap() + not_compared(&report),
        report["requests"]["answered"].as_u64().unwrap()
    );
}
