//! What two values say by themselves: how far apart times are, whether tokens come again, whether production ever gives this.

use super::{Evidence, Judged, RARE, UNLIKELY, Verdict, confirmed, noise};
use crate::compare::{
    difference::Kind,
    learn::{
        cell::{NEW_VALUE, NEW_VALUE_OF_PRIMARY, TOKEN_AGAIN, TOKEN_AGAIN_OF_PRIMARY},
        spot::Spot,
        stats::{Share, sign_test},
    },
};

impl Evidence<'_> {
    /// Times at a constant distance are another expiry or zone; at a changing one, each side's own moment.
    pub(super) fn times(&self) -> Option<Judged> {
        const JITTER: i64 = 2_500;
        const MINUTE: i64 = 60_000;
        const LAG: i64 = 60_000;
        // More than two clocks are apart.
        const OFF: i64 = 10_000;
        let distances = self.cell.distances;
        let is_value = self.cell.key.kind == Kind::Value;
        if !is_value || distances.count == 0 || distances.count * 10 < self.differing() * 9 {
            return None;
        }
        let spread = distances.greatest - distances.least;
        let middle = distances.least + spread / 2;
        let off_minute = middle - (middle + middle.signum() * MINUTE / 2) / MINUTE * MINUTE;
        let is_whole_minutes = middle.abs() >= MINUTE - JITTER && off_minute.abs() <= JITTER;
        // A single moment that is some minutes off is one thing's own, not a zone or an expiry.
        let off_quarter = middle.abs() % (15 * MINUTE);
        let is_zone = off_quarter <= JITTER || off_quarter >= 15 * MINUTE - JITTER;
        let is_shift = is_zone || self.cell.primary_values.len() >= 3;
        if spread <= 2 * JITTER && is_whole_minutes && is_shift && distances.count >= 3 {
            return Some(confirmed(format!(
                "the times are {} apart in {} of {} pairs",
                minutes(middle),
                distances.count,
                self.differing()
            )));
        }
        let is_lag = distances.least.abs().max(distances.greatest.abs()) <= LAG;
        let is_off = spread <= 2 * JITTER && middle.abs() >= OFF && distances.count >= 10;
        if is_lag && is_off {
            return Some(confirmed(format!(
                "the times are about {} s apart in all of {} pairs",
                middle / 1000,
                distances.count
            )));
        }
        // A copy is answered later than its original, so that the shadow's own moment is never before production's.
        let is_before = distances.earlier * 10 >= distances.count * 9
            && sign_test(distances.earlier, distances.count) < RARE;
        if is_lag && is_before {
            return Some(confirmed(format!(
                "the shadow's time is the earlier one in {} of {} pairs",
                distances.earlier, distances.count
            )));
        }
        let is_exact = spread <= 1
            && middle != 0
            && distances.count >= 5
            && self.cell.primary_values.len() >= 5;
        if is_lag && is_exact && middle % 1000 == 0 {
            return Some(confirmed(format!(
                "the times are {} s apart in all of {} pairs",
                middle / 1000,
                distances.count
            )));
        }
        if is_lag && spread <= 1 && self.cell.primary_values.len() < 3 {
            // Something was made or started once on each side, and not in the same second.
            return Some(Judged {
                verdict: Verdict::Unconfirmed,
                evidence: "one moment on each side, within a minute of each other".to_owned(),
            });
        }
        (is_lag && spread > 1).then(|| noise("each side notes its own moment"))
    }

    /// A value that production never gives here, though it gives several.
    pub(super) fn new_value(&self) -> Option<Judged> {
        match &*self.cell.key.change {
            NEW_VALUE => {}
            NEW_VALUE_OF_PRIMARY => return Some(noise("production's values vary here")),
            _ => return None,
        }
        let seen = self.spot.map_or(0, |spot| spot.seen);
        let is_known = |hash| self.spot.is_some_and(|spot| spot.gives(hash));
        // Of many values, none may be kept.
        let mut hashes = self.cell.shadow.hashes().peekable();
        if hashes.peek().is_some() && hashes.all(is_known) {
            return Some(noise("production gives it as well, seldom"));
        }
        let times = self.draws();
        let is_kept = self.spot.is_some_and(Spot::stays_for_a_while);
        if !is_kept && sign_test(times, times + self.inverted()) < UNLIKELY / 10.0 {
            return Some(confirmed(format!(
                "production's values vary, but it gave none of these in {seen} answers, the shadow {} times",
                self.differing()
            )));
        }
        Some(Judged {
            verdict: Verdict::Unconfirmed,
            evidence: format!(
                "production's values vary, and it gave none of these in {seen} answers: too few to tell"
            ),
        })
    }

    /// A token that somebody else was given before.
    pub(super) fn token_again(&self) -> Option<Judged> {
        match &*self.cell.key.change {
            TOKEN_AGAIN => {}
            TOKEN_AGAIN_OF_PRIMARY => return Some(noise("production gives a token again as well")),
            _ => return None,
        }
        let cell = self.cell;
        let is_of_many = cell.sessions.len() >= 3 || cell.targets.len() >= 5;
        if self.differing() >= 3 && self.inverted() == 0 && is_of_many {
            return Some(confirmed(
                "production gives each session its own, the shadow gives one to all".to_owned(),
            ));
        }
        if self.inverted() * 3 > self.differing() {
            return Some(noise("production gives a token again as well"));
        }
        Some(Judged {
            verdict: Verdict::Unconfirmed,
            evidence: "a token that somebody else was given before: too few to tell".to_owned(),
        })
    }

    /// Tokens of one shape that differ always and come for nobody else are random.
    pub(super) fn tokens(&self) -> Option<Judged> {
        let cell = self.cell;
        if !self.is_of_tokens() {
            return None;
        }
        let is_shared = cell.primary_tokens.recurred > 0;
        let present = self.spot.map_or(self.differing(), |spot| {
            let share = Share::new(spot.seen, self.parsed().max(spot.seen));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a u32"
            )]
            let present = (share.rate() * f64::from(self.pairs())) as u32;
            present
        });
        let agrees_mostly = present >= 10 && self.differing() * 2 < present;
        (!is_shared && !agrees_mostly).then(|| noise("random tokens: each side makes its own"))
    }
}

fn minutes(milliseconds: i64) -> String {
    let minutes = (milliseconds + milliseconds.signum() * 30_000) / 60_000;
    if minutes % (24 * 60) == 0 {
        format!("{:+} days", minutes / (24 * 60))
    } else if minutes % 60 == 0 {
        format!("{:+} hours", minutes / 60)
    } else {
        format!("{minutes:+} minutes")
    }
}
