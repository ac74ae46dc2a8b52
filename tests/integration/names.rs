//! Names are looked up beside everything else: a name server that says nothing costs copies, and no request.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::kit::{At, OK, Server, Setup, Tee, answers, need};

/// A name server that takes questions and says nothing, and the program that sees it in place of the machine's.
struct Silent {
    _socket: UdpSocket,
    dir: tempfile::TempDir,
}

impl Silent {
    fn start(hosts: &str) -> Self {
        // Nobody else is at such an address, and its port is one that only root gets.
        static NUMBER: AtomicU8 = AtomicU8::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let at = format!("127.53.{}.{number}", std::process::id() % 250);
        let socket = UdpSocket::bind((at.as_str(), 53)).expect("root, to be a name server");
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| fs::write(dir.path().join(name), text).unwrap();
        write("resolv.conf", &format!("nameserver {at}\n"));
        write("hosts", hosts);
        write("nsswitch.conf", "hosts: dns files\n");
        Self {
            _socket: socket,
            dir,
        }
    }

    /// Starts the program in a mount namespace of its own, in which the name server is this one.
    fn before(&self, setup: Setup) -> Tee {
        need("unshare");
        let mounts: Vec<_> = ["resolv.conf", "hosts", "nsswitch.conf"]
            .into_iter()
            .filter(|name| Path::new("/etc").join(name).exists())
            .map(|name| {
                format!(
                    "mount --bind {} /etc/{name}",
                    self.dir.path().join(name).display()
                )
            })
            .collect();
        let script = format!("{} && exec \"$@\"", mounts.join(" && "));
        setup
            .under(&["unshare", "--mount", "sh", "-c", &script, "sh"])
            .start()
    }
}

/// Its address by a name.
fn named(server: &Server, name: &str) -> String {
    server.at().replace("127.0.0.1", &format!("http://{name}"))
}

/// Closes after each answer, so that each request needs a connection, and a connection the name.
fn closes_each(conn: &mut crate::kit::Conn) -> std::io::Result<()> {
    conn.request()?;
    conn.send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
}

/// The threads that look up names.
fn lookups(tee: &Tee) -> usize {
    let threads = fs::read_dir(format!("/proc/{}/task", tee.pid().as_raw_nonzero())).unwrap();
    let lookups = threads.filter(|thread| {
        let comm = thread.as_ref().unwrap().path().join("comm");
        fs::read_to_string(comm).unwrap_or_default().trim() == "name lookup"
    });
    lookups.count()
}

#[test]
fn shadows_whose_name_server_is_silent_hold_up_no_request() {
    let silent = Silent::start("127.0.0.1 app.internal\n");
    for name in ["localhost", "app.internal", "app.localhost"] {
        let primary = Server::local(closes_each);
        let one = "http://one.example:80";
        let setup = Tee::with_primary(&named(&primary, name))
            .shadow_with("one", one, "connect_timeout = \"50ms\"")
            .shadow_with("two", "http://two.example:80", "connect_timeout = \"50ms\"")
            .toml("[timeouts]\nconnect = \"2s\"\n[stop]\nlinger = \"0s\"");
        let tee = silent.before(setup);
        let mut client = tee.client();
        for n in 0..2000 {
            assert_eq!(client.get("/").status(), 200, "request {n} to {name}");
        }
        let ledger = tee.wait_for_ledger("all copies", |ledger| {
            ledger.shadows.values().all(|shadow| shadow.in_flight == 0)
        });
        for shadow in ["one", "two"] {
            assert!(
                ledger
                    .of(shadow)
                    .iter()
                    .any(|(outcome, _)| *outcome == "connect_timeout"),
                "{:?}",
                ledger.of(shadow)
            );
        }
        // A lookup that is stuck is one thread, for each name.
        assert!(lookups(&tee) <= 2);
    }
}

#[test]
fn a_lookup_that_is_stuck_does_not_hold_up_the_end() {
    let silent = Silent::start("");
    let primary = Server::local(answers(OK));
    let setup = Tee::with_primary(&primary)
        .shadow_with("one", "http://one.example:80", "connect_timeout = \"50ms\"")
        .toml("[stop]\nlinger = \"0s\"");
    let mut tee = silent.before(setup);
    assert_eq!(tee.get("/").status(), 200);
    tee.settled(1);
    let asked = std::time::Instant::now();
    tee.signal(rustix::process::Signal::TERM);
    assert!(tee.wait_for_exit().success());
    // The system's lookup takes ten seconds where nobody answers.
    assert!(asked.elapsed().as_secs() < 5);
}

#[test]
fn a_reload_begins_no_lookup_that_is_under_way() {
    let silent = Silent::start("");
    let primary = Server::local(answers(OK));
    let setup = Tee::with_primary(&primary)
        .shadow_with("one", "http://one.example:80", "connect_timeout = \"50ms\"")
        .toml("[stop]\nlinger = \"0s\"");
    let tee = silent.before(setup);
    for n in 1..=5 {
        assert_eq!(tee.get("/").status(), 200);
        tee.settled(n);
        let (before, now) = (format!("\"{}ms\"", 49 + n), format!("\"{}ms\"", 50 + n));
        tee.configure(|config| config.replace(&before, &now));
        assert_eq!(tee.reload().status(), 200);
    }
    assert_eq!(lookups(&tee), 1);
}
