//! Listening: sockets of every kind, and what is in the way.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::kit::{At, Client, OK, Server, Tee, answers, free_port, get, shadowtee};

/// A start that must fail says why, in one readable form.
#[track_caller]
fn fails(listen: &str) -> String {
    let output = shadowtee(&["run", "--listen", listen, "--primary", "unix:/nowhere.sock"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        !text.contains("panicked") && !text.contains("Err("),
        "{text}"
    );
    text
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_unix_socket_is_not_open_to_everybody_unless_asked_for() {
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).start();
    for socket in [tee.dir().join("tee.sock"), tee.admin()] {
        assert!(fs::metadata(&socket).unwrap().file_type().is_socket());
        assert_eq!(mode(&socket) & 0o007, 0, "{}", socket.display());
    }
}

#[test]
fn a_unix_socket_has_the_mode_asked_for() {
    for (setting, expected) in [
        ("mode = \"0660\"", 0o660),
        ("mode = \"0600\"", 0o600),
        ("mode = \"0666\"", 0o666),
    ] {
        let primary = Server::unix(answers(OK));
        let tee = Tee::with_primary(&primary).listening(setting).start();
        assert_eq!(mode(&tee.dir().join("tee.sock")), expected);
    }
}

#[test]
fn a_unix_socket_has_the_group_asked_for() {
    let groups = fs::read_to_string("/etc/group").unwrap();
    let number = |name: &str| {
        let line = groups
            .lines()
            .find(|line| line.split(':').next() == Some(name))
            .unwrap();
        line.split(':').nth(2).unwrap().parse::<u32>().unwrap()
    };
    // Only root may give a file to any group; others may give it to their own.
    let gid = rustix::process::getegid().as_raw();
    let mine = groups
        .lines()
        .find(|line| line.split(':').nth(2) == Some(&gid.to_string()))
        .unwrap();
    let name = if rustix::process::geteuid().is_root() {
        "daemon"
    } else {
        mine.split(':').next().unwrap()
    };
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary)
        .listening(&format!("group = \"{name}\""))
        .start();
    assert_eq!(
        fs::metadata(tee.dir().join("tee.sock")).unwrap().gid(),
        number(name)
    );
}

#[test]
fn a_group_that_nobody_knows_is_a_failure_at_start() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("a.toml");
    let text = format!(
        "[[listen]]\naddress = \"unix:{}/a.sock\"\ngroup = \"no-such-group\"\n[primary]\naddress = \"unix:/x.sock\"\n",
        dir.path().display()
    );
    fs::write(&config, text).unwrap();
    let output = shadowtee(&["run", "--config", config.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no-such-group"),
        "{output:?}"
    );
}

#[test]
fn a_stale_socket_file_is_replaced() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    drop(UnixListener::bind(setup.dir().join("tee.sock")).unwrap());
    let tee = setup.start();
    assert_eq!(tee.get("/").status(), 200);
}

#[test]
fn a_live_socket_is_refused_and_left_alone() {
    let other = Server::unix(answers(OK));
    let text = fails(&other.at());
    assert!(
        text.contains(other.at().trim_start_matches("unix:"))
            && text.contains("another process listens there"),
        "{text}"
    );
    assert_eq!(
        Client::connect(&other).send(get("/")).answer().raw,
        OK.as_bytes()
    );
}

#[test]
fn a_file_that_is_no_socket_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("precious");
    fs::write(&file, "data").unwrap();
    let text = fails(&file.as_path().at());
    assert!(
        text.contains("precious") && text.contains("socket"),
        "{text}"
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "data");
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    fails(&link.as_path().at());
    assert_eq!(fs::read_to_string(&file).unwrap(), "data");
}

#[test]
fn a_folder_that_is_not_there_is_named() {
    let text = fails("unix:/no/such/folder/tee.sock");
    assert!(text.contains("/no/such/folder"), "{text}");
}

#[test]
fn a_port_in_use_is_refused() {
    let address = free_port();
    let _taken = TcpListener::bind(address).unwrap();
    let text = fails(&address.to_string());
    assert!(
        text.contains(&address.to_string()) && text.contains("in use"),
        "{text}"
    );
}

#[test]
fn one_program_listens_on_several_sockets() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    let (second, third) = (setup.dir().join("second.sock"), free_port());
    let more = format!(
        "[[listen]]\naddress = \"{}\"\n[[listen]]\naddress = \"{third}\"\n",
        second.as_path().at()
    );
    let tee = setup.toml(&more).start();
    for at in [tee.at(), second.as_path().at(), third.at()] {
        assert_eq!(Client::connect(&at).get("/").raw, OK.as_bytes(), "{at}");
    }
}

#[test]
fn an_address_of_ip_version_6_is_served() {
    let port = TcpListener::bind("[::1]:0")
        .expect("IPv6 on this machine")
        .local_addr()
        .unwrap();
    let primary = Server::unix(answers(OK));
    let tee = Tee::with_primary(&primary).on(&port).start();
    assert_eq!(tee.get("/").raw, OK.as_bytes());
}

#[test]
fn every_worker_serves() {
    let primary = Server::unix(answers(OK));
    for on_tcp in [false, true] {
        let setup = Tee::with_primary(&primary).top("workers = 4");
        let tee = if on_tcp { setup.on_tcp() } else { setup }.start();
        let mut clients: Vec<_> = (0..40).map(|_| tee.client()).collect();
        for client in &mut clients {
            assert_eq!(client.get("/").raw, OK.as_bytes());
        }
    }
}

#[test]
fn an_admin_interface_beyond_loopback_needs_a_token_and_is_told_loudly() {
    let primary = Server::unix(answers(OK));
    let dir = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("0.0.0.0:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let listen = dir.path().join("tee.sock").at();
    let log = dir.path().join("log");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_shadowtee"))
        .args([
            "run",
            "--listen",
            &listen,
            "--primary",
            &primary.at(),
            "--admin",
            &format!("0.0.0.0:{port}"),
        ])
        .env("SHADOWTEE_ADMIN__TOKEN", "secret")
        .stderr(fs::File::create(&log).unwrap())
        .spawn()
        .unwrap();
    let told = std::panic::catch_unwind(|| {
        crate::kit::eventually("a warning", || {
            let text = fs::read_to_string(&log).unwrap();
            text.lines()
                .any(|line| line.contains("WARN") && line.to_lowercase().contains("admin"))
                .then_some(())
        });
    });
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(told.is_ok(), "{}", fs::read_to_string(&log).unwrap());
    let args = [
        "run",
        "--listen",
        &listen,
        "--primary",
        "unix:/a",
        "--admin",
        "0.0.0.0:1",
    ];
    let output = crate::kit::shadowtee(&args);
    let said = crate::kit::latin1(&output.stderr);
    assert!(
        output.status.code() == Some(1) && said.contains("admin.token: is missing"),
        "{said}"
    );
}
