//! Connections that are kept open and do nothing: what each costs in memory.

use std::io;
use std::time::Duration;

use anyhow::Context as _;

use crate::accounting;
use crate::contenders::Running;
use crate::figures::{Figure, Sample, float};
use crate::http;

pub(crate) fn measure(running: &Running, wanted: u64) -> anyhow::Result<Sample> {
    let tree = running.process.tree();
    let before = accounting::resident(&tree);
    let mut held = Vec::new();
    for n in 0..wanted {
        let connection =
            hold(running.place.port).with_context(|| format!("connection {n} of {wanted}"))?;
        held.push(connection);
    }
    // What the last request left behind is given time to go.
    std::thread::sleep(Duration::from_millis(300));
    let after = accounting::resident(&tree);
    let each = float(after.saturating_sub(before)) / float(wanted);
    drop(held);
    Ok(Sample::from([
        (Figure::Idle, each),
        (Figure::Memory, float(after) / 1024.0),
    ]))
}

/// Each has had one request, as a client's connection has.
fn hold(port: u16) -> io::Result<std::net::TcpStream> {
    let mut stream = http::connect(port)?;
    http::ask(&mut stream, http::GET)?;
    Ok(stream)
}
