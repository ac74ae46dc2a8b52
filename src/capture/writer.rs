//! The thread that writes records: a disk may be slow, full or gone, and nobody but this thread waits for it.

use std::{
    io,
    sync::{
        Arc,
        atomic::Ordering::Relaxed,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant, SystemTime},
};

use super::{
    Answered, Capture, CaptureError, Progress, Record,
    assemble::{Assembled, assemble},
    batch::{Batch, Raw},
    destination::{About, Destination, NotAdded, Sink},
};
use crate::telemetry::{metrics::CaptureOutcome, rate::RateLimit};

/// Writes what the workers pass on.
pub(super) struct Writer {
    capture: Arc<Capture>,
    to: Box<dyn Destination>,
    sink: Option<Box<dyn Sink>>,
    /// Records of this file that are in it for sure, and those that are not yet.
    flushed: u64,
    unflushed: u64,
    /// Bytes of this file that the metrics have.
    counted: u64,
    due: Instant,
    retry: Instant,
    failures: RateLimit,
    scratch: Assembled,
}

/// How long a file that can't be written is left alone.
const RETRY: Duration = Duration::from_secs(1);

impl Writer {
    /// Opens the first file.
    ///
    /// # Errors
    /// Where it can't be made.
    pub(super) fn open(
        capture: Arc<Capture>,
        to: Box<dyn Destination>,
    ) -> Result<Self, CaptureError> {
        let now = Instant::now();
        let mut writer = Self {
            capture,
            to,
            sink: None,
            flushed: 0,
            unflushed: 0,
            counted: 0,
            due: now,
            retry: now,
            failures: RateLimit::new(1, super::TOLD),
            scratch: Assembled::default(),
        };
        writer.create()?;
        Ok(writer)
    }

    /// Writes until every worker is gone.
    pub(super) fn run(mut self, inbox: &Receiver<Batch>) {
        loop {
            let patience = if self.unflushed > 0 {
                self.due.saturating_duration_since(Instant::now())
            } else {
                RETRY
            };
            match inbox.recv_timeout(patience) {
                Ok(batch) => self.take(&batch),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.unflushed > 0 && Instant::now() >= self.due {
                self.flush();
            }
            self.rotate();
        }
        self.flush();
        if let Some(sink) = self.sink.take()
            && let Err(error) = sink.finish()
        {
            tracing::warn!(%error, "the last file of the capture could not be ended");
        }
    }

    fn take(&mut self, batch: &Batch) {
        if self.sink.is_none() && Instant::now() >= self.retry {
            match self.create() {
                Ok(()) => tracing::info!(
                    file = self
                        .sink
                        .as_ref()
                        .map(|sink| sink.name())
                        .unwrap_or_default(),
                    "the capture goes on"
                ),
                Err(failed) => self.failed(&failed),
            }
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        for raw in &batch.exchanges {
            self.write(batch, raw, &mut scratch);
        }
        scratch.shrink();
        self.scratch = scratch;
        self.capture.queued.fetch_sub(batch.cost, Relaxed);
    }

    fn write(&mut self, batch: &Batch, raw: &Raw, scratch: &mut Assembled) {
        let Some(sink) = &mut self.sink else {
            return self.count(CaptureOutcome::WriteFailed, 1);
        };
        assemble(
            batch,
            raw,
            &self.capture.redact,
            &self.capture.settings.client,
            scratch,
        );
        let record = Record {
            time: raw.time,
            id: &batch.text[raw.id.clone()],
            client: &scratch.client,
            request: &scratch.request,
            answer: raw.answer.as_ref().map(|answer| Answered {
                status: answer.status,
                after: answer.after,
                message: &scratch.answer,
                cut: answer.cut,
            }),
        };
        match sink.add(&record) {
            Ok(()) => {}
            Err(NotAdded::Unwritable(_)) => return self.count(CaptureOutcome::Unwritable, 1),
            Err(NotAdded::Failed(error)) => {
                self.unflushed += 1;
                return self.fail(error);
            }
        }
        let wants_flush = sink.wants_flush();
        if self.unflushed == 0 {
            self.due = Instant::now() + self.capture.settings.flush.0;
        }
        self.unflushed += 1;
        if wants_flush {
            self.flush();
        }
        self.rotate();
    }

    /// Hands everything to the system.
    fn flush(&mut self) {
        let Some(sink) = &mut self.sink else { return };
        match sink.flush() {
            Ok(()) => {
                let length = sink.len();
                self.capture
                    .metrics
                    .bytes(length.saturating_sub(self.counted));
                self.counted = length;
                self.capture.progress.lock().trouble = None;
                self.count(CaptureOutcome::Written, self.unflushed);
                self.flushed += self.unflushed;
                self.unflushed = 0;
            }
            Err(error) => self.fail(error),
        }
    }

    /// The file can't be written: what is not in it for sure is lost.
    fn fail(&mut self, error: io::Error) {
        self.count(CaptureOutcome::WriteFailed, self.unflushed);
        self.unflushed = 0;
        let Some(sink) = self.sink.take() else { return };
        let name = sink.name();
        if self.flushed == 0 {
            // Otherwise a disk that is full would fill up with empty files.
            sink.discard();
        }
        let was_removed = error.kind() == io::ErrorKind::NotFound;
        self.failed(&CaptureError(name, error));
        if was_removed {
            // Somebody removed it, which the next one need not suffer from.
            self.retry = Instant::now();
        }
    }

    fn failed(&mut self, CaptureError(name, error): &CaptureError) {
        self.retry = Instant::now() + RETRY;
        *self.capture.progress.lock() = Progress {
            file: None,
            trouble: Some(format!("{name}: {error}")),
        };
        if let Some(left_out) = self.failures.allow() {
            tracing::warn!(
                file = name,
                %error,
                left_out,
                "the capture can't be written; requests go on, and are counted as lost to it until it can"
            );
        }
    }

    fn rotate(&mut self) {
        let is_empty = self.flushed + self.unflushed == 0;
        if is_empty || !self.sink.as_ref().is_some_and(|sink| sink.is_done()) {
            return;
        }
        self.flush();
        if let Some(sink) = self.sink.take()
            && let Err(error) = sink.finish()
        {
            tracing::warn!(%error, "a file of the capture could not be ended");
        }
        if let Err(failed) = self.create() {
            self.failed(&failed);
        }
    }

    /// The next sink.
    fn create(&mut self) -> Result<(), CaptureError> {
        let about = About {
            software: concat!("shadowtee ", env!("CARGO_PKG_VERSION")),
            instance: self.capture.instance.clone(),
            created: humantime::format_rfc3339_millis(SystemTime::now()).to_string(),
            answers: self.capture.settings.answers,
            redacted: !self.capture.redact.is_nothing(),
        };
        let sink = self.to.open(&about)?;
        self.capture.progress.lock().file = Some(sink.name());
        self.sink = Some(sink);
        self.flushed = 0;
        self.counted = 0;
        Ok(())
    }

    fn count(&self, outcome: CaptureOutcome, records: u64) {
        self.capture.metrics.count(outcome, records);
    }
}
