//! The thread that compares. It has the lowest priority: whatever else is to be done comes first.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, Weak,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use cpu_time::ThreadTime;

use super::{Comparison, LeftOut, LivePair, LiveResponse, lock, pair::ComparedRequest};
use crate::{compare::comparer::Taken, http::RequestHead};

/// The thread that compares the pairs of all shadows.
pub(crate) struct CompareThread {
    /// `None`: it does not run.
    work: Mutex<Option<SyncSender<Work>>>,
    handle: Mutex<Option<JoinHandle<()>>>,
    may_begin: AtomicBool,
    /// Processor time that is taken for shadows, in nanoseconds: no cost of production.
    spent: Arc<AtomicU64>,
    comparisons: Arc<Mutex<Vec<Arc<Comparison>>>>,
    probes: Arc<OnceLock<Weak<dyn Probes>>>,
    rule_changes: Mutex<u64>,
}

/// What there is to do.
enum Work {
    Pair(Arc<Comparison>, Box<LivePair>),
    /// The response of a baseline, which those of the other shadows are compared with.
    Baseline(Box<LivePair>),
    /// A shadow's second response to a request, by the probe's number.
    Probed(String, u64, LiveResponse),
}

/// Asks shadows once more.
pub(crate) trait Probes: Send + Sync {
    /// Sends a copy of this request to the shadow once more, if there is room for it now.
    fn probe(&self, shadow: &str, number: u64, head: RequestHead);
}

/// How many pairs wait at most: their bodies are in the budget, what else they take is not.
const QUEUE: usize = 4096;
/// How often it is looked whether something was waited for long enough.
const LOOK: Duration = Duration::from_secs(10);
/// How often changes are saved.
const SAVE: Duration = Duration::from_secs(60);
/// The lowest priority (nice(2)).
const LOWEST: i32 = 19;

impl CompareThread {
    /// A thread that does not run yet.
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            work: Mutex::default(),
            handle: Mutex::default(),
            may_begin: AtomicBool::new(false),
            spent: Arc::default(),
            comparisons: Arc::default(),
            probes: Arc::default(),
            rule_changes: Mutex::default(),
        })
    }

    /// How many times rules were changed while it runs. Whoever changes some holds it, so that no change is lost.
    pub(crate) fn rule_changes(&self) -> MutexGuard<'_, u64> {
        lock(&self.rule_changes)
    }

    /// Where the processor time is added up that is taken for shadows.
    pub(crate) fn spent(&self) -> &Arc<AtomicU64> {
        &self.spent
    }

    /// Starts it, now or when there is something to compare.
    pub(crate) fn begin(&self) {
        self.may_begin.store(true, Relaxed);
        self.tell_troubles();
        self.start_where_needed();
    }

    fn tell_troubles(&self) {
        for comparison in self.comparisons() {
            comparison.tell_troubles();
        }
    }

    fn start_where_needed(&self) {
        let mut work = lock(&self.work);
        if work.is_some() || !self.may_begin.load(Relaxed) || lock(&self.comparisons).is_empty() {
            return;
        }
        let (sender, inbox) = sync_channel(QUEUE);
        let runner = Runner {
            comparisons: Arc::clone(&self.comparisons),
            probes: Arc::clone(&self.probes),
            spent: Arc::clone(&self.spent),
        };
        let thread = thread::Builder::new().name("compare".into());
        match thread.spawn(move || runner.run(&inbox)) {
            Ok(handle) => {
                *work = Some(sender);
                *lock(&self.handle) = Some(handle);
            }
            Err(error) => {
                tracing::error!(%error, "the system refuses the thread that compares; nothing is compared");
            }
        }
    }

    /// Who asks shadows once more, from now on.
    pub(crate) fn set_probes(&self, probes: Weak<dyn Probes>) {
        // It is set once, when everything is built.
        let _ = self.probes.set(probes);
    }

    /// The shadows that are compared from now on.
    pub(crate) fn set(&self, comparisons: Vec<Arc<Comparison>>) {
        let stays = |known: &Arc<Comparison>| comparisons.iter().any(|new| Arc::ptr_eq(new, known));
        let mut gone = self.comparisons();
        gone.retain(|known| !stays(known));
        *lock(&self.comparisons) = comparisons;
        for gone in gone {
            gone.finish();
        }
        if self.may_begin.load(Relaxed) {
            self.tell_troubles();
        }
        self.start_where_needed();
    }

    /// The comparisons of all shadows.
    pub(crate) fn comparisons(&self) -> Vec<Arc<Comparison>> {
        lock(&self.comparisons).clone()
    }

    /// Takes a pair for this comparison.
    pub(crate) fn compare(&self, comparison: &Arc<Comparison>, pair: Box<LivePair>) {
        if !pair.is_kept() {
            return comparison.leave_out(LeftOut::OverBudget);
        }
        if !self.give(Work::Pair(Arc::clone(comparison), pair)) {
            comparison.leave_out(LeftOut::QueueFull);
        }
    }

    /// Takes a baseline's response. One that finds no room is missing for a comparison, which then goes without it.
    pub(crate) fn baseline(&self, pair: Box<LivePair>) {
        self.give(Work::Baseline(pair));
    }

    /// Takes a shadow's second response to a request.
    pub(crate) fn probed(&self, shadow: &str, number: u64, response: LiveResponse) {
        self.give(Work::Probed(shadow.to_owned(), number, response));
    }

    fn give(&self, work: Work) -> bool {
        let to = lock(&self.work);
        to.as_ref().is_some_and(|to| to.try_send(work).is_ok())
    }

    /// Ends it, when all that waits is compared and what was learned is saved.
    pub(crate) fn end(&self) {
        self.may_begin.store(false, Relaxed);
        drop(lock(&self.work).take());
        if let Some(handle) = lock(&self.handle).take()
            && handle.join().is_err()
        {
            tracing::error!("the thread that compares panicked");
        }
    }
}

