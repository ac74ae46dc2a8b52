//! Compares the target's responses with those that were captured, on a thread of its own: what is sent does not wait for it,
//! but where so many pairs wait that memory would have to grow.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use tokio::time::sleep;

use crate::{
    capture::Record,
    compare::{CapturedMessage, Comparer, Report, ResponseOf, Settings, captured_pair},
    tee::{Budget, RecordedResponse, Recording},
    telemetry::text::unix_millis,
};

/// What is compared with the target's response: the exchange as it was captured.
#[derive(Debug)]
pub(super) struct Original {
    id: Bytes,
    request: Bytes,
    answer: Option<OriginalAnswer>,
}

#[derive(Debug)]
struct OriginalAnswer {
    message: Bytes,
    /// Milliseconds since 1970.
    at: i64,
    after: Duration,
    is_cut: bool,
}

/// How many pairs wait at most.
const QUEUE: usize = 256;
/// Memory for responses that wait.
const MEMORY: usize = 256 << 20;
/// How often it is looked whether there is room for a pair.
const LOOK: Duration = Duration::from_millis(1);

impl Original {
    pub(super) fn of(record: &Record<'_>) -> Self {
        let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        Self {
            id: Bytes::copy_from_slice(record.id),
            request: Bytes::copy_from_slice(record.request),
            answer: record.answer.map(|answer| OriginalAnswer {
                message: Bytes::copy_from_slice(answer.message),
                at: millis(record.time.saturating_add(answer.after)),
                after: Duration::from_nanos(answer.after),
                is_cut: answer.cut,
            }),
        }
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        let answer = self
            .answer
            .as_ref()
            .map_or(0, |answer| answer.message.len());
        self.id.len() + self.request.len() + answer + size_of::<Self>()
    }
}

/// A captured exchange with the target's response.
struct Pair {
    original: Box<Original>,
    response: RecordedResponse,
    at: SystemTime,
    took: Duration,
}

/// The thread that compares.
pub(super) struct Comparing {
    pairs: SyncSender<Pair>,
    thread: JoinHandle<Report>,
    budget: Arc<Budget>,
    bytes: u64,
}

impl Comparing {
    /// # Errors
    /// Where the system refuses a thread.
    pub(super) fn start(settings: Settings) -> io::Result<Self> {
        let bytes = settings.limits.bytes as u64;
        let (pairs, inbox) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("compare".into())
            .spawn(move || compare(settings, &inbox))?;
        Ok(Self {
            pairs,
            thread,
            budget: Budget::new(MEMORY),
            bytes,
        })
    }

    /// What keeps the target's response.
    pub(super) fn recording(&self) -> Recording {
        Recording::new(self.bytes, &self.budget)
    }

    /// The target answered; `took`: from the request to the end of its response.
    pub(super) async fn take(
        &self,
        original: Box<Original>,
        response: RecordedResponse,
        took: Duration,
    ) {
        let mut pair = Pair {
            original,
            response,
            at: SystemTime::now(),
            took,
        };
        while let Err(TrySendError::Full(unsent)) = self.pairs.try_send(pair) {
            pair = unsent;
            sleep(LOOK).await;
        }
    }

    /// What was found in all.
    pub(super) fn end(self) -> Option<Report> {
        drop(self.pairs);
        self.thread.join().ok()
    }
}

fn compare(settings: Settings, inbox: &Receiver<Pair>) -> Report {
    let mut comparer = Comparer::new(settings);
    for pair in inbox {
        take(&mut comparer, &pair);
    }
    comparer.finish();
    comparer.report(unix_millis(SystemTime::now()))
}

fn take(comparer: &mut Comparer, pair: &Pair) {
    let Pair {
        original,
        response,
        at,
        took,
    } = pair;
    let Some(answer) = &original.answer else {
        return comparer.not_compared("no_primary");
    };
    let body = response.body.bytes(usize::MAX);
    let shadow = ResponseOf {
        head: &response.head,
        body: &body,
        length: response.body.length(),
        is_whole: response.is_whole && response.body.length() == body.len() as u64,
        at: unix_millis(*at),
        took: *took,
    };
    let primary = CapturedMessage {
        message: &answer.message,
        is_cut: answer.is_cut,
        at: answer.at,
        took: answer.after,
    };
    captured_pair(comparer, &original.id, &original.request, &primary, &shadow);
}
