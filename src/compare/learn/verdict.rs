//! Is a cell noise, or what the new version does? Decided whenever it is read, from counts, so that later knowledge clears
//! earlier records.
//!
//! Noise excuses only a value, and only as far as production itself is noisy: a place that production keeps steady is
//! never excused by a shadow that isn't.

mod steady;
mod strength;
#[cfg(test)]
mod tests;
mod values;

use serde::{Deserialize, Serialize};

pub(crate) use self::strength::is_made_by_chance;
use self::strength::{Strength, strength};
use super::{
    cell::{Cell, CellKey},
    counts::Top,
    route_state::RouteState,
    spot::Spot,
    stats::{Share, fisher_greater, g_test_of_differing, sign_test},
};
use crate::compare::{difference::Kind, extract::opaque::opaque};

/// What a cell is held to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// Production varies here as well.
    Noise,
    /// Too little is known.
    Unconfirmed,
    /// The new version does it.
    Confirmed,
}

/// A verdict with its reason, in words.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) evidence: String,
}

fn confirmed(evidence: String) -> Judged {
    Judged {
        verdict: Verdict::Confirmed,
        evidence,
    }
}

fn noise(evidence: &str) -> Judged {
    Judged {
        verdict: Verdict::Noise,
        evidence: evidence.to_owned(),
    }
}

/// Answers of production after which what is always so is held to be so.
const STEADY: u32 = 5;
/// Pairs from which on a direction or a distribution says something.
const FEWEST: u32 = 20;
/// Beyond this a result is no chance, though many cells are looked at.
const RARE: f64 = 1e-5;
/// Beyond this a result is no chance where another reason speaks for it.
const UNLIKELY: f64 = 1e-2;

/// For how long a value that is drawn anew now and then may stay, in milliseconds.
pub(super) const LIFE: i64 = 120_000;

/// Whether production, which gave one value in all answers that were looked at, does not give the other now and then as well:
/// each time it was the shadow that had it, or the shadow has it far more often than that.
pub(super) fn is_no_chance(differing: u32, pairs: u32, seen: u32) -> bool {
    let by_direction = sign_test(differing, differing) < UNLIKELY / 20.0;
    let often = Share::new(differing, pairs.max(differing));
    by_direction || fisher_greater(often, Share::new(0, seen)) < UNLIKELY / 2.0
}

/// All that a verdict is made from.
pub(crate) struct Evidence<'a> {
    pub(crate) cell: &'a Cell,
    /// The cell of the change the other way round: what is gone here was added there.
    pub(crate) inverse: Option<&'a Cell>,
    pub(crate) spot: Option<&'a Spot>,
    pub(crate) route: &'a RouteState,
    /// Pairs that differ at this place in another way of the same kind, and how often the primary itself varied in such a
    /// way.
    pub(crate) otherwise: u32,
    pub(crate) varied_otherwise: u32,
}

