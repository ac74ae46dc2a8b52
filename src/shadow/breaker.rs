//! Leaves a shadow alone that failed too often, and lets one copy try after a while.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use crate::http::now;

/// The breaker of one shadow, shared by all workers.
#[derive(Debug)]
pub(super) struct Breaker {
    /// How many failures in a row open it; 0: nothing does.
    threshold: u32,
    pause: Duration,
    start: Instant,
    failures: AtomicU32,
    /// Milliseconds after `start` until which it is open; 0 while it is closed.
    open_until: AtomicU64,
    trying: AtomicBool,
}

/// A breaker's state, as in the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Closed = 0,
    Open = 1,
    Trying = 2,
}

/// What a copy taught about the shadow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lesson {
    Works,
    Fails,
    /// It ended for a reason that says nothing of the shadow.
    Nothing,
}

/// What a lesson changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Opened,
    Closed,
}

impl Breaker {
    pub(super) fn new(threshold: u32, pause: Duration) -> Self {
        Self {
            threshold,
            pause,
            start: now(),
            failures: AtomicU32::new(0),
            open_until: AtomicU64::new(0),
            trying: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from((now() - self.start).as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether no copy should even be made now.
    pub(super) fn is_open(&self) -> bool {
        let until = self.open_until.load(Relaxed);
        until != 0 && (self.now() < until || self.trying.load(Relaxed))
    }

    pub(super) fn state(&self) -> State {
        if self.open_until.load(Relaxed) == 0 {
            State::Closed
        } else if self.trying.load(Relaxed) {
            State::Trying
        } else {
            State::Open
        }
    }

    /// Whether a copy may be sent now; once the pause is over, for one copy at a time.
    pub(super) fn admit(&self) -> Option<Admitted<'_>> {
        let until = self.open_until.load(Relaxed);
        if until == 0 {
            return Some(Admitted {
                breaker: self,
                tries: false,
            });
        }
        if self.now() < until || self.trying.swap(true, Relaxed) {
            return None;
        }
        Some(Admitted {
            breaker: self,
            tries: true,
        })
    }

    fn learn(&self, lesson: Lesson, tries: bool) -> Option<Change> {
        match lesson {
            Lesson::Nothing => None,
            Lesson::Works => {
                self.failures.store(0, Relaxed);
                (self.open_until.swap(0, Relaxed) != 0).then_some(Change::Closed)
            }
            Lesson::Fails => {
                let failures = self.failures.fetch_add(1, Relaxed).saturating_add(1);
                let opens = tries || (self.threshold > 0 && failures >= self.threshold);
                if !opens {
                    return None;
                }
                let pause = u64::try_from(self.pause.as_millis()).unwrap_or(u64::MAX / 2);
                let before = self.open_until.swap(self.now() + pause.max(1), Relaxed);
                (before == 0).then_some(Change::Opened)
            }
        }
    }
}

/// The leave to send one copy.
#[derive(Debug)]
pub(super) struct Admitted<'a> {
    breaker: &'a Breaker,
    tries: bool,
}

impl Admitted<'_> {
    /// Tells how it went.
    pub(super) fn learn(self, lesson: Lesson) -> Option<Change> {
        self.breaker.learn(lesson, self.tries)
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if self.tries {
            self.breaker.trying.store(false, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fail(breaker: &Breaker) -> Option<Change> {
        breaker.admit().unwrap().learn(Lesson::Fails)
    }

    #[test]
    fn a_run_of_failures_opens_it_and_a_success_in_between_does_not() {
        let breaker = Breaker::new(2, Duration::from_secs(60));
        assert_eq!(fail(&breaker), None);
        breaker.admit().unwrap().learn(Lesson::Works);
        assert_eq!(fail(&breaker), None);
        assert_eq!(fail(&breaker), Some(Change::Opened));
        assert!(breaker.is_open() && breaker.admit().is_none());
    }

    #[test]
    fn after_the_pause_one_copy_tries_and_its_success_closes_it() {
        let breaker = Breaker::new(1, Duration::ZERO);
        fail(&breaker);
        while breaker.is_open() {
            std::thread::yield_now();
        }
        let tries = breaker.admit().unwrap();
        assert!(breaker.admit().is_none());
        assert_eq!(breaker.state(), State::Trying);
        assert_eq!(tries.learn(Lesson::Works), Some(Change::Closed));
        assert_eq!(breaker.state(), State::Closed);
    }

    #[test]
    fn a_try_that_ends_without_a_verdict_leaves_room_for_the_next() {
        let breaker = Breaker::new(1, Duration::ZERO);
        fail(&breaker);
        while breaker.is_open() {
            std::thread::yield_now();
        }
        drop(breaker.admit().unwrap());
        assert!(breaker.admit().is_some());
    }
}
