//! The results of the requests so far.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;

use super::{job::Job, routes::Routes};

#[derive(Default)]
pub(super) struct Tally {
    pub(super) sent: u64,
    pub(super) answered: u64,
    pub(super) statuses: BTreeMap<u16, u64>,
    pub(super) errors: BTreeMap<&'static str, u64>,
    /// Bytes of the answers' bodies.
    pub(super) received: u64,
    /// Requests that were read and not sent, by reason: what a script did, or did not, and what has no partner.
    pub(super) left_out: BTreeMap<&'static str, u64>,
    /// From when a request was due to the end of its answer.
    pub(super) latency: Times,
    /// From when it was sent.
    pub(super) service: Times,
    /// Requests that went late because every connection waited for an answer, and for other reasons.
    pub(super) late_by_target: u64,
    pub(super) late_by_sender: u64,
    pub(super) most_late: Duration,
    /// How late the last one went.
    pub(super) lag: Duration,
    /// Answers whose request had one in the capture, and those whose class is another.
    pub(super) compared: u64,
    pub(super) differing: u64,
    /// Production's class and the target's: how often they differ so.
    pub(super) pairs: BTreeMap<(u16, u16), u64>,
    pub(super) routes: Routes,
}

/// The result of one request.
pub(super) struct Outcome {
    pub(super) status: u16,
    pub(super) received: u64,
}

/// Later than this is late.
pub(super) const LATE: Duration = Duration::from_millis(10);
/// The longest time that is reported, in microseconds.
const LONGEST: u64 = 3_600_000_000;

/// Times in microseconds.
#[derive(Clone, Debug)]
pub(super) struct Times(pub(super) Histogram<u64>);

impl Default for Times {
    fn default() -> Self {
        let histogram = Histogram::new(3);
        let mut histogram = histogram.unwrap_or_else(|_| unreachable!("3 digits are few enough"));
        histogram.auto(true);
        Self(histogram)
    }
}

impl Tally {
    /// Counts a request that is sent, `late` after it was due; `busy`: because every connection was.
    pub(super) fn goes(&mut self, late: Duration, busy: bool) {
        self.sent += 1;
        self.lag = late;
        self.most_late = self.most_late.max(late);
        if late > LATE {
            if busy {
                self.late_by_target += 1;
            } else {
                self.late_by_sender += 1;
            }
        }
    }

    /// Counts an answer, `latency` after its request was due and `service` after it was sent.
    pub(super) fn answered(
        &mut self,
        job: &Job,
        outcome: &Outcome,
        latency: Duration,
        service: Duration,
    ) {
        self.answered += 1;
        self.received += outcome.received;
        *self.statuses.entry(outcome.status).or_default() += 1;
        for (histogram, time) in [(&mut self.latency, latency), (&mut self.service, service)] {
            let micros = u64::try_from(time.as_micros()).unwrap_or(LONGEST);
            // A histogram that grows takes every value.
            let _ = histogram.0.record(micros.clamp(1, LONGEST));
        }
        if job.status == 0 {
            return;
        }
        self.compared += 1;
        let (before, now) = (job.status / 100, outcome.status / 100);
        if before != now {
            self.differing += 1;
            *self.pairs.entry((before, now)).or_default() += 1;
            self.routes
                .note(job.method(), job.target(), job.status, outcome.status);
        }
    }

    /// Counts a request that was read and is not sent.
    pub(super) fn leaves_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    /// Counts a request without an answer.
    pub(super) fn failed(&mut self, why: &'static str) {
        *self.errors.entry(why).or_default() += 1;
    }

    pub(super) fn all_errors(&self) -> u64 {
        self.errors.values().sum()
    }
}
