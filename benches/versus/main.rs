//! The comparison: what shadowtee costs beside nginx, nginx `mirror`, `HAProxy`, Envoy and a program that only copies
//! bytes, on this machine.
//!
//! `cargo bench --bench versus` starts a real nginx as the primary and one as the shadow, and puts one contender after
//! the other before them, each in a process of its own. It measures from outside only: the process's own accounting, the
//! load program, the shadow's count of requests. Every contender has its turn in every round, so that what else the
//! machine does falls on all of them.
//!
//! Every process is ended by the one that started it, also when the bench fails or is ended itself.

mod accounting;
mod backend;
mod chart;
mod contenders;
mod cores;
mod faults;
mod figures;
mod floor;
mod goals;
mod http;
mod idle;
mod interrupt;
mod loads;
mod machine;
mod nginx;
mod open_loop;
mod options;
mod others;
mod process;
mod report;
mod rounds;
mod strace;
mod tee;
mod wrk;

use std::fs;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

use options::{Options, Role};

fn main() -> ExitCode {
    let options = Options::parse();
    let result = match options.role.clone() {
        Some(Role::Floor(floor)) => floor::run(&floor),
        None => bench(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("versus: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn bench(options: &Options) -> anyhow::Result<()> {
    let machine = machine::look(options)?;
    interrupt::watch();
    let outcome = rounds::run(options, &machine)?;
    let out = options.out();
    fs::create_dir_all(&out).with_context(|| out.display().to_string())?;
    for (name, text) in [
        ("versus.md", report::markdown(options, &machine, &outcome)),
        ("versus.svg", chart::svg(&machine, &outcome)),
    ] {
        let file = out.join(name);
        fs::write(&file, text).with_context(|| file.display().to_string())?;
        eprintln!("versus: wrote {}", file.display());
    }
    print!("{}", goals::markdown(&machine, &outcome));
    Ok(())
}
