//! A replay compares the target's responses with those captured; two captures are compared without any target.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use crate::kit::{At as _, Conn, Server, get, gor_answer, gor_request, shadowtee};

fn answer(total: u32, token: usize) -> String {
    let body = format!(
        "{{\"total\":{total},\"token\":\"{:032x}\"}}",
        (token as u128 + 7) * 0x1234_5678_9abc_def0_1234_5678
    );
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A capture of forty orders, each asked for twice, whose totals are so many times what they were.
fn capture(folder: &Path, name: &str, factor: u32) -> PathBuf {
    let records: Vec<_> = (0..80_u32)
        .flat_map(|n| {
            let (order, number) = (n % 40, n as usize);
            let at = u64::from(n) * 10;
            [
                gor_request(number, at, get(&format!("/orders/{order}"))),
                gor_answer(
                    number,
                    at,
                    answer((100 + order) * factor, number + 1000 * factor as usize),
                ),
            ]
        })
        .collect();
    let file = folder.join(name);
    fs::write(&file, records.concat()).unwrap();
    file
}

/// The application, whose totals are so many times what they were.
fn target(factor: u32) -> Server {
    Server::local(move |conn: &mut Conn| {
        let mut token = 5_000_000;
        loop {
            let request = conn.request()?;
            let order: u32 = request
                .target()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            token += order as usize + 1;
            conn.send(answer((100 + order) * factor, token))?;
        }
    })
}

fn titles(report: &Value) -> Vec<&str> {
    let causes = report["causes"].as_array().unwrap().iter();
    let confirmed = causes.filter(|cause| cause["status"] == "confirmed");
    confirmed
        .map(|cause| cause["title"].as_str().unwrap())
        .collect()
}

fn json(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

#[test]
fn a_replay_tells_why_responses_differ_from_those_captured() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let out = dir.path().join("report.json");
    for (factor, expected) in [(1, vec![]), (100, vec!["total is 100 times larger"])] {
        let target = target(factor);
        let output = shadowtee(&[
            "replay",
            day.to_str().unwrap(),
            "--to",
            &target.at(),
            "--speed",
            "max",
            "--compare",
            "--format",
            "json",
            "--output",
            out.to_str().unwrap(),
        ]);
        assert!(output.status.success(), "{output:?}");
        let report = json(&out);
        assert_eq!(titles(&report), expected, "{report:#}");
        assert_eq!(report["requests"]["compared"], 80);
    }
}

#[test]
fn what_was_not_captured_is_counted_and_not_compared() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("day.gor");
    fs::write(&file, gor_request(1, 0, get("/orders/1"))).unwrap();
    let target = target(1);
    let args = [
        "replay",
        file.to_str().unwrap(),
        "--to",
        &target.at(),
        "--compare",
    ];
    let output = shadowtee(&args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success() && text.contains("1 not compared (no primary)"),
        "{text}"
    );
    let without = shadowtee(&[&args[..4], &["--fail-on", "causes>0"]].concat());
    assert_eq!(without.status.code(), Some(1));
}

#[test]
fn two_captures_of_the_same_requests_are_compared_without_a_target() {
    let dir = tempfile::tempdir().unwrap();
    let [one, same, other] = [("one.gor", 1), ("same.gor", 1), ("other.gor", 100)]
        .map(|(name, factor)| capture(dir.path(), name, factor));
    let run = |other: &Path| {
        let out = dir.path().join("report.json");
        let output = shadowtee(&[
            "compare",
            one.to_str().unwrap(),
            other.to_str().unwrap(),
            "--format",
            "json",
            "--output",
            out.to_str().unwrap(),
            "--fail-on",
            "causes>0",
        ]);
        (output.status.code(), json(&out))
    };
    let (code, report) = run(&same);
    assert_eq!((code, titles(&report).len()), (Some(0), 0), "{report:#}");
    let (code, report) = run(&other);
    assert_eq!(
        (code, titles(&report)),
        (Some(2), vec!["total is 100 times larger"]),
        "{report:#}"
    );
}

#[test]
fn the_example_for_pipelines_fails_on_a_new_cause_and_passes_on_an_accepted_one() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci/compare.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_shadowtee")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let target = target(100);
    let run = || {
        let output = Command::new(&script)
            .current_dir(dir.path())
            .env("PATH", &path)
            .env("TARGET", target.at())
            .env("CAPTURE", &day)
            .env("ACCEPTED", dir.path().join("accepted.json"))
            .output()
            .unwrap();
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, text) = run();
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("total is 100 times larger"), "{text}");
    assert!(dir.path().join("report.html").exists());
    fs::rename(
        dir.path().join("report.json"),
        dir.path().join("accepted.json"),
    )
    .unwrap();
    let (code, text) = run();
    assert_eq!(code, Some(0), "{text}");
}
