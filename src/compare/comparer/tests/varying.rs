//! Faults at places whose values vary on production as well.

use super::{
    Comparer, NOW, Report, Settings, Side, confirmed_of, finds_nothing, get, json, page, take,
};

/// Numbers without any order.
fn mixed(seed: u32) -> u32 {
    let mixed = (seed ^ (seed >> 16)).wrapping_mul(0x7feb_352d);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
    mixed ^ (mixed >> 16)
}

/// Who asks, of nine.
fn user(turn: u32) -> u32 {
    mixed(turn + 70_000) % 9
}

/// The report after so many turns, a second apart. The shadow answers as production does, with luck of its own, and changes
/// something in each fifth answer.
fn after(turns: u32, side: fn(u32, u32) -> Side, change: fn(Side) -> Side) -> Report {
    let mut comparer = Comparer::new(Settings::default());
    for turn in 0..turns {
        let shadow = side(turn, 1);
        let is_wrong = mixed(turn + 40_000).is_multiple_of(5);
        let shadow = if is_wrong { change(shadow) } else { shadow };
        let target = format!("/things/{turn}");
        let exchange = get(&target, side(turn, 0), shadow.clone());
        let cookie = format!("session=user{}0123456789abcdef", user(turn));
        let exchange = exchange.by(&cookie).at(i64::from(turn));
        if let Some(probe) = take(&mut comparer, &exchange).probe {
            comparer.probed(probe.number, &shadow.answer(exchange.at + 100));
        }
    }
    comparer.report(NOW + i64::from(turns) * 1_000)
}

fn finds(report: &Report, word: &str) {
    let found = confirmed_of(report);
    let is_it = found.len() == 1 && found[0].contains(word);
    assert!(is_it, "{found:?} {}", page(report));
}

fn same(side: Side) -> Side {
    side
}

/// The body with another text for each of some.
fn replaced(mut side: Side, from: &[&str], to: &str) -> Side {
    for from in from {
        side.body = side.body.replace(from, to);
    }
    side
}

#[test]
fn a_counter_that_is_less_than_nought_is_a_fault() {
    let side = |turn: u32, luck: u32| json(&format!(r#"{{"place":{}}}"#, turn * 3 + luck));
    let negative = |_: Side| json(r#"{"place":-1}"#);
    finds(&after(200, side, negative), "place");
    finds_nothing(&after(200, side, same));
}

#[test]
fn one_of_several_at_a_place_that_production_never_gives_is_a_fault() {
    const MOODS: [&str; 4] = ["fine", "tired", "busy", "away"];
    let side = |turn: u32, luck: u32| {
        let mood = |at: u32| MOODS[(mixed(turn * 10 + at + luck * 90_000) % 4) as usize];
        let (one, two) = (mood(1), mood(2));
        json(&format!(
            r#"{{"people":[{{"id":1,"mood":"{one}"}},{{"id":2,"mood":"{two}"}}]}}"#
        ))
    };
    let unknown = |side: Side| replaced(side, &MOODS[..2], "unknown");
    finds(&after(400, side, unknown), "mood");
    finds_nothing(&after(400, side, same));
}

#[test]
fn a_third_half_of_an_experiment_is_a_fault_and_its_halves_are_none() {
    let side = |turn: u32, luck: u32| {
        let half = ["one", "two"][(mixed(user(turn) + luck * 300) % 2) as usize];
        json(&format!(r#"{{"layout":"{half}"}}"#))
    };
    finds_nothing(&after(400, side, same));
    let third = |_: Side| json(r#"{"layout":"three"}"#);
    let report = after(400, side, third);
    // Nine users are too few to be certain, but it stands by itself.
    let open = report.causes.iter().find(|cause| {
        let of: u64 = cause.routes.iter().map(|route| route.different).sum();
        cause.transformation == "new value" && of < 100
    });
    assert!(open.is_some(), "{}", page(&report));
}

#[test]
fn what_is_kept_for_a_minute_is_the_same_again_and_no_fault() {
    let side = |turn: u32, luck: u32| {
        let key = mixed(turn / 60 + luck * 50_000) % 1_000_000;
        json(&format!(r#"{{"cache_key":{key}}}"#))
    };
    finds_nothing(&after(1_500, side, same));
}

#[test]
fn what_was_drawn_once_for_all_routes_is_no_fault_in_its_first_minutes() {
    const ROUTES: [&str; 6] = ["red", "green", "blue", "grey", "teal", "pink"];
    let causes_of = |seconds: i64| {
        let mut comparer = Comparer::new(Settings::default());
        let routes = ROUTES.iter().cycle().take(24);
        for (turn, route) in (0_i64..).zip(routes) {
            let side = |key: u32| json(&format!(r#"{{"key":{key}}}"#));
            let target = format!("/{route}?turn={turn}");
            let exchange = get(&target, side(482_113), side(771_209));
            take(&mut comparer, &exchange.at(turn * seconds));
        }
        confirmed_of(&comparer.report(NOW + 60_000_000)).len()
    };
    assert_eq!(causes_of(2), 0);
    assert_eq!(causes_of(20), 1);
}
