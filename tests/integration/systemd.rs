//! The units under deploy/systemd, and what the program does when systemd starts it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;

use crate::kit::{
    At, Client, OK, PATIENCE, Server, Setup, Tee, answers, eventually, finish, latin1, need,
    shadowtee,
};

fn unit(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/systemd");
    folder.join(name)
}

#[test]
fn the_rating_of_the_unit_is_two_at_most() {
    let output = finish(
        Command::new(need("systemd-analyze"))
            .args(["security", "--offline=true", "--no-pager", "--threshold=20"])
            .arg(unit("shadowtee.service")),
    );
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let line = text.lines().find(|line| line.contains("Overall exposure"));
    assert!(line.is_some_and(|line| line.contains("OK")), "{text}");
}

#[test]
fn the_units_are_valid() {
    let dir = tempfile::tempdir().unwrap();
    let mut files = Vec::new();
    for name in ["shadowtee.service", "shadowtee.socket"] {
        let text = fs::read_to_string(unit(name)).unwrap();
        let file = dir.path().join(name);
        let text = text.replace("/usr/bin/shadowtee", env!("CARGO_BIN_EXE_shadowtee"));
        fs::write(&file, text).unwrap();
        files.push(file);
    }
    // With the drop-in for scripts.
    let drop_ins = dir.path().join("shadowtee.service.d");
    fs::create_dir(&drop_ins).unwrap();
    fs::copy(unit("scripts.conf"), drop_ins.join("scripts.conf")).unwrap();
    let output = finish(
        Command::new(need("systemd-analyze"))
            .args(["verify", "--man=no"])
            .args(&files),
    );
    assert!(output.status.success(), "{}", latin1(&output.stderr));
    let said = latin1(&output.stderr);
    let ours: Vec<_> = said
        .lines()
        .filter(|line| line.contains("shadowtee"))
        .collect();
    assert!(ours.is_empty(), "{ours:#?}");
}

#[test]
fn the_socket_of_the_unit_is_one_that_the_configuration_of_nginx_uses() {
    let socket = fs::read_to_string(unit("shadowtee.socket")).unwrap();
    let path = socket
        .lines()
        .find_map(|line| line.strip_prefix("ListenStream="))
        .unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for file in [
        "deploy/nginx/site.conf",
        "config/nginx-unix.toml",
        "config/shadowtee.toml",
    ] {
        let text = fs::read_to_string(root.join(file)).unwrap();
        assert!(text.contains(&format!("unix:{path}")), "{path} in {file}");
    }
}

/// Started by systemd's tool on the address that it is configured with.
fn activated(setup: Setup) -> Setup {
    let listen = setup.address().trim_start_matches("unix:").to_owned();
    let tool = need("systemd-socket-activate").display().to_string();
    setup.under(&[&tool, "--listen", &listen])
}

#[test]
fn a_socket_of_systemd_is_served_and_left_where_it_is() {
    for on_tcp in [false, true] {
        let primary = Server::unix(answers(OK));
        let shadow = Server::unix(answers(OK));
        let mut setup = Tee::with_primary(&primary).shadow("next", &shadow);
        if on_tcp {
            setup = setup.on_tcp();
        }
        let mut tee = activated(setup.toml("[stop]\nlinger = \"10ms\"")).launch();
        // It is started by the first connection, whose request waits.
        let mut first = eventually("a socket of systemd", || {
            Client::try_connect(&tee.at()).ok()
        });
        assert_eq!(first.get("/first").raw, OK.as_bytes());
        tee.wait_until_ready();
        assert_eq!(tee.get("/second").raw, OK.as_bytes());
        assert_eq!(tee.settled(2).of("next"), [("answered", 2)]);
        let file = tee.at();
        tee.signal(Signal::TERM);
        assert_eq!(tee.wait_for_exit().code(), Some(0));
        if let Some(file) = file.strip_prefix("unix:") {
            assert!(Path::new(file).exists(), "the file is systemd's");
        }
    }
}

#[test]
fn a_socket_that_the_configuration_does_not_know_is_told() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary);
    let other = setup.dir().join("other.sock");
    let tool = need("systemd-socket-activate").display().to_string();
    let mut tee = setup
        .under(&[&tool, "--listen", other.to_str().unwrap()])
        .launch();
    let _client = eventually("a socket of systemd", || {
        Client::try_connect(other.as_path()).ok()
    });
    assert_eq!(tee.wait_for_exit().code(), Some(1));
    let log = tee.log();
    assert!(
        log.contains("other.sock") && log.contains("ListenStream="),
        "{log}"
    );
}

/// A socket on which a service tells systemd of itself.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn new(setup: &Setup) -> Self {
        let path = setup.dir().join("notify.sock");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { socket, path }
    }

    fn env(&self, setup: Setup) -> Setup {
        setup.env("NOTIFY_SOCKET", self.path.to_str().unwrap())
    }

    /// Waits for a message that says this.
    #[track_caller]
    fn hear(&self, wanted: &str) -> String {
        let mut heard = Vec::new();
        let mut space = [0; 4096];
        loop {
            let length = self
                .socket
                .recv(&mut space)
                .unwrap_or_else(|e| panic!("{wanted} never came, but {heard:?}: {e}"));
            let text = String::from_utf8_lossy(&space[..length]).into_owned();
            if text.lines().any(|line| line == wanted) {
                return text;
            }
            heard.push(text);
        }
    }
}

