//! Reads the counters every few seconds into the history.

use std::{sync::Arc, time::SystemTime};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::shared::Shared;
use crate::{
    ledger::{Account, Outcome},
    telemetry::history::{History, Present, Reading, Rings, ShadowReading, unix_seconds},
};

/// Samples for as long as it is polled, on the thread that serves no client.
pub(super) async fn sample(shared: Arc<Shared>) {
    let mut ticks = interval_at(Instant::now() + Rings::EVERY, Rings::EVERY);
    // After a pause of the whole machine one sample is enough.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let reading = read(&shared);
        shared.rings.lock().sample(SystemTime::now(), &reading);
    }
}

/// What there is to show.
pub(super) fn history(shared: &Shared) -> History {
    let (hour, day) = {
        let rings = shared.rings.lock();
        (rings.hour(), rings.day())
    };
    History {
        now: unix_seconds(SystemTime::now()),
        started: unix_seconds(shared.started),
        hour,
        day,
        events: shared.resources.events.all(),
    }
}

fn read(shared: &Shared) -> Reading {
    let (live, ledger) = (shared.live.load(), &shared.resources.ledger);
    let shadow = |(name, account): (String, Arc<Account>)| {
        let mut shadows = live.shadows.iter();
        let here = shadows.find(|shadow| Arc::ptr_eq(&shadow.account, &account));
        let [answered, unwanted, lost] = grouped(&account);
        ShadowReading {
            name,
            answered,
            unwanted,
            lost,
            present: here.map(|shadow| Present {
                queued: shadow.queued() as u64,
                latency: shadow.metrics.latency.buckets(),
            }),
        }
    };
    Reading {
        production: shared.metrics.reading(ledger.requests()),
        shadows: ledger.accounts().into_iter().map(shadow).collect(),
    }
}

/// Copies that were answered, that were not wanted, and that were lost.
fn grouped(account: &Account) -> [u64; 3] {
    let mut counts = [0; 3];
    for (outcome, count) in account.outcomes() {
        let group = match outcome {
            Outcome::Answered => 0,
            Outcome::Filtered | Outcome::SampledOut => 1,
            // Requests of before it was there are none of its copies.
            Outcome::Absent => continue,
            _ => 2,
        };
        counts[group] += count;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Ledger;

    #[test]
    fn every_copy_is_in_one_group_and_what_came_before_the_shadow_in_none() {
        let ledger = Ledger::new(1);
        let account = ledger.account("next");
        for outcome in Outcome::ALL {
            account.pass(*outcome);
        }
        let all = Outcome::ALL.len() as u64;
        assert_eq!(grouped(&account), [1, 2, all - 4]);
        account.missed(1000);
        assert_eq!(grouped(&account), [1, 2, all - 4]);
    }
}
