//! `shadowtee demo`: a primary, a newer version with faults as its shadow, and some traffic, all in one process.

mod applications;
mod pages;
mod report;
mod shop;
#[cfg(test)]
mod tests;
mod traffic;

use std::{
    fs,
    io::{self, Write},
    net::TcpListener,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use crate::{
    app::App,
    cli::Demo,
    compare::{CompareThread, Report},
    config::{Flags, Sources},
};
use report::Ports;
use shop::Version;

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
    for (socket, version) in [(&primary, Version::One), (&shadow, Version::Two)] {
        serve(socket, version).context("can't start the demo's applications")?;
    }

    let rules = folder.path().join("rules.toml");
    fs::write(&rules, "").context("can't write to the demo's folder")?;
    let tee = Tee {
        primary: &primary,
        shadow: &shadow,
        front: &front,
        rules: &rules,
        identity: !arguments.no_identity,
    };
    let start = |ports| Ok((tee.build(ports)?, ports));
    let free = || {
        Ok::<_, anyhow::Error>(Ports {
            listen: free_port()?,
            admin: free_port()?,
        })
    };
    // Where somebody listens there already, any other port will do.
    let usual = Ports {
        listen: LISTEN,
        admin: ADMIN,
    };
    let (app, ports) = start(usual).or_else(|_: anyhow::Error| start(free()?))?;
    let (done, until) = tokio::sync::oneshot::channel::<()>();
    let compare = app.compare();
    let (socket, stay) = (front.clone(), Stay::of(arguments));
    let visitor = thread::spawn(move || -> anyhow::Result<()> {
        let runtime = runtime()?;
        let sent = runtime.block_on(traffic::send(&socket))?;
        let found = found(&compare, sent.requests)?;
        say(&report::first(sent, &found, ports, stay));
        runtime.block_on(stay.over(&socket));
        let _ = done.send(());
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

/// What there is after the report.
#[derive(Clone, Copy)]
struct Stay {
    /// Without, it does not end.
    seconds: Option<u64>,
    /// Customers keep coming.
    with_traffic: bool,
}

impl Stay {
    fn of(arguments: &Demo) -> Self {
        Self {
            seconds: arguments.seconds,
            with_traffic: arguments.stay,
        }
    }

    /// Until it is over.
    async fn over(self, socket: &Path) {
        let traffic = async {
            if self.with_traffic {
                traffic::go_on(socket).await;
            }
            std::future::pending::<()>().await;
        };
        match self.seconds {
            // That it is over is what is waited for.
            Some(seconds) => drop(timeout(Duration::from_secs(seconds), traffic).await),
            None => traffic.await,
        }
    }
}

/// Serves one version of the shop on a thread of its own, so that neither is slower for what the other has to do.
fn serve(socket: &Path, version: Version) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let entered = runtime.enter();
    applications::start(socket, version)?;
    drop(entered);
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
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

/// For the responses of the shadow to come in.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(20);

/// What comparing found, once it knows all that was sent.
fn found(compare: &CompareThread, sent: usize) -> anyhow::Result<Arc<Report>> {
    let comparison = compare.comparisons().pop();
    let comparison = comparison.context("the demo's shadow is not compared")?;
    let start = Instant::now();
    loop {
        let report = comparison.report();
        if report.requests.answered >= sent as u64 || start.elapsed() > PATIENCE {
            return Ok(report);
        }
        thread::sleep(LOOK);
    }
}

/// What the demo's tee is made of.
struct Tee<'a> {
    primary: &'a Path,
    shadow: &'a Path,
    front: &'a Path,
    /// Where rules are kept that somebody adds.
    rules: &'a Path,
    /// Whether the shadow gets its own cookies, tokens and ids.
    identity: bool,
}

impl Tee<'_> {
    fn build(&self, Ports { listen, admin }: Ports) -> anyhow::Result<App> {
        let mut flags = Flags::default();
        let listen = format!("127.0.0.1:{listen}");
        let unix = |socket: &Path| Some(format!("unix:{}", socket.display()));
        flags.set("listen", unix(self.front).map(|front| vec![listen, front]));
        flags.set("primary.address", unix(self.primary));
        flags.set("admin.address", Some(format!("127.0.0.1:{admin}")));
        flags.set("compare.examples", Some(true));
        flags.set("compare.rules", self.rules.to_str());
        let mut next = Flags::default();
        next.set("name", Some("next"));
        next.set("build", Some("shop 2"));
        next.set("compare", Some(true));
        next.set("identity", self.identity.then_some(true));
        next.set("address", unix(self.shadow));
        flags.set("shadow", Some(vec![next.into_table()]));
        let sources = Sources { file: None, flags };
        let config = super::load(&sources)?;
        // What differs is told in the report.
        Ok(App::build(config, sources)?)
    }
}

fn free_port() -> anyhow::Result<u16> {
    let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    Ok(free.context("no port of 127.0.0.1 is free")?.port())
}
