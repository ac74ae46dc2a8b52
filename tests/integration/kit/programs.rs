//! The real programs that stand around shadowtee: nginx, HAProxy, puma, curl.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;

use super::address::{At, Stream, free_port};
use super::{certificate, eventually};

/// A program that the tests can't do without.
#[track_caller]
pub(crate) fn need(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
        .unwrap_or_else(|| panic!("{program} is not installed: tests/run.sh installs what the tests need and runs them"))
}

/// A child that ends with the test and shows its log when the test fails.
pub(crate) struct Running {
    child: Child,
    dir: TempDir,
}

impl Running {
    fn start(command: &mut Command, dir: TempDir) -> Self {
        let log = fs::File::create(dir.path().join("log")).expect("a log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .spawn()
            .unwrap_or_else(|e| panic!("starting {command:?}: {e}"));
        Self { child, dir }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Not a kill: nginx's master has to end its worker.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(5) && matches!(self.child.try_wait(), Ok(None))
        {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "--- log\n{}---",
                fs::read_to_string(self.path().join("log")).unwrap_or_default()
            );
        }
    }
}

fn folder() -> TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("chmod");
    dir
}

/// nginx with one `server` block.
pub(crate) struct Nginx {
    address: String,
    _running: Running,
}

impl Nginx {
    /// Listens on a unix socket, with these lines in its `http` block and those in its `server` block.
    #[track_caller]
    pub(crate) fn unix(http: &str, server: &str) -> Self {
        let dir = folder();
        let socket = dir.path().join("nginx.sock").at();
        Self::start(dir, &socket, &socket.clone(), http, server)
    }

    /// Listens on a port.
    #[track_caller]
    pub(crate) fn tcp(http: &str, server: &str) -> Self {
        let port = free_port().to_string();
        Self::start(folder(), &port, &port, http, server)
    }

    /// Speaks TLS with the test certificate, and passes all requests on.
    #[track_caller]
    pub(crate) fn tls(to: &(impl At + ?Sized), server: &str) -> Self {
        let port = free_port();
        let listen = format!("{port} ssl");
        let lines = format!(
            "ssl_certificate {}; ssl_certificate_key {}; {server}
             location / {{ proxy_pass http://{}; proxy_set_header Host $host; proxy_request_buffering off; }}",
            certificate("server.pem").display(),
            certificate("server.key").display(),
            to.at()
        );
        let mut nginx = Self::start(folder(), &listen, &port.to_string(), "", &lines);
        nginx.address = format!("https://{port}");
        nginx
    }

    #[track_caller]
    fn start(dir: TempDir, listen: &str, address: &str, http: &str, server: &str) -> Self {
        let at = dir.path().display();
        // Started by root its worker would be somebody who may not enter the folders of the test.
        let user = if rustix::process::geteuid().is_root() {
            "user root;"
        } else {
            ""
        };
        let config = format!(
            "daemon off; worker_processes 1; {user} pid {at}/pid; error_log stderr info;
             events {{ }}
             http {{
                 access_log off; client_max_body_size 0;
                 client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fastcgi;
                 uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
                 {http}
                 server {{ listen {listen}; {server} }}
             }}"
        );
        let file = dir.path().join("nginx.conf");
        fs::write(&file, config).expect("writing nginx.conf");
        let mut command = Command::new(need("nginx"));
        command
            .arg("-p")
            .arg(dir.path())
            .arg("-c")
            .arg(&file)
            .args(["-e", "stderr"]);
        let running = Running::start(&mut command, dir);
        eventually("nginx that listens", || Stream::connect(address).ok());
        Self {
            address: address.to_owned(),
            _running: running,
        }
    }
}

impl At for Nginx {
    fn at(&self) -> String {
        self.address.clone()
    }
}

/// HAProxy with one frontend on a unix socket, before one server on another.
pub(crate) struct HaProxy {
    address: String,
    _running: Running,
}

impl HaProxy {
    #[track_caller]
    pub(crate) fn before(server: &(impl At + ?Sized)) -> Self {
        let dir = folder();
        let address = dir.path().join("haproxy.sock").at();
        let socket = |address: &str| address.replace("unix:", "unix@");
        let config = format!(
            "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
             listen all\n bind {}\n server one {}\n",
            socket(&address),
            socket(&server.at())
        );
        let file = dir.path().join("haproxy.cfg");
        fs::write(&file, config).expect("writing haproxy.cfg");
        let mut command = Command::new(need("haproxy"));
        let running = Running::start(command.arg("-db").arg("-f").arg(&file), dir);
        eventually("HAProxy that listens", || Stream::connect(&address).ok());
        Self {
            address,
            _running: running,
        }
    }
}

impl At for HaProxy {
    fn at(&self) -> String {
        self.address.clone()
    }
}

/// A request as a Ruby application saw it.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: std::collections::BTreeMap<String, String>,
    pub(crate) length: usize,
    pub(crate) sum: String,
}

/// puma with an application which tells what it got.
pub(crate) struct Puma {
    socket: PathBuf,
    running: Running,
}

impl Puma {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let dir = folder();
        let socket = dir.path().join("puma.sock");
        Self::on(dir, socket)
    }

    /// On a socket whose folder is somebody else's.
    #[track_caller]
    pub(crate) fn start_at(socket: &Path) -> Self {
        Self::on(folder(), socket.to_owned())
    }

    #[track_caller]
    fn on(dir: TempDir, socket: PathBuf) -> Self {
        let app = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/integration/app.ru");
        let mut command = Command::new(need("puma"));
        command
            .args([
                "--environment",
                "production",
                "--threads",
                "4:8",
                "--config",
                "-",
            ])
            .arg("--bind")
            .arg(format!("unix://{}", socket.display()))
            .arg(app)
            .env("SEEN", dir.path().join("seen"))
            .env_remove("RUBYOPT")
            .current_dir(dir.path());
        let running = Running::start(&mut command, dir);
        let address = socket.at();
        eventually("puma that listens", || Stream::connect(&address).ok());
        Self { socket, running }
    }

    /// The requests that the application saw.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let lines = fs::read_to_string(self.running.path().join("seen")).unwrap_or_default();
        let whole = lines.rsplit_once('\n').unwrap_or_default().0;
        whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in {line}")))
            .collect()
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, many: usize) -> Vec<Seen> {
        eventually(&format!("{many} requests at puma"), || {
            Some(self.seen()).filter(|seen| seen.len() >= many)
        })
    }
}

impl At for Puma {
    fn at(&self) -> String {
        self.socket.as_path().at()
    }
}

/// curl, which must know how to do it.
pub(crate) fn curl(args: &[&str]) -> Output {
    let mut command = Command::new(need("curl"));
    super::tee::finish(
        command
            .args([
                "--silent",
                "--show-error",
                "--max-time",
                "30",
                "--noproxy",
                "*",
            ])
            .args(args),
    )
}
