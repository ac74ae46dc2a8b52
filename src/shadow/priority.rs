//! How much processor time a thread for shadows takes, and what comes of it.
//!
//! To send a copy costs about what it costs to serve a request. As long as a thread takes no more than that, it has the
//! priority of any other; what it takes beyond is the doing of its shadows, and it loses its priority: from then on it
//! has what is left over. That is no loss where there is enough.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use cpu_time::{ProcessTime, ThreadTime};
use tokio::time::{Instant, sleep};

use super::Shadow;
use crate::ledger::Ledger;

/// The processor time of one thread.
pub(super) struct Priority<'a> {
    /// Of the threads of all shadows together.
    spent: &'a AtomicU64,
    ledger: &'a Ledger,
    given: Rc<Workload>,
    last: Times,
    account: Account,
    /// When it lost its priority.
    lowered: Option<Instant>,
}

/// What a thread was given to do.
#[derive(Default)]
pub(super) struct Workload {
    /// Copies, counted.
    pub(super) copies: Cell<u64>,
    /// The shadows that it looks after.
    pub(super) shadows: RefCell<Vec<Arc<Shadow>>>,
}

impl Workload {
    /// The names of its shadows, for logs.
    pub(super) fn names(&self) -> String {
        let shadows = self.shadows.borrow();
        let names: Vec<_> = shadows.iter().map(|shadow| shadow.name()).collect();
        names.join(", ")
    }
}

/// What is to become of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Stay,
    /// It costs too much, and gets the lowest priority.
    Lower,
    /// Its shadows behave again: another thread may take its place.
    Replace,
}

/// Processor times in nanoseconds, and what was done in them.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    thread: u64,
    process: u64,
    shadows: u64,
    requests: u64,
    copies: u64,
}

impl Times {
    fn now(spent: &AtomicU64, ledger: &Ledger, given: &Workload) -> Self {
        Self {
            thread: nanos(ThreadTime::now().as_duration()),
            process: nanos(ProcessTime::now().as_duration()),
            shadows: spent.load(Relaxed),
            requests: ledger.requests(),
            copies: given.copies.get(),
        }
    }

    /// What a request costs production.
    fn request(&self) -> u64 {
        let production = self.process.saturating_sub(self.shadows + self.thread);
        production.checked_div(self.requests).unwrap_or_default()
    }

    /// What a copy costs this thread.
    fn copy(&self) -> u64 {
        self.thread.checked_div(self.copies).unwrap_or_default()
    }

    fn each(self, other: Self, with: impl Fn(u64, u64) -> u64) -> Self {
        Self {
            thread: with(self.thread, other.thread),
            process: with(self.process, other.process),
            shadows: with(self.shadows, other.shadows),
            requests: with(self.requests, other.requests),
            copies: with(self.copies, other.copies),
        }
    }

    fn and(self, more: Self) -> Self {
        self.each(more, u64::saturating_add)
    }

    fn since(self, last: Self) -> Self {
        self.each(last, u64::saturating_sub)
    }

