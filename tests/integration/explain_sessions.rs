//! `check --explain` shows what would be put into a copy where sessions are kept alive on a shadow.

use std::{fs, path::Path};

use rustix::process::Signal;

use crate::kit::{Notes, Person, Tee, shadowtee};

struct Explained {
    code: Option<i32>,
    out: String,
    told: String,
}

fn explain(config: &Path, line: &str, cookie: &str, more: &[&str]) -> Explained {
    let config = config.to_str().unwrap();
    let cookie = format!("Cookie: lang=en; sid={cookie}");
    let args = [
        "check",
        "--config",
        config,
        "--explain",
        line,
        "-H",
        &cookie,
    ];
    let output = shadowtee(&[&args[..], more].concat());
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    Explained {
        code: output.status.code(),
        out: text(&output.stdout),
        told: text(&output.stderr),
    }
}

fn configuration(folder: &Path, shadows: &str) -> std::path::PathBuf {
    let file = folder.join("explained.toml");
    let text = format!(
        "listen = [\"127.0.0.1:8080\"]\n[primary]\naddress = \"unix:/run/app.sock\"\n{shadows}"
    );
    fs::write(&file, text).unwrap();
    file
}

const NEXT: &str = "[[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:1\"\nidentity = true\nrewrite.base_path = \"/v2\"\n";

#[test]
fn what_is_known_of_a_session_shows_in_the_copy() {
    let dir = tempfile::tempdir().unwrap();
    let (primary, _) = Notes::new(4).serve();
    let (shadow, others) = Notes::new(40).failing("broken").serve();
    let state = format!("identity.state = \"{}\"", dir.path().display());
    let mut tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, &state)
        .start();
    let mut ann = Person::new(&tee, "ann");
    ann.log_in();
    let (made, broken) = (ann.make("tea"), ann.make("broken"));
    assert_eq!((&*made, &*broken), ("/notes/5", "/notes/6"));
    tee.settled(ann.statuses.len() as u64);
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    let config = configuration(dir.path(), NEXT);
    let state = dir.path().join("next.sessions");
    let with = ["--identity-state", state.to_str().unwrap()];

    let plain = explain(&config, "GET /notes/5", &ann.sid, &[]);
    let line = "  session: the shadow's cookies, tokens and ids are put in as learned; --identity-state FILE says which\n";
    assert!(plain.out.contains(line), "{}", plain.out);
    assert!(
        plain.out.contains("    GET /v2/notes/5 HTTP/1.1\n"),
        "{}",
        plain.out
    );

    let known = explain(&config, "GET /notes/5", &ann.sid, &with);
    assert_eq!(known.code, Some(0), "{}", known.told);
    for part in [
        "  session: id 5 of /notes/{} becomes 41\n",
        "  session: cookie lang stays: production was not seen to give it out\n",
        "  session: cookie sid is the shadow's\n",
        "    GET /v2/notes/41 HTTP/1.1\n",
        "    Cookie: lang=en; sid=********\n",
    ] {
        assert!(known.out.contains(part), "{part:?} in {}", known.out);
    }
    let rows = others.lock().unwrap().owned();
    assert_eq!(rows, [("ann".to_owned(), "tea".to_owned())]);

    let withheld = explain(&config, "GET /notes/6", &ann.sid, &with).out;
    let line = "  session: would be withheld (unpaired): id 6 of /notes/{}\n";
    assert!(withheld.contains(line), "{withheld}");
    assert!(!withheld.contains("HTTP/1.1"), "{withheld}");

    let form = [
        "-H",
        "Content-Type: application/x-www-form-urlencoded",
        "-H",
        "Content-Length: 9",
    ];
    let form = [&form[..], &with].concat();
    let stranger = explain(&config, "POST /notes/5", "another-one", &form).out;
    for part in [
        "  session: nothing is known of whose it is\n",
        "  session: cookie sid stays: production was not seen to give it out\n",
        "  session: tokens and ids in its body are put in, too\n",
    ] {
        assert!(stranger.contains(part), "{part:?} in {stranger}");
    }
}

#[test]
fn a_state_that_is_no_shadows_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let state = dir.path().join("next.sessions");
    fs::write(&state, "TEEIDN00").unwrap();
    let missing = dir.path().join("none.sessions");
    let plain = NEXT.replace("identity = true\n", "");
    let two = format!("{NEXT}{}", NEXT.replace("next", "more"));
    for (shadows, state, why) in [
        (NEXT, &state, "not what this version stores"),
        (NEXT, &missing, "there is no such file"),
        (&two, &missing, "the file is named after none of them"),
        (&two, &state, "not what this version stores"),
        (
            &plain,
            &state,
            "no shadow of the configuration has identity",
        ),
    ] {
        let config = configuration(dir.path(), shadows);
        let with = ["--identity-state", state.to_str().unwrap()];
        let refused = explain(&config, "GET /", "x", &with);
        assert_eq!(refused.code, Some(1), "{}", refused.out);
        assert!(refused.told.contains(why), "{why:?} in {}", refused.told);
    }
}
