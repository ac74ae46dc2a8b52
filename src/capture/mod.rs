//! Exchanges in files: the formats, writing them while they pass, reading them again.
//!
//! On the way of a request nothing here waits or copies a large body: a worker collects exchanges in a batch,
//! and a thread of its own writes them. What that thread can't write is counted, with its cause.

mod assemble;
mod batch;
mod destination;
mod encoder;
pub(crate) mod export;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg(all(test, not(fuzzing)))]
mod fuzzing;
mod gor;
mod input;
mod native;
mod reader;
mod record;
mod recorder;
mod redact;
mod trouble;
mod writer;

pub(crate) use crate::config::{Compression, FORMAT_ENDINGS, Format};
pub(crate) use destination::{CaptureFile, Destination, NotAdded, Sink, destination, private_file};
pub(crate) use gor::{first_line, gor_id, message_line};
pub(crate) use reader::Reader;
pub(crate) use record::{Answered, Record, split_head};
pub(crate) use recorder::{Ended, Recorder, Taps};
pub(crate) use redact::{MARK, Redact, cookie, field, is_redacted};
pub(crate) use trouble::Troubles;

use std::{
    io,
    net::IpAddr,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use input::Input;
use parking_lot::Mutex;

use crate::{
    config,
    http::RequestHead,
    tee::Budget,
    telemetry::{
        metrics::{CaptureMetrics, CaptureOutcome},
        rate::RateLimit,
    },
};

/// Limit of a record's size: larger ones are not read into memory.
pub(crate) const LARGEST_RECORD: usize = 256 << 20;

/// Which requests are captured; the error says why one is not.
pub(crate) type Select =
    Box<dyn Fn(&RequestHead, Option<IpAddr>) -> Result<(), CaptureOutcome> + Send + Sync>;

/// A capture as the workers and the writer share it.
pub(crate) struct Capture {
    settings: config::Capture,
    redact: Redact,
    /// `None`: all of them.
    select: Option<Select>,
    budget: Arc<Budget>,
    metrics: Arc<CaptureMetrics>,
    /// Bytes on their way from the workers to the writer.
    queued: AtomicUsize,
    /// Who writes, as it stands in file names.
    instance: String,
    /// Limits log lines about exchanges that are lost before they reach the writer.
    losses: RateLimit,
    progress: Mutex<Progress>,
}

/// What the writer is at.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    /// The file that is written; `None` while none can be.
    pub(crate) file: Option<String>,
    /// Why nothing can be written.
    pub(crate) trouble: Option<String>,
}

/// The shortest time between two log lines about losses.
const TOLD: Duration = Duration::from_secs(10);

/// The capture can't begin.
#[derive(Debug, thiserror::Error)]
#[error("can't capture to {0}")]
pub(crate) struct CaptureError(String, #[source] io::Error);

/// A capture that runs.
pub(crate) struct Running {
    capture: Arc<Capture>,
    /// Gone once it is to end.
    to_writer: Mutex<Option<mpsc::Sender<batch::Batch>>>,
    ended: Mutex<mpsc::Receiver<()>>,
}

impl Running {
    /// Opens the first sink and starts the writer's thread.
    pub(crate) fn start(
        settings: config::Capture,
        to: Box<dyn Destination>,
        select: Option<Select>,
        budget: &Arc<Budget>,
        metrics: &Arc<CaptureMetrics>,
    ) -> Result<Self, CaptureError> {
        let capture = Arc::new(Capture {
            redact: Redact::new(&settings.redact),
            select,
            budget: Arc::clone(budget),
            metrics: Arc::clone(metrics),
            queued: AtomicUsize::new(0),
            instance: format!("{:08x}", fastrand::u32(..)),
            losses: RateLimit::new(1, TOLD),
            progress: Mutex::default(),
            settings,
        });
        let writer = writer::Writer::open(Arc::clone(&capture), to)?;
        let (to_writer, inbox) = mpsc::channel();
        let (done, ended) = mpsc::channel();
        thread::Builder::new()
            .name("capture".into())
            .spawn(move || {
                writer.run(&inbox);
                let _ = done.send(());
            })
            .map_err(|error| CaptureError(capture.settings.file.to_string(), error))?;
        Ok(Self {
            capture,
            to_writer: Mutex::new(Some(to_writer)),
            ended: Mutex::new(ended),
        })
    }

    /// A worker's end of it; `None` where it is to end.
    pub(crate) fn recorder(&self) -> Option<Rc<Recorder>> {
        let to_writer = self.to_writer.lock().clone()?;
        Some(Recorder::start(Arc::clone(&self.capture), to_writer))
    }

    /// Bytes that wait for the writer.
    pub(crate) fn queued(&self) -> usize {
        self.capture.queued.load(Relaxed)
    }

    /// What the writer is at.
    pub(crate) fn progress(&self) -> Progress {
        self.capture.progress.lock().clone()
    }

    /// Waits until all that the workers, who are gone, passed on is written. Returns whether it was in time.
    pub(crate) fn end(&self, patience: Duration) -> bool {
        drop(self.to_writer.lock().take());
        self.ended.lock().recv_timeout(patience).is_ok()
    }
}
