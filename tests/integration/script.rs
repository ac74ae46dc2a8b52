//! Scripts see copies and may change them; what goes out is always a correct request.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::kit::{
    Client, Gate, Message, OK, Server, Setup, Tee, answers, eventually, get, latin1, post,
    shadowtee,
};

/// The settings of a script that behaves so.
pub(crate) fn behaving(mode: &str, settings: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/scripts/behave.py");
    let words: Vec<_> = mode.split(' ').map(|word| format!("{word:?}")).collect();
    format!(
        "[script]\ncommand = [\"python3\", {:?}, {}]\n{settings}\n",
        file.display().to_string(),
        words.join(", ")
    )
}

/// A tee whose one shadow's copies go through a script that behaves so.
pub(crate) fn scripted(primary: &Server, shadow: &Server, mode: &str, settings: &str) -> Setup {
    Tee::with_primary(primary)
        .shadow("next", shadow)
        .toml(&behaving(mode, settings))
}

/// Slow machines start processes slowly.
pub(crate) const PATIENT: &str = "timeout = \"60s\"\nhang_timeout = \"60s\"";

/// What became of a request where a script edits as the path says, and what the shadow got.
fn edited(request: &str) -> (String, Vec<Message>) {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "edit", PATIENT).start();
    assert_eq!(tee.client().send(request).answer().status(), 200);
    let ledger = tee.settled(1);
    let [(outcome, 1)] = ledger.of("next")[..] else {
        panic!("{ledger:?}");
    };
    let original = primary.request();
    assert!(!original.has("x-shadow-request") && !original.has("x-script"));
    assert_eq!(original.head.split(' ').nth(1), request.split(' ').nth(1));
    (outcome.to_owned(), shadow.requests())
}

/// The copy of a request that is sent.
#[track_caller]
fn copy(request: &str) -> Message {
    let (outcome, mut copies) = edited(request);
    assert_eq!((outcome.as_str(), copies.len()), ("answered", 1));
    copies.remove(0)
}

fn of(path: &str) -> Message {
    copy(&get(path))
}

#[test]
fn an_echoed_request_goes_on_as_it_was_written() {
    let plain = of("/plain");
    assert_eq!(plain.target(), "/plain");
    assert_eq!(plain.header("x-shadow-request"), Some("next"));
    assert_eq!(of("/target").target(), "/elsewhere?x=1");
    assert!(of("/method").head.starts_with("PATCH /method "));
    assert_eq!(of("/header").header("x-script"), Some("yes"));
}

#[test]
fn a_body_that_a_script_changes_has_its_length() {
    let sized = post("/body", "my secret");
    let chunked = "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n\
                   3\r\nmy \r\n6\r\nsecret\r\n0\r\nX-T: 1\r\n\r\n";
    for request in [sized.as_str(), chunked] {
        let copy = copy(request);
        assert_eq!(copy.body, b"my ******** and more");
        assert_eq!(copy.header("content-length"), Some("20"));
        assert!(!copy.has("transfer-encoding") && !copy.has("trailer"));
    }
    let emptied = copy(&post("/empty", "my secret"));
    assert_eq!(
        (emptied.header("content-length"), emptied.body.len()),
        (Some("0"), 0)
    );
    // What looks like a second request behind the first is its body, and says so.
    let two = of("/two");
    assert!(two.body.starts_with(b"GET /smuggled"));
    let length = two.body.len().to_string();
    assert_eq!(two.header("content-length"), Some(length.as_str()));
    let lengths = of("/lengths");
    assert_eq!(lengths.body, two.body);
    assert_eq!(
        lengths
            .head
            .to_lowercase()
            .matches("content-length")
            .count(),
        1
    );
}

#[test]
fn the_marks_and_the_fields_of_one_hop_are_no_scripts_to_change() {
    let copy = copy("GET /unmark HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine\r\n\r\n");
    assert_eq!(copy.header("x-shadow-request"), Some("next"));
    assert!(!copy.head.contains("forged") && copy.has("x-shadowtee-instance"));
    assert_eq!(copy.header("x-request-id"), Some("mine"));
    let hop = of("/hop");
    assert!(
        !hop.has("connection") && !hop.has("upgrade") && !hop.has("x-hop"),
        "{}",
        hop.head
    );
}

#[test]
fn an_impossible_message_is_refused_and_never_sent() {
    for path in [
        "/chunked",
        "/nohost",
        "/injected",
        "/answer",
        "/half",
        "/nothing",
        "/huge",
    ] {
        let (outcome, copies) = edited(&get(path));
        assert_eq!(
            (outcome.as_str(), copies.len()),
            ("script_invalid", 0),
            "{path}"
        );
    }
}

