//! However a script behaves, the client and the primary notice nothing, memory stays bounded and the ledger balances.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{Ledger, OK, Server, Tee, answers, eventually, get, post};
use crate::script::{PATIENT, behaving, scripted};

/// Sends so many requests through a tee whose script behaves so; the clients' answers and the primary's requests have to
/// be what they are without it.
fn survived(mode: &str, settings: &str, requests: usize) -> (Ledger, Server, Tee) {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, mode, settings)
        .toml("[limits]\nshadow_memory = \"32MiB\"")
        .start();
    let mut client = tee.client();
    for n in 0..requests {
        let request = if n % 2 == 0 {
            get(&format!("/{n}"))
        } else {
            post(&format!("/{n}"), &"b".repeat(n * 10))
        };
        let answer = client.send(request).answer();
        assert_eq!((answer.status(), answer.text().as_str()), (200, "ok"));
    }
    let got = primary.requests();
    assert_eq!(got.len(), requests);
    for (n, request) in got.iter().enumerate() {
        assert_eq!(request.target(), format!("/{n}"));
        assert_eq!(request.body.len(), if n % 2 == 0 { 0 } else { n * 10 });
    }
    let ledger = tee.settled(requests as u64);
    let peak = tee.peak_memory() >> 20;
    assert!(peak < 200, "{peak} MiB");
    // It stops as ever.
    (ledger, shadow, tee)
}

#[track_caller]
fn stops(mut tee: Tee) {
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
}

const QUICK: &str = "timeout = \"200ms\"\nhang_timeout = \"500ms\"\nstop_timeout = \"200ms\"";

#[test]
fn a_script_that_hangs_is_given_up_and_started_again() {
    let (ledger, _, tee) = survived("hang", QUICK, 20);
    let late = ledger.count("next", "script_timeout");
    assert!(late > 0, "{ledger:?}");
    assert_eq!(late + ledger.count("next", "script_down"), 20);
    tee.wait_for_log("the warning", |line| {
        line.contains("it took nothing for hang_timeout")
    });
    stops(tee);
}

#[test]
fn a_script_that_takes_everything_and_writes_nothing_drops_everything() {
    let settings = "timeout = \"200ms\"\nhang_timeout = \"60s\"";
    let (ledger, _, tee) = survived("take", settings, 20);
    assert_eq!(ledger.of("next"), [("scripted_out", 20)]);
    stops(tee);
}

#[test]
fn half_a_line_is_no_echo() {
    let settings = "timeout = \"300ms\"\nhang_timeout = \"60s\"\nstop_timeout = \"200ms\"";
    let (ledger, shadow, tee) = survived("half-line", settings, 20);
    assert_eq!(ledger.count("next", "answered"), 0);
    assert_eq!(shadow.connections(), 0);
    stops(tee);
}

#[test]
fn garbage_and_echoes_of_what_never_was_change_nothing() {
    let (ledger, shadow, tee) = survived("garbage", PATIENT, 20);
    assert_eq!(ledger.of("next"), [("answered", 20)]);
    assert_eq!(shadow.requests().len(), 20);
    let metrics = tee.ask_admin("/metrics").text();
    for line in ["garbage", "unknown", "answer", "echo"] {
        let line = format!("shadowtee_script_lines_total{{script=\"script\",line=\"{line}\"}} ");
        let (_, count) = metrics
            .split_once(&line)
            .unwrap_or_else(|| panic!("{line} in {metrics}"));
        assert!(!count.starts_with('0'), "{line}");
    }
    stops(tee);
}

#[test]
fn echoes_may_come_in_slices() {
    let (ledger, _, tee) = survived("slices", PATIENT, 10);
    assert_eq!(ledger.of("next"), [("answered", 10)]);
    stops(tee);
}

#[test]
fn a_script_that_floods_its_output_is_ended() {
    for mode in ["flood", "flood-lines"] {
        let settings = "timeout = \"200ms\"\nhang_timeout = \"60s\"\nstop_timeout = \"200ms\"";
        let (ledger, _, tee) = survived(mode, settings, 20);
        assert_eq!(ledger.count("next", "answered"), 0);
        tee.wait_for_log("the warning", |line| {
            line.contains("it wrote much more than it was given")
        });
        stops(tee);
    }
}