#[test]
fn systemd_hears_of_readiness_reloads_and_the_end() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).toml("[stop]\nlinger = \"10ms\"");
    let manager = Manager::new(&setup);
    let mut tee = manager.env(setup).launch();
    manager.hear("READY=1");
    assert_eq!(tee.get("/").raw, OK.as_bytes(), "it serves when it says so");
    tee.signal(Signal::HUP);
    assert!(manager.hear("RELOADING=1").contains("MONOTONIC_USEC="));
    manager.hear("READY=1");
    tee.configure(|_| "wrong".to_owned());
    tee.signal(Signal::HUP);
    manager.hear("RELOADING=1");
    let text = manager.hear("READY=1");
    assert!(text.contains("the last reload was wrong"), "{text}");
    tee.signal(Signal::TERM);
    manager.hear("STOPPING=1");
    tee.wait_for_exit();
}

#[test]
fn the_watchdog_is_told_as_long_as_the_workers_work() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).env("WATCHDOG_USEC", "300000");
    let manager = Manager::new(&setup);
    let tee = manager.env(setup).launch();
    for _ in 0..3 {
        manager.hear("WATCHDOG=1");
    }
    drop(tee);
}

#[test]
fn every_system_call_that_it_makes_is_allowed_by_the_unit() {
    let primary = Server::tcp(answers(OK));
    let shadow = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml("[stop]\nlinger = \"10ms\"")
        .toml("[script]\ncommand = [\"sh\", \"-c\", \"cat; exit\"]\nmemory = \"1GiB\"\ntimeout = \"60s\"\nhang_timeout = \"60s\"");
    let trace = setup.dir().join("trace");
    let strace = need("strace").display().to_string();
    // As a grandchild, strace leaves the child's place to the program.
    let file = trace.to_str().unwrap();
    let words = [&strace, "-D", "--follow-forks", "--output", file];
    let mut tee = setup.under(&words).start();
    for _ in 0..20 {
        tee.get("/");
    }
    tee.settled(20);
    assert_eq!(tee.reload().status(), 200);
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    let trace = eventually("the end of the trace", || {
        let text = fs::read_to_string(&trace).unwrap();
        text.contains("+++ exited").then_some(text)
    });
    let allowed = allowed();
    let made: BTreeSet<_> = trace.lines().filter_map(call).collect();
    assert!(made.contains("epoll_wait") && made.len() > 20, "{made:?}");
    assert!(
        made.contains("execve"),
        "the script is traced as well: {made:?}"
    );
    let refused: Vec<_> = made
        .iter()
        .filter(|name| !allowed.contains(**name))
        .collect();
    assert!(refused.is_empty(), "{refused:?}");
}

/// A signal that comes before it is listened to ends the process with all that clients have on their way.
#[test]
fn it_listens_to_signals_before_it_accepts_a_client() {
    let primary = Server::unix(answers(OK));
    let setup = Tee::with_primary(&primary).top("workers = 2");
    let trace = setup.dir().join("trace");
    let strace = need("strace").display().to_string();
    let file = trace.to_str().unwrap();
    let calls = "--trace=rt_sigaction,clone,clone3";
    let words = [&strace, "-D", "--follow-forks", calls, "--output", file];
    let mut tee = setup.under(&words).start();
    tee.get("/");
    tee.signal(Signal::TERM);
    tee.wait_for_exit();
    let trace = eventually("the end of the trace", || {
        let text = fs::read_to_string(&trace).unwrap();
        text.contains("+++ exited").then_some(text)
    });
    // A short number is filled up with spaces.
    let main = format!("{} ", tee.pid());
    let of_main = || {
        let lines = trace.lines().filter_map(|line| line.strip_prefix(&main));
        lines.map(str::trim_start)
    };
    for signal in ["SIGTERM", "SIGINT", "SIGHUP"] {
        let listens = format!("rt_sigaction({signal}, {{sa_handler=0x");
        let threads = of_main()
            .take_while(|call| !call.starts_with(&listens))
            .filter(|call| call.starts_with("clone"))
            .count();
        // That of the log; the workers come after it.
        assert!(threads < 2, "{signal}: {trace}");
        assert!(of_main().any(|call| call.starts_with(&listens)), "{trace}");
    }
}

/// The name of the call in a line of strace.
fn call(line: &str) -> Option<&str> {
    let line = line.split_once(' ')?.1.trim_start();
    let name = line.strip_prefix("<... ").unwrap_or(line);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
    (end > 0 && !line.starts_with(['+', '-'])).then(|| &name[..end])
}

/// What `SystemCallFilter=` of the unit lets through.
fn allowed() -> BTreeSet<String> {
    let text = fs::read_to_string(unit("shadowtee.service")).unwrap();
    let mut allowed = BTreeSet::new();
    for line in text
        .lines()
        .filter_map(|line| line.strip_prefix("SystemCallFilter="))
    {
        let (names, takes_away) = match line.strip_prefix('~') {
            Some(names) => (names, true),
            None => (line, false),
        };
        for name in names.split(' ').flat_map(members) {
            if takes_away {
                allowed.remove(&name);
            } else {
                allowed.insert(name);
            }
        }
    }
    allowed
}

/// The calls of a set, those of sets in it included.
fn members(name: &str) -> Vec<String> {
    if !name.starts_with('@') {
        return vec![name.to_owned()];
    }
    let output =
        finish(Command::new(need("systemd-analyze")).args(["syscall-filter", "--no-pager", name]));
    assert!(output.status.success(), "{name}");
    let text = latin1(&output.stdout);
    let names = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    names
        .filter(|line| *line != name)
        .flat_map(members)
        .collect()
}

#[test]
fn a_quiet_check_says_nothing_unless_something_is_wrong() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/shadowtee.toml");
    let output = shadowtee(&["check", "--quiet", "--config", file.to_str().unwrap()]);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty());
}