#[test]
fn lines_that_end_as_those_of_a_shell_do_are_lines_of_a_head() {
    let copy = of("/split");
    assert_eq!((copy.target(), copy.header("x")), ("/a", Some("1")));
    assert!(!copy.head.replace("\r\n", "").contains('\n'));
}

#[test]
fn a_request_that_is_not_echoed_is_given_up() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let settings = "timeout = \"300ms\"\nhang_timeout = \"60s\"";
    let tee = scripted(&primary, &shadow, "edit", settings).start();
    let mut client = tee.client();
    client.get("/drop");
    assert_eq!(tee.settled(1).of("next"), [("scripted_out", 1)]);
    client.get("/drop");
    client.get("/kept");
    assert_eq!(tee.settled(3).count("next", "scripted_out"), 2);
}

#[test]
fn what_is_not_selected_or_sampled_never_reaches_the_script_and_rewriting_follows_it() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = Tee::with_primary(&primary);
    let seen = setup.dir().join("seen");
    let tee = setup
        .shadow_with(
            "next",
            &shadow,
            "select.deny = [\"/secret\"]\nrewrite.base_path = \"/v2\"\nhost = \"next.example\"",
        )
        .shadow_with("none", &shadow, "script = false\nsample = \"0%\"")
        .toml(&behaving(&format!("watch {}", seen.display()), PATIENT))
        .start();
    tee.get("/secret");
    tee.get("/open");
    assert_eq!(
        tee.settled(2).of("next"),
        [("answered", 1), ("filtered", 1)]
    );
    let text = fs::read_to_string(&seen).unwrap();
    assert!(text.contains("GET /open ") && !text.contains("/secret") && !text.contains("/v2"));
    assert!(!text.to_lowercase().contains("x-shadow"), "{text}");
    let copy = shadow.request();
    assert_eq!(
        (copy.target(), copy.header("host")),
        ("/v2/open", Some("next.example"))
    );
}

/// What a script that watches has seen: the kind, the id and the message of each.
fn seen(file: &Path) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let lines = text.lines().map(|line| {
        let words: Vec<_> = line.splitn(5, ' ').collect();
        (
            words[0].to_owned(),
            words[1].to_owned(),
            words[4].to_owned(),
        )
    });
    lines.collect()
}

#[test]
fn answers_come_under_the_id_of_their_request_in_this_order_and_cut_at_a_limit() {
    let gate = Gate::default();
    let held = gate.clone();
    let primary = Server::unix(move |conn| {
        conn.request()?;
        held.pass();
        conn.send("HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n")
    });
    let shadow = Server::unix(answers(
        "HTTP/1.1 500 No\r\nContent-Length: 12\r\n\r\n123456789012",
    ));
    let setup = Tee::with_primary(&primary);
    let file = setup.dir().join("seen");
    let settings = format!("{PATIENT}\nanswers = true\nanswer_bytes = 9");
    let tee = setup
        .shadow("next", &shadow)
        .toml(&behaving(&format!("watch {}", file.display()), &settings))
        .start();
    let mut client = tee.client();
    client.send(post("/", "body"));
    // The shadow is first, and its answer is told last all the same.
    shadow.wait_for(1);
    gate.open();
    assert_eq!(client.answer().status(), 201);
    let seen = eventually("three messages", || {
        Some(seen(&file)).filter(|seen| seen.len() == 3)
    });
    let kinds: Vec<_> = seen.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["1", "2", "3"]);
    assert!(
        seen.iter()
            .all(|(_, id, _)| *id == seen[0].1 && id.len() == 24),
        "{seen:?}"
    );
    assert!(seen[0].2.ends_with("\\r\\n\\r\\nbody'"), "{seen:?}");
    assert!(
        seen[1].2.contains("201 Made") && seen[1].2.contains("Content-Length: 5\\r\\n\\r\\nfirst'")
    );
    assert!(!seen[1].2.to_lowercase().contains("chunked"));
    assert!(
        seen[2].2.contains("500 No") && seen[2].2.ends_with("\\r\\n\\r\\n123456789'"),
        "{seen:?}"
    );
    tee.settled(1);
}

#[test]
fn no_answers_come_where_nobody_asked_for_them() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let setup = Tee::with_primary(&primary);
    let file = setup.dir().join("seen");
    let tee = setup
        .shadow("next", &shadow)
        .toml(&behaving(&format!("watch {}", file.display()), PATIENT))
        .start();
    for _ in 0..3 {
        tee.get("/");
    }
    tee.settled(3);
    assert!(seen(&file).iter().all(|(kind, ..)| kind == "1"));
    assert_eq!(seen(&file).len(), 3);
}

