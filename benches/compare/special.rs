//! What is no fault of single answers: lost sessions, and routes that are slower.

use crate::{
    run::{Plan, SLOW, Twist, run},
    traffic::{Repeats, World},
};

const ROUNDS: u64 = 4;

/// Prints a row for each.
pub(crate) fn special() {
    println!("| | as it should be |");
    println!("|---|---|");
    row(
        "three of four sessions lost: one cause, on top",
        lost_sessions,
    );
    row(
        "one of 20 routes 3 times slower, heavy tails: that one",
        |seed| {
            let slower = slower(seed, Twist::SlowRoute);
            slower.len() == 1 && slower[0].contains(SLOW)
        },
    );
    row("heavy tails: no route", |seed| {
        slower(seed, Twist::HeavyTails).is_empty()
    });
    row("heavy tails and pauses of one side: no route", |seed| {
        slower(seed, Twist::Pauses).is_empty()
    });
}

fn row(name: &str, is_right: impl Fn(u64) -> bool) {
    let right = (0..ROUNDS).filter(|seed| is_right(311 + seed)).count();
    println!("| {name} | {right} of {ROUNDS} |");
}

fn lost_sessions(seed: u64) -> bool {
    let result = run(Plan {
        twist: Twist::LostSessions,
        ..Plan::equal(seed, 2_000, Repeats::Often)
    });
    let is_first = result.report.causes.first();
    let is_told = is_first.is_some_and(|cause| cause.title.contains("lost"));
    if !is_told || result.causes.len() != 1 {
        for (name, pairs) in &result.causes {
            println!("    ! seed {seed}: {name}: {} pairs", pairs.len());
        }
    }
    is_told && result.causes.len() == 1
}

fn slower(seed: u64, twist: Twist) -> Vec<String> {
    let result = run(Plan {
        twist,
        world: World::Twenty,
        ..Plan::equal(seed, 4_000, Repeats::Often)
    });
    let slower = result.report.slower.iter();
    slower.map(|slower| slower.route.clone()).collect()
}
