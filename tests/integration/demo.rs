//! The demo needs nothing else, and shows what a person understands.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::kit::{eventually, shadowtee};

#[test]
fn the_demo_shows_requests_outcomes_and_differences_and_ends() {
    let output = shadowtee(&["demo", "--seconds", "3"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{errors}");
    for part in [
        "requests",
        "answered",
        "500",
        "http://127.0.0.1:",
        "/metrics",
        "/api/ledger",
    ] {
        assert!(text.contains(part), "{part:?} in\n{text}\n{errors}");
    }
    // Each of them is there on purpose, and nothing else differs.
    let causes = causes(&text);
    let faults = [
        "GET /account fails with 500",
        "header x-frame-options is gone",
        "text “In stock, delivered in two days.” is gone",
        "total is 100 times larger",
        "is garbled (UTF-8 read as Latin-1)",
    ];
    assert_eq!(causes.len(), faults.len(), "{causes:?}");
    for fault in faults {
        assert!(
            causes.iter().any(|cause| cause.contains(fault)),
            "{fault} in {causes:?}"
        );
    }
    assert!(!text.contains("certain yet"), "{text}");
    let alive = "Sessions: 20 of 20 alive on next; ";
    let line = text
        .lines()
        .find(|line| line.starts_with(alive))
        .expect(&text);
    let put_in = line[alive.len()..].split(' ').next().unwrap();
    assert!(
        put_in.parse::<u32>().is_ok_and(|count| count > 200),
        "{line}"
    );
    assert!(
        text.contains("320 requests; copies to next: 320 answered\n"),
        "{text}"
    );
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
    assert!(!errors.contains("panicked"), "{errors}");
}

/// The titles of the causes that are certain.
fn causes(text: &str) -> Vec<String> {
    let titles = text.lines().filter_map(|line| {
        let (number, title) = line.trim_start().split_once("  ")?;
        number.parse::<u32>().ok()?;
        Some(title.to_owned())
    });
    titles.collect()
}

#[test]
fn with_stay_customers_keep_coming_and_the_page_has_an_address() {
    let output = shadowtee(&["demo", "--stay", "--seconds", "4"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("is at http://127.0.0.1:"), "{text}");
    let ledger = text.split("The ledger: ").nth(1).expect(&text);
    let requests = ledger.split(' ').next().unwrap().parse::<u32>();
    // At 5 requests a second, of a machine that may be busy.
    assert!(
        requests.is_ok_and(|count| (325..=341).contains(&count)),
        "{ledger}"
    );
}

#[test]
fn without_identity_the_demos_sessions_are_lost() {
    let output = shadowtee(&["demo", "--no-identity", "--seconds", "0"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    let causes = causes(&text);
    assert!(
        causes[0].starts_with("the shadow has lost 20 of 20 sessions"),
        "{causes:?}"
    );
    assert!(!text.contains("alive on next"), "{text}");
    // What only a session sees can't be told.
    assert!(!text.contains("100 times larger"), "{text}");
    assert!(!text.contains("GET /account fails"), "{text}");
}

#[test]
fn two_demos_run_side_by_side() {
    let runs: Vec<_> = (0..2)
        .map(|_| std::thread::spawn(|| shadowtee(&["demo", "--seconds", "2"])))
        .collect();
    for run in runs {
        let output = run.join().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// Whether a process has said what it does at SIGINT.
fn listens_to_interrupt(pid: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))
        .unwrap_or("0");
    u64::from_str_radix(caught.trim(), 16).is_ok_and(|mask| mask & (1 << 1) != 0)
}

#[test]
fn a_demo_that_is_stopped_at_any_time_ends_well_and_leaves_nothing() {
    for is_early in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_shadowtee"))
            .arg("demo")
            .env("TMPDIR", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        if is_early {
            eventually("signals that are listened to", || {
                listens_to_interrupt(child.id()).then_some(())
            });
        } else {
            let mut first = [0; 8];
            child
                .stdout
                .as_mut()
                .unwrap()
                .read_exact(&mut first)
                .unwrap();
        }
        kill_process(Pid::from_child(&child), Signal::INT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}