#[test]
fn requests_of_one_key_go_to_one_process_and_others_are_spread() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let settings = format!("{PATIENT}\nprocesses = 3\nby = \"cookie:session\"");
    let tee = scripted(&primary, &shadow, "which", &settings).start();
    let mut client = tee.client();
    for n in 0..60 {
        let request = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nCookie: session={}\r\n\r\n",
            n % 12
        );
        client.send(request).answer();
    }
    tee.settled(60);
    let mut by_session = BTreeMap::new();
    for copy in shadow.requests() {
        let session = copy.header("cookie").unwrap().to_owned();
        let process = copy.header("x-process").unwrap().to_owned();
        let known = by_session.entry(session).or_insert_with(|| process.clone());
        assert_eq!(*known, process);
    }
    let processes: std::collections::BTreeSet<_> = by_session.values().collect();
    assert_eq!((by_session.len(), processes.len()), (12, 3));
}

#[test]
fn the_order_of_a_session_holds_whatever_the_script_does_with_its_own() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "order_by = \"header:X-Session\"")
        .toml(&behaving(
            "late",
            "timeout = \"500ms\"\nhang_timeout = \"60s\"",
        ))
        .start();
    let mut client = tee.client();
    for n in 0..20 {
        client
            .send(format!(
                "GET /{n} HTTP/1.1\r\nHost: a\r\nX-Session: 1\r\n\r\n"
            ))
            .answer();
    }
    // The script holds each back until the next one came, and the last for ever.
    let ledger = tee.settled(20);
    assert_eq!(ledger.of("next"), [("answered", 19), ("scripted_out", 1)]);
    let targets: Vec<_> = shadow
        .requests()
        .iter()
        .map(|copy| copy.target().to_owned())
        .collect();
    let expected: Vec<_> = (0..19).map(|n| format!("/{n}")).collect();
    assert_eq!(targets, expected);
}

#[test]
fn a_copy_after_the_answer_goes_through_the_script_then() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let settings = format!("{PATIENT}\nanswers = true");
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "send = \"after_answer\"")
        .toml(&behaving("edit", &settings))
        .start();
    tee.client().send(post("/body", "a secret")).answer();
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    assert_eq!(shadow.request().body, b"a ******** and more");
}

#[test]
fn a_body_larger_than_a_script_is_given_is_given_up() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let settings = format!("{PATIENT}\nrequest_bytes = \"16KiB\"");
    let tee = scripted(&primary, &shadow, "edit", &settings).start();
    let mut client = tee.client();
    client.send(post("/a", &"x".repeat(100_000))).answer();
    client.send(post("/b", &"x".repeat(10_000))).answer();
    assert_eq!(
        tee.settled(2).of("next"),
        [("answered", 1), ("body_overrun", 1)]
    );
    assert_eq!(primary.requests()[0].body.len(), 100_000);
}

#[test]
fn a_client_that_leaves_in_its_body_gives_nothing_to_the_script() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "edit", PATIENT).start();
    let mut client = tee.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
    tee.wait_for_ledger("a copy that waits", |ledger| {
        ledger.shadows["next"].in_flight == 1
    });
    drop(client);
    assert_eq!(tee.settled(1).of("next"), [("client_aborted", 1)]);
}

#[test]
fn a_script_runs_in_the_folder_of_the_configuration_without_what_is_shadowtees_own() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "environment", PATIENT)
        .env("SHADOWTEE_ADMIN__TOKEN", "hidden")
        .env("NOTIFY_SOCKET", "/nowhere")
        .env("FOR_THE_SCRIPT", "1");
    let folder = tee.dir().canonicalize().unwrap();
    let mut tee = tee.launch();
    eventually("its socket", || {
        Client::try_connect(&tee)
            .ok()
            .map(|mut client| client.get("/"))
    });
    tee.is_running();
    let copy = shadow.request();
    let names = copy.header("x-environment").unwrap();
    assert!(
        names.contains("FOR_THE_SCRIPT") && names.contains("PATH"),
        "{names}"
    );
    assert!(
        !names.contains("SHADOWTEE") && !names.contains("NOTIFY_SOCKET"),
        "{names}"
    );
    assert_eq!(copy.header("x-folder"), folder.to_str());
}

