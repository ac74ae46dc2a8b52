//! shadowtee, an inline HTTP tee: it stands between nginx and an application, passes every request to the
//! application and its answer back, and sends a copy of the request to shadows, whose answers no client sees.
//!
//! # What must always hold
//!
//! 1. The primary path never waits for a shadow.
//! 2. It is transparent: what the primary receives is what the client sent, less the hop-by-hop headers and
//!    the mark of copies; what the client receives is what the primary sent.
//! 3. The ledger balances: every request counts once for each shadow, in one outcome or as in flight.
//! 4. Memory kept for shadows is bounded in bytes, by one budget.
//! 5. Streaming stays streaming; a body is cloned by reference count.
//! 6. A configuration is valid or refused whole, with every mistake.
//! 7. No secrets leak.
//!
//! # The way of a request
//!
//! ```text
//! listener ─ accept ─ connection ─ prepare ─ split ─ forward ─ relay ─► primary pool ─► primary
//! (tcp, unix, tls)                             │        │       │  ▲                       │
//!                                              │        │       │  └────── answer ◄────────┘
//!                                              │        │       ▼
//!                                           select?     │   branches: clone pieces into the copy, within the budget
//!                                              │        │       │
//!                                              └────────┴───────┴─► copy ─► queue (bounded) ─► shadow pool ─► shadow
//!                                                                                                   │
//!                                                                   ledger ◄──── outcome ◄──────────┘
//! ```
//!
//! HTTP/1 is spoken by the room `http`, on the bytes as they came: a message passes as it was sent, and costs a
//! third less than one that is parsed into maps and written anew (docs/performance). One task does all of an
//! exchange, so that nothing is handed from task to task on the primary path. Where exchanges are captured, a
//! worker adds each to a batch when it ends, and a thread of its own writes batches to files. hyper serves the administration
//! and the demo.
//!
//! Each worker is a thread with a runtime, an accept loop and pools of its own, and runs the tasks of its own
//! exchanges and copies. What a copy needs beyond a usual one is done in turns, for which a shadow has a part of a
//! worker's time (`shadow::allowance`). What workers share is counted with atomics. Signals, administration, DNS and logs
//! have other threads.
//!
//! # Rooms
//!
//! A room uses what stands below it; `config` and `telemetry` are the floor, and everybody may stand on it.
//! A test holds the code to this table.
//!
//! | room | what it owns | uses |
//! |---|---|---|
//! | `cli`, `commands` | arguments, one file a command, exit codes | `app`, `capture`, `replay` |
//! | `app` | builds everything from a configuration, runs it, supervises | all below |
//! | `lifecycle` | signals, the phases running → draining → flushing → stopped | – |
//! | `admin` | the administrative HTTP interface | `ledger`, `lifecycle`, `net` |
//! | `proxy` | clients' connections, the steps before forwarding, forwarding, upgrades, errors as answers | `capture`, `tee`, `client`, `net`, `http`, `exchange`, `ledger` |
//! | `shadow` | selection, sampling, limits, rewriting, the queue and its order, sending, the breaker, outcomes | `script`, `tee`, `client`, `net`, `http`, `exchange`, `ledger` |
//! | `replay` | sending a capture: pacing, connections, the report | `script`, `capture`, `tee`, `client`, `net`, `http` |
//! | `script` | the processes that see copies and may change or drop them | `capture`, `tee`, `http` |
//! | `capture` | exchanges in files: the formats, writing, reading | `tee`, `exchange`, `http` |
//! | `tee` | what clones a request into copies, within the budget | `exchange`, `ledger`, `http` |
//! | `exchange`, `ledger` | the types that the rooms hand to each other; the counts | `http` |
//! | `client` | pooled HTTP connections to one address | `net`, `http` |
//! | `net` | addresses bound, accepted and connected; TLS; descriptors | `http` |
//! | `http` | heads, bodies and their framing, hop-by-hop headers, the mark | – |
//! | `config` | what the user wrote → what the program uses | – |
//! | `fuzz` | what must hold of any input, for tests and fuzz targets only | `http` |
//! | `telemetry` | logs, and every metric with its labels | – |

mod admin;
mod app;
mod capture;
mod cli;
mod client;
mod commands;
mod config;
mod exchange;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod http;
mod ledger;
mod lifecycle;
mod net;
mod proxy;
mod replay;
mod script;
mod shadow;
mod tee;
mod telemetry;

#[doc(hidden)]
pub use app::selection;
#[cfg(fuzzing)]
pub use capture::fuzzing;
#[doc(hidden)]
pub use script::scripted;

use std::process::ExitCode;

use clap::Parser;

/// Runs the program with the process's arguments.
///
/// Returns 0 where it went well, 1 where it failed and standard error says why, and 2 where a replay met a
/// condition of `--fail-on`; a wrong command line ends the process with 2, too.
pub fn main() -> ExitCode {
    match commands::dispatch(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
            eprintln!("shadowtee: {}", causes.join(": "));
            ExitCode::FAILURE
        }
    }
}
