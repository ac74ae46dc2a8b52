//! A day that is replayed logs in, gets the target's own cookies, tokens and ids, and goes on.

use std::{collections::BTreeMap, path::PathBuf, process::Output};

use serde_json::Value;

use crate::kit::{
    At as _, Message, Notes, Person, Server, Setup, Stored, Tee, eventually, shadowtee, stored,
};

/// What production captured, and how it is now.
struct Day {
    capture: PathBuf,
    statuses: BTreeMap<u16, u64>,
    requests: u64,
    owned: Vec<(String, String)>,
    _tee: Tee,
}

/// Two people at the same time; `capture` are more lines of `[capture]`.
fn day(capture: &str) -> Day {
    let (primary, notes) = Notes::new(4).serve();
    let setup: Setup = Tee::with_primary(&primary);
    let file = setup.dir().join("day.tee");
    let tee = setup
        .toml(&format!(
            "[capture]\nfile = \"{}\"\nflush = \"1ms\"\n{capture}",
            file.display()
        ))
        .start();
    let (mut ann, mut bob) = (Person::new(&tee, "ann"), Person::new(&tee, "bob"));
    ann.log_in();
    let anns = ann.make("tea");
    bob.log_in();
    let bobs = bob.make("nails");
    ann.post(&anns, "title=teas+chunked");
    bob.post(&bobs, "title=screws");
    ann.get(&anns);
    bob.get(&bobs);
    for n in 0..3 {
        bob.make(&format!("bob{n}"));
        ann.make(&format!("ann{n}"));
    }
    let mut statuses = BTreeMap::new();
    for status in ann.statuses.iter().chain(&bob.statuses) {
        *statuses.entry(*status).or_default() += 1;
    }
    assert_eq!(statuses.len(), 2, "200 and 303: {statuses:?}");
    let requests = (ann.statuses.len() + bob.statuses.len()) as u64;
    eventually("the last record in the file", || {
        let requests_stored = stored(&file)
            .iter()
            .filter(|record| record.kind == 1)
            .count();
        (requests_stored as u64 == requests).then_some(())
    });
    let owned = notes.lock().unwrap().owned();
    Day {
        capture: file,
        statuses,
        requests,
        owned,
        _tee: tee,
    }
}

const BODIES: &str = "answers = \"body\"\n";
/// Notes that stand in the target's way.
const OLD: u64 = 40;

fn replay(day: &Day, target: &Server, more: &[&str]) -> Output {
    let (file, to) = (day.capture.to_str().unwrap(), target.at());
    shadowtee(&[&["replay", file, "--to", &to, "--speed", "max"], more].concat())
}

