//! Restarts, upgrades and the sudden end, with nginx in front and load on it: no request is lost that need not be.

use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use socket2::{Domain, SockAddr, Socket, Type};

use crate::kit::{At, Load, Nginx, Server, Setup, Tee, latin1, need, tells};

/// nginx with the lines of deploy/nginx, on the sockets of this test.
fn fails_open(tee: &Tee, primary: &Server) -> Nginx {
    let text = include_str!("../../deploy/nginx/site.conf")
        .replace("unix:/run/shadowtee/http.sock", &tee.at())
        .replace("unix:/run/app/puma.sock", &primary.at());
    let (http, server) = text
        .split_once("server {\n    listen")
        .expect("a server block");
    let server = server.trim_end().strip_suffix('}').expect("its end");
    let (_, server) = server
        .split_once("server_name app.example;")
        .expect("a name");
    Nginx::tcp(http, server)
}

/// The same without the backup, so that nothing but shadowtee can have answered.
fn without_backup(tee: &Tee) -> Nginx {
    Nginx::tcp(
        &format!(
            "upstream tee {{ server {} max_fails=0; keepalive 64; }}",
            tee.at()
        ),
        "location / { proxy_pass http://tee; proxy_http_version 1.1; proxy_set_header Connection \"\"; }",
    )
}

/// wrk with GET and POST in turn, until it is ended.
struct Wrk(Child);

impl Wrk {
    fn on(address: &str) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/turns.lua");
        let child = Command::new(need("wrk"))
            .args([
                "--threads",
                "1",
                "--connections",
                "8",
                "--duration",
                "10m",
                "--timeout",
                "30s",
            ])
            .args(["--script", script])
            .arg(format!("http://{address}/"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starting wrk");
        Self(child)
    }

    /// Ends it, and returns what it says.
    fn end(self) -> String {
        kill_process(Pid::from_child(&self.0), Signal::INT).expect("signalling");
        latin1(&self.0.wait_with_output().expect("its output").stdout)
    }
}

#[track_caller]
fn is_clean(wrk: &str) {
    assert!(wrk.contains("Requests/sec"), "{wrk}");
    assert!(
        !wrk.contains("Non-2xx") && !wrk.contains("Socket errors"),
        "{wrk}"
    );
}

const STOP: &str = "[stop]\nlinger = \"300ms\"";

#[test]
fn twenty_takeovers_under_load_lose_no_request() {
    let primary = Server::unix(tells);
    let shadow = Server::unix(tells);
    let setup = Tee::with_primary(&primary)
        .shadow("next", &shadow)
        .toml(STOP);
    let meeting = setup.dir().join("takeover.sock").at();
    let mut tee = setup
        .toml(&format!("[takeover]\nsocket = \"{meeting}\""))
        .start();
    let nginx = without_backup(&tee);
    let (load, wrk) = (Load::on(&nginx.at(), 4), Wrk::on(&nginx.at()));
    for _ in 0..20 {
        tee.replace();
        load.goes_on();
    }
    load.end();
    is_clean(&wrk.end());
    tee.wait_for_ledger("a balance", crate::kit::Ledger::is_settled);
    assert!(!tee.log().contains("\"ERROR\""));
}

#[test]
fn a_process_that_can_not_take_over_leaves_the_first_one_as_it_is() {
    let primary = Server::unix(tells);
    let setup = Tee::with_primary(&primary).toml(STOP);
    let meeting = setup.dir().join("takeover.sock").at();
    let mut tee = setup
        .toml(&format!("[takeover]\nsocket = \"{meeting}\""))
        .start();
    // The second finds its sockets, and then an address that is taken.
    let taken = Server::tcp(tells);
    let config = std::fs::read_to_string(tee.dir().join("shadowtee.toml")).unwrap();
    let listen = format!("[[listen]]\naddress = \"{}\"\n[primary]", taken.at());
    let second = tee.dir().join("second.toml");
    std::fs::write(&second, config.replace("[primary]", &listen)).unwrap();
    let output = crate::kit::shadowtee(&["run", "--config", second.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    tee.wait_for_log("the end of the other one", |line| {
        line.contains("this one goes on")
    });
    assert!(tee.is_running());
    assert_eq!(tee.get("/").text(), "GET / 0");
    tee.replace();
    assert_eq!(tee.get("/").text(), "GET / 0");
}

#[test]
fn somebody_else_gets_no_sockets() {
    let primary = Server::unix(tells);
    let setup = Tee::with_primary(&primary);
    let meeting = setup.dir().join("takeover.sock");
    let tee = setup
        .toml(&format!("[takeover]\nsocket = \"{}\"", meeting.at()))
        .start();
    let mode = std::fs::metadata(&meeting).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut client = crate::kit::Client::connect(meeting.as_path());
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    tee.wait_for_log("a refusal", |line| line.contains("not understood"));
    assert_eq!(tee.get("/").text(), "GET / 0");
}

#[test]
fn twenty_restarts_on_a_socket_of_systemd_under_load_lose_no_request() {
    let primary = Server::unix(tells);
    let setup = Tee::with_primary(&primary).toml(STOP);
    let held = Held::at(setup.address());
    let mut tee = held.hand_to(setup).start();
    let nginx = without_backup(&tee);
    let (load, wrk) = (Load::on(&nginx.at(), 4), Wrk::on(&nginx.at()));
    for _ in 0..20 {
        tee.signal(Signal::TERM);
        assert_eq!(tee.wait_for_exit().code(), Some(0));
        tee.start_again();
        load.goes_on();
    }
    load.end();
    is_clean(&wrk.end());
}

/// A listening socket that outlives whoever serves on it, as systemd holds it.
struct Held(Socket);

impl Held {
    fn at(address: &str) -> Self {
        let path = address.trim_start_matches("unix:");
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
        let address = SockAddr::unix(path).expect("an address");
        socket.bind(&address).expect("binding");
        socket.listen(4096).expect("listening");
        // Programs that are started get it.
        rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::empty()).expect("a flag");
        Self(socket)
    }

    /// As descriptor 3, as `sd_listen_fds(3)` says.
    fn hand_to(&self, setup: Setup) -> Setup {
        let script = format!(
            "exec 3<&{fd} {fd}<&-; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"",
            fd = self.0.as_raw_fd()
        );
        setup.under(&["bash", "-c", &script, "--"])
    }
}

#[test]
fn a_sudden_end_under_load_fails_no_idempotent_request_and_traffic_comes_back() {
    let primary = Server::unix(tells);
    let shadow = Server::unix(tells);
    let mut tee = Tee::with_primary(&primary).shadow("next", &shadow).start();
    let nginx = fails_open(&tee, &primary);
    let load = Load::on(&nginx.at(), 4);
    let (mut lost, mut posts) = (0, Vec::new());
    for _ in 0..10 {
        tee.kill();
        // The application answers itself.
        load.goes_on();
        tee.start_again();
        tee.wait_until_ready();
        tee.wait_for_ledger("requests that come back", |ledger| ledger.requests > 8);
        load.goes_on();
    }
    let (answered, failures) = load.finish();
    for failure in failures {
        if failure.request.starts_with("POST") && failure.what.starts_with("502") {
            posts.push(failure);
        } else {
            lost += 1;
            eprintln!("{failure:?}");
        }
    }
    assert_eq!(lost, 0, "of {answered}, beside {} POSTs", posts.len());
    // Each client can have had one POST on its way at each end.
    assert!(posts.len() <= 40, "{posts:?}");
    tee.wait_for_ledger("a balance", crate::kit::Ledger::is_settled);
}
