//! The demo needs nothing else, and shows what a person understands.

use crate::kit::shadowtee;

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
    assert!(!text.contains('\u{1b}'), "no colours where nobody looks");
    assert!(!errors.contains("panicked"), "{errors}");
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
