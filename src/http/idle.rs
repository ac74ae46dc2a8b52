//! A clock that runs only while nothing comes.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep};

/// Fires when it was polled without progress for a span; a piece that comes at once costs no timer.
#[derive(Debug)]
pub(crate) struct IdleTimer {
    span: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

impl IdleTimer {
    pub(crate) fn new(span: Duration) -> Self {
        Self {
            span,
            sleep: None,
            waiting: false,
        }
    }

    /// Something came: the clock stops.
    pub(crate) fn progress(&mut self) {
        self.waiting = false;
    }

    /// Nothing came: ready once that was so for the whole span.
    pub(crate) fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.waiting {
            self.waiting = true;
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(Instant::now() + self.span),
                None => self.sleep = Some(Box::pin(sleep(self.span))),
            }
        }
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }
}
