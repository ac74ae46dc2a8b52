//! Where reloads are asked for, and answered.

use tokio::sync::{mpsc, oneshot};

use crate::admin::Reloading;

/// Where a reload is asked for.
pub(super) struct Reloads(mpsc::UnboundedSender<Request>);

/// What is asked for, one after the other.
pub(super) struct Requests(mpsc::UnboundedReceiver<Request>);

/// Somebody who waits for the outcome of a reload.
pub(super) struct Request(oneshot::Sender<Result<String, Vec<String>>>);

impl Reloads {
    /// Asks for one, and waits for its outcome.
    pub(super) fn ask(&self) -> Reloading {
        let (sender, outcome) = oneshot::channel();
        let sent = self.0.send(Request(sender));
        Box::pin(async move {
            let stops = || vec!["the process is stopping".to_owned()];
            if sent.is_err() {
                return Err(stops());
            }
            outcome.await.unwrap_or_else(|_| Err(stops()))
        })
    }
}

impl Requests {
    pub(super) fn channel() -> (Reloads, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Reloads(sender), Self(receiver))
    }

    /// The next one; pending for ever where nobody can ask any more.
    pub(super) async fn next(&mut self) -> Request {
        match self.0.recv().await {
            Some(request) => request,
            None => std::future::pending().await,
        }
    }
}

impl Request {
    pub(super) fn answer(self, outcome: Result<String, Vec<String>>) {
        // Whoever asked may be gone.
        let _ = self.0.send(outcome);
    }
}
