//! The last report, for those who ask often. It is made anew once something has changed, never twice at once, and while
//! pairs keep coming no more often than its cost allows.

use std::{
    sync::{
        Arc, Mutex, TryLockError,
        atomic::{
            AtomicU64,
            Ordering::{Acquire, Release},
        },
    },
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;

use super::{Report, lock};

/// Reports take a twentieth of the time at most,
const PART: u32 = 20;
/// but for those of so long a time, which are made at once.
const BURST: Duration = Duration::from_secs(4);
/// Pairs keep coming if one came so short a time ago, or a few times as long ago as a report takes.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSES: u32 = 4;
/// Nobody is told an older report instead of waiting so long for the one that is being made.
const SHORT: Duration = Duration::from_millis(20);
/// Time lines move on by the minute.
const MINUTE: i64 = 60_000;

/// Whether a report that is a little old will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// While pairs keep coming.
    MayBeOld,
    MustBeNew,
}

/// The last report, and what has changed since.
pub(super) struct Shown {
    /// Counts whatever changes a report.
    changes: AtomicU64,
    /// Counts whatever makes earlier reports wrong: other rules, all forgotten.
    era: AtomicU64,
    /// When a change came last.
    changed: Mutex<Option<Instant>>,
    last: Mutex<Option<Made>>,
    /// Held by the one who makes a report.
    making: Mutex<Budget>,
}

/// A report with the state that it is of.
#[derive(Clone)]
struct Made {
    report: Arc<Report>,
    state: State,
    cost: Duration,
}

#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    changes: u64,
    era: u64,
    minute: i64,
}

/// When the time is over that the reports so far are the due part of.
#[derive(Default)]
struct Budget(Option<Instant>);

impl Budget {
    fn is_spent(&self, now: Instant) -> bool {
        self.0.is_some_and(|until| until > now + BURST)
    }

    fn pay(&mut self, now: Instant, cost: Duration) {
        let from = self.0.map_or(now, |until| until.max(now));
        self.0 = Some(from + cost.saturating_mul(PART));
    }
}

impl Shown {
    pub(super) fn new() -> Self {
        Self {
            changes: AtomicU64::new(0),
            era: AtomicU64::new(0),
            changed: Mutex::default(),
            last: Mutex::default(),
            making: Mutex::default(),
        }
    }

    /// A pair came, or something else that a report tells. To be called once a report that is made shows it.
    pub(super) fn change(&self) {
        *lock(&self.changed) = Some(Instant::now());
        self.changes.fetch_add(1, Release);
    }

    /// No earlier report is right any more. To be called once a report that is made is.
    pub(super) fn begin_era(&self) {
        self.era.fetch_add(1, Release);
        *lock(&self.last) = None;
    }

