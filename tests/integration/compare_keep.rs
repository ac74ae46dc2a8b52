//! What was learned is kept: whole examples, state files in every bad condition, rules that people review, and memory.

use std::{fmt::Write as _, fs, os::unix::fs::MetadataExt, path::Path};

use rustix::process::Signal;
use serde_json::Value;

use crate::kit::{Client, Conn, Server, Tee, eventually, shadowtee};

/// Answers with what `page` makes of the target: its status, its type and its body.
fn application(page: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let (status, body) = page(request.target());
            conn.send(format!(
                "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
        }
    })
}

fn shop(factor: u32) -> Server {
    application(move |target| {
        let id: u32 = target.rsplit('/').next().unwrap().parse().unwrap_or(0);
        let total = (100 + id) * factor;
        (
            200,
            format!("{{\"id\":{id},\"total\":{total},\"note\":\"page of {id}\"}}"),
        )
    })
}

fn report(tee: &Tee) -> Value {
    serde_json::from_str(&tee.ask_admin("/api/report").text()).unwrap()
}

fn report_of(tee: &Tee, answered: u64) -> Value {
    eventually("what was compared", || {
        let report = report(tee);
        (report["requests"]["answered"] == answered).then_some(report)
    })
}

fn ask(tee: &Tee) -> u64 {
    let mut client = tee.client();
    for id in 0..60 {
        client.get(&format!("/orders/{}", id % 20));
    }
    60
}

fn admin(tee: &Tee) -> String {
    format!("unix:{}", tee.admin().display())
}

fn start(primary: &Server, shadow: &Server, compare: &str) -> Tee {
    Tee::with_primary(primary)
        .shadow_with("next", shadow, "compare = true")
        .toml(&format!("[compare]\n{compare}"))
        .start()
}

/// One that keeps what it learns in a folder.
fn start_keeping(primary: &Server, shadow: &Server, folder: &Path) -> Tee {
    start(
        primary,
        shadow,
        &format!("state = \"{}\"", folder.display()),
    )
}

fn stop(tee: &mut Tee) {
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
}

#[test]
fn a_whole_example_is_shown_survives_a_restart_and_goes_with_a_reset() {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("next.examples");
    let settings = format!("examples = true\nstate = {:?}", folder.path());
    let mut tee = start(&primary, &shadow, &settings);
    let sent = ask(&tee);
    let found = report_of(&tee, sent);
    let id = found["causes"][0]["id"].as_str().unwrap().to_owned();
    let example = |tee: &Tee| {
        let output = shadowtee(&["report", "--admin", &admin(tee), "--example", &id]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (text, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (text, _) = example(&tee);
    for part in [
        "--- request\nGET /orders/",
        "--- production\n200\n",
        "-   \"total\": 1",
        "+   \"total\": 1",
        "page of",
    ] {
        assert!(text.contains(part), "{part:?} in {text}");
    }
    stop(&mut tee);
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
    let mut tee = start(&primary, &shadow, &settings);
    assert_eq!(example(&tee).0, text);
    let output = shadowtee(&["report", "--admin", &admin(&tee), "--reset"]);
    assert!(output.status.success(), "{output:?}");
    assert!(fs::metadata(&file).unwrap().len() < 32);
    assert!(example(&tee).1.contains("no cause"), "{:?}", example(&tee));
    // Killed now, it is forgotten all the same.
    tee.kill();
    let tee = start(&primary, &shadow, &settings);
    assert_eq!(report(&tee)["requests"]["answered"], 0);
    let sent = ask(&tee);
    report_of(&tee, sent);
    assert!(
        example(&tee).0.contains("+   \"total\": 1"),
        "it is learned anew"
    );
    tee.configure(|text| text.replace("examples = true", "examples = false"));
    assert_eq!(tee.reload().status(), 200);
    assert!(!file.exists());
    assert!(
        example(&tee).1.contains("examples = true"),
        "{:?}",
        example(&tee)
    );
}

#[test]
fn whole_examples_stay_within_their_limit() {
    let page = |side: &'static str| {
        application(move |target| {
            let id: u64 = target.rsplit('/').next().unwrap().parse().unwrap_or(0);
            // What can't be compressed to nothing, on a route of its own.
            let noise = (0..4000_u64).map(|at| (at * 2_654_435_761 + id * 40_503) ^ (at * at));
            let noise = noise.fold(String::new(), |mut text, word| {
                let _ = write!(text, "{word:x}");
                text
            });
            (200, format!("{{\"{side}{id}\":1,\"noise\":\"{noise}\"}}"))
        })
    };
    let (primary, shadow) = (page("a"), page("b"));
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "examples = true\nexample_bytes = \"64KiB\"\nstate = \"{}\"",
        folder.path().display()
    );
    let mut tee = start(&primary, &shadow, &settings);
    let mut client = tee.client();
    for id in 0..30 {
        client.get(&format!(
            "/r{}/{id}",
            char::from(b'a' + u8::try_from(id % 26).unwrap())
        ));
    }
    report_of(&tee, 30);
    stop(&mut tee);
    let size = fs::metadata(folder.path().join("next.examples"))
        .unwrap()
        .len();
    assert!((1000..80_000).contains(&size), "{size}");
}

fn lines_with<'a>(log: &'a str, what: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.contains(what)).collect()
}

