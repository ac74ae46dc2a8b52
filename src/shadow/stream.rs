//! Answers without an end, such as event streams: their header in time is an answer, and nobody waits for the rest.

use std::{
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{
    Shadow,
    breaker::{Admitted, Lesson},
    order::Turn,
    pair::Pair,
};
use crate::http::{Alarm, now};

/// What others wait for until a copy has ended.
pub(super) struct Waited<'a> {
    pub(super) admitted: Option<Admitted<'a>>,
    pub(super) turn: Option<Turn>,
}

impl Waited<'_> {
    /// The shadow has answered: the breaker learns it, and the next copy of the session has its turn.
    pub(super) fn let_go(&mut self, shadow: &Shadow) {
        self.learn(shadow, Lesson::Works);
        self.turn = None;
    }

    /// The breaker learns how it went, unless it has already.
    pub(super) fn learn(&mut self, shadow: &Shadow, lesson: Lesson) {
        let change = self
            .admitted
            .take()
            .and_then(|admitted| admitted.learn(lesson));
        if let Some(change) = change {
            shadow.tell(change);
        }
    }
}

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
