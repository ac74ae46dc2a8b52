//! Handing over to the process that takes this one's place, and taking over.

use std::{io, thread};

use tokio::{net::UnixListener, sync::oneshot};

use super::build::Sockets;
use crate::net::{Bound, hand_over};

impl Sockets {
    /// Tells the process that served until now that this one does; from then on the sockets are this one's.
    pub(super) fn relieve(&mut self) {
        let Some(predecessor) = self.predecessor.take() else {
            return;
        };
        match predecessor.relieve() {
            Ok(()) => tracing::info!(
                "took over from the process that served before; it finishes its requests"
            ),
            Err(error) => {
                tracing::warn!(%error, "the process that served before did not hear that this one does");
            }
        }
        self.each(Bound::own_file);
    }

    /// Leaves the files of unix sockets to another process.
    pub(super) fn leave(&mut self) {
        self.each(Bound::leave_file);
    }

    fn each(&mut self, change: impl Fn(&mut Bound)) {
        let sockets = self.listeners.iter_mut();
        let sockets = sockets.chain(&mut self.admin).chain(&mut self.takeover);
        sockets.for_each(change);
    }

    fn shared(&self) -> io::Result<Vec<Bound>> {
        let sockets = self.listeners.iter().chain(&self.admin);
        sockets.chain(&self.takeover).map(Bound::share).collect()
    }

    /// Ready when another process serves on these sockets; pending for ever where none can ask.
    pub(super) async fn replaced(&self) {
        if let Some(bound) = &self.takeover {
            match self.serve_takeover(bound).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::error!(%error, "no other process can take over from this one");
                }
            }
        }
        std::future::pending::<()>().await;
    }

    async fn serve_takeover(&self, bound: &Bound) -> io::Result<()> {
        let listener = UnixListener::from_std(bound.unix_listener()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            let (stream, sockets) = (stream.into_std()?, self.shared()?);
            let (done, outcome) = oneshot::channel();
            tracing::info!("another process asks for the sockets");
            // Its own thread: it waits for as long as the other one takes to get ready.
            thread::Builder::new()
                .name("takeover".into())
                .spawn(move || done.send(hand_over(stream, &sockets)))?;
            match outcome.await {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the other process does not serve; this one goes on");
                }
                Err(_) => {}
            }
        }
    }
}
