//! One worker's end of the capture: takes what an exchange was and passes it to the writer, never waiting.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{Arc, atomic::Ordering::Relaxed, mpsc::Sender},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::{sync::Notify, task::spawn_local, time::sleep};

use super::{
    Capture,
    batch::{Batch, Raw, RawResponse},
};
use crate::{
    config::CapturedResponses,
    exchange::{Exchange, PrimaryResponse},
    http::{ResponseHead, Version},
    tee::{Kept, Recording},
    telemetry::metrics::CaptureOutcome,
};

/// One worker's end of the capture.
pub(crate) struct Recorder {
    capture: Arc<Capture>,
    writer: Sender<Batch>,
    batch: RefCell<Batch>,
    filled: Notify,
    /// The same moment on both clocks.
    clock: Cell<(Instant, SystemTime)>,
}

/// What is kept of one exchange while it is under way.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    /// The request's body, where it has one.
    pub(crate) request: Option<Box<Recording>>,
    /// The answer's, where it is asked for.
    pub(crate) answer: Option<Box<Recording>>,
}

/// What an exchange was in the end.
pub(crate) struct Ended<'a> {
    pub(crate) exchange: &'a Exchange,
    /// The request went to the primary to its end.
    pub(crate) whole: bool,
    /// The answer as the client got it; `chunked` where its body is.
    pub(crate) answer: &'a ResponseHead,
    pub(crate) chunked: bool,
    /// What is known of it; `None` where its head never came.
    pub(crate) answered: Option<PrimaryResponse>,
    /// The answer came to its end.
    pub(crate) answer_whole: bool,
}

/// A batch goes to the writer when it has so many bytes, or is so old.
const FULL: usize = 64 * 1024;
/// Or when it holds so much: the buffers of bodies come back while they are in the processor's cache.
const HELD: usize = 512 * 1024;
const OLD: Duration = Duration::from_millis(20);
/// What an exchange takes beside its bytes.
const EXCHANGE: usize = 256;

impl Recorder {
    /// For the worker in whose runtime it is called.
    pub(super) fn start(capture: Arc<Capture>, writer: Sender<Batch>) -> Rc<Self> {
        let recorder = Rc::new(Self {
            capture,
            writer,
            batch: RefCell::default(),
            filled: Notify::new(),
            clock: Cell::new((Instant::now(), SystemTime::now())),
        });
        let waiting = Rc::downgrade(&recorder);
        spawn_local(async move {
            while let Some(recorder) = waiting.upgrade() {
                recorder.filled.notified().await;
                drop(recorder);
                sleep(OLD).await;
                let Some(recorder) = waiting.upgrade() else {
                    return;
                };
                recorder.pass_on();
            }
        });
        recorder
    }

    /// What to keep of an exchange; `None` where it is not wanted, and counted so.
    pub(crate) fn taps(&self, exchange: &Exchange, has_body: bool, upgrade: bool) -> Option<Taps> {
        let capture = &*self.capture;
        let unwanted = if upgrade {
            Some(CaptureOutcome::Upgrade)
        } else {
            capture
                .select
                .as_ref()
                .and_then(|select| select(&exchange.head, exchange.peer).err())
        };
        if let Some(unwanted) = unwanted {
            capture.metrics.count(unwanted, 1);
            return None;
        }
        let settings = &capture.settings;
        let keep = |limit| Box::new(Recording::new(limit, &capture.budget));
        Some(Taps {
            request: has_body.then(|| keep(settings.body_bytes.0)),
            answer: (settings.answers == CapturedResponses::Body)
                .then(|| keep(settings.answer_bytes.0)),
        })
    }

    /// An exchange ended: it goes to the writer, or is counted as lost.
    pub(crate) fn store(&self, ended: &Ended<'_>, taps: Taps) {
        let Err(lost) = self.try_store(ended, taps) else {
            return;
        };
        let capture = &*self.capture;
        capture.metrics.count(lost, 1);
        let told = match lost {
            CaptureOutcome::QueueFull => {
                "the disk is too slow for the capture; requests go on, and those that find its queue full are lost to it"
            }
            CaptureOutcome::OverBudget => {
                "limits.shadow_memory is used up; requests go on, and those that find no room are lost to the capture"
            }
            _ => return,
        };
        if let Some(left_out) = capture.losses.allow() {
            let queued = capture.queued.load(Relaxed);
            tracing::warn!(queued_bytes = queued, left_out, "{told}");
        }
    }

