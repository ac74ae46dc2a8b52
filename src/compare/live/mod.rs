//! Comparing while the program runs: pairs come from the threads of the shadow side, and a thread of its own, with the lowest
//! priority, compares them. One that can't keep up leaves pairs out, counted, and never holds up a copy.

pub(crate) mod file;
mod pair;
mod rules;
mod shown;
mod state;
#[cfg(test)]
mod tests;
mod thread;

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime},
};

use super::{
    Answer, FollowsSessions, Report, SessionsReport, Settings, Totals,
    comparer::{Comparer, NoExample, NotResent, Replayed, Resend, Taken, WholeExample},
    secrets::masked_path,
};
use crate::{
    http::RequestHead,
    telemetry::{
        metrics::{self, Samples},
        rate::RateLimit,
        text::{shown, unix_millis},
    },
};

pub(crate) use file::{replace_users, state_file};
pub(crate) use pair::{ComparedRequest, LivePair, LiveResponse, REQUEST_BODY, SentCopy};
use shown::{Age, Shown};
use state::StateFiles;
pub(crate) use thread::{CompareThread, Probes};

/// The comparison of one shadow's responses with production's.
pub(crate) struct Comparison {
    name: String,
    comparer: Mutex<Comparer>,
    /// Pairs that were left out before they came to the comparer, by their reason.
    left_out: [AtomicU64; LeftOut::ALL.len()],
    /// Where what is learned is kept.
    files: Option<Mutex<StateFiles>>,
    /// Requests of examples that were to be sent once more: those that came to nothing, and those that were answered.
    resent: [AtomicU64; 2],
    changed: AtomicBool,
    saved: Mutex<Instant>,
    /// Lines on differences that were not seen before.
    news: RateLimit,
    shown: Shown,
    /// Where production's sessions are kept alive on the shadow, what knows of them.
    sessions: Mutex<Option<Arc<dyn FollowsSessions>>>,
}

/// How long it is looked for what is alike in an example's responses.
const LAYOUT: Duration = Duration::from_secs(1);

/// Why a copy that was answered is not compared, where that is known before its pair is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeftOut {
    /// There is no response of the primary's.
    NoPrimary,
    /// `limits.shadow_memory` had no room for one of the two.
    OverBudget,
    /// Too many pairs wait for the comparer.
    QueueFull,
}

impl LeftOut {
    const ALL: [Self; 3] = [Self::NoPrimary, Self::OverBudget, Self::QueueFull];

    const fn as_str(self) -> &'static str {
        match self {
            Self::NoPrimary => "no_primary",
            Self::OverBudget => "over_budget",
            Self::QueueFull => "queue_full",
        }
    }
}

/// What becomes of the responses of a shadow that are to be compared.
#[derive(Clone)]
pub(crate) struct Compared {
    pub(crate) thread: Arc<CompareThread>,
    pub(crate) role: Role,
    /// Bytes that are kept of the body of each response.
    pub(crate) bytes: u64,
}

/// What a shadow's responses are compared for.
#[derive(Clone)]
pub(crate) enum Role {
    /// It runs the new version.
    Upgrade(Arc<Comparison>),
    /// It runs the old version: what differs there is noise, or drift of the data.
    Baseline,
}

impl PartialEq for Compared {
    fn eq(&self, other: &Self) -> bool {
        let same_role = match (&self.role, &other.role) {
            (Role::Upgrade(one), Role::Upgrade(other)) => Arc::ptr_eq(one, other),
            (Role::Baseline, Role::Baseline) => true,
            (Role::Upgrade(_), Role::Baseline) | (Role::Baseline, Role::Upgrade(_)) => false,
        };
        same_role && self.bytes == other.bytes && Arc::ptr_eq(&self.thread, &other.thread)
    }
}

impl Compared {
    /// Takes a pair.
    pub(crate) fn take(&self, pair: LivePair) {
        let pair = Box::new(pair);
        match &self.role {
            Role::Upgrade(comparison) => self.thread.compare(comparison, pair),
            Role::Baseline => self.thread.baseline(pair),
        }
    }

    /// What knows of the shadow's sessions, where they are kept alive.
    pub(crate) fn set_sessions(&self, sessions: Option<Arc<dyn FollowsSessions>>) {
        if let Role::Upgrade(comparison) = &self.role {
            comparison.set_sessions(sessions);
        }
    }

    /// A copy was answered whose request has no response of the primary's.
    pub(crate) fn without_primary(&self) {
        if let Role::Upgrade(comparison) = &self.role {
            comparison.leave_out(LeftOut::NoPrimary);
        }
    }
}

