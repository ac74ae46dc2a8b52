//! The counts of all outcomes: for each shadow they add up to the requests received.
//!
//! An [`Entry`] is opened for each request and each shadow, and ends in exactly one [`Outcome`]; one that is
//! dropped without says `shutdown`, so that nothing is lost even when a task is.

mod outcome;

pub(crate) use outcome::Outcome;

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Serialize, Serializer};

use crate::{config::as_map, telemetry::sharded::Counters};

const OUTCOMES: usize = Outcome::ALL.len();

/// The index of a shadow's opened entries, behind its outcomes.
const OPENED: usize = OUTCOMES;

/// The counts of one shadow.
#[derive(Debug)]
pub(crate) struct Account {
    counts: Counters<{ OUTCOMES + 1 }>,
}

impl Account {
    /// Counts a request for this shadow, as in flight until its entry is settled.
    pub(crate) fn open(self: &Arc<Self>) -> Entry {
        self.counts.add(OPENED, 1);
        Entry(Some(Arc::clone(self)))
    }

    /// Counts a request that is not copied: as an entry that is settled at once, without one.
    pub(crate) fn pass(&self, outcome: Outcome) {
        self.counts.add(OPENED, 1);
        self.counts.add(outcome as usize, 1);
    }

    /// The count of each outcome, in the order of [`Outcome::ALL`].
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL
            .iter()
            .map(|outcome| (*outcome, self.counts.sum(*outcome as usize)))
    }

    /// Counts requests that came to the calling worker before it had this shadow.
    pub(crate) fn missed(&self, requests: u64) {
        self.counts.add(OPENED, requests);
        self.counts.add(Outcome::Absent as usize, requests);
    }

    /// How often `outcome` was.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.counts.sum(outcome as usize)
    }

    /// Entries that are not settled yet.
    pub(crate) fn in_flight(&self) -> u64 {
        // Settled first: an entry that is opened in between makes the difference too large, never negative.
        let settled: u64 = self.outcomes().map(|(_, count)| count).sum();
        self.counts.sum(OPENED).saturating_sub(settled)
    }
}

/// One request at one shadow, until its outcome is known.
#[derive(Debug)]
pub(crate) struct Entry(Option<Arc<Account>>);

impl Entry {
    /// Ends it.
    pub(crate) fn settle(mut self, outcome: Outcome) {
        self.count(outcome);
    }

    fn count(&mut self, outcome: Outcome) {
        if let Some(account) = self.0.take() {
            account.counts.add(outcome as usize, 1);
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.count(Outcome::Shutdown);
    }
}

/// All counts.
#[derive(Debug)]
pub(crate) struct Ledger {
    workers: usize,
    requests: Counters<1>,
    accounts: Mutex<Vec<(String, Arc<Account>)>>,
}

impl Ledger {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            workers,
            requests: Counters::new(workers),
            accounts: Mutex::default(),
        }
    }

    /// The account of the shadow called `name`. Where there is none yet it is a new one, which counts for nothing
    /// until it is entered.
    pub(crate) fn account(&self, name: &str) -> Arc<Account> {
        let known = self.accounts().into_iter().find(|(known, _)| known == name);
        let new = || Account {
            counts: Counters::new(self.workers),
        };
        known.map_or_else(|| Arc::new(new()), |(_, account)| account)
    }

    /// Keeps an account for ever: what was counted stays, also when its shadow is gone.
    pub(crate) fn enter(&self, name: &str, account: &Arc<Account>) {
        let mut accounts = self.accounts.lock();
        if accounts.iter().all(|(known, _)| known != name) {
            accounts.push((name.into(), Arc::clone(account)));
        }
    }

    /// Counts a request that was received.
    pub(crate) fn request(&self) {
        self.requests.add(0, 1);
    }

    /// Requests that were counted by the calling worker.
    pub(crate) fn requests_here(&self) -> u64 {
        self.requests.here(0)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.requests.sum(0)
    }

    /// Every shadow's account, by name.
    pub(crate) fn accounts(&self) -> Vec<(String, Arc<Account>)> {
        self.accounts.lock().clone()
    }
}

impl Serialize for Ledger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let accounts = self.accounts();
        // After the accounts: no request that is counted is missing from a shadow.
        let requests = self.requests();
        let shadow = |(name, account): (String, Arc<Account>)| {
            let in_flight = account.in_flight();
            let outcomes = account.outcomes();
            let outcomes = outcomes.map(|(outcome, count)| (outcome.as_str(), count));
            let outcomes = outcomes.collect();
            (
                name,
                AccountState {
                    in_flight,
                    outcomes,
                },
            )
        };
        let shadows = accounts.into_iter().map(shadow).collect();
        LedgerState { requests, shadows }.serialize(serializer)
    }
}

#[derive(Serialize)]
struct LedgerState {
    requests: u64,
    #[serde(serialize_with = "as_map")]
    shadows: Vec<(String, AccountState)>,
}

#[derive(Serialize)]
struct AccountState {
    in_flight: u64,
    #[serde(serialize_with = "as_map")]
    outcomes: Vec<(&'static str, u64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_ends_in_exactly_one_outcome() {
        let ledger = Ledger::new(1);
        let account = ledger.account("next");
        let open = account.open();
        account.open().settle(Outcome::Answered);
        drop(account.open());
        assert_eq!(
            (account.in_flight(), account.count(Outcome::Answered)),
            (1, 1)
        );
        assert_eq!(account.count(Outcome::Shutdown), 1);
        open.settle(Outcome::Timeout);
        assert_eq!(account.in_flight(), 0);
    }

    #[test]
    fn an_account_that_comes_late_balances() {
        let ledger = Ledger::new(1);
        (0..3).for_each(|_| ledger.request());
        let late = ledger.account("late");
        late.missed(ledger.requests_here());
        assert_eq!((late.count(Outcome::Absent), late.in_flight()), (3, 0));
        assert!(ledger.accounts().is_empty(), "nobody entered it");
    }

    #[test]
    fn the_same_name_is_the_same_account() {
        let ledger = Ledger::new(1);
        let account = ledger.account("next");
        ledger.enter("next", &account);
        account.open().settle(Outcome::Paused);
        assert_eq!(ledger.account("next").count(Outcome::Paused), 1);
        ledger.enter("next", &ledger.account("next"));
        assert_eq!(ledger.accounts().len(), 1);
    }
}
