//! Secrets of the configuration are shown to nobody, and taken up when they change.

use std::fs;

use crate::kit::{OK, Server, Tee, answers, latin1, shadowtee};

const BASE: &str = "[[listen]]\naddress = \"127.0.0.1:1\"\n[primary]\naddress = \"127.0.0.1:2\"\n";

/// What `check` says of a file.
fn check(text: &str) -> (bool, String) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("shadowtee.toml");
    fs::write(&file, text).unwrap();
    let output = shadowtee(&["check", "--config", file.to_str().unwrap()]);
    let said = latin1(&output.stdout) + &latin1(&output.stderr);
    (output.status.success(), said)
}

/// Lines with a secret that is not written as it has to be.
const WRONG: &[&str] = &[
    "[admin]\naddress = \"127.0.0.1:3\"\ntoken = \"HUSH77\n",
    "[admin]\naddress = \"127.0.0.1:3\"\ntoken = HUSH77\n",
    "[admin]\naddress = \"127.0.0.1:3\"\ntoken = 'HUSH77\n",
    "[admin]\naddress = \"127.0.0.1:3\"\ntoken = 77887788\n",
    "[admin]\naddress = \"127.0.0.1:3\"\ntoken = [\"HUSH77\"]\n",
    "[admin]\naddress = \"127.0.0.1:3\"\ntoken = \"HUSH77\\x\"\n",
    "[capture]\nfile = \"a.tee\"\nredact = { key = 77887788 }\n",
    "[[shadow]]\naddress = \"127.0.0.1:4\"\nrewrite = { headers = { set = { Authorization = 77887788 } } }\n",
    "[[shadow]]\naddress = \"127.0.0.1:4\"\nrewrite = { headers = { set = { X-Any = \"HUSH77\\n\" } } }\n",
    "[[shadow]]\naddress = \"127.0.0.1:4\"\nrewrite = { authorization = \"HUSH77\" }\n",
    "[script]\ncommand = \"cat --token=HUSH77\"\n",
    "[[shadow]]\naddress = \"127.0.0.1:4\"\nrewrite = { headers = { set = { \"Authorization: HUSH77\" = \"x\" } } }\n",
    "[[shadow]]\naddress = \"https://user:HUSH77@/127:x\"\n",
    "[[shadow]]\naddress = \"ftp://user:HUSH77@host:1\"\n",
];

fn tells(said: &str) -> bool {
    said.contains("HUSH77") || said.contains("77887788")
}

#[test]
fn what_is_wrong_is_told_by_its_place_and_never_by_its_text() {
    for wrong in WRONG {
        let (passes, said) = check(&format!("{BASE}{wrong}"));
        assert!(!passes && !tells(&said), "{said}");
        assert!(
            said.contains("line 7, column") || said.contains(": is "),
            "{said}"
        );
    }
}

#[test]
fn neither_a_reload_nor_the_log_tells_the_text_of_what_is_wrong() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    for wrong in ["token = \"HUSH77", "token = 77887788"] {
        tee.configure(|text| {
            let kept = text.lines().filter(|line| !line.starts_with("token"));
            let kept: Vec<_> = kept.collect();
            kept.join("\n")
                .replace("[admin]\n", &format!("[admin]\n{wrong}\n"))
        });
        let answer = tee.reload();
        assert_eq!(answer.status(), 422);
        assert!(!tells(&answer.text()), "{}", answer.text());
        assert!(!tells(&tee.log()), "{}", tee.log());
    }
}

#[test]
fn what_check_prints_has_no_secret_in_it() {
    let (passes, said) = check(&format!(
        "{BASE}[admin]\naddress = \"127.0.0.1:3\"\ntoken = \"HUSH77\"\n\
         [capture]\nfile = \"a.tee\"\nredact = {{ key = \"HUSH77HUSH77HUSH77\" }}\n\
         [script]\ncommand = [\"/bin/cat\", \"--token=HUSH77\"]\n\
         [[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:4\"\n\
         [shadow.rewrite.headers]\nset = {{ Authorization = \"Bearer HUSH77\", Cookie = \"s=HUSH77\", X-Api-Key = \"HUSH77\", X-Forwarded-Jwt = \"HUSH77\", X-Plain = \"seen\" }}\n\
         replace = [{{ name = \"X-Auth\", regex = \"HUSH77\", to = \"HUSH77\" }}]\n\
         [shadow.rewrite.query]\nset = {{ token = \"HUSH77\", page = \"one\" }}\n\
         [[shadow.select.deny]]\nheader = {{ Authorization = \"HUSH77\" }}\nquery = {{ token = \"HUSH77\" }}\n"
    ));
    assert!(passes && !tells(&said), "{said}");
    for shown in ["/bin/cat", "seen", "one", "********"] {
        assert!(said.contains(shown), "{shown}: {said}");
    }
}

#[test]
fn a_changed_secret_is_a_change() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("authorization");
    fs::write(&file, "Bearer one\n").unwrap();
    let rewrite = format!(
        "rewrite = {{ authorization = {{ file = \"{}\" }}, headers = {{ set = {{ X-Token = \"one\" }} }} }}",
        file.display()
    );
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, &rewrite)
        .start();
    tee.get("/");
    fs::write(&file, "Bearer two\n").unwrap();
    assert_eq!(tee.reload().status(), 200);
    tee.get("/");
    tee.configure(|text| text.replace("X-Token = \"one\"", "X-Token = \"two\""));
    let answer = tee.reload();
    assert_eq!(answer.text().trim(), "changed: shadow");
    tee.get("/");
    tee.settled(3);
    let sent = |name| {
        let copies = shadow.requests();
        let values = copies
            .iter()
            .map(|copy| copy.header(name).unwrap().to_owned());
        values.collect::<Vec<_>>()
    };
    assert_eq!(
        sent("authorization"),
        ["Bearer one", "Bearer two", "Bearer two"]
    );
    assert_eq!(sent("x-token"), ["one", "one", "two"]);
}

#[test]
fn another_key_of_the_capture_is_not_passed_over() {
    let primary = Server::unix(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.tee");
    let tee = Tee::with_primary(&primary)
        .toml(&format!(
            "[capture]\nfile = \"{}\"\nredact = {{ key = \"one-one-one-one-one\" }}",
            file.display()
        ))
        .start();
    tee.configure(|text| text.replace("one-one", "two-two"));
    let answer = tee.reload();
    assert_eq!(answer.status(), 422);
    assert!(answer.text().contains("capture") && answer.text().contains("restart"));
}
