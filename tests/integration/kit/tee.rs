//! The program under test.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::address::{At, free_port};
use super::client::Client;
use super::ledger::Ledger;
use super::message::Message;
use super::{PATIENCE, eventually};

/// Runs the program to its end and returns what it said.
pub(crate) fn shadowtee(args: &[&str]) -> Output {
    finish(Command::new(env!("CARGO_BIN_EXE_shadowtee")).args(args))
}

/// Runs a command to its end, which must come.
pub(crate) fn finish(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|e| panic!("starting {command:?}: {e}"));
    let begin = Instant::now();
    while child.try_wait().expect("waiting").is_none() {
        if begin.elapsed() > PATIENCE {
            child.kill().expect("ending it");
            let output = child.wait_with_output().expect("its output");
            panic!("{command:?} goes on for ever: {output:?}");
        }
        thread::sleep(std::time::Duration::from_millis(5));
    }
    child.wait_with_output().expect("its output")
}

/// What to run: written down as TOML when it starts.
pub(crate) struct Setup {
    dir: TempDir,
    listen: String,
    listen_settings: String,
    primary: String,
    primary_settings: String,
    shadows: String,
    top: String,
    toml: String,
    env: Vec<(String, String)>,
    args: Vec<String>,
    under: Vec<String>,
}

impl Setup {
    fn new(primary: String) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        // Workers of a real nginx started by root are somebody else.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).expect("chmod");
        let listen = dir.path().join("tee.sock").at();
        Self {
            dir,
            listen,
            listen_settings: String::new(),
            primary,
            primary_settings: String::new(),
            shadows: String::new(),
            top: String::new(),
            toml: String::new(),
            env: Vec::new(),
            args: Vec::new(),
            under: Vec::new(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where it will listen.
    pub(crate) fn address(&self) -> &str {
        &self.listen
    }

    /// Listens on a port instead of a unix socket.
    pub(crate) fn on_tcp(self) -> Self {
        let address = free_port();
        self.on(&address)
    }

    pub(crate) fn on(mut self, address: &(impl At + ?Sized)) -> Self {
        self.listen = address.at();
        self
    }

    /// Settings of the listener.
    pub(crate) fn listening(mut self, settings: &str) -> Self {
        settings.clone_into(&mut self.listen_settings);
        self
    }

    /// Settings of the primary.
    pub(crate) fn primary(mut self, settings: &str) -> Self {
        settings.clone_into(&mut self.primary_settings);
        self
    }

    pub(crate) fn shadow(self, name: &str, at: &(impl At + ?Sized)) -> Self {
        self.shadow_with(name, at, "")
    }

    pub(crate) fn shadow_with(
        mut self,
        name: &str,
        at: &(impl At + ?Sized),
        settings: &str,
    ) -> Self {
        let address = at.at();
        writeln!(
            self.shadows,
            "[[shadow]]\nname = \"{name}\"\naddress = \"{address}\"\n{settings}"
        )
        .unwrap();
        self
    }

    /// Settings that stand before all tables.
    pub(crate) fn top(mut self, settings: &str) -> Self {
        settings.clone_into(&mut self.top);
        self
    }

    /// Further tables.
    pub(crate) fn toml(mut self, tables: &str) -> Self {
        self.toml.push_str(tables);
        self.toml.push('\n');
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.args.push(arg.to_owned());
        self
    }

    /// No more than so many open files.
    pub(crate) fn open_files(self, limit: u32) -> Self {
        self.under(&["prlimit", &format!("--nofile={limit}:{limit}")])
    }

    /// Started by a program that becomes it: one that sets limits, or one that counts what it does.
    pub(crate) fn under(mut self, command: &[&str]) -> Self {
        self.under = command.iter().map(ToString::to_string).collect();
        self
    }

    fn config(&self) -> String {
        let admin = self.dir.path().join("admin.sock").at();
        let Self {
            listen,
            listen_settings,
            primary,
            primary_settings,
            shadows,
            top,
            toml,
            ..
        } = self;
        format!(
            "{top}\n[[listen]]\naddress = \"{listen}\"\n{listen_settings}\n\
             [primary]\naddress = \"{primary}\"\n{primary_settings}\n\
             [admin]\naddress = \"{admin}\"\n{shadows}\n{toml}"
        )
    }

    /// Starts it and waits until it is ready.
    #[track_caller]
    pub(crate) fn start(self) -> Tee {
        let mut tee = self.launch();
        tee.wait_until_ready();
        tee
    }

    /// Starts it.
    #[track_caller]
    pub(crate) fn launch(self) -> Tee {
        let config = self.dir.path().join("shadowtee.toml");
        fs::write(&config, self.config()).expect("writing the configuration");
        let mut words = self.under;
        words.push(program());
        words.extend(["run".to_owned(), "--config".to_owned()]);
        words.push(config.display().to_string());
        words.extend(self.args);
        let log = self.dir.path().join("log");
        let command = Start {
            words,
            env: self.env,
            log: log.clone(),
        };
        Tee {
            child: command.spawn(),
            command,
            dir: self.dir,
            listen: self.listen,
            log,
        }
    }
}

/// What is tested: the program as cargo built it, or the one that `TESTED_PROGRAM` names.
fn program() -> String {
    std::env::var("TESTED_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_shadowtee").into())
}

/// How it is started, once and again.
struct Start {
    words: Vec<String>,
    env: Vec<(String, String)>,
    log: PathBuf,
}

impl Start {
    #[track_caller]
    fn spawn(&self) -> Child {
        let log = File::options().create(true).append(true).open(&self.log);
        Command::new(&self.words[0])
            .args(&self.words[1..])
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("starting shadowtee")
    }
}

/// The program, running.
pub(crate) struct Tee {
    child: Child,
    command: Start,
    dir: TempDir,
    listen: String,
    log: PathBuf,
}

impl Tee {
    pub(crate) fn with_primary(primary: &(impl At + ?Sized)) -> Setup {
        Setup::new(primary.at())
    }

