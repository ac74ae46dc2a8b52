//! What the capture counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::{CAPTURE_BYTES, CAPTURE_QUEUED, CAPTURED, Samples};
use crate::telemetry::{named::named, sharded::Counters};

named! {
    /// What became of an exchange in the capture.
    enum CaptureOutcome {
        /// It is in a file.
        Written = "written",
        /// No rule selects it.
        Filtered = "filtered",
        /// The sample left it out.
        SampledOut = "sampled_out",
        /// It became another protocol.
        Upgrade = "upgrade",
        /// The request did not go to the primary to its end.
        NotWhole = "not_whole",
        /// The request's body is larger than what is kept.
        BodyLimit = "body_limit",
        /// The memory for shadows and the capture was used up.
        OverBudget = "over_budget",
        /// The writer could not keep up.
        QueueFull = "queue_full",
        /// The disk was full, or the file or its folder gone.
        WriteFailed = "write_failed",
        /// The file's format can't say it.
        Unwritable = "unwritable",
    }
}

#[derive(Debug)]
pub(crate) struct CaptureMetrics {
    outcomes: Counters<{ CaptureOutcome::ALL.len() }>,
    bytes: AtomicU64,
}

impl CaptureMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            outcomes: Counters::new(workers),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn count(&self, outcome: CaptureOutcome, exchanges: u64) {
        self.outcomes.add(outcome as usize, exchanges);
    }

    /// Counts bytes written to files.
    pub(crate) fn bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// Bytes written to files.
    pub(crate) fn written_bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// How often each outcome was.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (CaptureOutcome, u64)> + '_ {
        let all = CaptureOutcome::ALL.iter();
        all.map(|outcome| (*outcome, self.outcomes.sum(*outcome as usize)))
    }

    pub(crate) fn samples(&self, queued: usize, samples: &mut Samples) {
        for (outcome, count) in self.outcomes() {
            samples.counter(&CAPTURED, &[outcome.as_str()], count);
        }
        samples.counter(&CAPTURE_BYTES, &[], self.written_bytes());
        samples.gauge(&CAPTURE_QUEUED, &[], queued as u64);
    }
}
