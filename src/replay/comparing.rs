//! Compares the target's responses with those that were captured, on a thread of its own: what is sent does not wait for it,
//! but where so many pairs wait that memory would have to grow.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use tokio::time::sleep;

use super::lane::KeptResponse;
use crate::{
    compare::{Captured, Comparer, Counterpart, Report, ResponseOf, Settings, captured_pair},
    tee::{Budget, Kept, RecordedResponse, Recording},
    telemetry::text::unix_millis,
};

/// How many pairs wait at most, and their bytes.
const QUEUE: usize = 256;
const QUEUE_BYTES: usize = 32 << 20;
/// Memory for the responses of all connections, however many there are.
const MEMORY: usize = 1 << 30;
/// How often it is looked whether there is room for a pair.
const LOOK: Duration = Duration::from_millis(1);

/// A captured exchange with the target's response.
struct Pair {
    original: Box<Captured>,
    response: RecordedResponse,
    at: SystemTime,
    took: Duration,
    /// Ids in it that are different on the target.
    counterparts: Vec<Counterpart>,
}

impl Pair {
    fn size(&self) -> usize {
        self.original.size() + self.response.body.cost()
    }
}

/// The thread that compares ended before its time.
#[derive(Debug)]
pub(super) struct Broken;

/// The thread that compares.
pub(super) struct Comparing {
    pairs: SyncSender<Pair>,
    /// Bytes of the pairs that wait.
    queued: Arc<AtomicUsize>,
    thread: JoinHandle<Report>,
    budget: Arc<Budget>,
    bytes: u64,
}

impl Comparing {
    /// # Errors
    /// Where the system refuses a thread.
    pub(super) fn start(settings: Settings, concurrency: usize) -> io::Result<Self> {
        let bytes = settings.limits.bytes;
        let (pairs, inbox) = sync_channel(QUEUE);
        let queued = Arc::new(AtomicUsize::new(0));
        let waiting = Arc::clone(&queued);
        let thread = thread::Builder::new()
            .name("compare".into())
            .spawn(move || compare(settings, &inbox, &waiting))?;
        // Each connection reads one response, beside those that wait.
        let memory = concurrency
            .saturating_mul(bytes)
            .saturating_add(2 * QUEUE_BYTES);
        Ok(Self {
            pairs,
            queued,
            thread,
            budget: Budget::new(memory.min(MEMORY)),
            bytes: bytes as u64,
        })
    }

    /// What keeps the target's response, of which somebody else wants so many bytes.
    pub(super) fn recording(&self, wanted: u64) -> Recording {
        Recording::new(self.bytes.max(wanted), &self.budget)
    }

    /// The target answered. Returns whether there was no room at once, which may make the next request late.
    pub(super) async fn take(
        &self,
        original: Box<Captured>,
        kept: KeptResponse,
        counterparts: Vec<Counterpart>,
    ) -> bool {
        let KeptResponse { response, times } = kept;
        let mut pair = Pair {
            original,
            response,
            at: SystemTime::now() - times.head.elapsed(),
            took: times.head.saturating_duration_since(times.began),
            counterparts,
        };
        let size = pair.size();
        let mut waited = false;
        loop {
            let queued = self.queued.load(Relaxed);
            // One pair always fits, however large it is.
            if queued == 0 || queued + size <= QUEUE_BYTES {
                self.queued.fetch_add(size, Relaxed);
                match self.pairs.try_send(pair) {
                    // Where the thread is gone, the end tells of it.
                    Ok(()) | Err(TrySendError::Disconnected(_)) => return waited,
                    Err(TrySendError::Full(unsent)) => pair = unsent,
                }
                self.queued.fetch_sub(size, Relaxed);
            }
            waited = true;
            sleep(LOOK).await;
        }
    }

    /// What was found in all.
    pub(super) fn end(self) -> Result<Report, Broken> {
        drop(self.pairs);
        self.thread.join().map_err(|_| Broken)
    }
}

fn compare(settings: Settings, inbox: &Receiver<Pair>, queued: &AtomicUsize) -> Report {
    let most = settings.limits.bytes;
    let mut comparer = Comparer::new(settings);
    for pair in inbox {
        take(&mut comparer, &pair, most);
        queued.fetch_sub(pair.size(), Relaxed);
    }
    comparer.finish();
    comparer.report(unix_millis(SystemTime::now()))
}

fn take(comparer: &mut Comparer, pair: &Pair, most: usize) {
    let response = &pair.response;
    let body = response.body.bytes(most);
    let shadow = match response.body.kept() {
        Kept::Nothing => Err("over_budget"),
        _ => Ok(response_of(
            response,
            &body,
            unix_millis(pair.at),
            pair.took,
        )),
    };
    captured_pair(comparer, &pair.original, shadow, &pair.counterparts);
}

/// The target's response with this much of its body; `at` is in milliseconds since 1970.
pub(super) fn response_of<'a>(
    response: &'a RecordedResponse,
    body: &'a [u8],
    at: i64,
    took: Duration,
) -> ResponseOf<'a> {
    ResponseOf {
        head: &response.head,
        body,
        length: response.body.length(),
        is_whole: response.is_whole && response.body.length() == body.len() as u64,
        at,
        took,
    }
}
