//! Scripts see copies and may change them; what goes out is always a correct request.

use std::path::Path;

use crate::kit::{Message, OK, Server, Setup, Tee, answers};

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
fn scripted(primary: &Server, shadow: &Server, mode: &str, settings: &str) -> Setup {
    Tee::with_primary(primary)
        .shadow("next", shadow)
        .toml(&behaving(mode, settings))
}

/// Slow machines start processes slowly.
const PATIENT: &str = "timeout = \"30s\"\nhang_timeout = \"60s\"";

/// What the shadow gets where a script edits as the path says.
fn edited(request: &str) -> Message {
    let (primary, shadow) = (Server::unix(answers(OK)), Server::unix(answers(OK)));
    let tee = scripted(&primary, &shadow, "edit", PATIENT).start();
    tee.client().send(request).answer();
    assert_eq!(tee.settled(1).of("next"), [("answered", 1)]);
    let original = primary.request();
    assert!(!original.has("x-shadow-request"));
    assert_eq!(original.head.split(' ').nth(1), request.split(' ').nth(1));
    shadow.request()
}

fn get(path: &str) -> Message {
    edited(&format!(
        "GET {path} HTTP/1.1\r\nHost: shop\r\nX-A: 1\r\n\r\n"
    ))
}

#[test]
fn an_echoed_request_goes_on_as_it_was_written() {
    let copy = get("/plain");
    assert_eq!(copy.target(), "/plain");
    assert_eq!(copy.header("host"), Some("shop"));
    assert_eq!(copy.header("x-shadow-request"), Some("next"));
    assert_eq!(get("/target").target(), "/elsewhere?x=1");
    assert!(get("/method").head.starts_with("PATCH /method "));
    assert_eq!(get("/header").header("x-script"), Some("yes"));
}