struct Runner {
    spent: Arc<AtomicU64>,
    comparisons: Arc<Mutex<Vec<Arc<Comparison>>>>,
    probes: Arc<OnceLock<Weak<dyn Probes>>>,
}

impl Runner {
    fn run(&self, inbox: &Receiver<Work>) {
        if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
            tracing::warn!(%error, "the thread that compares can't be given the lowest priority");
        }
        let mut told = ThreadTime::now();
        loop {
            match inbox.recv_timeout(LOOK) {
                Ok(work) => self.take(work),
                Err(RecvTimeoutError::Timeout) => {
                    for comparison in self.comparisons() {
                        comparison.take_late();
                    }
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
            for comparison in self.comparisons() {
                comparison.save_if_due(SAVE);
            }
            let took = told.elapsed().as_nanos();
            told = ThreadTime::now();
            self.spent
                .fetch_add(u64::try_from(took).unwrap_or_default(), Relaxed);
        }
        for comparison in self.comparisons() {
            comparison.finish();
        }
    }

    fn take(&self, work: Work) {
        match work {
            Work::Pair(comparison, pair) => {
                let taken = comparison.take(&pair);
                self.follow(&comparison, &taken, &pair.request);
            }
            Work::Baseline(pair) => {
                for comparison in self.comparisons() {
                    if let Some(taken) = comparison.take_baseline(&pair) {
                        self.follow(&comparison, &taken, &pair.request);
                    }
                }
            }
            Work::Probed(shadow, number, response) => {
                let comparisons = self.comparisons();
                let mut known = comparisons.iter().filter(|known| known.name() == shadow);
                if let Some(comparison) = known.next() {
                    comparison.probed(number, &response);
                }
            }
        }
    }

    /// Does what a pair led to: a line in the log, another copy.
    fn follow(&self, comparison: &Comparison, taken: &Taken, request: &ComparedRequest) {
        if let Some(news) = &taken.news {
            comparison.tell(news, request);
        }
        let probes = self.probes.get().and_then(Weak::upgrade);
        if let (Some(probe), Some(probes)) = (&taken.probe, probes) {
            probes.probe(comparison.name(), probe.number, request.head.clone());
        }
    }

    fn comparisons(&self) -> Vec<Arc<Comparison>> {
        lock(&self.comparisons).clone()
    }
}
