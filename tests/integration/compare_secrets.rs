//! What is compared may hold passwords: no report, log line, file or answer shows one.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use rustix::process::Signal;
use serde_json::Value;

use crate::kit::{Conn, Server, Tee, eventually, shadowtee};

/// Each of them is the value of something that is a secret, by its name, by the header that it stands in, or since the
/// capture leaves it out.
const SECRETS: &[&str] = &[
    "hunter2x",
    "beArer0tok3n",
    "s3ssion0value",
    "qu3ryt0ken",
    "4711980",
    "DE89370400440532013000",
    "customer31415",
    "setc00kie99",
    "csrf5544332211",
    "n3sted",
    "apik3y",
];

/// Says everything again that it was told, and more.
fn application(is_next: bool) -> Server {
    Server::unix(move |conn: &mut Conn| {
        loop {
            let request = conn.request()?;
            let side = if is_next { "next" } else { "old" };
            let body = request.text();
            let said = request.head.replace(['"', '\r', '\n', '\\'], " ");
            let (status, kind, body) = match request.target().split('?').next().unwrap_or_default() {
                "/json" => (
                    200,
                    "application/json",
                    format!(
                        "{{\"side\":\"{side}\",\"password\":\"hunter2x{side}\",\"iban\":\"DE89370400440532013000\",\
                         \"user\":{{\"pin\":4711980,\"credentials\":{{\"deep\":\"n3sted\"}}}},\"said\":\"{said}\",\"body\":{body:?}}}"
                    ),
                ),
                "/gone" if is_next => (200, "application/json", "{}".to_owned()),
                "/gone" => (
                    200,
                    "application/json",
                    "{\"all\":{\"session\":{\"a\":\"s3ssion0value\",\"b\":\"hunter2x\"},\"iban\":\"DE89370400440532013000\"},\"x\":1}".to_owned(),
                ),
                "/error" if is_next => (
                    500,
                    "text/html",
                    format!("<title>wrong password hunter2x for token qu3ryt0ken</title><p>{said}</p>"),
                ),
                "/page" => (
                    200,
                    "text/html",
                    format!(
                        "<h1>{side} qu3ryt0ken</h1><form action=\"/login\"><input type=\"password\" name=\"p\" value=\"hunter2x\">\
                         <input type=\"hidden\" name=\"csrf_token\" value=\"csrf5544332211{side}\"></form><p>{side}: {said}</p>"
                    ),
                ),
                "/move" => (302, "text/plain", String::new()),
                _ => (200, "text/plain", format!("{side}: {said} {body}")),
            };
            conn.send(format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {kind}\r\nSet-Cookie: sid=setc00kie99{side}; Path=/{side}\r\n\
                 X-Api-Key: apik3y{side}\r\nLocation: /{side}?code=qu3ryt0ken{side}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))?;
        }
    })
}

fn ask(tee: &Tee) -> u64 {
    let mut client = tee.client();
    let mut sent = 0;
    for round in 0..8 {
        for path in ["/json", "/gone", "/error", "/page", "/move", "/text"] {
            for body in [
                "{\"password\":\"hunter2x\",\"iban\":\"DE89370400440532013000\",\"n\":1}",
                "password=hunter2x&pin=4711980",
            ] {
                let kind = if body.starts_with('{') {
                    "application/json"
                } else {
                    "application/x-www-form-urlencoded"
                };
                client.send(format!(
                    "POST {path}?token=qu3ryt0ken&page={round} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer beArer0tok3n\r\n\
                     Cookie: sid=s3ssion0value; pref=apik3y\r\nX-Customer: customer31415\r\nContent-Type: {kind}\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    body.len()
                ));
                client.answer();
                sent += 1;
            }
        }
    }
    sent
}

