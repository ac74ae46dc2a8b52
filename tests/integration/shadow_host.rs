//! deploy/shadow-host: the firewall in network namespaces of its own, the mail catcher with a real sendmail, the sync script.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::kit::{OK, Server, answers, finish, latin1, need};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy/shadow-host")
        .join(name)
}

/// Runs a script of tests/integration in namespaces that end with it, where it is root.
#[track_caller]
fn isolated(script: &str, arguments: &[&Path]) -> String {
    let mut command = Command::new(need("unshare"));
    if !rustix::process::geteuid().is_root() {
        command.args(["--user", "--map-root-user"]);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/integration")
        .join(script);
    let output = finish(
        command
            .args([
                "--net",
                "--mount",
                "--pid",
                "--fork",
                "--kill-child",
                "bash",
            ])
            .arg(script)
            .args(arguments),
    );
    let said = latin1(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        latin1(&output.stderr)
    );
    said
}

#[test]
fn the_shadow_reaches_its_database_and_nothing_else_and_what_it_tries_is_counted() {
    need("nft");
    need("ip");
    let said = isolated("firewall.sh", &[&file("shadow.nft")]);
    let expected = "\
        tee to the application: ok\n\
        somebody to the application: refused\n\
        shadow to the database: ok\n\
        shadow to another port of the database: refused\n\
        shadow to the world: refused\n\
        shadow to the world over IPv6: refused\n\
        shadow to the tee: refused\n\
        shadow to itself: ok\n\
        tried: some\n";
    assert_eq!(said, expected);
}

#[test]
fn every_mail_ends_in_one_file() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("postfix runs as root only: not tested");
        return;
    }
    need("postfix");
    let said = isolated("mail.sh", &[&file("mail/main.cf")]);
    for wanted in [
        "To: customer@example.com",
        "Subject: by sendmail",
        "Subject: over SMTP",
    ] {
        assert!(said.contains(wanted), "{wanted} in {said}");
    }
}

#[test]
fn the_settings_for_one_service_are_valid() {
    let dir = tempfile::tempdir().unwrap();
    let unit = dir.path().join("app.service");
    let text = fs::read_to_string(file("no-way-out.conf")).unwrap();
    assert!(text.contains("\nIPAddressDeny=any\n"));
    fs::write(&unit, format!("{text}\nExecStart=/bin/true\n")).unwrap();
    let output = finish(
        Command::new(need("systemd-analyze"))
            .arg("verify")
            .arg(&unit),
    );
    let said = latin1(&output.stderr);
    assert!(
        output.status.success() && !said.contains("app.service:"),
        "{said}"
    );
}

/// The sync with commands that only tell that they were called.
fn sync(dir: &Path, admin: &str, restores: bool) -> (bool, String) {
    let calls = dir.join("calls");
    let told = |name: &str, works: bool| {
        let command = dir.join(name);
        let end = if works { "" } else { "exit 1\n" };
        let text = format!("#!/bin/sh\necho {name} $* >> {}\n{end}", calls.display());
        fs::write(&command, text).unwrap();
        fs::set_permissions(&command, fs::Permissions::from_mode(0o755)).unwrap();
        command
    };
    let output = finish(
        Command::new("bash")
            .arg(file("sync-database.sh"))
            .env("ADMIN", format!("http://{admin}"))
            .env("ADMIN_TOKEN", "secret")
            .env("DUMP", told("dump", true))
            .env("RESTORE", told("restore", restores))
            .env("CLEAN", told("clean", true))
            .env("APP", told("app", true)),
    );
    (output.status.success(), fs::read_to_string(calls).unwrap())
}

#[test]
fn the_sync_pauses_the_shadow_and_resumes_it_when_the_database_is_whole() {
    let admin = Server::tcp(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    let (worked, calls) = sync(dir.path(), &crate::kit::At::at(&admin), true);
    assert!(worked);
    assert_eq!(
        calls,
        "dump \napp stop\nrestore \nclean \napp start\n".replace(" \n", "\n")
    );
    let asked = admin.requests();
    let starts: Vec<_> = asked.iter().map(crate::kit::Message::start).collect();
    assert_eq!(
        starts,
        [
            "POST /api/shadows/next/pause HTTP/1.1",
            "POST /api/shadows/next/resume HTTP/1.1"
        ]
    );
    assert_eq!(asked[0].header("authorization"), Some("Bearer secret"));
}

#[test]
fn a_restore_that_fails_leaves_the_shadow_paused() {
    let admin = Server::tcp(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    let (worked, calls) = sync(dir.path(), &crate::kit::At::at(&admin), false);
    assert!(!worked && calls.ends_with("restore\n"), "{calls}");
    assert_eq!(admin.requests().len(), 1);
}
