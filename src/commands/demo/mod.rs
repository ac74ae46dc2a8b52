//! `shadowtee demo`: a primary, a newer version with faults as its shadow, and some traffic, all in one process.

mod applications;
mod report;
mod traffic;

use std::{
    io::{self, Write},
    net::TcpListener,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};

use crate::{
    app::App,
    cli::Demo,
    config::{Flags, Sources},
};
use applications::Version;
use report::Report;

/// The demo's ports, unless they are taken.
const LISTEN: u16 = 8480;
const ADMIN: u16 = 8481;

/// Shows what a tee does, with nothing else installed.
pub(super) fn demo(arguments: &Demo) -> anyhow::Result<()> {
    // Removed when it is dropped; open to this user alone.
    let folder = tempfile::Builder::new()
        .prefix("shadowtee-demo-")
        .tempdir()
        .context("can't make a folder for the demo's sockets")?;
    let [primary, shadow, front] =
        ["primary.sock", "next.sock", "tee.sock"].map(|name| folder.path().join(name));
    let runtime_of_both = runtime()?;
    let entered = runtime_of_both.enter();
    for (socket, version) in [(&primary, Version::One), (&shadow, Version::Two)] {
        applications::start(socket, version).context("can't start the demo's applications")?;
    }
    drop(entered);
    thread::spawn(move || runtime_of_both.block_on(std::future::pending::<()>()));

    let report = Arc::new(Report::default());
    let start = |listen, admin| {
        Ok::<_, anyhow::Error>((
            tee([&primary, &shadow, &front], listen, admin, &report)?,
            listen,
            admin,
        ))
    };
    // Where they are taken, any other ports will do.
    let (app, listen, admin) =
        start(LISTEN, ADMIN).or_else(|_| start(free_port()?, free_port()?))?;
    let (done, until) = tokio::sync::oneshot::channel::<()>();
    let shown = Arc::clone(&report);
    let seconds = arguments.seconds;
    let visitor = thread::spawn(move || -> anyhow::Result<()> {
        let sent = runtime()?.block_on(traffic::send(&front, &shown))?;
        say(&shown.first(sent, listen, admin, seconds));
        if let Some(seconds) = seconds {
            thread::sleep(Duration::from_secs(seconds));
            let _ = done.send(());
        } else {
            // Kept: dropped, it would end the demo.
            std::mem::forget(done);
        }
        Ok(())
    });
    let ledger = app.ledger();
    let mut failed = false;
    app.run(async { failed = until.await.is_err() })?;
    // Ended by a signal, it may have cut the traffic off: that is no failure.
    if failed {
        visitor
            .join()
            .unwrap_or_else(|_| anyhow::bail!("the demo's traffic panicked"))?;
    }
    say(&report::last(&ledger));
    Ok(())
}

/// Prints; a reader that has gone away is no error.
fn say(text: &str) {
    let _ = io::stdout().write_all(text.as_bytes());
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the system refuses what a runtime needs")
}

fn tee(
    [primary, shadow, front]: [&Path; 3],
    listen: u16,
    admin: u16,
    report: &Arc<Report>,
) -> anyhow::Result<App> {
    let mut flags = Flags::default();
    let listen = format!("127.0.0.1:{listen}");
    flags.set("listen", vec![listen, format!("unix:{}", front.display())]);
    flags.set("primary.address", format!("unix:{}", primary.display()));
    flags.set("admin.address", format!("127.0.0.1:{admin}"));
    let mut next = Flags::default();
    next.set("name", "next");
    next.set("address", format!("unix:{}", shadow.display()));
    flags.set("shadow", vec![next.into_table()]);
    let sources = Sources { file: None, flags };
    let config = super::load(&sources)?;
    let report = Arc::clone(report);
    Ok(App::build(config, sources)?.observe(move |pair| report.note(pair)))
}

fn free_port() -> anyhow::Result<u16> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(free.context("no port of 127.0.0.1 is free")?.port())
}