/// Starts with a broken state file; it is told once, kept beside, and learning goes on.
fn begins_anew_with(state: &[u8]) {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("next.compare");
    fs::write(&file, state).unwrap();
    let mut tee = start_keeping(&primary, &shadow, folder.path());
    let sent = ask(&tee);
    report_of(&tee, sent);
    stop(&mut tee);
    let log = tee.log();
    assert_eq!(lines_with(&log, "learning begins anew").len(), 1, "{log}");
    assert_eq!(
        fs::read(folder.path().join("next.compare.unusable")).unwrap(),
        state
    );
    let tee = start_keeping(&primary, &shadow, folder.path());
    assert_eq!(report(&tee)["requests"]["answered"], sent);
}

#[test]
fn a_state_that_can_not_be_used_is_told_once_and_kept_beside() {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    let mut tee = start_keeping(&primary, &shadow, folder.path());
    let sent = ask(&tee);
    report_of(&tee, sent);
    stop(&mut tee);
    let good = fs::read(folder.path().join("next.compare")).unwrap();
    let mut newer = good.clone();
    newer[7] = b'9';
    let mut damaged = good.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    for state in [&good[..good.len() / 2], &newer, &damaged, b"", b"TEELRN03"] {
        begins_anew_with(state);
    }
}

#[test]
fn a_folder_that_can_not_be_written_is_told_once_and_hurts_nobody() {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    // Also for root there is no file of this name to be made.
    fs::create_dir_all(folder.path().join("next.compare.new/x")).unwrap();
    let mut tee = start_keeping(&primary, &shadow, folder.path());
    let sent = ask(&tee);
    report_of(&tee, sent);
    for _ in 0..3 {
        let output = shadowtee(&["report", "--admin", &admin(&tee), "--reset"]);
        assert!(output.status.success(), "{output:?}");
    }
    assert_eq!(tee.get("/orders/1").status(), 200);
    assert!(!folder.path().join("next.compare").exists());
    assert_eq!(
        lines_with(&tee.log(), "can't be saved").len(),
        1,
        "{}",
        tee.log()
    );
    fs::remove_dir_all(folder.path().join("next.compare.new")).unwrap();
    stop(&mut tee);
    assert_eq!(
        lines_with(&tee.log(), "is saved again").len(),
        1,
        "{}",
        tee.log()
    );
    assert!(folder.path().join("next.compare").is_file());
}

#[test]
fn a_disk_that_is_full_leaves_what_was_saved_before() {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "[compare]\nstate = {:?}\n[log]\nlevel = \"error\"",
        folder.path()
    );
    let file = folder.path().join("next.compare");
    fs::write(&file, "what was before").unwrap();
    let mut tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .toml(&settings)
        .under(&["prlimit", "--fsize=500:500"])
        .start();
    let sent = ask(&tee);
    report_of(&tee, sent);
    assert_eq!(tee.get("/orders/1").status(), 200);
    stop(&mut tee);
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["next.compare.lock", "next.compare.unusable"]);
}