#[track_caller]
fn report(output: &Output) -> Value {
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn statuses(report: &Value) -> BTreeMap<u16, u64> {
    serde_json::from_value(report["statuses"].clone()).unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn sessions_live_on_the_target_and_nothing_of_others_is_touched() {
    let day = day(BODIES);
    let json = ["--report", "json"];
    let (target, notes) = Notes::new(OLD).serve();
    let without = report(&replay(&day, &target, &json));
    assert!(statuses(&without)[&403] > 10, "{without:#}");
    assert_eq!(notes.lock().unwrap().owned(), []);
    assert!(without.get("identity").is_none());

    let (target, notes) = Notes::new(OLD).serve();
    let with = report(&replay(
        &day,
        &target,
        &[&json[..], &["--identity"]].concat(),
    ));
    assert_eq!(statuses(&with), day.statuses, "{with:#}");
    assert_eq!(with["captured"]["differing"], 0);
    assert_eq!(with["left_out"], serde_json::json!({}));
    let sums = &with["identity"];
    assert_eq!(
        (&sums["sessions"], &sums["alike"]),
        (&2.into(), &2.into()),
        "{sums}"
    );
    assert_eq!(sums["notes"], serde_json::json!([]));
    let notes = notes.lock().unwrap();
    assert_eq!(notes.owned(), day.owned);
    assert!(notes.has_all_old(OLD));
    let arrived = target.requests();
    let is_marked = |request: &Message| request.header("x-shadow-request") == Some("replay");
    assert!(arrived.iter().all(is_marked));
    assert!(
        arrived[1]
            .header("cookie")
            .unwrap()
            .starts_with("lang=en; sid=")
    );
}

#[test]
fn ids_that_differ_on_the_target_are_no_difference() {
    let day = day(BODIES);
    let (target, _) = Notes::new(OLD).serve();
    let more = ["--identity", "--compare", "--report", "json"];
    let report = report(&replay(&day, &target, &more));
    let requests = &report["comparison"]["requests"];
    let of = |what: &str| requests[what].as_u64().unwrap();
    assert_eq!(of("compared"), day.requests);
    assert_eq!((of("different"), of("unconfirmed")), (0, 0), "{report:#}");
}

#[test]
fn each_round_has_sessions_of_its_own_and_only_the_first_is_compared() {
    let day = day(BODIES);
    let (target, notes) = Notes::new(OLD).serve();
    let more = ["--identity", "--loop", "2", "--compare", "--report", "json"];
    let report = report(&replay(&day, &target, &more));
    let twice = day
        .statuses
        .iter()
        .map(|(status, count)| (*status, count * 2));
    assert_eq!(statuses(&report), twice.collect(), "{report:#}");
    assert_eq!(report["comparison"]["requests"]["compared"], day.requests);
    let notes = notes.lock().unwrap();
    assert_eq!(notes.owned().len(), 2 * day.owned.len());
    assert!(notes.has_all_old(OLD));
}

#[test]
fn what_the_target_did_not_make_is_left_out_and_counted() {
    let day = day(BODIES);
    let (target, notes) = Notes::new(OLD).failing("ann1").serve();
    let more = ["--identity", "--fail-on", "unpaired>0", "--report", "json"];
    let output = replay(&day, &target, &more);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        told(&output).contains("failed by unpaired>0: 1 of"),
        "{output:?}"
    );
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["left_out"]["unpaired"], 1, "{report:#}");
    assert_eq!(report["sent"], day.requests - 1);
    {
        let notes = notes.lock().unwrap();
        assert_eq!(notes.owned().len(), day.owned.len() - 1);
        assert!(notes.has_all_old(OLD));
    }
    let text = String::from_utf8(replay(&day, &target, &["--identity"]).stdout).unwrap();
    for part in [
        "  unpaired                  1           not sent",
        "\n2 sessions: ",
        "  put in: ",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
}

#[test]
fn a_capture_that_can_teach_nothing_is_refused_before_anything_is_sent() {
    for (settings, advice) in [
        ("", "capture with answers = \"body\" in [capture]"),
        (
            "answers = \"body\"\nredact.cookies = [\"sid\"]\n",
            "without what names sessions (cookie sid)",
        ),
        (
            "answers = \"body\"\nredact.headers = [\"Cookie\", \"Set-Cookie\"]\n",
            "without what names sessions (Cookie, Set-Cookie)",
        ),
    ] {
        let day = day(settings);
        let (target, _) = Notes::new(OLD).serve();
        for more in [&["--identity"][..], &["--identity", "--dry-run"]] {
            let output = replay(&day, &target, more);
            assert_eq!(output.status.code(), Some(1), "{output:?}");
            assert!(told(&output).contains(advice), "{output:?}");
        }
        assert_eq!(target.requests().len(), 0);
        assert!(replay(&day, &target, &[]).status.success());
    }
}

#[test]
fn what_a_capture_can_not_teach_is_told() {
    for (settings, note) in [
        ("answers = \"head\"\n", "have a response without its body"),
        (
            "answers = \"body\"\nredact.query = [\"password\"]\n",
            "2 of 26 requests were captured without some of their values, such as a password",
        ),
        (
            "answers = \"body\"\nredact.cookies = [\"lang\"]\n",
            "without some of their credentials (cookie lang)",
        ),
    ] {
        let day = day(settings);
        let (target, notes) = Notes::new(OLD).serve();
        let output = replay(&day, &target, &["--identity"]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(note), "{text}");
        assert!(notes.lock().unwrap().has_all_old(OLD));
        let dry = replay(&day, &target, &["--identity", "--dry-run"]);
        let text = String::from_utf8(dry.stdout).unwrap();
        assert!(text.contains(note), "{text}");
    }
}

#[test]
fn cookies_that_the_capture_made_hashes_of_are_put_in() {
    let day =
        day("answers = \"body\"\nredact.cookies = [\"sid\"]\nredact.key = \"0123456789abcdef\"\n");
    let (target, notes) = Notes::new(OLD).serve();
    let report = report(&replay(&day, &target, &["--identity", "--report", "json"]));
    assert_eq!(statuses(&report), day.statuses, "{report:#}");
    assert_eq!(notes.lock().unwrap().owned(), day.owned);
}

#[test]
fn all_requests_go_one_after_the_other_where_that_is_asked_for() {
    let day = day(BODIES);
    let (target, notes) = Notes::new(OLD).serve();
    let more = ["--identity", "--ordered-by", "all", "--report", "json"];
    let report = report(&replay(&day, &target, &more));
    assert_eq!(statuses(&report), day.statuses, "{report:#}");
    let order = |records: Vec<String>| -> Vec<String> {
        let path = |line: &str| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
        let plain = |line: String| path(&line).trim_end_matches(char::is_numeric).to_owned();
        records.into_iter().map(plain).collect()
    };
    let mut captured = stored(&day.capture);
    // In the file they stand as each worker handed them over.
    captured.sort_by_key(|record| record.time);
    let captured = captured.iter().filter(|record| record.kind == 1);
    let captured = order(captured.map(Stored::text).collect());
    let arrived = target.requests();
    let arrived = order(
        arrived
            .iter()
            .map(|request| request.start().to_owned())
            .collect(),
    );
    assert_eq!(arrived, captured);
    assert_eq!(notes.lock().unwrap().owned(), day.owned);
}

#[test]
fn a_script_before_the_target_sees_requests_as_they_were_captured() {
    let day = day(BODIES);
    let (target, notes) = Notes::new(OLD).serve();
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let script = format!("tee {}", seen.display());
    let more = ["--identity", "--script", &script, "--report", "json"];
    let report = report(&replay(&day, &target, &more));
    assert_eq!(statuses(&report), day.statuses, "{report:#}");
    assert_eq!(notes.lock().unwrap().owned(), day.owned);
    let lines = std::fs::read_to_string(seen).unwrap();
    let hex = |text: &str| {
        let digits = text.bytes().map(|byte| format!("{byte:02x}"));
        digits.collect::<Vec<_>>().concat()
    };
    assert!(lines.contains(&hex("GET /notes/5 ")), "{lines}");
    assert!(!lines.contains(&hex("GET /notes/41 ")), "{lines}");
}
