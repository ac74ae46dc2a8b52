//! When pairs were compared: counts a minute for the last hour, and every ten minutes for the last day. Of pairs that are
//! still in the log only the time is counted here: what they are held to be may change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::verdict::Verdict;

const MINUTE: i64 = 60_000;

/// How finely time is divided, in milliseconds, and how many of these spans are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Division {
    span: i64,
    count: usize,
}

/// A span a minute for the last hour.
pub(crate) const HOUR: Division = Division {
    span: MINUTE,
    count: 60,
};
/// A span every ten minutes for the last day.
pub(crate) const DAY: Division = Division {
    span: 10 * MINUTE,
    count: 144,
};

impl Division {
    pub(crate) const fn count(self) -> usize {
        self.count
    }

    /// The number of the span that has this moment.
    const fn number(self, at: i64) -> i64 {
        at.div_euclid(self.span)
    }

    /// When each span begins, up to the one that has the moment `end`.
    pub(crate) fn beginnings(self, end: i64) -> impl Iterator<Item = i64> {
        let last = self.number(end);
        (0..self.count)
            .rev()
            .map(move |back| last.saturating_sub_unsigned(back as u64) * self.span)
    }

    /// Which of the spans up to `end` has this moment; `None` where it is before all of them, or after `end`.
    pub(crate) fn place(self, at: i64, end: i64) -> Option<usize> {
        let back = self.number(end).checked_sub(self.number(at))?;
        let back = usize::try_from(back).ok()?;
        self.count.checked_sub(back + 1)
    }
}

/// Pairs of one span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) compared: u64,
    pub(crate) different: u64,
    pub(crate) unconfirmed: u64,
    /// Of sessions that the shadow has lost; they are among the different ones.
    pub(crate) lost: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Noise => {}
            Verdict::Unconfirmed => self.unconfirmed += 1,
            Verdict::Confirmed => self.different += 1,
        }
    }
}

/// The spans of one division that have pairs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Track(BTreeMap<i64, Tally>);

impl Track {
    /// The span of a pair that is compared. Spans that are too far from it go: also later ones, so that a clock that was
    /// wrong for a while does not hide what comes.
    fn open(&mut self, division: Division, at: i64) -> &mut Tally {
        let number = division.number(at);
        if !self.0.contains_key(&number) {
            let most = division.count as u64;
            self.0.retain(|known, _| known.abs_diff(number) < most);
        }
        self.0.entry(number).or_default()
    }

    fn settle(&mut self, division: Division, at: i64, verdict: Verdict) {
        if let Some(tally) = self.0.get_mut(&division.number(at)) {
            tally.add(verdict);
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Timeline {
    hour: Track,
    day: Track,
}

impl Timeline {
    /// Of spans that are kept on both sides of the last one.
    const BYTES: usize = 2 * (HOUR.count + DAY.count) * (size_of::<Tally>() + 24);

    /// Counts a pair that was compared.
    pub(crate) fn compared(&mut self, at: i64) {
        self.hour.open(HOUR, at).compared += 1;
        self.day.open(DAY, at).compared += 1;
    }

    /// A pair that was compared is one of a lost session.
    pub(crate) fn lost(&mut self, at: i64) {
        for tally in [self.hour.open(HOUR, at), self.day.open(DAY, at)] {
            tally.different += 1;
            tally.lost += 1;
        }
    }

    /// A pair fell out of the log: what it is held to be stays.
    pub(crate) fn settle(&mut self, at: i64, verdict: Verdict) {
        self.hour.settle(HOUR, at, verdict);
        self.day.settle(DAY, at, verdict);
    }

    /// The spans of the last hour, up to the moment `end`, without what is in the log.
    pub(crate) fn hour(&self, end: i64) -> Vec<Tally> {
        spans(&self.hour, HOUR, end)
    }

    /// As `hour`, of the last day.
    pub(crate) fn day(&self, end: i64) -> Vec<Tally> {
        spans(&self.day, DAY, end)
    }

    pub(crate) fn bytes() -> usize {
        Self::BYTES
    }
}

fn spans(track: &Track, division: Division, end: i64) -> Vec<Tally> {
    let numbers = division.beginnings(end).map(|at| division.number(at));
    numbers
        .map(|number| track.0.get(&number).copied().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    #[test]
    fn pairs_are_counted_in_their_minute_and_in_their_ten_minutes() {
        let mut timeline = Timeline::default();
        for at in [NOW - 59 * MINUTE, NOW - MINUTE, NOW, NOW] {
            timeline.compared(at);
        }
        let compared =
            |spans: &[Tally]| spans.iter().map(|tally| tally.compared).collect::<Vec<_>>();
        let hour = compared(&timeline.hour(NOW));
        assert_eq!((hour.len(), hour[0], &hour[58..]), (60, 1, &[1, 2][..]));
        let day = compared(&timeline.day(NOW));
        assert_eq!((day.len(), day.iter().sum::<u64>()), (144, 4));
        let later = compared(&timeline.hour(NOW + MINUTE));
        assert_eq!((later[0], &later[57..]), (0, &[1, 2, 0][..]));
    }

    #[test]
    fn what_fell_out_of_the_log_is_settled_in_its_span_while_that_is_kept() {
        let mut timeline = Timeline::default();
        timeline.compared(NOW);
        timeline.compared(NOW);
        timeline.settle(NOW, Verdict::Confirmed);
        timeline.settle(NOW, Verdict::Noise);
        timeline.settle(NOW - 3_000 * MINUTE, Verdict::Confirmed);
        let last = timeline.hour(NOW)[59];
        assert_eq!((last.different, last.unconfirmed), (1, 0));
        let day: u64 = timeline.day(NOW).iter().map(|tally| tally.different).sum();
        assert_eq!(day, 1);
    }

    #[test]
    fn a_clock_that_was_far_ahead_hides_nothing_of_what_comes() {
        let mut timeline = Timeline::default();
        timeline.compared(NOW + 500_000 * MINUTE);
        timeline.compared(NOW);
        assert_eq!(timeline.hour(NOW)[59].compared, 1);
        assert_eq!(timeline.day.0.len(), 1);
    }

    #[test]
    fn a_moment_has_its_place_among_the_spans_before_the_end() {
        assert_eq!(HOUR.place(NOW, NOW), Some(59));
        assert_eq!(HOUR.place(NOW - 59 * MINUTE, NOW), Some(0));
        assert_eq!(HOUR.place(NOW - 60 * MINUTE, NOW), None);
        assert_eq!(HOUR.place(NOW + MINUTE, NOW), None);
        let begins: Vec<i64> = DAY.beginnings(NOW).collect();
        let places: Vec<_> = begins.iter().map(|at| DAY.place(*at, NOW)).collect();
        assert_eq!(places, (0..144).map(Some).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn memory_is_bounded_whatever_the_clocks_say(times in prop::collection::vec(any::<i64>(), 1..2_000), near in 0..50_i64) {
            let mut timeline = Timeline::default();
            for (at, step) in times.iter().zip(0..) {
                timeline.compared(*at);
                timeline.lost(NOW + step * near * MINUTE);
                timeline.settle(*at, Verdict::Unconfirmed);
                let kept = timeline.hour.0.len() + timeline.day.0.len();
                prop_assert!(kept * size_of::<(i64, Tally)>() <= Timeline::bytes());
            }
            prop_assert_eq!(timeline.day(times[0]).len(), 144);
            prop_assert!(HOUR.place(times[0], NOW).is_none_or(|at| at < 60));
        }
    }
}
