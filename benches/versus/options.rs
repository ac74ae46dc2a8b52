//! The command line of the bench, and of the floor program that it starts from itself.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Compares shadowtee with other proxies on this machine.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "cargo bench --bench versus --",
    bin_name = "cargo bench --bench versus --"
)]
pub(crate) struct Options {
    #[command(subcommand)]
    pub(crate) role: Option<Role>,
    /// How often each contender is measured; the rounds are interleaved.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long one measurement takes.
    #[arg(long, default_value_t = 2)]
    seconds: u64,
    /// Only these contenders, by name.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    only: Vec<String>,
    /// Only these loads, by name.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    loads: Vec<String>,
    /// How many threads each contender gets, one turn for each number.
    #[arg(long, value_delimiter = ',', default_value = "1,2")]
    threads: Vec<usize>,
    /// A smoke run of less than a minute. Its figures say little; they go to the build's folder.
    #[arg(long)]
    quick: bool,
    /// Where versus.md and versus.svg go [default: docs/performance].
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The shadowtee to measure.
    #[arg(long, value_name = "PATH", default_value = env!("CARGO_BIN_EXE_shadowtee"))]
    pub(crate) shadowtee: PathBuf,
    /// An earlier shadowtee to compare it with.
    #[arg(long, value_name = "PATH")]
    pub(crate) before: Option<PathBuf>,
    /// An Envoy; without it, the one on PATH, if there is one.
    #[arg(long, value_name = "PATH")]
    pub(crate) envoy: Option<PathBuf>,
    /// What cargo passes to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// What this process is, if not the bench.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Role {
    /// The program that copies bytes and parses nothing.
    #[command(hide = true)]
    Floor(Floor),
}

/// The floor program's arguments.
#[derive(Args, Clone, Debug)]
pub(crate) struct Floor {
    #[arg(long)]
    pub(crate) port: u16,
    #[arg(long)]
    pub(crate) primary: PathBuf,
    #[arg(long)]
    pub(crate) shadow: Option<PathBuf>,
    #[arg(long)]
    pub(crate) threads: usize,
}

/// What a smoke run leaves in: enough to go through every kind of measurement once.
const QUICK_LOADS: &[&str] = &["get-32", "rate-half", "idle", "syscalls"];

impl Options {
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 1 } else { self.rounds.max(1) }
    }

    pub(crate) fn seconds(&self) -> u64 {
        if self.quick { 1 } else { self.seconds.max(1) }
    }

    pub(crate) fn threads(&self) -> &[usize] {
        if self.quick { &[1] } else { &self.threads }
    }

    pub(crate) fn wants_contender(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == name)
    }

    pub(crate) fn wants_load(&self, name: &str) -> bool {
        if self.loads.is_empty() {
            return !self.quick || QUICK_LOADS.contains(&name);
        }
        self.loads.iter().any(|wanted| wanted == name)
    }

    /// The names asked for that are none of the known ones.
    pub(crate) fn unknown<'a>(&'a self, contenders: &[&str], loads: &[&str]) -> Vec<&'a str> {
        let wrong = |wanted: &'a [String], known: &[&str]| {
            let names = wanted.iter().map(String::as_str);
            names
                .filter(|name| !known.contains(name))
                .collect::<Vec<_>>()
        };
        [wrong(&self.only, contenders), wrong(&self.loads, loads)].concat()
    }

    pub(crate) fn out(&self) -> PathBuf {
        let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        match &self.out {
            Some(out) => out.clone(),
            // Beside the binaries, so that a smoke run never replaces real figures.
            None if self.quick => PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("versus"),
            None => home.join("docs/performance"),
        }
    }
}
