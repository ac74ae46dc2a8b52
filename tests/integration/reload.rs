//! SIGHUP reads the certificates again; what is wrong is told and changes nothing.

use std::fs;
use std::process::Command;

use rustix::process::Signal;

use crate::kit::{At, OK, Server, Tee, answers, certificate, curl, eventually, finish, need};

/// Asks for a page, trusting the test CA only.
fn is_trusted(tee: &Tee) -> bool {
    let at = tee.at();
    let (ca, port) = (certificate("ca.pem"), at.rsplit(':').next().unwrap());
    let connect = format!("app.example:{port}:{at}");
    let url = format!("https://app.example:{port}/");
    curl(&[
        "--cacert",
        ca.to_str().unwrap(),
        "--connect-to",
        &connect,
        &url,
    ])
    .status
    .success()
}

#[test]
fn a_new_certificate_is_taken_up_and_a_broken_one_is_not() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).on_tcp();
    let (cert, key) = (setup.dir().join("cert.pem"), setup.dir().join("key.pem"));
    // The first is one that no client here trusts.
    let made = finish(
        Command::new(need("openssl"))
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ])
            .args([
                "-subj",
                "/CN=app.example",
                "-addext",
                "subjectAltName=DNS:app.example",
            ])
            .args([
                "-keyout",
                key.to_str().unwrap(),
                "-out",
                cert.to_str().unwrap(),
            ]),
    );
    assert!(made.status.success(), "{made:?}");
    let tls = format!(
        r#"tls = {{ certificate = "{}", key = "{}" }}"#,
        cert.display(),
        key.display()
    );
    let tee = setup.listening(&tls).start();
    assert!(!is_trusted(&tee));
    fs::copy(certificate("server.pem"), &cert).unwrap();
    fs::copy(certificate("server.key"), &key).unwrap();
    tee.signal(Signal::HUP);
    eventually("the new certificate", || is_trusted(&tee).then_some(()));
    fs::write(&cert, "no certificate").unwrap();
    tee.signal(Signal::HUP);
    tee.wait_for_log("the mistake", |line| {
        line.contains("ERROR") && line.contains("cert.pem")
    });
    assert!(is_trusted(&tee), "the one before is still there");
}

#[test]
fn a_connection_open_during_a_reload_is_served_on() {
    let primary = Server::unix(answers(OK));
    let shadow = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let mut client = tee.client();
    for _ in 0..5 {
        assert_eq!(client.get("/").raw, OK.as_bytes());
        tee.signal(Signal::HUP);
    }
    assert_eq!(client.get("/").raw, OK.as_bytes());
    assert_eq!(tee.settled(6).of("next"), [("answered", 6)]);
}

#[test]
fn a_wrong_configuration_is_told_and_changes_nothing() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    fs::write(tee.dir().join("shadowtee.toml"), "primray = 1\n").unwrap();
    tee.signal(Signal::HUP);
    tee.wait_for_log("the mistake", |line| {
        line.contains("ERROR") && line.contains("primray")
    });
    assert_eq!(tee.get("/").raw, OK.as_bytes());
}