fn setup(folder: &Path, examples: bool) -> Tee {
    let primary = application(false);
    let shadow = application(true);
    let tee = Tee::with_primary(&primary)
        .shadow_with("next", &shadow, "compare = true")
        .toml(&format!(
            "[compare]\nstate = \"{}\"\nexamples = {examples}\n\
             [capture]\nfile = \"{}/{{time}}.tee\"\n[capture.redact]\nheaders = [\"X-Customer\"]\njson = [\"iban\"]",
            folder.display(),
            folder.display()
        ))
        .start();
    let sent = ask(&tee);
    // The servers end with this function: all is compared before.
    eventually("what was compared", || {
        (report(&tee)["requests"]["answered"] == sent).then_some(())
    });
    tee
}

fn report(tee: &Tee) -> Value {
    serde_json::from_str(&tee.ask_admin("/api/report").text()).unwrap()
}

#[track_caller]
fn has_no_secret(what: &str, text: &str) {
    for secret in SECRETS {
        if let Some(at) = text.find(secret) {
            let around: String = text[..at].chars().rev().take(200).collect();
            let around: String = around.chars().rev().collect();
            panic!("{secret} is in {what}, behind {around}");
        }
    }
}

/// Whatever stands in a file of what was learned.
fn unpacked(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    let mut all = String::from_utf8_lossy(&bytes).into_owned();
    // Each frame of zstd in it.
    let magic = [0x28, 0xb5, 0x2f, 0xfd];
    for at in 0..bytes.len().saturating_sub(4) {
        if bytes[at..at + 4] == magic {
            let mut plain = Vec::new();
            let decoder = zstd::Decoder::new(&bytes[at..]).unwrap().single_frame();
            // What is no frame ends early.
            let _ = std::io::Read::read_to_end(&mut { decoder }, &mut plain);
            all.push_str(&String::from_utf8_lossy(&plain));
        }
    }
    all
}

fn look_everywhere(tee: &mut Tee, folder: &Path) {
    let admin = format!("unix:{}", tee.admin().display());
    for format in ["text", "markdown", "html", "junit", "json"] {
        let output = shadowtee(&["report", "--admin", &admin, "--format", format]);
        assert!(output.status.success(), "{output:?}");
        has_no_secret(format, &String::from_utf8_lossy(&output.stdout));
    }
    for path in ["/api/report", "/metrics", "/api/shadows", "/api/ledger"] {
        has_no_secret(path, &tee.ask_admin(path).text());
    }
    let causes = report(tee)["causes"].clone();
    assert!(causes.as_array().unwrap().len() >= 4, "{causes:#}");
    for cause in causes.as_array().unwrap() {
        let id = cause["id"].as_str().unwrap();
        let path = format!("/api/report/example?cause={id}");
        has_no_secret(&path, &tee.ask_admin(&path).text());
        let output = shadowtee(&["report", "--admin", &admin, "--example", id]);
        has_no_secret(id, &String::from_utf8_lossy(&output.stdout));
    }
    tee.signal(Signal::TERM);
    assert!(tee.wait_for_exit().success());
    has_no_secret("the log", &tee.log());
    for name in ["next.compare", "next.examples"] {
        let file = folder.join(name);
        if file.exists() {
            assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
            has_no_secret(name, &unpacked(&file));
        }
    }
}

#[test]
fn no_secret_is_shown_or_kept_though_applications_say_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut tee = setup(folder.path(), false);
    look_everywhere(&mut tee, folder.path());
    assert!(folder.path().join("next.compare").is_file());
    assert!(!folder.path().join("next.examples").exists());
}

#[test]
fn no_secret_is_in_whole_examples() {
    let folder = tempfile::tempdir().unwrap();
    let mut tee = setup(folder.path(), true);
    let causes = report(&tee)["causes"].clone();
    let id = causes[0]["id"].as_str().unwrap();
    let example = tee.ask_admin(&format!("/api/report/example?cause={id}"));
    assert_eq!(example.status(), 200, "{}", example.text());
    let example: Value = serde_json::from_str(&example.text()).unwrap();
    let request = example["request"].as_str().unwrap();
    assert!(
        request.contains("token=redacted&page=") && request.contains("Authorization: redacted"),
        "{request}"
    );
    look_everywhere(&mut tee, folder.path());
    let kept = unpacked(&folder.path().join("next.examples"));
    assert!(kept.contains("redacted"));
}
