//! Each rule of a verdict, with what it needs and with a little less.

use super::{
    super::{
        cell::{Cell, NEW_VALUE, NEW_VALUE_OF_PRIMARY, TOKEN_AGAIN, TOKEN_AGAIN_OF_PRIMARY},
        route_state::RouteState,
        spot::Spot,
    },
    Evidence, Judged,
    Verdict::{self, Confirmed, Noise, Unconfirmed},
};
use crate::compare::{
    difference::{Difference, Kind},
    kit::{self, Response, between},
    route::RouteId,
};

const AT: i64 = 1_709_648_527_000;

/// The only difference of two bodies with one member each.
fn difference(primary: &str, shadow: &str) -> Difference {
    let body = |value: &str| kit::json(&format!(r#"{{"id":1,"a":{value}}}"#));
    of(&body(primary), &body(shadow))
}

fn gone(primary: &str) -> Difference {
    let whole = kit::json(&format!(r#"{{"id":1,"a":{primary}}}"#));
    of(&whole, &kit::json(r#"{"id":1}"#))
}

fn of(primary: &Response, shadow: &Response) -> Difference {
    between(primary, shadow).found.remove(0)
}

/// What is known of one cell, and of its route.
struct Known {
    cell: Cell,
    inverse: Option<Cell>,
    spot: Spot,
    route: RouteState,
    otherwise: u32,
    varied_otherwise: u32,
}

impl Known {
    /// Pairs that all differ, each of another thing.
    fn of(pairs: impl IntoIterator<Item = Difference>) -> Self {
        let mut cell: Option<Cell> = None;
        for (at, difference) in (0_i64..).zip(pairs) {
            let cell = cell.get_or_insert_with(|| Cell::new(RouteId(1), &difference, 200, AT));
            let number = at.unsigned_abs() + 1;
            cell.differing += 1;
            cell.last_seen = AT + at * 1_000;
            cell.sessions.add(number);
            cell.targets.add(number);
            cell.note(&difference, number, number);
            cell.example.primary = difference
                .primary
                .as_ref()
                .map(|value| value.text().to_owned());
            cell.example.shadow = difference
                .shadow
                .as_ref()
                .map(|value| value.text().to_owned());
        }
        let mut known = Self {
            cell: cell.unwrap(),
            inverse: None,
            spot: Spot::default(),
            route: RouteState::default(),
            otherwise: 0,
            varied_otherwise: 0,
        };
        known.route.pairs = 200;
        known.route.bodies = 200;
        known
    }

    /// One difference, so many times.
    fn times(count: usize, difference: &Difference) -> Self {
        Self::of(std::iter::repeat_n(difference.clone(), count))
    }

    /// Production's answers that were looked at, each with one of these hashes here.
    fn seen(mut self, hashes: impl IntoIterator<Item = u64>) -> Self {
        for hash in hashes {
            self.spot.note(hash);
            *self.route.parsed.entry(200).or_default() += 1;
        }
        self
    }

    /// Production always gave what it gave in the pairs.
    fn seen_the_same(self, count: usize) -> Self {
        let hash = self.cell.primary.hashes().next().unwrap();
        self.seen(std::iter::repeat_n(hash, count))
    }

    fn without_it(mut self, count: u32) -> Self {
        *self.route.parsed.entry(200).or_default() += count;
        self
    }

    /// Requests that came again, and how often production had changed in this way.
    fn asked_again(mut self, count: u32, varied: u32) -> Self {
        self.route.primary_repeats = count;
        self.route.shadow_repeats = count;
        self.route.steady_repeats.insert(200, count);
        self.cell.primary_varied = varied;
        self
    }

    fn pairs(mut self, count: u32) -> Self {
        self.route.pairs = count;
        self.route.bodies = count;
        self
    }

    fn renamed(mut self, change: &str) -> Self {
        change.clone_into(&mut self.cell.key.change);
        self
    }

    fn other_way(mut self, count: u32) -> Self {
        let mut inverse = self.cell.clone();
        inverse.key = self.cell.key.inverse().unwrap();
        inverse.differing = count;
        self.inverse = Some(inverse);
        self
    }

    fn judged(&self) -> Judged {
        Evidence {
            cell: &self.cell,
            inverse: self.inverse.as_ref(),
            spot: (self.spot.seen > 0).then_some(&self.spot),
            route: &self.route,
            otherwise: self.otherwise,
            varied_otherwise: self.varied_otherwise,
        }
        .judge()
    }

    fn is(&self, verdict: Verdict) {
        let judged = self.judged();
        assert_eq!(judged.verdict, verdict, "{}", judged.evidence);
    }
}

fn time(seconds: i64) -> String {
    let at = std::time::UNIX_EPOCH
        + std::time::Duration::from_secs((AT / 1000 + seconds).unsigned_abs());
    format!("\"{}\"", humantime::format_rfc3339_seconds(at))
}

/// Pairs of times, each so many seconds apart.
fn times_apart(seconds: impl IntoIterator<Item = i64>) -> Known {
    let apart = |(at, seconds): (i64, i64)| {
        let one = 7 * at * at;
        let mut difference = difference(&time(one), &time(one + seconds));
        difference.kind = Kind::Value;
        difference
    };
    Known::of((1_i64..).zip(seconds).map(apart)).renamed("other value")
}

fn token(number: u64) -> String {
    let mixed = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("\"{mixed:032x}\"")
}

#[test]
fn times_at_a_constant_distance_are_another_expiry() {
    times_apart([120; 3]).is(Confirmed);
    times_apart([120; 2]).is(Unconfirmed);
    // Days apart, and never twice as far.
    times_apart([120, 7_000, 90_000]).is(Unconfirmed);
}

#[test]
fn seconds_apart_are_two_clocks_and_more_is_a_fault() {
    times_apart([30; 10]).is(Confirmed);
    times_apart([30; 4]).is(Unconfirmed);
    times_apart([3, 4, 3, 5, 4, 3, 4, 5, 3, 4, 4, 5]).is(Noise);
}

#[test]
fn the_same_seconds_apart_for_many_moments_are_the_upgrades() {
    times_apart([4; 5]).is(Confirmed);
    times_apart([4; 4]).is(Unconfirmed);
}

#[test]
fn one_moment_on_each_side_is_not_certain() {
    let one = difference(&time(0), &time(7));
    Known::times(9, &one)
        .renamed("other value")
        .seen_the_same(40)
        .is(Unconfirmed);
}

#[test]
fn a_time_that_is_always_earlier_is_no_lag_of_the_copy() {
    let earlier = |count: i64| (0..count).map(|at| -5 - (at * 7) % 50);
    times_apart(earlier(20)).is(Confirmed);
    times_apart(earlier(12)).is(Noise);
    times_apart(earlier(20).map(i64::abs)).is(Noise);
    // Now and then the shadow notes its own moment.
    times_apart(earlier(27).chain([1, 2, 1])).is(Confirmed);
    times_apart(earlier(26).chain([1, 2, 1, 2])).is(Noise);
}

#[test]
fn tokens_that_never_come_again_are_random() {
    let pairs = |count: u64| (0..count).map(|at| difference(&token(at), &token(at + 1000)));
    Known::of(pairs(30)).seen(0..40).pairs(30).is(Noise);
    // Where production gives one token to several, it is no secret of one session.
    let mut shared = Known::of(pairs(30)).seen(0..40).pairs(30);
    shared.cell.primary_tokens.recurred = 1;
    shared.is(Unconfirmed);
    // Where most pairs agree, it isn't random.
    Known::of(pairs(30)).seen(0..40).pairs(61).is(Unconfirmed);
    Known::of(pairs(30)).seen(0..40).pairs(59).is(Noise);
}

#[test]
fn a_token_of_several_sessions_is_a_fault_unless_production_has_them_too() {
    let again = |count: u64| {
        let pairs = (0..count).map(|at| difference(&token(at), &token(700)));
        Known::of(pairs).renamed(TOKEN_AGAIN)
    };
    again(3).is(Confirmed);
    again(2).is(Unconfirmed);
    again(3).other_way(2).is(Noise);
    again(9).other_way(1).is(Unconfirmed);
    again(9).renamed(TOKEN_AGAIN_OF_PRIMARY).is(Noise);
    let mut of_one = again(9);
    of_one.cell.sessions = super::super::counts::Distinct::default();
    of_one.cell.targets = super::super::counts::Distinct::default();
    of_one.is(Unconfirmed);
}

/// Texts that are all others.
fn texts(count: u64) -> impl Iterator<Item = Difference> {
    (0..count).map(|at| difference(&format!("\"w{at}x\""), &format!("\"q{at}y\"")))
}

fn words(count: u64) -> impl Iterator<Item = Difference> {
    (0..count).map(|at| difference(&format!("\"w{}\"", at % 3), "\"unheard\""))
}

#[test]
fn a_value_that_production_never_gives_is_a_fault_where_chance_goes_both_ways() {
    let new = |count| {
        Known::of(words(count))
            .renamed(NEW_VALUE)
            .seen((0..60).map(|at| at % 3))
    };
    new(10).is(Confirmed);
    new(9).is(Unconfirmed);
    new(10).other_way(1).is(Unconfirmed);
    new(10).renamed(NEW_VALUE_OF_PRIMARY).is(Noise);
}

#[test]
fn a_value_that_production_gives_later_is_none_of_the_upgrades() {
    let known = Known::of(words(30)).renamed(NEW_VALUE);
    let shadow = known.cell.shadow.hashes().next().unwrap();
    known
        .seen((0..60).map(|at| at % 3).chain([shadow]))
        .is(Noise);
}

#[test]
fn what_stays_for_a_session_is_one_draw_of_it() {
    // Ten answers each to two sessions.
    let mut known = Known::of(words(1))
        .renamed(NEW_VALUE)
        .seen((0..60).map(|at| at % 3));
    known.cell.sessions.add(2);
    for at in 0..20_u64 {
        let word = format!("\"w{}\"", at % 2);
        known.cell.differing += 1;
        known
            .cell
            .note(&difference(&word, "\"unheard\""), at % 2 + 1, at);
    }
    assert_eq!(known.cell.draws(), Some(2));
    known.is(Unconfirmed);
}

#[test]
fn a_steady_production_makes_an_unsteady_shadow_a_fault() {
    let unsteady = |repeats, varied| {
        let mut known = Known::of(words(6)).seen((0..40).map(|at| at % 3));
        known.route.primary_repeats = repeats;
        known.route.shadow_repeats = repeats;
        known.route.steady_repeats.insert(200, repeats);
        known.cell.shadow_varied = varied;
        known.judged().evidence.ends_with("unsteady")
    };
    assert!(unsteady(30, 15));
    assert!(!unsteady(30, 8), "it may be chance");
    assert!(!unsteady(2, 2));
}

#[test]
fn where_production_varies_as_much_a_value_is_noise() {
    Known::of(words(15)).asked_again(40, 4).is(Noise);
    // It stays for a while, and never is the shadow's: how often it changes says nothing.
    Known::of(words(15))
        .asked_again(40, 4)
        .pairs(15)
        .is(Unconfirmed);
}

#[test]
fn where_production_varies_much_less_a_missing_member_is_a_fault() {
    let missing = |count| Known::times(count, &gone("1")).asked_again(200, 1);
    missing(100).is(Confirmed);
    missing(100).other_way(80).is(Unconfirmed);
    missing(19).is(Noise);
    // Twenty, and none the other way: no chance, however often production varies.
    missing(20).is(Confirmed);
    missing(20).other_way(10).is(Noise);
}

#[test]
fn values_that_are_always_larger_are_no_noise() {
    let larger = |count: u32, less: u32| {
        let pairs = (0..count).map(|at| {
            let (one, other) = (100 + at * 37 % 50, 170 + at * 11 % 50);
            if at < less {
                difference(&other.to_string(), &one.to_string())
            } else {
                difference(&one.to_string(), &other.to_string())
            }
        });
        Known::of(pairs).renamed("other value").asked_again(50, 40)
    };
    larger(24, 0).is(Confirmed);
    larger(24, 8).is(Noise);
    larger(19, 0).is(Noise);
    let mut took = larger(24, 0);
    took.cell.place = "$.took_ms".to_owned();
    took.is(Noise);
    let mut counter = larger(24, 0);
    for number in 0..40 {
        counter.spot.note(number);
        counter.spot.note_look(
            difference(&number.to_string(), "-1")
                .primary
                .as_ref()
                .unwrap(),
        );
    }
    counter.is(Noise);
}

#[test]
fn values_that_are_distributed_in_another_way_are_no_noise() {
    let skewed = |count: u64| {
        let pairs = (0..count).map(|at| {
            let shadow = if at % 8 == 1 { "y" } else { "x" };
            difference(
                if at % 2 == 0 { "\"y\"" } else { "\"z\"" },
                &format!("\"{shadow}\""),
            )
        });
        Known::of(pairs).asked_again(50, 40)
    };
    skewed(40).is(Confirmed);
    // Several things at one place.
    let mut list = skewed(40).seen([1]);
    list.spot.note_list();
    list.is(Noise);
    skewed(19).is(Noise);
}

#[test]
fn random_numbers_are_the_tenfold_now_and_then_but_never_empty() {
    let rare = |change: &str, otherwise| {
        let mut known = Known::of(words(5)).renamed(change);
        known.route.primary_repeats = 10;
        (known.otherwise, known.varied_otherwise) = (otherwise, 3);
        known
    };
    rare("factor 10", 50).is(Noise);
    rare("factor 10", 49).is(Unconfirmed);
    let mut steady = rare("factor 10", 50);
    steady.varied_otherwise = 2;
    steady.is(Unconfirmed);
    rare("emptied", 50).is(Unconfirmed);
}

#[test]
fn among_values_that_vary_a_change_that_chance_does_not_make_goes_one_way() {
    let emptied = |count| {
        let pairs = (0..count).map(|at| difference(&format!("\"w{}\"", at % 4), "\"\""));
        let mut known = Known::of(pairs);
        known.otherwise = 500;
        known
    };
    emptied(10).is(Confirmed);
    emptied(9).is(Unconfirmed);
    emptied(10).other_way(1).is(Unconfirmed);
}

#[test]
fn what_production_always_has_or_never_has_is_certain() {
    Known::times(1, &gone("1")).seen_the_same(5).is(Confirmed);
    Known::times(1, &gone("1")).seen_the_same(4).is(Unconfirmed);
    Known::times(1, &gone("1"))
        .seen_the_same(5)
        .without_it(1)
        .is(Unconfirmed);
    let added = of(&kit::json(r#"{"id":1}"#), &kit::json(r#"{"id":1,"a":2}"#));
    Known::times(1, &added).without_it(5).is(Confirmed);
    Known::times(1, &added).without_it(4).is(Unconfirmed);
    Known::times(1, &added)
        .seen([1])
        .without_it(5)
        .is(Unconfirmed);
}

#[test]
fn members_that_are_named_by_data_come_and_go() {
    let mut known = Known::times(2, &gone("1")).seen_the_same(5);
    known.cell.place = "$.{n}".to_owned();
    known.is(Unconfirmed);
    known.cell.differing = 3;
    known.is(Confirmed);
}

#[test]
fn another_type_is_certain_where_production_has_one() {
    let known = |looks: &[&str]| {
        let mut known = Known::times(1, &difference("1", "null"));
        for look in looks {
            known
                .spot
                .note_look(difference(look, "[]").primary.as_ref().unwrap());
        }
        known.seen((0_u64..).take(looks.len()))
    };
    known(&["1", "2", "3", "4", "5"]).is(Confirmed);
    known(&["1", "2", "3", "4", "\"x\""]).is(Unconfirmed);
    known(&["1", "2", "3", "4"]).is(Unconfirmed);
}

#[test]
fn a_constant_value_is_a_fault_when_it_is_no_chance() {
    let changed = difference("\"on\"", "\"off\"");
    // All of them: production, and the shadow.
    Known::times(5, &changed)
        .seen_the_same(5)
        .pairs(5)
        .is(Confirmed);
    Known::times(4, &changed)
        .seen_the_same(5)
        .pairs(4)
        .is(Unconfirmed);
    // Some of many: either side could have had it, as an answer that a cache hasn't.
    Known::times(11, &changed).seen_the_same(40).is(Confirmed);
    Known::times(10, &changed).seen_the_same(40).is(Unconfirmed);
    Known::times(11, &changed)
        .seen_the_same(40)
        .seen([7])
        .is(Unconfirmed);
}

#[test]
fn a_large_number_or_a_token_has_to_stay_for_two_minutes() {
    let drawn = |count| Known::times(count, &difference("48211", "90125")).seen_the_same(40);
    drawn(100).is(Unconfirmed);
    drawn(121).is(Confirmed);
    Known::times(100, &difference("20", "50"))
        .seen_the_same(40)
        .is(Confirmed);
}

fn status(from: u16, to: u16) -> Difference {
    of(&kit::response(from), &kit::response(to))
}

#[test]
fn another_status_is_a_fault_unless_it_goes_both_ways() {
    let known = |count| {
        let mut known = Known::times(count, &status(200, 404)).without_it(9);
        known.route.primary_repeats = 0;
        known
    };
    known(1).is(Confirmed);
    known(1).pairs(4).is(Unconfirmed);
    known(3).other_way(2).is(Unconfirmed);
    known(60).other_way(2).is(Confirmed);
}

#[test]
fn a_refusal_depends_on_nothing_but_the_request() {
    let known = |to| Known::times(2, &status(200, to)).pairs(2);
    known(405).is(Confirmed);
    known(404).is(Unconfirmed);
    Known::times(1, &status(200, 405)).pairs(2).is(Unconfirmed);
    known(405).other_way(1).is(Unconfirmed);
}

#[test]
fn what_is_there_again_when_it_is_asked_again_is_a_fault() {
    let held = |held, wavered, repeats| {
        let mut known = Known::of(words(3)).asked_again(repeats, 0);
        known.route.steady_repeats.clear();
        (known.cell.held, known.cell.wavered) = (held, wavered);
        known
    };
    held(2, 0, 3).is(Confirmed);
    held(1, 0, 3).is(Unconfirmed);
    held(2, 0, 2).is(Unconfirmed);
    held(4, 1, 9).is(Confirmed);
    held(3, 1, 9).is(Unconfirmed);
}

#[test]
fn many_pairs_against_no_repeat_are_a_fault() {
    Known::of(texts(60)).asked_again(60, 0).is(Confirmed);
    Known::of(texts(3)).asked_again(60, 0).is(Unconfirmed);
    // How often answers of another status came again says nothing.
    let mut other = Known::of(texts(60)).asked_again(60, 0);
    other.route.steady_repeats = [(404, 60)].into();
    other.is(Unconfirmed);
}

#[test]
fn an_experiment_that_sticks_to_a_user_confirms_nothing() {
    let halves = |count: u64, swapped: u64| {
        let pairs = (0..count).map(|at| {
            if at % 2 < swapped {
                difference("\"one\"", "\"two\"")
            } else {
                difference("\"two\"", "\"one\"")
            }
        });
        let mut known = Known::of(pairs).asked_again(60, 0);
        known.cell.held = 20;
        known
    };
    halves(60, 1).is(Unconfirmed);
    // All of the pairs are more than chance makes, and so is one direction.
    halves(60, 1).pairs(60).is(Confirmed);
    halves(60, 2).is(Confirmed);
}

#[test]
fn a_change_that_chance_does_not_make_needs_two_values() {
    let text = |count: u64| (0..count).map(|at| difference(&at.to_string(), &format!("\"{at}\"")));
    Known::of(text(2)).is(Confirmed);
    Known::of(text(1)).is(Unconfirmed);
    let tenfold = |count: u64| {
        (0..count).map(|at| difference(&(at + 3).to_string(), &((at + 3) * 100).to_string()))
    };
    Known::of(tenfold(3)).is(Confirmed);
    Known::of(tenfold(2)).is(Unconfirmed);
    let mut among = Known::of(tenfold(3));
    among.otherwise = 3;
    among.is(Unconfirmed);
    Known::of(tenfold(3)).other_way(1).is(Unconfirmed);
}

#[test]
fn what_the_shadow_says_again_is_certain_where_production_never_says_it() {
    let probed = |same, other, known_values| {
        let mut known = Known::of(words(10));
        (known.cell.probed_same, known.cell.probed_other) = (same, other);
        known.cell.shadow_known = known_values;
        known
    };
    probed(4, 0, 2).is(Confirmed);
    probed(3, 0, 0).is(Unconfirmed);
    probed(4, 1, 0).is(Unconfirmed);
    probed(4, 0, 3).is(Unconfirmed);
}

#[test]
fn what_the_moment_keeps_is_there_again_at_once_and_says_nothing() {
    // Of one thing and session after the other, or of all of them in turn.
    let kept = |things: u64| {
        let mut known = Known::of(words(1)).asked_again(9, 0).pairs(40);
        for at in 0..40_u64 {
            let round = at / 8;
            let pair = difference(&format!("\"w{round}\""), &format!("\"q{round}\""));
            let key = if things == 0 { round } else { at % things };
            known.cell.differing += 1;
            known.cell.note(&pair, key + 10, key + 10);
        }
        known.cell.held = 8;
        known
    };
    kept(8).is(Unconfirmed);
    kept(0).is(Confirmed);
}

#[test]
fn what_stays_for_a_while_is_the_same_a_moment_later() {
    let probed = |stays: u64| {
        let pairs = (0..40).map(|at| {
            let round = at / stays;
            difference(&format!("\"w{round}\""), &format!("\"q{round}\""))
        });
        let mut known = Known::of(pairs);
        known.cell.probed_same = 4;
        known
    };
    probed(1).is(Confirmed);
    probed(10).is(Unconfirmed);
}

#[test]
fn what_always_goes_one_way_is_a_fault() {
    let missing = |count| Known::times(count, &gone("1")).without_it(1).seen([1]);
    missing(13).is(Confirmed);
    missing(12).is(Unconfirmed);
    missing(13).other_way(3).is(Unconfirmed);
}

#[test]
fn a_value_that_stays_for_a_while_is_not_distributed_by_pairs() {
    // Production gives one value to all for a while; a new one of the shadow's may be its next.
    let kept = || (0..60).map(|at| at / 20);
    Known::of(words(30))
        .renamed(NEW_VALUE)
        .seen(kept())
        .is(Unconfirmed);
    let larger =
        (0..30).map(|at| difference(&(100 + at / 10).to_string(), &(170 + at / 10).to_string()));
    let known = Known::of(larger).renamed("other value");
    assert_eq!(known.cell.draws(), Some(3));
    known.is(Unconfirmed);
}