    /// Starts it again, after it ended.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        assert!(!self.is_running(), "it runs");
        self.child = self.command.spawn();
    }

    /// Starts another one that takes over from it, and waits until the first has ended.
    #[track_caller]
    pub(crate) fn replace(&mut self) {
        let mut old = std::mem::replace(&mut self.child, self.command.spawn());
        let status = eventually("the end of the old process", || {
            old.try_wait().expect("waiting")
        });
        assert!(status.success(), "the old process: {status}");
        self.wait_until_ready();
    }

    /// Ends it as nothing can be foreseen to end.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killing");
        self.child.wait().expect("waiting");
    }

    #[track_caller]
    pub(crate) fn wait_until_ready(&mut self) {
        let begin = Instant::now();
        loop {
            if self.is_ready() {
                return;
            }
            let ended = self.child.try_wait().expect("waiting");
            assert!(ended.is_none(), "shadowtee ended at once");
            assert!(begin.elapsed() < PATIENCE, "shadowtee is not ready");
            thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    fn is_ready(&self) -> bool {
        self.try_admin("/readyz")
            .is_ok_and(|answer| answer.status() == 200)
    }

    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.listen)
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Message {
        self.client().get(target)
    }

    pub(crate) fn try_admin(&self, path: &str) -> std::io::Result<Message> {
        let mut client = Client::try_connect(self.admin().as_path())?;
        client.try_send(format!(
            "GET {path} HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\r\n"
        ))?;
        client.try_answer()
    }

    #[track_caller]
    pub(crate) fn ask_admin(&self, path: &str) -> Message {
        self.try_admin(path)
            .unwrap_or_else(|e| panic!("asking the admin for {path}: {e}"))
    }

    pub(crate) fn admin(&self) -> PathBuf {
        self.dir.path().join("admin.sock")
    }

    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    #[track_caller]
    pub(crate) fn ledger(&self) -> Ledger {
        let answer = self.ask_admin("/api/ledger");
        serde_json::from_slice(&answer.body).unwrap_or_else(|e| panic!("{e} in {}", answer.text()))
    }

    #[track_caller]
    pub(crate) fn wait_for_ledger(
        &self,
        what: &str,
        mut wanted: impl FnMut(&Ledger) -> bool,
    ) -> Ledger {
        let mut last = None;
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let ledger = self.ledger();
            if wanted(&ledger) {
                return ledger;
            }
            last = Some(ledger);
            thread::sleep(std::time::Duration::from_millis(5));
        }
        panic!("the ledger never has {what}: {last:?}");
    }

    /// The ledger once so many requests were counted, each with its outcome for each shadow.
    #[track_caller]
    pub(crate) fn settled(&self, requests: u64) -> Ledger {
        self.wait_for_ledger(&format!("{requests} requests that balance"), |ledger| {
            ledger.requests == requests && ledger.is_settled()
        })
    }

    /// Writes another configuration over the one that it was started with.
    pub(crate) fn configure(&self, change: impl FnOnce(String) -> String) {
        let file = self.dir.path().join("shadowtee.toml");
        let text = fs::read_to_string(&file).expect("its configuration");
        // Never half written.
        let fresh = file.with_extension("new");
        fs::write(&fresh, change(text)).expect("writing the configuration");
        fs::rename(&fresh, &file).expect("renaming the configuration");
    }

    /// Asks for a reload, and waits for its outcome.
    #[track_caller]
    pub(crate) fn reload(&self) -> Message {
        let mut client = Client::connect(self.admin().as_path());
        client.send(
            "POST /api/reload HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: 0\r\n\r\n",
        );
        client.answer()
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("signalling");
    }

    /// Tells it to stop and waits until it says that it does.
    #[track_caller]
    pub(crate) fn drain(&self) {
        self.signal(Signal::TERM);
        eventually("readiness that goes", || {
            self.try_admin("/readyz")
                .map_or(Some(()), |answer| (answer.status() == 503).then_some(()))
        });
    }

    #[track_caller]
    pub(crate) fn wait_for_exit(&mut self) -> ExitStatus {
        eventually("its end", || self.child.try_wait().expect("waiting"))
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("waiting").is_none()
    }

    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// A line of its log.
    #[track_caller]
    pub(crate) fn wait_for_log(&self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        eventually(&format!("a log line with {what}"), || {
            self.log()
                .lines()
                .find(|line| wanted(line))
                .map(str::to_owned)
        })
    }

    /// The most memory that it ever held, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        self.status("VmHWM:")
    }

    /// The memory that it holds, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// Descriptors that it has open.
    pub(crate) fn descriptors(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.child.id());
        fs::read_dir(folder).expect("its descriptors").count() as u64
    }

    fn status(&self, what: &str) -> u64 {
        let status =
            fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(what))
            .expect("a line of its status");
        let kib: u64 = line
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .expect("a number");
        kib * 1024
    }
}

impl At for Tee {
    fn at(&self) -> String {
        self.listen.clone()
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- log of shadowtee\n{}---", self.log());
        }
    }
}

/// A request that shadowtee itself answers, in the form that all of these have.
#[track_caller]
pub(crate) fn assert_refusal(answer: &Message, status: u16) -> String {
    assert_eq!(answer.status(), status, "{}", answer.head);
    let kind = answer.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/plain"), "{}", answer.head);
    let text = answer.text();
    let id = answer.header("x-request-id").unwrap_or_default();
    assert!(
        !id.is_empty() && text.contains(id),
        "the id {id:?} in {text:?}"
    );
    for internal in ["unix:", ".sock", "/tmp", "127.", "os error", "hyper"] {
        assert!(!text.contains(internal), "{internal:?} in {text:?}");
    }
    text
}