    fn try_store(&self, ended: &Ended<'_>, taps: Taps) -> Result<(), CaptureOutcome> {
        let capture = &*self.capture;
        if !ended.whole {
            return Err(CaptureOutcome::NotWhole);
        }
        match taps.request.as_ref().map(|kept| kept.kept()) {
            Some(Kept::ToLimit) => return Err(CaptureOutcome::BodyLimit),
            Some(Kept::Nothing) => return Err(CaptureOutcome::OverBudget),
            Some(Kept::All) | None => {}
        }
        let head = &ended.exchange.head;
        let bodies = [&taps.request, &taps.answer].into_iter().flatten();
        let own = EXCHANGE + head.size();
        let cost = own + bodies.map(|kept| kept.cost()).sum::<usize>();
        if capture.queued.fetch_add(cost, Relaxed) + cost > capture.settings.queue.bytes() {
            capture.queued.fetch_sub(cost, Relaxed);
            return Err(CaptureOutcome::QueueFull);
        }
        let Some(share) = capture.budget.hold(own) else {
            capture.queued.fetch_sub(cost, Relaxed);
            return Err(CaptureOutcome::OverBudget);
        };
        let mut batch = self.batch.borrow_mut();
        if batch.exchanges.is_empty() {
            self.clock.set((Instant::now(), SystemTime::now()));
            self.filled.notify_one();
        }
        batch.hold(share);
        batch.cost += cost;
        let raw = self.raw(&mut batch, ended, taps);
        batch.exchanges.push(raw);
        if batch.text.len() >= FULL || batch.cost >= HELD {
            drop(batch);
            self.pass_on();
        }
        Ok(())
    }

    fn raw(&self, batch: &mut Batch, ended: &Ended<'_>, taps: Taps) -> Raw {
        let exchange = ended.exchange;
        let head = &exchange.head;
        let id = batch.add(|text| text.extend_from_slice(exchange.id()));
        let chunked = head.headers.has(crate::http::Known::TransferEncoding);
        let write = |out: &mut Vec<u8>| {
            head.write(exchange.version(), out);
            out.extend_from_slice(b"\r\n");
        };
        let request = batch.message(write, taps.request, chunked);
        let answer = ended.answered.map(|answer| {
            let wanted = self.capture.settings.answers;
            let has_body = taps
                .answer
                .as_ref()
                .is_some_and(|kept| kept.kept() == Kept::All);
            let write = |out: &mut Vec<u8>| {
                ended.answer.write(out);
                out.extend_from_slice(b"\r\n");
            };
            let message = (wanted != CapturedResponses::None).then(|| {
                batch.message(
                    write,
                    taps.answer,
                    ended.chunked && wanted == CapturedResponses::Body,
                )
            });
            RawResponse {
                status: answer.status,
                after: nanos(answer.after),
                message,
                cut: wanted != CapturedResponses::None && !(has_body && ended.answer_whole),
            }
        });
        Raw {
            time: self.time(exchange.received),
            id,
            peer: ended.exchange.peer,
            request,
            answer,
        }
    }

    /// A moment in nanoseconds since 1970.
    fn time(&self, moment: Instant) -> u64 {
        let (instant, time) = self.clock.get();
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = match moment.checked_duration_since(instant) {
            Some(after) => since + after,
            None => since.saturating_sub(instant - moment),
        };
        nanos(at)
    }

