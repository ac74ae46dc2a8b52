//! shadowtee, an inline HTTP tee: it stands between nginx and an application, passes every request to the
//! application and its answer back, and sends a copy of the request to shadows, whose answers no client sees.
//!
//! docs/architecture.md tells how it is built: what must always hold, the way of a request, and which room may use
//! which, to which a test holds the code. docs/decisions tells why.

mod admin;
mod app;
mod capture;
mod cli;
mod commands;
mod compare;
mod config;
mod exchange;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod http;
mod identity;
mod ledger;
mod lifecycle;
mod net;
mod proxy;
mod replay;
mod script;
mod shadow;
mod tee;
mod telemetry;
mod upstream;

#[doc(hidden)]
pub use app::selection;
#[cfg(fuzzing)]
pub use capture::fuzzing;
#[cfg(fuzzing)]
pub use compare::fuzzing as comparing;
#[doc(hidden)]
pub use identity::measured as sessions;
#[doc(hidden)]
pub use script::scripted;

use std::process::ExitCode;

use clap::Parser;

/// Runs the program with the process's arguments.
///
/// Returns 0 where it went well, 1 where it failed and standard error says why, and 2 where a replay met a
/// condition of `--fail-on`; a wrong command line ends the process with 2, too.
pub fn main() -> ExitCode {
    if let Some(code) = script::play() {
        return code;
    }
    match commands::dispatch(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
            eprintln!("shadowtee: {}", causes.join(": "));
            ExitCode::FAILURE
        }
    }
}
