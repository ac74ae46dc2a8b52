//! A replay compares the target's responses with those captured; two captures are compared without any target.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::kit::{At as _, Conn, Server, Tee, free_port, get, gor_answer, gor_request, shadowtee};

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
    let tokens = AtomicUsize::new(5_000_000);
    Server::local(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let order: u32 = request
                .target()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap();
            // Nobody is given a token of somebody else's, on whatever connection.
            let token = tokens.fetch_add(1, Ordering::Relaxed);
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
    parsed(&fs::read(file).unwrap())
}

#[track_caller]
fn parsed(bytes: &[u8]) -> Value {
    let parsed = serde_json::from_slice(bytes);
    parsed.unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(bytes)))
}

/// A replay that compares, as fast as the target answers.
fn replay(file: &Path, to: &str, more: &[&str]) -> Output {
    let args = [
        "replay",
        file.to_str().unwrap(),
        "--to",
        to,
        "--compare",
        "--speed",
        "max",
    ];
    shadowtee(&[&args[..], more].concat())
}

fn compare(one: &Path, other: &Path, more: &[&str]) -> Output {
    let args = ["compare", one.to_str().unwrap(), other.to_str().unwrap()];
    shadowtee(&[&args[..], more].concat())
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
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
fn what_was_not_captured_is_counted_and_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("day.gor");
    let target = target(1);
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n";
    for (answer, reason) in [(None, "no primary"), (Some(head), "no body")] {
        let mut records = gor_request(1, 0, get("/orders/1"));
        if let Some(answer) = answer {
            records.extend(gor_answer(1, 0, answer));
        }
        fs::write(&file, records).unwrap();
        let output = replay(&file, &target.at(), &["--fail-on", "new-causes>0"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            text.contains(&format!("1 not compared ({reason})")),
            "{text}"
        );
        assert!(told(&output).contains("answers = \"body\""), "{output:?}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn another_status_is_told_though_only_heads_were_captured() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("day.gor");
    let records = (0..40).flat_map(|number| {
        let failed = "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n";
        [
            gor_request(number, 0, get("/orders/1")),
            gor_answer(number, 0, failed),
        ]
    });
    fs::write(&file, records.collect::<Vec<_>>().concat()).unwrap();
    let target = target(1);
    let output = replay(&file, &target.at(), &["--format", "json"]);
    assert!(output.status.success(), "{output:?}");
    let report = parsed(&output.stdout);
    assert_eq!(report["causes"][0]["place"], "status", "{report:#}");
}

#[test]
fn a_target_that_is_down_is_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let nobody = free_port().to_string();
    let output = replay(&day, &nobody, &["--fail-on", "new-causes>0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(told(&output).contains("answered no request"), "{output:?}");
}

#[test]
fn standard_output_has_one_document_where_a_program_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let target = target(100);
    let whole = replay(&day, &target.at(), &["--report", "json"]).stdout;
    let document = parsed(&whole);
    assert_eq!(document["answered"], 80);
    assert_eq!(titles(&document["comparison"]).len(), 1, "{document:#}");

    let causes = replay(&day, &target.at(), &["--format", "json"]);
    assert_eq!(titles(&parsed(&causes.stdout)).len(), 1);
    assert!(told(&causes).contains("80 requests sent"), "{causes:?}");

    let text = replay(&day, &target.at(), &[]).stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.starts_with("80 requests sent"), "{text}");
    assert!(text.contains("total is 100 times larger"), "{text}");

    // Both kinds are an older report.
    for older in [whole, causes.stdout] {
        let file = dir.path().join("older.json");
        fs::write(&file, older).unwrap();
        let since = ["--since", file.to_str().unwrap()];
        let more = [&since[..], &["--fail-on", "new-causes>0"]].concat();
        let output = replay(&day, &target.at(), &more);
        assert!(output.status.success(), "{output:?}");
        assert!(!told(&output).contains("new:"), "{output:?}");
    }
}

#[test]
fn what_is_asked_in_vain_is_told_before_anything_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let target = target(1);
    for more in [
        &["--since", "nowhere.json"][..],
        &["--output", "nowhere/report.json"],
        &["--report", "json", "--format", "html"],
        &["--rules", "nowhere.toml"],
    ] {
        let output = replay(&day, &target.at(), more);
        assert_eq!(output.status.code(), Some(1), "{more:?}: {output:?}");
    }
    let (day, at) = (day.to_str().unwrap(), target.at());
    for more in [
        ["--fail-on", "causes>0"],
        ["--since", "x.json"],
        ["--rules", "x.toml"],
    ] {
        let output = shadowtee(&[&["replay", day, "--to", &at][..], &more].concat());
        assert_eq!(output.status.code(), Some(1), "{more:?}");
        assert!(told(&output).contains("need --compare"), "{output:?}");
    }
    assert_eq!(target.counted(), 0);
}

#[test]
fn conditions_on_what_was_sent_and_on_causes_go_together() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let target = target(100);
    let conditions = ["--fail-on", "max>0ms", "--fail-on", "causes>0"];
    let output = replay(&day, &target.at(), &conditions);
    let told = told(&output);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("failed by max>0ms"), "{told}");
    assert!(told.contains("failed by causes>0: 1 cause of"), "{told}");
}