    /// The last report or, where that is not good enough, what `make` makes. `now` in milliseconds since 1970.
    pub(super) fn report(&self, age: Age, now: i64, make: impl FnOnce() -> Report) -> Arc<Report> {
        if let Some(made) = self.last_of(self.state(now)) {
            return made.report;
        }
        let old = || self.old().filter(|_| age == Age::MayBeOld);
        let mut budget = match self.making.try_lock() {
            Ok(budget) => budget,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                if let Some(made) = old().filter(|made| made.cost > SHORT) {
                    return made.report;
                }
                lock(&self.making)
            }
        };
        // What comes from here on may be missing in the report, so that it is of this state at least.
        let state = self.state(now);
        if let Some(made) = self.last_of(state) {
            return made.report;
        }
        if budget.is_spent(Instant::now())
            && let Some(made) = old()
        {
            return made.report;
        }
        let begin = ThreadTime::now();
        let report = Arc::new(make());
        let cost = begin.elapsed();
        budget.pay(Instant::now(), cost);
        *lock(&self.last) = Some(Made {
            report: Arc::clone(&report),
            state,
            cost,
        });
        report
    }

    /// Shows `new` in place of `old`, where that is still the last one.
    pub(super) fn replace(&self, old: &Arc<Report>, new: &Arc<Report>) {
        if let Some(made) = &mut *lock(&self.last)
            && Arc::ptr_eq(&made.report, old)
        {
            made.report = Arc::clone(new);
        }
    }

    fn state(&self, now: i64) -> State {
        State {
            changes: self.changes.load(Acquire),
            era: self.era.load(Acquire),
            minute: now.div_euclid(MINUTE),
        }
    }

    fn last_of(&self, state: State) -> Option<Made> {
        let last = lock(&self.last);
        last.as_ref().filter(|made| made.state == state).cloned()
    }

    /// The last report, though there are changes since: where pairs keep coming.
    fn old(&self) -> Option<Made> {
        let era = self.era.load(Acquire);
        let last = lock(&self.last).clone();
        let made = last.filter(|made| made.state.era == era)?;
        let changed = (*lock(&self.changed))?;
        let pause = PAUSE.max(made.cost.saturating_mul(PAUSES));
        (changed.elapsed() < pause).then_some(made)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::atomic::Ordering::Relaxed, thread};

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    /// Reports that are numbered.
    struct Maker(Shown, AtomicU64);

    impl Maker {
        fn new() -> Self {
            Self(Shown::new(), AtomicU64::new(0))
        }

        fn number(&self) -> Report {
            Report {
                shadow: self.1.fetch_add(1, Relaxed).to_string(),
                ..Report::default()
            }
        }

        fn ask(&self, age: Age, now: i64) -> String {
            self.0.report(age, now, || self.number()).shadow.clone()
        }

        fn shown(&self) -> String {
            self.ask(Age::MayBeOld, NOW)
        }

        /// So many reports were made that no more is due.
        fn spend(&self) {
            lock(&self.0.making).pay(Instant::now(), BURST);
        }

        /// A pair came, and more of them come for as long as the test takes.
        fn busy(&self) {
            self.0.change();
            *lock(&self.0.changed) = Some(Instant::now() + Duration::from_secs(3600));
        }
    }

    #[test]
    fn a_report_stays_while_nothing_changes_within_its_minute() {
        let maker = Maker::new();
        assert_eq!([maker.shown(), maker.shown()], ["0", "0"]);
        maker.0.change();
        assert_eq!([maker.shown(), maker.shown()], ["1", "1"]);
        assert_eq!(maker.ask(Age::MayBeOld, NOW + MINUTE), "2");
    }

    #[test]
    fn while_pairs_keep_coming_reports_take_no_more_than_their_part_of_the_time() {
        let maker = Maker::new();
        assert_eq!(maker.shown(), "0");
        maker.spend();
        maker.busy();
        assert_eq!([maker.shown(), maker.shown()], ["0", "0"]);
        assert_eq!(maker.ask(Age::MustBeNew, NOW), "1");
        assert_eq!(maker.shown(), "1");
    }

    #[test]
    fn once_pairs_have_ceased_a_report_has_them_all_whatever_it_costs() {
        let maker = Maker::new();
        maker.shown();
        maker.spend();
        maker.0.change();
        *lock(&maker.0.changed) = Instant::now().checked_sub(PAUSE);
        assert_eq!([maker.shown(), maker.shown()], ["1", "1"]);
    }

    #[test]
    fn what_earlier_reports_are_wrong_of_is_told_at_once() {
        let maker = Maker::new();
        maker.shown();
        maker.spend();
        maker.busy();
        maker.0.begin_era();
        assert_eq!(maker.shown(), "1");
    }

    #[test]
    fn a_report_that_was_begun_before_an_era_is_not_shown_in_it() {
        let maker = Maker::new();
        maker.0.report(Age::MayBeOld, NOW, || {
            let report = maker.number();
            maker.0.begin_era();
            report
        });
        assert_eq!(maker.shown(), "1");
    }

    #[test]
    fn a_change_during_the_making_is_in_the_next_report() {
        let maker = Maker::new();
        maker.0.report(Age::MayBeOld, NOW, || {
            let report = maker.number();
            maker.0.change();
            report
        });
        assert_eq!(maker.shown(), "1");
    }

    #[test]
    fn a_budget_is_paid_back_with_time() {
        let (mut budget, now) = (Budget::default(), Instant::now());
        let cost = Duration::from_millis(100);
        for _ in 0..2 {
            budget.pay(now, cost);
            assert!(!budget.is_spent(now));
        }
        budget.pay(now, cost);
        assert!(budget.is_spent(now) && !budget.is_spent(now + Duration::from_secs(4)));
    }

    #[test]
    fn one_report_is_made_at_a_time_and_others_get_the_older_one_meanwhile() {
        let maker = Maker::new();
        maker.shown();
        if let Some(made) = &mut *lock(&maker.0.last) {
            made.cost = SHORT * 2;
        }
        maker.busy();
        maker.0.report(Age::MayBeOld, NOW, || {
            let meanwhile = thread::scope(|scope| scope.spawn(|| maker.shown()).join());
            assert_eq!(meanwhile.unwrap(), "0");
            maker.number()
        });
        assert_eq!(maker.shown(), "1");
    }

    #[test]
    fn where_there_is_no_older_report_all_wait_for_the_same() {
        let maker = Maker::new();
        let all = thread::scope(|scope| {
            let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| maker.shown())).collect();
            asking
                .into_iter()
                .map(|one| one.join().unwrap())
                .collect::<Vec<_>>()
        });
        assert_eq!(all, ["0"; 8]);
    }
}
