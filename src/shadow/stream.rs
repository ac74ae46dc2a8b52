//! Answers without an end, such as event streams: their header in time is an answer, and nobody waits for the rest.

use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::pair::Pair;
use crate::http::{Alarm, now};

/// When a stream is looked at again for its client, who may have left.
const LOOK: Duration = Duration::from_secs(1);

/// A stream that is read.
#[derive(Debug)]
pub(super) struct Stream {
    until: Instant,
    looked: Instant,
    /// Nobody read the primary's any more when it was looked at last.
    was_over: bool,
}

impl Stream {
    /// A stream that is read for `limit` from now on, at most.
    pub(super) fn begin(limit: Duration) -> Self {
        let now = now();
        Self {
            until: now + limit,
            looked: now,
            was_over: false,
        }
    }

    /// Ready when it has been read for long enough, or the primary's is over, and this one had a moment to end, too.
    pub(super) fn poll_end(
        &mut self,
        cx: &mut Context<'_>,
        alarm: &mut Alarm,
        pair: &Pair,
    ) -> Poll<()> {
        loop {
            ready!(alarm.poll(cx, (self.looked + LOOK).min(self.until)));
            self.looked = now();
            if self.looked >= self.until || (self.was_over && pair.is_over()) {
                return Poll::Ready(());
            }
            self.was_over = pair.is_over();
        }
    }
}