#[test]
fn of_two_instances_with_one_folder_the_first_writes() {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    let settings = format!("state = \"{}\"", folder.path().display());
    let mut first = start(&primary, &shadow, &settings);
    let mut second = start(&primary, &shadow, &settings);
    let sent = ask(&first);
    report_of(&first, sent);
    let mut client = second.client();
    client.get("/orders/1");
    report_of(&second, 1);
    stop(&mut second);
    assert!(!folder.path().join("next.compare").exists());
    assert_eq!(
        lines_with(&second.log(), "another process").len(),
        1,
        "{}",
        second.log()
    );
    stop(&mut first);
    assert!(lines_with(&first.log(), "another process").is_empty());
    let third = start(&primary, &shadow, &settings);
    assert_eq!(report(&third)["requests"]["answered"], sent);
}

fn add_rule(tee: &Tee, rule: &str) -> (u16, String) {
    let mut client = Client::connect(tee.admin().as_path());
    client.send(format!(
        "POST /api/report/rules HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{rule}",
        rule.len()
    ));
    let answer = client.answer();
    (answer.status(), answer.text())
}

#[test]
fn rules_are_over_on_their_day_and_tell_when_they_have_nothing_to_do() {
    let (primary, shadow) = (shop(1), shop(100));
    let folder = tempfile::tempdir().unwrap();
    let rules = folder.path().join("rules.toml");
    fs::write(
        &rules,
        "[[rule]]\nplace = \"$.total\"\naction = \"ignore\"\nuntil = 2020-01-31\nreason = \"old\"\n\
         [[rule]]\nplace = \"$.gone\"\naction = \"ignore\"\nreason = \"nothing there\"\n\
         [[rule]]\nplace = \"$.note\"\naction = \"expected\"\nreason = \"ticket\"\n",
    )
    .unwrap();
    let settings = format!("rules = {rules:?}\nstate = {:?}", folder.path());
    let mut tee = start(&primary, &shadow, &settings);
    let sent = ask(&tee);
    let found = report_of(&tee, sent);
    assert_eq!(found["causes"].as_array().unwrap().len(), 1, "{found:#}");
    let of = |number: usize| found["rules"][number]["note"].as_str().unwrap().to_owned();
    assert_eq!(found["rules"][0]["reason"], "old");
    assert!(of(0).starts_with("over"), "{found:#}");
    assert!(of(1).contains("hides nothing"), "{found:#}");
    assert!(of(2).contains("doesn't happen any more"), "{found:#}");
    let rule = "{\"place\":\"$.total\",\"action\":\"expected\",\"until\":\"2999-01-01\",\"reason\":\"cents\"}";
    let (status, text) = add_rule(&tee, rule);
    assert_eq!(status, 200, "{text}");
    let hidden = |tee: &Tee| {
        let found = report(tee);
        let count = found["causes"].as_array().unwrap().len();
        (
            count,
            found["rules"][3]["hides"].clone(),
            found["rules"][3]["reason"].clone(),
        )
    };
    assert_eq!(hidden(&tee), (0, sent.into(), "cents".into()));
    // The mode of a file that people review stays.
    assert_eq!(fs::metadata(&rules).unwrap().mode() & 0o777, 0o644);
    fs::write(folder.path().join("rules.new"), "somebody's").unwrap();
    stop(&mut tee);
    let tee = start(&primary, &shadow, &settings);
    assert_eq!(hidden(&tee), (0, sent.into(), "cents".into()));
    assert!(folder.path().join("rules.new").exists());
    let good = fs::read_to_string(&rules).unwrap();
    fs::write(
        &rules,
        format!("{good}\n[[rule]]\nplace = \"$.x\"\nactoin = \"ignore\"\n"),
    )
    .unwrap();
    let refused = tee.reload().text();
    let line = good.lines().count() + 4;
    assert!(
        refused.contains("rules.toml") && refused.contains(&format!("line {line}, column 1")),
        "line {line}: {refused}"
    );
    assert_eq!(hidden(&tee).0, 0, "the rules before hold");
    let (status, text) = add_rule(&tee, rule);
    assert_eq!(status, 409, "a wrong file is not written over: {text}");
    assert!(fs::read_to_string(&rules).unwrap().contains("actoin"));
}