#[test]
fn rounds_scripts_and_orders_change_nothing_in_what_is_compared() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let target = target(100);
    for more in [
        &["--loop", "2"][..],
        &["--ordered-by", "header:Host"],
        &["--script", "cat", "--script-answers", "--loop", "2"],
    ] {
        let output = replay(&day, &target.at(), &[&["--report", "json"], more].concat());
        let report = parsed(&output.stdout);
        let rounds = if more.contains(&"--loop") { 2 } else { 1 };
        assert_eq!(report["answered"], 80 * rounds, "{more:?}: {report:#}");
        let comparison = &report["comparison"];
        assert_eq!(comparison["requests"]["compared"], 80, "{more:?}");
        assert_eq!(titles(comparison), ["total is 100 times larger"]);
    }
}

#[test]
fn a_slower_target_is_told_at_the_speed_of_production_only() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let target = Server::local(|conn: &mut Conn| {
        loop {
            conn.request()?;
            thread::sleep(Duration::from_millis(30));
            conn.send(answer(100, 1))?;
        }
    });
    for (speed, slower) in [("1x", 1), ("max", 0)] {
        let output = shadowtee(&[
            "replay",
            day.to_str().unwrap(),
            "--to",
            &target.at(),
            "--compare",
            "--speed",
            speed,
            "--format",
            "json",
        ]);
        let report = parsed(&output.stdout);
        assert_eq!(
            report["slower"].as_array().unwrap().len(),
            slower,
            "{report:#}"
        );
    }
}

/// Twice the same application: what the capture may not hold is no difference.
#[test]
fn values_that_the_capture_left_out_are_no_differences() {
    let application = target(1);
    let setup = Tee::with_primary(&application);
    let file = setup.dir().join("day.tee");
    let mut tee = setup
        .toml(&format!(
            "[capture]\nfile = \"{}\"\nanswers = \"body\"\n[capture.redact]\njson = [\"total\"]",
            file.display()
        ))
        .start();
    let mut client = tee.client();
    for number in 0..60 {
        client.get(&format!("/orders/{}", number % 20));
    }
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    let output = replay(&file, &application.at(), &["--format", "json"]);
    let report = parsed(&output.stdout);
    assert_eq!(report["causes"].as_array().unwrap().len(), 0, "{report:#}");
    assert_eq!(report["requests"]["compared"], 60);
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
fn requests_are_joined_in_any_order_and_format_and_those_alone_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let one = capture(dir.path(), "one.gor", 1);
    let native = at("native.tee.zst");
    let converted = shadowtee(&["convert", one.to_str().unwrap(), native.to_str().unwrap()]);
    assert!(converted.status.success(), "{converted:?}");
    let records: Vec<_> = (30..110_usize)
        .rev()
        .flat_map(|number| {
            let order = u32::try_from(number % 40).unwrap();
            [
                gor_request(number, 0, get(&format!("/orders/{order}"))),
                gor_answer(number, 0, answer(100 + order, number + 5000)),
            ]
        })
        .collect();
    fs::write(at("other.gor"), records.concat()).unwrap();
    let output = compare(&native, &at("other.gor"), &["--format", "json"]);
    assert!(output.status.success(), "{output:?}");
    let report = parsed(&output.stdout);
    assert_eq!(report["requests"]["compared"], 50, "{report:#}");
    assert_eq!(report["not_compared"]["no_partner"], 60);
    assert_eq!(titles(&report).len(), 0, "{report:#}");
    let told = told(&output);
    assert_eq!(told.matches("30 of 80 requests of").count(), 2, "{told}");
}

