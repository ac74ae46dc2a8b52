//! What the tests are written with: the program under test, servers that answer as scripted and remember every byte,
//! a client that says exactly what it is told, and the real programs around them.
//!
//! Nothing here sleeps to let something happen: what is awaited is looked for until it is there, or the test fails
//! after `PATIENCE`.

mod address;
mod backlog;
mod browser;
mod client;
mod faults;
mod gate;
mod gor;
mod ledger;
mod load;
mod message;
mod notes;
mod programs;
mod server;
mod tee;
mod wire;

use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use address::{At, free_port};
pub(crate) use backlog::{full_tcp, full_unix};
pub(crate) use browser::browse;
pub(crate) use client::{Client, get, post};
pub(crate) use faults::*;
pub(crate) use gate::Gate;
pub(crate) use gor::{SEPARATOR, Stored, files, gor_answer, gor_request, stored};
pub(crate) use ledger::Ledger;
pub(crate) use load::Load;
pub(crate) use message::{Message, latin1};
pub(crate) use notes::{Notes, Person};
pub(crate) use programs::{HaProxy, Nginx, Puma, curl, need};
pub(crate) use server::{Conn, Server};
pub(crate) use tee::{Setup, Tee, assert_refusal, finish, shadowtee};
pub(crate) use wire::Ending;

/// How long anything may take before a test says that it does not happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Looks until there is something to see, and fails after `PATIENCE`.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begin.elapsed() < PATIENCE, "never happened: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A file of the repository's test certificates.
pub(crate) fn certificate(name: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("certs-example")
        .join(name);
    assert!(
        file.exists(),
        "{} is missing: certs-example/make.sh makes it",
        file.display()
    );
    file
}

/// `[tls]` settings of an outgoing connection which trusts the test CA and asks for the name in its certificate.
pub(crate) fn trusted() -> String {
    format!(
        r#"tls = {{ ca = "{}", server_name = "app.example" }}"#,
        certificate("ca.pem").display()
    )
}