#[test]
fn a_flood_of_errors_is_held_back_from_the_log() {
    let (ledger, _, tee) = survived("flood-errors", PATIENT, 10);
    assert_eq!(ledger.of("next"), [("answered", 10)]);
    tee.wait_for_log("an error", |line| line.contains("the script says"));
    let log = tee.log();
    let said = log.matches("the script says").count();
    assert!(said < 20 * 40, "{said} lines");
    assert!(log.lines().all(|line| line.len() < 3000));
    stops(tee);
}

#[test]
fn a_script_that_dies_at_once_holds_copies_back_with_one_warning() {
    let (ledger, shadow, tee) = survived("die", PATIENT, 50);
    assert_eq!(ledger.of("next"), [("script_down", 50)]);
    assert_eq!(shadow.connections(), 0);
    eventually("another start", || {
        let metrics = tee.ask_admin("/metrics").text();
        let (_, count) = metrics.split_once("shadowtee_script_starts_total{script=\"script\"} ")?;
        (count.split('\n').next()?.parse::<u64>().ok()? >= 3).then_some(())
    });
    let warnings = tee.log().matches("the script is down").count();
    assert_eq!(warnings, 1);
    let warning = tee.wait_for_log("the warning", |line| line.contains("the script is down"));
    assert!(
        warning.contains("exit status: 7") && warning.contains("hold_back"),
        "{warning}"
    );
    stops(tee);
}

#[test]
fn copies_are_sent_unchanged_while_the_script_is_down_where_that_is_asked_for() {
    let settings = format!("{PATIENT}\nwhen_down = \"send\"");
    let (ledger, shadow, tee) = survived("die", &settings, 50);
    assert_eq!(ledger.of("next"), [("answered", 50)]);
    let bodies: usize = shadow.requests().iter().map(|copy| copy.body.len()).sum();
    assert_eq!(
        bodies,
        (0..50)
            .filter(|n| n % 2 == 1)
            .map(|n| n * 10)
            .sum::<usize>()
    );
    stops(tee);
}

#[test]
fn a_script_that_dies_now_and_then_is_started_again_each_time() {
    for when_down in ["hold_back", "send"] {
        let settings = format!("{PATIENT}\nwhen_down = {when_down:?}");
        let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
        let tee = scripted(&primary, &shadow, "mortal", &settings).start();
        let mut client = tee.client();
        // Each with a process of its own: two that are echoed, and one that is lost with it.
        for n in 1..=6 {
            eventually("a process that runs", || {
                let metrics = tee.ask_admin("/metrics").text();
                metrics
                    .contains("shadowtee_script_processes_up{script=\"script\"} 1\n")
                    .then_some(())
            });
            client.get("/");
            tee.settled(n);
        }
        let ledger = tee.settled(6);
        if when_down == "send" {
            assert_eq!(ledger.of("next"), [("answered", 6)]);
        } else {
            assert_eq!(ledger.count("next", "answered"), 4, "{ledger:?}");
            assert_eq!(ledger.count("next", "script_down"), 2);
        }
    }
}

#[test]
fn a_script_that_closes_one_of_its_ends_is_started_again() {
    for mode in ["close", "deaf"] {
        let (ledger, shadow, tee) = survived(mode, QUICK, 10);
        assert_eq!(ledger.count("next", "answered"), 0);
        assert_eq!(shadow.connections(), 0);
        tee.wait_for_log("the warning", |line| line.contains("the script is down"));
        stops(tee);
    }
}

#[test]
fn a_script_that_grows_meets_its_limit() {
    let settings = format!("{PATIENT}\nmemory = \"128MiB\"");
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "grow", &settings).start();
    let mut client = tee.client();
    client.get("/before");
    tee.settled(1);
    client.get("/grow");
    let ledger = tee.settled(2);
    assert_eq!(ledger.of("next"), [("answered", 1), ("script_down", 1)]);
    tee.wait_for_log("what Python says", |line| line.contains("MemoryError"));
}

