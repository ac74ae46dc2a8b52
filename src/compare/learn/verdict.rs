//! Is a cell noise, or what the new version does? Decided whenever it is read, from counts, so that later knowledge clears
//! earlier records.
//!
//! Noise excuses only a value, and only as far as production itself is noisy: a place that production keeps steady is
//! never excused by a shadow that isn't.

use serde::{Deserialize, Serialize};

use super::{
    cell::{Cell, CellKey, OTHER_ROUTE},
    route_state::RouteState,
    spot::Spot,
    stats::{Share, fisher_greater, g_test, sign_test},
};
use crate::compare::difference::Kind;

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
/// Beyond this a result is no chance, though many cells are looked at.
const RARE: f64 = 1e-5;
/// Beyond this a result is no chance where another reason speaks for it.
const UNLIKELY: f64 = 1e-2;

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

    /// Times at a constant distance are another expiry or zone; at a changing one, each side's own moment.
    fn times(&self) -> Option<Judged> {
        const JITTER: i64 = 2_500;
        const MINUTE: i64 = 60_000;
        const LAG: i64 = 60_000;
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
        let is_zone = middle.abs() % (15 * MINUTE) <= JITTER
            || middle.abs() % (15 * MINUTE) >= 15 * MINUTE - JITTER;
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

    /// Tokens of one shape that differ always and come for nobody else are random.
    fn tokens(&self) -> Option<Judged> {
        let cell = self.cell;
        if !self.is_of_tokens() {
            return None;
        }
        let is_shared = cell.primary_tokens.recurred > 0;
        if cell.shadow_tokens.recurred >= 3 && !is_shared && cell.sessions.len() >= 3 {
            return Some(confirmed(
                "production gives each session its own, the shadow gives one to all".to_owned(),
            ));
        }
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
        if p < RARE && primary.of >= 10 && self.is_lopsided() {
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

    /// Values that vary at random are a tenth or the tenfold of each other now and then.
    fn by_chance(&self) -> Option<Judged> {
        let is_rare = self.differing() * 10 <= self.otherwise;
        let may_be =
            strength(&self.cell.key) != Strength::Sure && self.cell.key.kind == Kind::Value;
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
        const FEWEST: u32 = 20;
        let cell = self.cell;
        if is_duration(&cell.place) {
            return None;
        }
        let is_counter = self.spot.is_some_and(Spot::is_counter);
        let (less, more) = (cell.primary_larger, cell.shadow_larger);
        if less + more >= FEWEST && !is_counter {
            let p = sign_test(less.max(more), less + more);
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
        if self.differing() >= FEWEST && few_values && !is_counter {
            let p = g_test(&cell.primary.columns(&cell.shadow));
            if p < RARE {
                return Some(confirmed(
                    "production's values vary, but the shadow's are distributed in another way"
                        .to_owned(),
                ));
            }
        }
        None
    }

    /// What production always has, or never has, or always has of one type.
    fn constant(&self) -> Option<Judged> {
        let parsed = self.parsed();
        let is_noisy = self.primary_varied() > 0;
        if !is_noisy && self.refuses() {
            return self.refused();
        }
        if parsed < STEADY || is_noisy {
            return None;
        }
        let seen = self.spot.map_or(0, |spot| spot.seen);
        let is_often = self.differing() * 2 >= parsed;
        if self.is_named_by_data() && !is_often {
            return None;
        }
        match self.cell.key.kind {
            Kind::Status => self.constant_status(),
            Kind::Missing if seen >= parsed => Some(confirmed(format!(
                "production always had it, in all of {parsed} answers that were looked at"
            ))),
            Kind::Extra if seen == 0 => Some(confirmed(format!(
                "production never had it, in none of {parsed} answers that were looked at"
            ))),
            Kind::Value if self.cell.key.change == OTHER_ROUTE && self.differing() >= 2 => {
                Some(confirmed(format!(
                    "it leads to something else in {} pairs",
                    self.differing()
                )))
            }
            // A random token looks like another kind of token now and then, on either side.
            Kind::Format if self.cell.key.change == "other shape" => {
                let is_steady = self
                    .spot
                    .is_some_and(|spot| spot.has_one_shape() && spot.seen >= 4 * STEADY);
                (is_steady && self.differing() >= STEADY).then(|| {
                    confirmed(format!(
                        "production's were all of one shape in {seen} answers"
                    ))
                })
            }
            Kind::Type | Kind::Format
                if self
                    .spot
                    .is_some_and(|spot| spot.has_one_look() && spot.seen >= STEADY) =>
            {
                Some(confirmed(format!(
                    "production's were all of one form in {seen} answers"
                )))
            }
            Kind::Value | Kind::Length | Kind::Items | Kind::Order => {
                let spot = self.spot?;
                let is_constant = spot.values.is_constant() && spot.seen >= STEADY;
                // Each time it was the shadow that had another value: no chance, if either side could have had it.
                let always = self.cell.primary.peak();
                // The shadow's is always the same, too: twice as many draws that came out so.
                let draws = 1 + u32::from(self.cell.shadow.is_constant());
                let p = sign_test(draws * always, draws * self.differing());
                let is_sure = self.differing() >= STEADY && p < UNLIKELY / 5.0;
                (is_constant && is_sure).then(|| {
                    confirmed(format!(
                        "production gave the same value {} of {} times",
                        spot.seen, spot.seen
                    ))
                })
            }
            _ => None,
        }
    }

    /// Whether the shadow refuses what the route is asked for, in a way that neither data nor a session can make.
    fn refuses(&self) -> bool {
        const REFUSALS: [&str; 4] = ["405", "406", "415", "501"];
        let change = &self.cell.key.change;
        let to = change
            .split_once(" to ")
            .and_then(|(_, to)| to.split(' ').next());
        self.cell.key.kind == Kind::Status && to.is_some_and(|to| REFUSALS.contains(&to))
    }

    fn refused(&self) -> Option<Judged> {
        (self.differing() >= 2 && self.inverted() == 0).then(|| {
            confirmed(format!(
                "{} of {} pairs, and it depends on nothing but the request",
                self.differing(),
                self.route.pairs
            ))
        })
    }

    /// Whether the member that is gone or new has a name that is data: an entry of a table, that may come a moment later.
    fn is_named_by_data(&self) -> bool {
        let name = self.cell.place.rsplit('.').next().unwrap_or_default();
        matches!(self.cell.key.kind, Kind::Missing | Kind::Extra) && name.contains('{')
    }

    /// Another status is the new version's, unless it goes both ways.
    fn constant_status(&self) -> Option<Judged> {
        let cell = self.cell;
        if self.route.pairs < STEADY {
            return None;
        }
        let back = self.inverted();
        if back > 0 && sign_test(cell.differing, cell.differing + back) > UNLIKELY {
            return None;
        }
        Some(confirmed(format!(
            "{} of {} pairs, and never the other way round",
            cell.differing, self.route.pairs
        )))
    }

    /// Neither side varied when the request came again, and the difference was there again.
    fn repeats(&self) -> Option<Judged> {
        let cell = self.cell;
        if self.primary_varied() > 0 {
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
                    && self.otherwise < self.differing()
            }
            Strength::None => false,
        };
        (is_enough && self.primary_varied() == 0).then(|| {
            confirmed(format!(
                "the same change to {}{values} values",
                if cell.primary_values.is_complete() {
                    ""
                } else {
                    "more than "
                }
            ))
        })
    }

    /// The shadow gave the same again when it was asked again.
    fn probes(&self) -> Option<Judged> {
        let cell = self.cell;
        // Where the shadow has what production has elsewhere, it may be production that was off.
        let is_odd = cell.shadow_known * 5 <= self.differing();
        // A token that each side made once, and keeps, is the same again.
        let is_steady =
            is_odd && !self.is_of_tokens() && cell.probed_same >= 4 && cell.probed_other == 0;
        (is_steady && cell.targets.len() >= 3 && self.primary_varied() == 0).then(|| {
            confirmed(format!(
                "asked again, the shadow gave the same {} of {} times",
                cell.probed_same, cell.probed_same
            ))
        })
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

/// Whether a place holds how long something took. That is more on a busy machine, whatever the version.
fn is_duration(place: &str) -> bool {
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

/// How unlikely a transformation is by chance.
#[derive(Clone, Copy, PartialEq)]
enum Strength {
    Sure,
    Likely,
    None,
}

fn strength(key: &CellKey) -> Strength {
    const SURE: [&str; 13] = [
        "number to text",
        "text to number",
        "time format",
        "number format",
        "entity-escaped",
        "entities decoded",
        "mojibake",
        "origin replaced",
        "form of a boolean",
        "unicode normalization",
        "other type",
        "precision lost",
        "renamed to",
    ];
    const LIKELY: [&str; 12] = [
        "factor",
        "time shifted",
        "case",
        "trimmed",
        "null to empty",
        "empty to null",
        "prefix",
        "suffix",
        "emptied",
        "filled",
        "precision gained",
        "other shape",
    ];
    let begins = |names: &[&str]| names.iter().any(|name| key.change.starts_with(name));
    if begins(&SURE) {
        Strength::Sure
    } else if begins(&LIKELY) {
        Strength::Likely
    } else {
        Strength::None
    }
}