impl Comparison {
    /// What is in `file` of an earlier one goes on.
    pub(crate) fn new(settings: Settings, file: Option<PathBuf>) -> Arc<Self> {
        let name = settings.shadow.clone();
        let keeps_examples = settings.example_bytes.is_some();
        let mut comparer = Comparer::new(settings);
        let files = file.map(|file| {
            let mut files = StateFiles::new(&name, file);
            files.restore(&mut comparer, keeps_examples);
            Mutex::new(files)
        });
        Arc::new(Self {
            name,
            comparer: Mutex::new(comparer),
            left_out: Default::default(),
            files,
            resent: Default::default(),
            changed: AtomicBool::new(false),
            saved: Mutex::new(Instant::now()),
            news: RateLimit::new(10, Duration::from_secs(1)),
            shown: Shown::new(),
            sessions: Mutex::default(),
        })
    }

    /// The shadow's name.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The program runs: tells what is wrong with files.
    fn tell_troubles(&self) {
        if let Some(files) = &self.files {
            lock(files).tell_troubles();
        }
    }

    /// What was compared, and what came of it.
    pub(crate) fn samples(&self, samples: &mut Samples) {
        let shadow = self.name();
        let (counts, bytes) = {
            let comparer = self.counted();
            (comparer.counts(), comparer.bytes())
        };
        for (result, count) in [
            ("identical", counts.identical),
            ("explained", counts.explained),
            ("different", counts.recorded),
            ("session_lost", counts.lost),
        ] {
            samples.counter(&metrics::COMPARED, &[shadow, result], count);
        }
        let mut not_compared = counts.not_compared;
        for why in LeftOut::ALL {
            not_compared.entry(why.as_str().to_owned()).or_default();
        }
        for (reason, count) in not_compared {
            samples.counter(&metrics::NOT_COMPARED, &[shadow, &reason], count);
        }
        samples.gauge(&metrics::COMPARE_BYTES, &[shadow], bytes as u64);
        for (result, count) in ["failed", "answered"].iter().zip(&self.resent) {
            let count = count.load(Relaxed);
            samples.counter(&metrics::RESENT, &[shadow, result], count);
        }
        let totals = self.totals();
        let each = [
            ("confirmed", totals.confirmed_causes),
            ("unconfirmed", totals.unconfirmed_causes),
        ];
        for (status, count) in each {
            samples.gauge(&metrics::CAUSES, &[shadow, status], count);
        }
    }

    fn leave_out(&self, why: LeftOut) {
        self.left_out[why as usize].fetch_add(1, Relaxed);
        self.shown.change();
    }

    /// What is known, for those who ask often: while pairs keep coming it may be a little old, as soon as they have ceased it
    /// has them all. Forgetting and other rules show at once.
    pub(crate) fn shown(&self) -> Arc<Report> {
        self.report_of(Age::MayBeOld)
    }

    /// What is known now.
    pub(crate) fn report(&self) -> Arc<Report> {
        self.report_of(Age::MustBeNew)
    }

    /// The sums of what is shown.
    pub(crate) fn totals(&self) -> Totals {
        self.shown().totals()
    }

    fn report_of(&self, age: Age) -> Arc<Report> {
        let now = now();
        let report = self.shown.report(age, now, || {
            let mut report = self.counted().report(now);
            report.sessions = self.sessions();
            report
        });
        // Sessions change without a pair.
        let sessions = self.sessions();
        if report.sessions == sessions {
            return report;
        }
        let new = Arc::new(Report {
            sessions,
            ..Report::clone(&report)
        });
        self.shown.replace(&report, &new);
        new
    }

    fn sessions(&self) -> Option<SessionsReport> {
        let follows = lock(&self.sessions).clone();
        follows.map(|follows| follows.sessions())
    }

    /// What knows of sessions from now on; none where they are not kept alive.
    pub(crate) fn set_sessions(&self, sessions: Option<Arc<dyn FollowsSessions>>) {
        *lock(&self.sessions) = sessions;
    }

    /// Other settings hold from now on; other rules also for what was seen before.
    pub(crate) fn set(&self, settings: Settings) {
        let keeps_examples = settings.example_bytes.is_some();
        lock(&self.comparer).set(settings);
        self.shown.begin_era();
        if let Some(files) = self.files.as_ref().filter(|_| !keeps_examples) {
            lock(files).remove_examples();
        }
    }

    /// The whole example of the cause whose id begins so.
    pub(crate) fn whole_example(&self, id: &str) -> Result<WholeExample, NoExample> {
        let found = self.counted().whole_example(id, now());
        // Nobody waits for the comparer while it is laid out.
        let (mut example, findings) = found?;
        example.lay_out(&findings, Instant::now() + LAYOUT);
        Ok(example)
    }