impl Evidence<'_> {
    pub(crate) fn judge(&self) -> Judged {
        self.times()
            .or_else(|| self.short_lived())
            .or_else(|| self.new_value())
            .or_else(|| self.token_again())
            .or_else(|| self.tokens())
            .or_else(|| self.unsteady_shadow())
            .or_else(|| self.noisy_primary())
            .or_else(|| self.constant())
            .or_else(|| self.repeats())
            .or_else(|| self.transformation())
            .or_else(|| self.probes())
            .or_else(|| self.one_sided())
            .unwrap_or_else(|| self.unconfirmed())
    }

    fn differing(&self) -> u32 {
        self.cell.differing
    }

    /// How often the primary varied so itself, in either direction.
    fn primary_varied(&self) -> u32 {
        let inverse = self.inverse_of_another_key();
        self.cell.primary_varied + inverse.map_or(0, |cell| cell.primary_varied)
    }

    fn shadow_varied(&self) -> u32 {
        let inverse = self.inverse_of_another_key();
        self.cell.shadow_varied + inverse.map_or(0, |cell| cell.shadow_varied)
    }

    fn inverse_of_another_key(&self) -> Option<&Cell> {
        self.inverse.filter(|inverse| inverse.key != self.cell.key)
    }

    /// Pairs that differ so, as far as each has values of its own.
    fn draws(&self) -> u32 {
        let draws = self.cell.draws().unwrap_or(u32::MAX);
        draws.min(self.differing())
    }

    /// Pairs that differ the other way round.
    fn inverted(&self) -> u32 {
        self.inverse_of_another_key()
            .map_or(0, |cell| cell.differing)
    }

    /// Pairs in which this could have differed.
    fn pairs(&self) -> u32 {
        let of = if self.cell.key.kind == Kind::Status {
            self.route.pairs
        } else {
            self.route.bodies
        };
        of.max(self.differing())
    }

    /// Answers of production with this status that were looked at.
    fn parsed(&self) -> u32 {
        self.route
            .parsed
            .get(&self.cell.status)
            .copied()
            .unwrap_or(0)
    }

    /// How often production was asked again for what has this place: answers of other statuses don't, and of a place that
    /// some answers lack it isn't known.
    fn primary_repeats(&self) -> u32 {
        let kind = self.cell.key.kind;
        if kind == Kind::Status {
            return self.route.primary_repeats;
        }
        let seen = self.spot.map_or(0, |spot| spot.seen);
        if kind != Kind::Extra && seen * 20 < self.parsed() * 19 {
            return 0;
        }
        let of_status = self.route.steady_repeats.get(&self.cell.status);
        of_status.copied().unwrap_or(0)
    }

    fn is_steady_on_repeats(&self) -> bool {
        self.primary_repeats() >= 3 && self.primary_varied() == 0
    }

    fn is_of_tokens(&self) -> bool {
        let both = self.cell.both_opaque;
        both > 0 && both * 10 >= self.differing() * 9
    }

    /// Production gave the same each time it was asked again, and the shadow didn't.
    fn unsteady_shadow(&self) -> Option<Judged> {
        let varied = self.shadow_varied();
        if varied < 3 || !self.is_steady_on_repeats() {
            return None;
        }
        let shadow = Share::new(varied, self.route.shadow_repeats);
        let primary = Share::new(0, self.primary_repeats());
        (fisher_greater(shadow, primary) < RARE).then(|| {
            confirmed(format!(
                "asked again, production gave the same {} of {} times, the shadow only {} of {}: the new version is unsteady",
                primary.of,
                primary.of,
                shadow.of - shadow.hits,
                shadow.of
            ))
        })
    }

    /// Production varies here itself: excused as far as its own rate goes, unless the distributions differ.
    fn noisy_primary(&self) -> Option<Judged> {
        let varied = self.primary_varied();
        if varied == 0 {
            return self.by_chance();
        }
        let primary = Share::new(varied, self.route.primary_repeats);
        let pairs = Share::new(self.differing(), self.pairs());
        let p = fisher_greater(pairs, primary);
        let is_more = p < RARE && primary.of >= 10 && self.has_direction();
        if self.is_lopsided()
            && (is_more || self.differing() >= FEWEST && self.inverse_key().is_some())
        {
            return Some(confirmed(format!(
                "production itself varies so {} of {} times, the pairs differ {} of {}",
                primary.hits, primary.of, pairs.hits, pairs.of
            )));
        }
        if let Some(skew) = self.skew() {
            return Some(skew);
        }
        if p < RARE {
            return None;
        }
        Some(noise(&format!(
            "production itself varies here: {} of {} times when asked again",
            primary.hits, primary.of
        )))
    }

    /// The key of the change the other way round, where that is another one.
    fn inverse_key(&self) -> Option<CellKey> {
        let inverse = self.cell.key.inverse();
        inverse.filter(|inverse| *inverse != self.cell.key)
    }

    /// One value for all that differ, of a kind that is drawn: production may draw another one in the next minute.
    fn short_lived(&self) -> Option<Judged> {
        let cell = self.cell;
        let is_young = cell.last_seen - cell.first_seen < LIFE;
        let is_one =
            cell.primary.is_constant() && self.spot.is_some_and(|spot| spot.values.is_constant());
        (is_young && is_one && has_drawn_values(cell)).then(|| Judged {
            verdict: Verdict::Unconfirmed,
            evidence: "one value on each side, for less than two minutes".to_owned(),
        })
    }

    /// Whether a rate says anything. What production gives for a while, and then something else, is asked for again before
    /// it changes more often than not, but is never what the shadow has.
    fn has_direction(&self) -> bool {
        self.cell.key.kind != Kind::Value || self.inverse_key().is_some()
    }

    /// Values that vary at random are a tenth or the tenfold of each other now and then.
    fn by_chance(&self) -> Option<Judged> {
        let is_rare = self.differing() * 10 <= self.otherwise;
        let may_be = is_made_by_chance(&self.cell.key) && self.cell.key.kind == Kind::Value;
        let is_noisy =
            self.varied_otherwise >= 3 && self.varied_otherwise * 5 >= self.route.primary_repeats;
        (is_rare && may_be && is_noisy).then(|| noise("production's values here vary at random"))
    }

    /// Whether the change the other way round is so much rarer that it is no chance.
    fn is_lopsided(&self) -> bool {
        let all = self.differing() + self.inverted();
        match self.inverse {
            Some(inverse) if inverse.key == self.cell.key => true,
            _ => sign_test(self.differing(), all) < RARE,
        }
    }

    /// Noise whose values are others, or others in number, on the shadow.
    fn skew(&self) -> Option<Judged> {
        let cell = self.cell;
        if is_duration(&cell.place) {
            return None;
        }
        let is_counter = self.spot.is_some_and(Spot::is_counter);
        if !is_counter && self.spot.is_some_and(Spot::stays_for_a_while) {
            return None;
        }
        let draws = self.draws_of_skew();
        let (less, more) = (cell.primary_larger, cell.shadow_larger);
        if less + more >= FEWEST && !is_counter {
            let p = match draws {
                None => sign_test(less.max(more), less + more),
                // All of them have to agree.
                Some(draws) if less.min(more) == 0 => sign_test(draws, draws),
                Some(_) => 1.0,
            };
            if p < RARE {
                let word = if more > less { "larger" } else { "smaller" };
                return Some(confirmed(format!(
                    "the shadow's is the {word} one {} of {} times",
                    less.max(more),
                    less + more
                )));
            }
        }
        let few_values = cell.primary.peak().max(cell.shadow.peak()) * 20 >= self.differing();
        if self.differing() >= FEWEST && few_values && !is_counter && draws.is_none() {
            // Where several things have one place, which of them differs first says nothing of how each is distributed.
            if self.spot.is_some_and(Spot::is_list) {
                return None;
            }
            let shadow = self.known_of_shadow();
            let p = g_test_of_differing(&cell.primary.columns(&shadow));
            if p < RARE {
                return Some(confirmed(
                    "production's values vary, but the shadow's are distributed in another way"
                        .to_owned(),
                ));
            }
        }
        None
    }

    /// Neither side varied when the request came again, and the difference was there again.
    fn repeats(&self) -> Option<Judged> {
        let cell = self.cell;
        if self.primary_varied() > 0 {
            return None;
        }
        // What is kept for a while is the same when it is asked for at once, and says nothing of the rest.
        if self.is_exchangeable() || cell.is_kept_in_time() {
            return None;
        }
        let tried = cell.held + cell.wavered;
        if cell.held >= 2 && cell.held * 5 >= tried * 4 && self.route.primary_repeats >= 3 {
            return Some(confirmed(format!(
                "asked again, both sides gave the same as before {} of {tried} times",
                cell.held
            )));
        }
        let repeats = Share::new(0, self.primary_repeats());
        let pairs = Share::new(self.differing(), self.pairs());
        if repeats.of >= 3 && fisher_greater(pairs, repeats) < UNLIKELY / 10.0 {
            return Some(confirmed(format!(
                "production gave the same value {} of {} times when asked again",
                repeats.of, repeats.of
            )));
        }
        None
    }

    /// Whether each side may have drawn its value for each user, or thing, from the same few: each has what the other
    /// gives elsewhere, as often.
    fn is_exchangeable(&self) -> bool {
        let cell = self.cell;
        let all = self.differing() + self.inverted();
        if self.inverted() > 0 && sign_test(self.differing(), all) > UNLIKELY {
            return true;
        }
        if cell.key.kind == Kind::Value && self.is_drawn_for_sessions() {
            return true;
        }
        let is_rare = self.differing() * 4 < self.pairs() * 3;
        let is_of_few = cell.primary.is_closed() && cell.primary.hashes().count() >= 2;
        let shadow = self.known_of_shadow();
        let is_known = shadow.hashes().all(|value| cell.primary.count(value) > 0);
        cell.key.kind == Kind::Value
            && is_rare
            && is_of_few
            && is_known
            && (cell.draws().is_some()
                || g_test_of_differing(&cell.primary.columns(&shadow)) > UNLIKELY)
    }

    /// Whether each side may have drawn one for each session: of those that production keeps for a session, as many differ as
    /// would if they had nothing to do with each other, and too few sessions to tell that it goes one way.
    fn is_drawn_for_sessions(&self) -> bool {
        let Some(spot) = self.spot.filter(|spot| spot.stays_for_a_session()) else {
            return false;
        };
        let cell = self.cell;
        let sessions = u32::try_from(cell.sessions.len()).unwrap_or(u32::MAX);
        let is_own = cell.shadow.hashes().all(|value| spot.gives(value));
        let differing = f64::from(self.differing());
        let by_chance = f64::from(self.pairs()) * spot.values.change_rate();
        is_own && differing * 2.0 > by_chance && sign_test(sessions, sessions) > UNLIKELY / 10.0
    }

    /// How often values were drawn that are compared by their distribution.
    fn draws_of_skew(&self) -> Option<u32> {
        let of_sessions = || u32::try_from(self.cell.sessions.len()).ok();
        let stays = self.spot.is_some_and(Spot::stays_for_a_session);
        let draws = self.cell.draws();
        draws.or_else(|| stays.then(of_sessions).flatten())
    }

    /// The shadow's values without those that production never gives: these are told by themselves, as soon as that is known.
    fn known_of_shadow(&self) -> Top {
        let cell = self.cell;
        let is_own =
            |hash| cell.primary.count(hash) > 0 || self.spot.is_some_and(|spot| spot.gives(hash));
        let is_told = self.spot.is_some_and(Spot::is_of_few);
        cell.shadow.only_of(|hash| !is_told || is_own(hash))
    }

    /// A change that chance doesn't make, on several values.
    fn transformation(&self) -> Option<Judged> {
        let cell = self.cell;
        let strength = strength(&cell.key);
        let values = cell.primary_values.len();
        let is_enough = match strength {
            Strength::Sure => values >= 2 || (values == 1 && self.differing() >= 5),
            Strength::Likely => {
                values >= 3
                    && self.inverted() * 10 < self.differing()
                    && (self.otherwise < self.differing() || self.is_unlike_the_others())
            }
            Strength::None => false,
        };
        (is_enough && self.primary_varied() == 0).then(|| {
            confirmed(format!(
                "the same change to {}{values} value{}",
                if cell.primary_values.is_complete() {
                    ""
                } else {
                    "more than "
                },
                if values == 1 { "" } else { "s" }
            ))
        })
    }

    /// Among values that vary anyhow: a change that chance doesn't make of them, and that goes one way.
    fn is_unlike_the_others(&self) -> bool {
        let all = self.differing() + self.inverted();
        !is_made_by_chance(&self.cell.key) && sign_test(self.differing(), all) < UNLIKELY / 10.0
    }

    /// The shadow gave the same again when it was asked again.
    fn probes(&self) -> Option<Judged> {
        let cell = self.cell;
        // Where the shadow has what production has elsewhere, it may be production that was off.
        let is_odd = cell.shadow_known * 5 <= self.differing();
        // A token that each side made once, and keeps, is the same again.
        let is_steady =
            is_odd && !self.is_of_tokens() && cell.probed_same >= 4 && cell.probed_other == 0;
        // What stays for a while is the same again a moment later.
        let is_kept = cell.stays_for_a_while()
            || cell.by_target.mostly_turns()
            || self.spot.is_some_and(Spot::stays_for_a_while);
        (is_steady && !is_kept && cell.targets.len() >= 3 && self.primary_varied() == 0).then(
            || {
                confirmed(format!(
                    "asked again, the shadow gave the same {} of {} times",
                    cell.probed_same, cell.probed_same
                ))
            },
        )
    }

    /// The change always goes one way.
    fn one_sided(&self) -> Option<Judged> {
        if self.primary_varied() > 0 {
            return None;
        }
        let has_other_way = CellKey::inverse(&self.cell.key).is_some();
        let all = self.differing() + self.inverted();
        if has_other_way && all >= 12 && sign_test(self.differing(), all) < RARE * 20.0 {
            return Some(confirmed(format!(
                "{} of {all} times in this direction",
                self.differing()
            )));
        }
        self.skew()
    }

    fn unconfirmed(&self) -> Judged {
        let repeats = self.route.primary_repeats;
        let evidence = if repeats == 0 {
            "no request came twice, so that production's own noise isn't known".to_owned()
        } else {
            format!(
                "production varied so {} of {repeats} times when asked again: too little to tell",
                self.primary_varied()
            )
        };
        Judged {
            verdict: Verdict::Unconfirmed,
            evidence,
        }
    }
}

/// Whether both sides' values may be ones of very many.
pub(super) fn has_drawn_values(cell: &Cell) -> bool {
    let is_drawn = |text: &Option<String>| text.as_deref().is_some_and(is_drawn);
    let is_plain = cell.key.kind == Kind::Value && cell.key.change == "other value";
    is_plain && is_drawn(&cell.example.primary) && is_drawn(&cell.example.shadow)
}

/// Whether a value may be one of very many: a large number, a token.
fn is_drawn(text: &str) -> bool {
    const LARGE: f64 = 1000.0;
    let is_large = text
        .parse::<f64>()
        .is_ok_and(|number| number.abs() >= LARGE);
    is_large || opaque(text).is_some()
}

/// Whether a place holds how long something took. That is more on a busy machine, whatever the version.
pub(crate) fn is_duration(place: &str) -> bool {
    const WORDS: [&str; 8] = [
        "ms",
        "millis",
        "milliseconds",
        "duration",
        "elapsed",
        "took",
        "runtime",
        "latency",
    ];
    let name = place.rsplit(['.', ' ']).next().unwrap_or(place);
    let mut words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
}