    fn pass_on(&self) {
        let batch = self.batch.take();
        if batch.exchanges.is_empty() {
            return;
        }
        // Without a writer, what is dropped here is counted there.
        if let Err(unsent) = self.writer.send(batch) {
            let batch = unsent.0;
            self.capture.queued.fetch_sub(batch.cost, Relaxed);
            self.capture
                .metrics
                .count(CaptureOutcome::WriteFailed, batch.exchanges.len() as u64);
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.pass_on();
    }
}

/// More than 584 years is no time.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Exchange {
    /// As the primary gets it: without a Host it can only be a message of HTTP/1.0.
    fn version(&self) -> Version {
        if self.head.headers.has(crate::http::Known::Host) {
            Version::Http11
        } else {
            Version::Http10
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{io, sync::mpsc};

    use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

    use super::{
        super::{
            CaptureError, Destination, Format, Input, NotAdded, Reader, Record, Running, Sink,
            destination::About, encoder::Encoder,
        },
        *,
    };
    use crate::http::RequestHead;
    use crate::{
        config::{Capture as Settings, FilePattern},
        exchange::PrimaryResponse,
        tee::Budget,
        telemetry::metrics::CaptureMetrics,
    };

    fn runtime() -> LocalRuntime {
        let mut builder = Builder::new_current_thread();
        let builder = builder.enable_all();
        builder.build_local(LocalOptions::default()).unwrap()
    }

    /// Stores an exchange.
    fn store(recorder: &Recorder) {
        let mut head = RequestHead::default();
        head.parse(REQUEST, 10).unwrap().unwrap();
        let exchange = Exchange::new(head, None, &"x-id".into(), Instant::now());
        let tap = recorder.taps(&exchange, false, false).unwrap();
        let ended = Ended {
            exchange: &exchange,
            whole: true,
            answer: &ResponseHead::default(),
            chunked: false,
            answered: Some(PrimaryResponse {
                status: 200,
                after: Duration::ZERO,
            }),
            answer_whole: true,
        };
        recorder.store(&ended, tap);
    }

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    /// What became of so many exchanges, while the writer hangs.
    fn stored(exchanges: u32, queue: u64, budget: usize) -> Vec<(CaptureOutcome, u64)> {
        let metrics = Arc::new(CaptureMetrics::new(1));
        let pattern = FilePattern::parse("/c.tee".as_ref()).unwrap();
        let capture = Capture {
            settings: Settings::small(pattern, queue),
            redact: crate::capture::Redact::default(),
            select: None,
            budget: Budget::new(budget),
            metrics: Arc::clone(&metrics),
            queued: 0.into(),
            instance: String::new(),
            losses: crate::telemetry::rate::RateLimit::new(1, crate::capture::TOLD),
            progress: parking_lot::Mutex::default(),
        };
        // Nobody takes anything out.
        let (writer, hangs) = mpsc::channel();
        let runtime = runtime();
        runtime.block_on(async {
            let recorder = Recorder::start(Arc::new(capture), writer);
            (0..exchanges).for_each(|_| store(&recorder));
        });
        drop(hangs);
        metrics.outcomes().filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn a_writer_that_hangs_costs_exchanges_and_holds_up_nobody() {
        let outcomes = stored(1000, 10_000, 1 << 30);
        let [(CaptureOutcome::QueueFull, lost)] = outcomes[..] else {
            panic!("{outcomes:?}");
        };
        assert!((900..1000).contains(&lost), "{lost}");
        let outcomes = stored(1000, 1 << 30, 10_000);
        assert!(matches!(
            outcomes[..],
            [(CaptureOutcome::OverBudget, 900..1000)]
        ));
    }

    /// A destination that is no file: each of its sinks is a stream to somebody who reads it.
    struct Streams(mpsc::Sender<Vec<u8>>);

    struct Stream {
        encoder: Encoder,
        collected: Vec<u8>,
        to: mpsc::Sender<Vec<u8>>,
    }

    impl Destination for Streams {
        fn open(&mut self, about: &About) -> Result<Box<dyn Sink>, CaptureError> {
            let mut collected = Vec::new();
            let about = serde_json::json!(about);
            Ok(Box::new(Stream {
                encoder: Encoder::begin(Format::Native, &about, &mut collected),
                collected,
                to: self.0.clone(),
            }))
        }
    }

    impl Sink for Stream {
        fn name(&self) -> String {
            "a stream".into()
        }

        fn add(&mut self, record: &Record<'_>) -> Result<(), NotAdded> {
            Ok(self.encoder.write(record, &mut self.collected)?)
        }

        fn flush(&mut self) -> io::Result<()> {
            let collected = std::mem::take(&mut self.collected);
            self.to.send(collected).map_err(io::Error::other)
        }

        fn len(&self) -> u64 {
            0
        }

        fn finish(self: Box<Self>) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn exchanges_go_to_any_destination_that_takes_records() {
        let metrics = Arc::new(CaptureMetrics::new(1));
        let pattern = FilePattern::parse("/nowhere/c.tee".as_ref()).unwrap();
        let settings = Settings::small(pattern, 1 << 20);
        let (to, arrives) = mpsc::channel();
        let (to, budget) = (Box::new(Streams(to)), Budget::new(1 << 20));
        let running = Running::start(settings, to, None, &budget, &metrics).unwrap();
        runtime().block_on(async {
            let recorder = running.recorder().unwrap();
            (0..3).for_each(|_| store(&recorder));
        });
        assert!(running.end(Duration::from_secs(10)));
        drop(running);
        let bytes = arrives.iter().collect::<Vec<_>>().concat();
        let input = Input::new(Box::new(io::Cursor::new(bytes)));
        let mut reader = Reader::new("a.tee".as_ref(), input);
        for _ in 0..3 {
            assert!(reader.advance());
            assert_eq!(reader.record().request, REQUEST);
        }
        assert!(!reader.advance() && reader.troubles().count == 0);
        let outcomes: Vec<_> = metrics.outcomes().filter(|(_, count)| *count > 0).collect();
        assert_eq!(outcomes, [(CaptureOutcome::Written, 3)]);
    }
}