    /// The request of the example of the cause whose id begins so, to be sent to the shadow once more.
    ///
    /// # Errors
    /// Where there is none, or it is not to be sent.
    pub(crate) fn resend(&self, id: &str, may_change: bool) -> Result<Resend, NotResent> {
        self.counted().resend(id, may_change, now())
    }

    /// What came of a request that was sent to the shadow once more.
    pub(crate) fn resent(
        &self,
        resend: &Resend,
        response: Result<LiveResponse, NotResent>,
    ) -> Result<Replayed, NotResent> {
        let is_answered = response.is_ok();
        self.resent[usize::from(is_answered)].fetch_add(1, Relaxed);
        let response = response?;
        let body = response.body();
        Ok(lock(&self.comparer).resent(resend, &response.answer(&body)))
    }

    /// Forgets all that was learned and counted.
    pub(crate) fn reset(&self) {
        for count in &self.left_out {
            count.store(0, Relaxed);
        }
        lock(&self.comparer).reset();
        self.shown.begin_era();
        // What was kept is gone at once, also where the process is killed now.
        self.save();
    }

    fn take(&self, pair: &LivePair) -> Taken {
        self.changed.store(true, Relaxed);
        let taken = pair.with(|shown| {
            let mut comparer = lock(&self.comparer);
            let taken = comparer.take(shown);
            hold(&mut comparer, &taken, pair, &shown.primary);
            taken
        });
        self.shown.change();
        taken
    }

    fn take_baseline(&self, pair: &LivePair) -> Option<Taken> {
        let body = pair.shadow.body();
        let answer = pair.shadow.answer(&body);
        let mut comparer = lock(&self.comparer);
        let taken = comparer.take_baseline(&pair.request.id, &answer);
        if let Some(taken) = &taken {
            let primary = pair.primary.body();
            hold(&mut comparer, taken, pair, &pair.primary.answer(&primary));
        }
        drop(comparer);
        self.shown.change();
        taken
    }

    fn probed(&self, number: u64, response: &LiveResponse) {
        let body = response.body();
        lock(&self.comparer).probed(number, &response.answer(&body));
        self.shown.change();
    }

    /// Tells of a difference that was not seen before.
    fn tell(&self, news: &str, request: &pair::ComparedRequest) {
        if let Some(left_out) = self.news.allow() {
            let head: &RequestHead = &request.head;
            tracing::warn!(
                request_id = request.id,
                shadow = self.name,
                method = %shown(head.method()),
                path = %masked_path(shown(head.path()).as_ref()),
                difference = news,
                left_out,
                "a response differs in a way that was not seen before"
            );
        }
    }

    /// Compares what has waited long enough for a baseline's response.
    fn take_late(&self) {
        if lock(&self.comparer).take_late(now()) {
            self.shown.change();
        }
    }

    /// Compares what waits for a baseline's response, and saves what was learned.
    fn finish(&self) {
        lock(&self.comparer).finish();
        self.shown.change();
        self.save();
    }

    fn save_if_due(&self, every: Duration) {
        if lock(&self.saved).elapsed() >= every && self.changed.load(Relaxed) {
            self.save();
        }
    }

    fn save(&self) {
        let Some(files) = &self.files else { return };
        // Held from the beginning, so that what was forgotten is not put back by a save that had begun before.
        let mut files = lock(files);
        *lock(&self.saved) = Instant::now();
        self.changed.store(false, Relaxed);
        let (learned, messages) = {
            let mut comparer = self.counted();
            (comparer.save(), comparer.changed_messages())
        };
        if !files.save(&learned, messages.as_deref()) {
            self.changed.store(true, Relaxed);
            if messages.is_some() {
                lock(&self.comparer).messages_not_saved();
            }
        }
    }

    /// The comparer, which knows of those that were left out.
    fn counted(&self) -> MutexGuard<'_, Comparer> {
        let mut comparer = lock(&self.comparer);
        for why in LeftOut::ALL {
            for _ in 0..self.left_out[why as usize].swap(0, Relaxed) {
                comparer.not_compared(why.as_str());
            }
        }
        comparer
    }
}

/// Holds the request of a pair that is an example from now on.
fn hold(comparer: &mut Comparer, taken: &Taken, pair: &LivePair, primary: &Answer<'_>) {
    if let Some(key) = &taken.example {
        comparer.hold_request(key.clone(), pair.request.resent(), primary);
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    unix_millis(SystemTime::now())
}

/// What is behind these locks is whole whenever somebody panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