#[test]
fn an_unchanged_script_stays_over_a_reload_and_a_changed_one_starts_anew() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "which", PATIENT).start();
    let process = |n: usize| {
        tee.get("/");
        tee.settled(n as u64);
        shadow.requests()[n - 1]
            .header("x-process")
            .unwrap_or_default()
            .to_owned()
    };
    let first = process(1);
    tee.configure(|text| text.replace("name = \"next\"", "name = \"next\"\nqueue = 77"));
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(process(2), first);
    tee.configure(|text| text.replace("timeout = \"60s\"", "timeout = \"61s\""));
    assert_eq!(tee.reload().status(), 200);
    let second = process(3);
    assert_ne!(second, first);
    eventually("the end of the first process", || {
        (!Path::new(&format!("/proc/{first}")).exists()).then_some(())
    });
    tee.configure(|text| text.replace("[script]", "[script]\nenabled = 1"));
    assert_eq!(tee.reload().status(), 422);
    assert_eq!(process(4), second);
    // Without a script, copies go as they are.
    tee.configure(|text| text.split("[script]").next().unwrap().to_owned());
    assert_eq!(tee.reload().status(), 200);
    assert_eq!(process(5), "");
}

#[test]
fn a_reload_under_load_loses_no_copy() {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "which", PATIENT).start();
    let mut client = tee.client();
    for n in 0..200 {
        client.get("/");
        if n % 40 == 20 {
            tee.configure(|text| {
                let (before, after) = text.split_once("timeout = \"").unwrap();
                let (_, after) = after.split_once('"').unwrap();
                format!("{before}timeout = \"{}s\"{after}", 60 + n)
            });
            assert_eq!(tee.reload().status(), 200);
        }
    }
    assert_eq!(tee.settled(200).of("next"), [("answered", 200)]);
}

#[test]
fn check_tells_every_mistake_of_a_script_with_all_others() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    let wrong = |script: &str| {
        let text = format!(
            "listen = [\"unix:/run/a.sock\"]\n[primary]\naddress = \"nowhere:x\"\n{script}\n\
             [[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:1\"\n[shadow.script]\ncommand = [\"/no/such\"]\nspeed = 1\n"
        );
        fs::write(&file, text).unwrap();
        latin1(&shadowtee(&["check", "--config", file.to_str().unwrap()]).stderr)
    };
    for (script, said) in [
        ("[script]\ncommand = []", "script.command: is empty"),
        ("[script]\ntimeout = \"1s\"", "script.command: is missing"),
        ("[script]\ncommand = \"cat\"", "script.command: is \"cat\""),
        (
            "[script]\ncommand = [\"no-such-program\"]",
            "script.command: there is no program no-such-program",
        ),
        (
            "[script]\ncommand = [\"cat\"]\ndirectory = \"/no/folder\"",
            "script.command: can't run in /no/folder",
        ),
        (
            "[script]\ncommand = [\"cat\"]\nprocesses = 0",
            "script.processes: has to be from 1 to 64",
        ),
        (
            "[script]\ncommand = [\"cat\"]\nwhen_down = \"x\"",
            "script.when_down: \"x\" is not one of send, hold_back",
        ),
        (
            "[script]\ncommand = [\"cat\"]\nby = \"client\"",
            "script.by: asks for the client's address",
        ),
        (
            "[script]\ncommand = [\"cat\"]\ntimout = \"1s\"",
            "did you mean `timeout`?",
        ),
    ] {
        let mistakes = wrong(script);
        for said in [
            said,
            "primary.address",
            "shadow[0].script.command: there is no program /no/such",
            "shadow[0].script.speed: is not a known key",
        ] {
            assert!(mistakes.contains(said), "{said:?} in {mistakes}");
        }
    }
}

#[test]
fn check_explains_that_a_copy_goes_through_a_script() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(
        &file,
        "listen = [\"unix:/run/a.sock\"]\nprimary.address = \"unix:/run/b.sock\"\nscript.command = [\"cat\"]\n\
         [[shadow]]\nname = \"one\"\naddress = \"127.0.0.1:1\"\n\
         [[shadow]]\nname = \"two\"\naddress = \"127.0.0.1:2\"\nscript = false\n",
    )
    .unwrap();
    let output = shadowtee(&[
        "check",
        "--config",
        file.to_str().unwrap(),
        "--explain",
        "GET /",
    ]);
    let said = latin1(&output.stdout);
    let (one, two) = said.split_once("shadow \"two\"").unwrap();
    assert!(
        one.contains("scripted: what \"cat\" makes of it") && !two.contains("scripted"),
        "{said}"
    );
}