#[test]
fn captures_of_other_requests_are_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let one = capture(dir.path(), "one.gor", 1);
    let other = dir.path().join("other.gor");
    let record = [
        gor_request(1000, 0, get("/orders/1")),
        gor_answer(1000, 0, answer(1, 1)),
    ];
    fs::write(&other, record.concat()).unwrap();
    let output = compare(&one, &other, &["--fail-on", "causes>0"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        told(&output).contains("no request is in both"),
        "{output:?}"
    );
}

#[test]
fn an_older_report_holds_for_files_of_other_names() {
    let dir = tempfile::tempdir().unwrap();
    let [one, monday, tuesday] = [("one.gor", 1), ("monday.gor", 100), ("tuesday.gor", 100)]
        .map(|(name, factor)| capture(dir.path(), name, factor));
    let older = dir.path().join("monday.json");
    let written = ["--format", "json", "--output", older.to_str().unwrap()];
    assert!(compare(&one, &monday, &written).status.success());
    let since = ["--since", older.to_str().unwrap()];
    let more = [&since[..], &["--fail-on", "new-causes>0"]].concat();
    let output = compare(&one, &tuesday, &more);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let gone = compare(&one, &capture(dir.path(), "fixed.gor", 1), &since);
    assert!(
        told(&gone).contains("gone: total is 100 times larger"),
        "{gone:?}"
    );
}

/// The example's script in a folder.
fn example(folder: &Path) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/ci/compare.sh");
    let program = Path::new(env!("CARGO_BIN_EXE_shadowtee")).parent().unwrap();
    let path = format!("{}:{}", program.display(), env::var("PATH").unwrap());
    let mut command = Command::new(script);
    command
        .current_dir(folder)
        .env("PATH", path)
        .env_remove("TARGET");
    command
}

#[test]
fn the_example_for_pipelines_fails_on_a_new_cause_and_passes_on_an_accepted_one() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    let target = target(100);
    let run = || {
        let output = example(dir.path())
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

#[test]
fn the_example_for_pipelines_never_passes_where_the_target_is_down() {
    let dir = tempfile::tempdir().unwrap();
    let day = capture(dir.path(), "day.gor", 1);
    // Of an earlier run.
    fs::write(dir.path().join("report.html"), "all is well").unwrap();
    let mut script = example(dir.path());
    let output = script
        .env("TARGET", free_port().to_string())
        .env("CAPTURE", &day)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(told(&output).contains("failed by errors>1%"), "{output:?}");
    let html = fs::read_to_string(dir.path().join("report.html")).unwrap();
    assert!(html.contains("Nothing was compared"), "{html}");
}

#[test]
fn the_example_for_pipelines_says_what_it_needs() {
    let dir = tempfile::tempdir().unwrap();
    let output = example(dir.path()).output().unwrap();
    assert!(!output.status.success());
    assert!(told(&output).contains("TARGET"), "{output:?}");
}
