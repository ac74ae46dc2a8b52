//! When pairs were compared, and when those came that show a cause.

use std::collections::{BTreeMap, HashMap};

use super::{Known, moment};
use crate::compare::{
    learn::{
        Learned,
        timeline::{DAY, Division, HOUR, Tally},
        verdict::Verdict,
    },
    report::{Cause, Slot, Timeline},
};

/// The times of all pairs, up to the last one that is told.
pub(super) struct Times<'a> {
    learned: &'a Learned,
    end: i64,
}

impl<'a> Times<'a> {
    /// Up to now; of pairs that are older than a day, which were captured, up to the last of them.
    pub(super) fn of(known: &'a Known<'_>) -> Self {
        const A_DAY: i64 = 86_400_000;
        let is_old = known.counts.since.is_some() && known.now - known.counts.until > A_DAY;
        Self {
            learned: known.learned,
            end: if is_old {
                known.counts.until
            } else {
                known.now
            },
        }
    }

    /// `verdicts`: of the pairs of the log.
    pub(super) fn timeline(&self, verdicts: &[Verdict]) -> Timeline {
        let mut hour = self.learned.timeline.hour(self.end);
        let mut day = self.learned.timeline.day(self.end);
        for (pair, verdict) in self.learned.log.iter().zip(verdicts) {
            for (tallies, division) in [(&mut hour, HOUR), (&mut day, DAY)] {
                if let Some(at) = division.place(pair.at, self.end) {
                    tallies[at].add(*verdict);
                }
            }
        }
        Timeline {
            hour: self.slots(&hour, HOUR),
            day: self.slots(&day, DAY),
        }
    }

    fn slots(&self, tallies: &[Tally], division: Division) -> Vec<Slot> {
        let slot = |(at, tally): (i64, &Tally)| Slot {
            at: moment(at),
            compared: tally.compared,
            different: tally.different,
            unconfirmed: tally.unconfirmed,
        };
        let beginnings = division.beginnings(self.end);
        beginnings.zip(tallies).map(slot).collect()
    }

    /// Notes with each cause how many of its pairs came in which minute. `pairs`: the numbers of each cause's.
    pub(super) fn mark(&self, causes: &mut [Cause], pairs: &BTreeMap<String, Vec<u64>>) {
        let minutes: HashMap<u64, usize> = self
            .learned
            .log
            .iter()
            .filter_map(|pair| Some((pair.number, HOUR.place(pair.at, self.end)?)))
            .collect();
        for cause in causes {
            cause.last_hour = vec![0; HOUR.count()];
            let numbers = pairs.get(&cause.id).into_iter().flatten();
            for minute in numbers.filter_map(|number| minutes.get(number)) {
                cause.last_hour[*minute] += 1;
            }
        }
    }

    /// How many pairs of lost sessions came in which minute.
    pub(super) fn lost_sessions(&self) -> Vec<u64> {
        let hour = self.learned.timeline.hour(self.end);
        hour.iter().map(|tally| tally.lost).collect()
    }
}