/// A page that asks for a cookie which only one side knows.
fn members(knows: &'static str) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let is_known = request
                .header("cookie")
                .is_some_and(|cookie| cookie.contains(knows));
            let head = match request.target() {
                "/login" => "200 OK\r\nSet-Cookie: session=SIDE0123456789abcdef; Path=/",
                _ if is_known => "200 OK",
                _ => "302 Found\r\nLocation: /login",
            };
            let who = request.header("x-who").unwrap_or_default();
            let head = head.replace("SIDE", &format!("{knows}{who}"));
            conn.send(format!(
                "HTTP/1.1 {head}\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\n<p>hi</p>"
            ))?;
        }
    })
}

#[test]
fn sessions_that_the_shadow_has_lost_are_one_cause_above_all_others() {
    let (primary, shadow) = (members("prod"), members("shad"));
    let tee = start(&primary, &shadow, "");
    let mut sent = 0;
    for who in 1..=4 {
        let mut client = tee.client();
        let mut cookie = String::new();
        for path in ["/login", "/account", "/orders", "/cart"] {
            client.send(format!(
                "{} {path} HTTP/1.1\r\nHost: a\r\nX-Who: {who}\r\nCookie: {cookie}\r\nContent-Length: 0\r\n\r\n",
                if path == "/login" { "POST" } else { "GET" }
            ));
            let answer = client.answer();
            if let Some(set) = answer.header("set-cookie") {
                set.split(';').next().unwrap().clone_into(&mut cookie);
            }
            sent += 1;
            // In the order in which they were sent.
            report_of(&tee, sent);
        }
    }
    let found = report(&tee);
    let first = &found["causes"][0];
    assert_eq!(
        first["title"], "the shadow has lost 4 of 4 sessions, from `POST /login` on",
        "{found:#}"
    );
    assert!(
        first["note"]
            .as_str()
            .unwrap()
            .contains("store of sessions")
    );
    for count in ["1 of", "4 of 4"] {
        tee.wait_for_log(count, |line| {
            line.contains(&format!("the shadow has lost {count}"))
                && line.contains("from `POST /login` on")
        });
    }
}

/// JSON with hundreds of members that no other answer has, on a route of its own.
fn hostile(side: &'static str) -> Server {
    application(move |target| {
        let id: usize = target.rsplit('/').next().unwrap().parse().unwrap_or(0);
        let members: Vec<String> = (0..300)
            .map(|at| {
                format!(
                    "\"{}{side}{at}x{id}y\":\"{side}{at}\"",
                    word(at * 31 + id * 977)
                )
            })
            .collect();
        let body = match id % 4 {
            0 => format!("{}{}", "[".repeat(50_000), "]".repeat(50_000)),
            1 => format!("\"{}{side}\"", "x".repeat(200_000)),
            _ => format!("{{{}}}", members.join(",")),
        };
        (200, body)
    })
}

fn word(mut number: usize) -> String {
    let mut word = String::new();
    for _ in 0..6 {
        word.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
        number /= 26;
    }
    word
}

#[test]
fn answers_with_ever_new_places_on_ever_new_routes_cost_bounded_memory() {
    let (primary, shadow) = (hostile("a"), hostile("b"));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .toml("[compare]\nmemory = \"4MiB\"\nprobe = false\n[limits]\nshadow_memory = \"32MiB\"")
        .start();
    let mut client = tee.client();
    for id in 0..60 {
        client.get(&format!("/{}/{id}", word(id * 7919)));
    }
    tee.settled(60);
    // The thread that compares has the lowest priority, and a report looks at all of it.
    for many in [30, 60] {
        eventually("all that was compared", || {
            let metrics = tee.ask_admin("/metrics").text();
            let lines = metrics.lines().filter(|line| {
                line.starts_with("shadowtee_responses_compared_total")
                    || line.starts_with("shadowtee_responses_not_compared_total")
            });
            let all = lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap());
            (all.sum::<u64>() >= many).then_some(())
        });
    }
    let found = report(&tee);
    let held = found["learned"]["bytes"].as_u64().unwrap();
    assert!(held <= 10 << 20, "{held}");
    assert!(
        found["learned"]["evicted"].as_u64().unwrap() > 0,
        "{found:#}"
    );
    let peak = tee.peak_memory();
    assert!(peak < 200 << 20, "{} MiB", peak >> 20);
}
