//! The machine and the programs on it: what the report says of them, and what is missing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::options::Options;

/// What was found.
pub(crate) struct Machine {
    pub(crate) cores: usize,
    pub(crate) haproxy: bool,
    pub(crate) envoy: Option<PathBuf>,
    /// There is an earlier shadowtee to compare with.
    pub(crate) before: bool,
    /// How many descriptors a process may have.
    descriptors: u64,
    /// Lines for the report: what it is, and what it has.
    pub(crate) facts: Vec<(&'static str, String)>,
}

/// Programs that the bench can't do without, with their Debian packages.
const NEEDED: &[(&str, &str)] = &[
    ("nginx", "nginx"),
    ("wrk", "wrk"),
    ("strace", "strace"),
    ("setpriv", "util-linux"),
    ("taskset", "util-linux"),
];

pub(crate) fn look(options: &Options) -> anyhow::Result<Machine> {
    let missing: Vec<_> = NEEDED
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .collect();
    if !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(|(program, _)| *program).collect();
        let packages: Vec<_> = missing.iter().map(|(_, package)| *package).collect();
        bail!(
            "not found on PATH: {}\n  apt-get install {}",
            names.join(", "),
            packages.join(" ")
        );
    }
    let cores = std::thread::available_parallelism()
        .context("counting the cores")?
        .get();
    if let Some(before) = options.before.as_ref().filter(|path| !path.exists()) {
        bail!("--before {}: no such file", before.display());
    }
    let envoy = match &options.envoy {
        Some(path) if !path.exists() => bail!("--envoy {}: no such file", path.display()),
        Some(path) => Some(path.clone()),
        None => find("envoy"),
    };
    let haproxy = find("haproxy").is_some();
    let mut facts = vec![
        ("processor", format!("{}, {cores} cores", processor())),
        ("memory", format!("{} GiB", memory() / 1024 / 1024)),
        (
            "kernel",
            format!("Linux {}", read("/proc/sys/kernel/osrelease")),
        ),
        ("system", system()),
        ("rustc", first_line("rustc", &["--version"])),
        ("shadowtee", shadowtee(options)),
        ("nginx", first_line("nginx", &["-v"])),
        ("wrk", first_line("wrk", &["-v"])),
    ];
    if haproxy {
        facts.push(("HAProxy", first_line("haproxy", &["-v"])));
    }
    if let Some(envoy) = &envoy {
        let said = first_line(envoy, &["--version"]);
        let version = said.rsplit(" version: ").next().unwrap_or_default();
        facts.push(("Envoy", version.to_owned()));
    }
    Ok(Machine {
        cores,
        haproxy,
        envoy,
        before: options.before.is_some(),
        descriptors: descriptors(),
        facts,
    })
}

/// PATH, and where only root looks: nginx lives there.
pub(crate) fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin:/sbin");
    path
}

fn find(program: &str) -> Option<PathBuf> {
    let path = path();
    let mut files = std::env::split_paths(&path).map(|folder| folder.join(program));
    files.find(|file| file.is_file())
}

impl Machine {
    /// How many idle connections may be held: 10,000, and fewer where descriptors are short. The bench needs one for
    /// each; a proxy that keeps one in reserve for the primary needs two.
    pub(crate) fn idle(&self) -> u64 {
        10_000.min(self.descriptors.saturating_sub(1000) / 2)
    }
}

/// As many descriptors as may be had without asking: 10,000 idle connections need them.
fn descriptors() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.or(limit.current).unwrap_or(1024);
    let wanted = Rlimit {
        current: Some(most),
        maximum: limit.maximum,
    };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => most,
        Err(_) => limit.current.unwrap_or(1024),
    }
}

fn shadowtee(options: &Options) -> String {
    let version = first_line(&options.shadowtee, &["--version"]);
    let commit = first_line(
        "git",
        &[
            "-C",
            env!("CARGO_MANIFEST_DIR"),
            "rev-parse",
            "--short",
            "HEAD",
        ],
    );
    format!("{version}, commit {commit}")
}

/// The first line that a program says, wherever it says it.
fn first_line(program: impl AsRef<Path>, args: &[&str]) -> String {
    let output = Command::new(program.as_ref())
        .env("PATH", path())
        .args(args)
        .output();
    let said = output
        .map(|output| [output.stdout, output.stderr].concat())
        .unwrap_or_default();
    let text = String::from_utf8_lossy(&said);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("unknown")
        .trim_start_matches("nginx version: ")
        .to_owned()
}

fn read(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn field(file: &str, key: &str, separator: char) -> String {
    let text = read(file);
    let line = text.lines().find(|line| line.starts_with(key));
    let value = line
        .and_then(|line| line.split_once(separator))
        .map(|(_, value)| value.trim());
    value.unwrap_or("unknown").trim_matches('"').to_owned()
}

fn processor() -> String {
    field("/proc/cpuinfo", "model name", ':')
}

fn system() -> String {
    field("/etc/os-release", "PRETTY_NAME", '=')
}

fn memory() -> u64 {
    let total = field("/proc/meminfo", "MemTotal", ':');
    total.trim_end_matches(" kB").parse().unwrap_or(0)
}
