//! SIGINT and SIGTERM end the bench between two measurements, so that all guards are dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::bail;
use tokio::signal::unix::{SignalKind, signal};

static ASKED: AtomicBool = AtomicBool::new(false);

/// Begins to listen for signals.
pub(crate) fn watch() {
    thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut interrupt = signal(SignalKind::interrupt())?;
            let mut terminate = signal(SignalKind::terminate())?;
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            ASKED.store(true, Ordering::Relaxed);
            std::io::Result::Ok(())
        })
    });
}

/// Fails once the bench was asked to end.
pub(crate) fn check() -> anyhow::Result<()> {
    if ASKED.load(Ordering::Relaxed) {
        bail!("ended as asked");
    }
    Ok(())
}