    fn faded(self) -> Self {
        self.each(self, |all, _| all - all / 16)
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How often a thread looks at what it took, while it takes something and while it does not.
const LOOK: Duration = Duration::from_millis(8);
const IDLE_LOOK: Duration = Duration::from_millis(100);
/// It is idle after this many looks at which it had taken little.
const IDLE: u32 = 25;

/// The least time for which a thread loses its priority.
const LOWERED: Duration = Duration::from_secs(10);

impl<'a> Priority<'a> {
    /// Of the calling thread; `spent` is what the threads of all shadows have taken.
    pub(super) fn new(spent: &'a AtomicU64, ledger: &'a Ledger, given: Rc<Workload>) -> Self {
        Self {
            last: Times::now(spent, ledger, &given),
            spent,
            ledger,
            given,
            account: Account::new(),
            lowered: None,
        }
    }

    /// Looks after a while, and says what is to become of the thread.
    pub(super) async fn next(&mut self) -> Step {
        sleep(self.account.pause()).await;
        let now = Times::now(self.spent, self.ledger, &self.given);
        let since = now.since(self.last);
        self.spent.fetch_add(since.thread, Relaxed);
        self.last = Times {
            shadows: now.shadows + since.thread,
            ..now
        };
        let is_within = self.account.take(since);
        self.leave_out_looking();
        match self.lowered {
            None if !is_within => {
                self.lowered = Some(Instant::now());
                Step::Lower
            }
            Some(since) if since.elapsed() > LOWERED && self.account.is_full() => Step::Replace,
            _ => Step::Stay,
        }
    }

    /// To look costs something, too, which is not the shadows'.
    fn leave_out_looking(&mut self) {
        let now = nanos(ThreadTime::now().as_duration());
        let looking = now.saturating_sub(self.last.thread);
        self.spent.fetch_add(looking, Relaxed);
        self.last.thread = now;
        self.last.shadows += looking;
    }

    /// What a request costs production, and a copy this thread, as far as is known.
    pub(super) fn costs(&self) -> (Duration, Duration) {
        let lately = &self.account.lately;
        (
            Duration::from_nanos(lately.request()),
            Duration::from_nanos(lately.copy()),
        )
    }
}

/// What a thread may take.
struct Account {
    /// Nanoseconds that it may take yet.
    credit: u64,
    /// What was taken and done lately: with each look, a little less of what was before.
    lately: Times,
    /// Looks at which it had taken next to nothing.
    quiet: u32,
}

/// What may be saved up: copies that waited are sent in one go.
const SAVED: u64 = 50_000_000;
/// How many times what a request takes a copy may take.
const SHARE: u64 = 2;
/// To take less without a copy is to do nothing.
const NOTHING: u64 = 400_000;

impl Account {
    fn new() -> Self {
        Self {
            credit: SAVED,
            lately: Times::default(),
            quiet: 0,
        }
    }

    /// Takes what the thread used off the account. Returns whether it may use that much.
    fn take(&mut self, since: Times) -> bool {
        self.lately = self.lately.faded().and(since);
        let earned = since.copies.saturating_mul(SHARE * self.lately.request());
        let is_idle = since.copies == 0 && since.thread <= NOTHING;
        self.quiet = if is_idle {
            self.quiet.saturating_add(1)
        } else {
            0
        };
        let credit = self.credit.saturating_add(earned).min(SAVED);
        // A thread that does nothing still wakes to look.
        let taken = if is_idle { 0 } else { since.thread };
        self.credit = credit.saturating_sub(taken);
        self.credit > 0
    }

    fn is_full(&self) -> bool {
        self.credit >= SAVED / 2
    }

    fn pause(&self) -> Duration {
        if self.quiet > IDLE { IDLE_LOOK } else { LOOK }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    /// Processor time of the thread and of production, for this many requests that were all copied.
    fn since(thread: u64, production: u64, requests: u64) -> Times {
        Times {
            thread,
            process: thread + production,
            shadows: 0,
            requests,
            copies: requests,
        }
    }

    #[test]
    fn copies_that_cost_what_requests_cost_are_within_for_ever() {
        let mut account = Account::new();
        assert!((0..1000).all(|_| account.take(since(5 * MS, 5 * MS, 500))));
        // A sample has its part.
        let mut account = Account::new();
        assert!((0..1000).all(|_| account.take(Times {
            copies: 50,
            ..since(MS / 2, 9 * MS, 500)
        })));
    }

    #[test]
    fn a_shadow_that_costs_more_is_found_out_and_one_that_behaves_again_is_too() {
        let mut account = Account::new();
        let looks = (0..100).take_while(|_| account.take(since(8 * MS, 2 * MS, 200)));
        assert!(looks.count() < 15);
        assert!(!account.is_full());
        for _ in 0..100 {
            account.take(since(2 * MS, 2 * MS, 200));
        }
        assert!(account.is_full());
    }

    #[test]
    fn a_thread_without_copies_is_never_found_to_cost_too_much() {
        let mut account = Account::new();
        assert!((0..10_000).all(|_| account.take(since(MS / 10, 0, 0))));
        assert_eq!(account.pause(), IDLE_LOOK);
    }

    #[test]
    fn copies_that_waited_may_be_sent_in_one_go() {
        let mut account = Account::new();
        account.take(since(MS, 10 * MS, 1000));
        assert!(account.take(since(10 * MS, 0, 0)));
        assert!(account.take(since(10 * MS, 0, 0)));
    }
}
