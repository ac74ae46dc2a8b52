//! Two equal instances, in many ways: how often is a difference told where there is none?

use crate::{
    run::{Pace, Plan, run},
    traffic::{Repeats, World},
};

/// How many seeds each size is tried with.
const SIZES: [(usize, u64); 4] = [(200, 12), (500, 8), (2_000, 4), (10_000, 1)];

/// Prints a row for each application and way of traffic, with false alarms per 1,000 requests of each size.
pub(crate) fn calm(filter: Option<&str>) {
    println!("| two equal instances | 200 | 500 | 2,000 | 10,000 requests |");
    println!("|---|---|---|---|---|");
    for world in [World::Shop, World::Desk, World::Areas, World::Fleet] {
        for repeats in [Repeats::Often, Repeats::Never] {
            for pace in [Pace::Even, Pace::Bursts, Pace::Slow, Pace::Skewed] {
                let name = format!("{world:?}, {repeats:?}, {pace:?}");
                if filter.is_none_or(|filter| name.contains(filter)) {
                    row(&name, world, repeats, pace);
                }
            }
        }
    }
}

fn row(name: &str, world: World, repeats: Repeats, pace: Pace) {
    let mut cells = String::new();
    for (requests, seeds) in SIZES {
        let mut alarms = 0;
        for seed in 0..seeds {
            let result = run(Plan {
                world,
                pace,
                ..Plan::equal(71 + seed * 13 + requests as u64, requests, repeats)
            });
            alarms += result.causes.len();
            for (cause, pairs) in &result.causes {
                println!(
                    "    ! {requests} requests, seed {seed}: {cause}: {} pairs",
                    pairs.len()
                );
            }
        }
        let rate = 1000.0 * alarms as f64 / (requests as f64 * seeds as f64);
        cells.push_str(&format!(" {alarms} ({rate:.2}) |"));
    }
    println!("| {name} |{cells}");
}