#[test]
fn what_a_script_starts_ends_with_it() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let settings = format!("{PATIENT}\nstop_timeout = \"200ms\"");
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let file = setup.dir().join("pids");
    let mut tee = setup
        .toml(&behaving(&format!("parent {}", file.display()), &settings))
        .start();
    let pids = || {
        let text = fs::read_to_string(&file).ok()?;
        let pids: Vec<i32> = text.split(' ').map(|pid| pid.parse().unwrap()).collect();
        fs::remove_file(&file).ok()?;
        Some(pids)
    };
    let first = eventually("a process and its child", pids);
    let gone = |pids: &[i32]| {
        eventually("the end of both", || {
            let is_there =
                |pid: &i32| Path::new(&format!("/proc/{pid}")).exists() && !is_zombie(*pid);
            (!pids.iter().any(is_there)).then_some(())
        });
    };
    // It dies, and leaves its child behind.
    kill_process(Pid::from_raw(first[0]).unwrap(), Signal::KILL).unwrap();
    gone(&first);
    let second = eventually("another process and its child", pids);
    assert_ne!(first, second);
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    gone(&second);
}

#[test]
fn a_script_ends_with_a_shadowtee_that_is_ended_by_force() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let file = setup.dir().join("pid");
    // It never looks whether its input has ended.
    let script = format!("echo $$ > {}; exec sleep 600", file.display());
    let mut tee = setup
        .toml(&format!(
            "[script]\ncommand = [\"sh\", \"-c\", {script:?}]\n"
        ))
        .start();
    let pid: i32 = eventually("the script", || {
        fs::read_to_string(&file).ok()?.trim().parse().ok()
    });
    tee.signal(Signal::KILL);
    assert!(!tee.wait_for_exit().success());
    eventually("its end", || is_zombie(pid).then_some(()));
}

/// Whoever is in the place of init may take its time to bury it.
fn is_zombie(pid: i32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.is_empty() || status.contains("State:\tZ")
}

#[test]
fn a_script_that_will_not_end_is_ended_within_its_time() {
    let settings = format!("{PATIENT}\nstop_timeout = \"400ms\"");
    let (_, _, mut tee) = survived("stubborn", &settings, 4);
    let begin = std::time::Instant::now();
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    assert!(begin.elapsed() > Duration::from_millis(400));
}

#[test]
fn a_script_that_can_not_be_started_any_more_holds_copies_back() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = Tee::with_primary(&primary).shadow("next", &shadow);
    let program = setup.dir().join("program");
    std::os::unix::fs::symlink("/bin/cat", &program).unwrap();
    let tee = setup
        .toml(&format!("[script]\ncommand = [\"./program\"]\n{PATIENT}"))
        .start();
    let mut client = tee.client();
    client.get("/");
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    fs::remove_file(&program).unwrap();
    // Its only process dies, and there is no other.
    let ours = tee.pid().as_raw_pid();
    let children =
        fs::read_to_string(format!("/proc/{ours}/task/{ours}/children")).unwrap_or_default();
    let threads = fs::read_dir(format!("/proc/{ours}/task")).unwrap();
    let all: String = threads
        .map(|task| fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default())
        .collect::<String>()
        + &children;
    let pid: i32 = all
        .split_whitespace()
        .next()
        .expect("a child")
        .parse()
        .unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    tee.wait_for_log("the warning", |line| line.contains("the script is down"));
    client.get("/");
    assert_eq!(
        tee.settled(2).of("next"),
        [("answered", 1), ("script_down", 1)]
    );
}

#[test]
fn what_waits_for_a_script_is_bounded() {
    let settings =
        "timeout = \"60s\"\nhang_timeout = \"60s\"\nqueue = \"64KiB\"\nstop_timeout = \"100ms\"";
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "hang", settings)
        .toml("[stop]\ncopies = \"100ms\"")
        .start();
    let mut client = tee.client();
    for _ in 0..40 {
        assert_eq!(
            client
                .send(post("/", &"b".repeat(10_000)))
                .answer()
                .status(),
            200
        );
    }
    let ledger = tee.wait_for_ledger("a full queue", |ledger| {
        ledger.count("next", "queue_full") > 20
    });
    assert!(ledger.balances());
    stops(tee);
}

/// It waits until what it says is read: some fifty megabytes here.
#[test]
fn a_script_that_says_much_on_standard_error_holds_up_no_copy() {
    let (ledger, _, tee) = survived("flood-errors", PATIENT, 250);
    assert_eq!(ledger.of("next"), [("answered", 250)]);
    stops(tee);
}
