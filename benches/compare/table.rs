//! The table: what is found, what is told in vain, how many causes a fault makes.

use std::collections::HashSet;

use crate::{
    compare::{Style, text},
    desk,
    faults::{Fault, Rate, all},
    fleet,
    run::{Plan, Result, run},
    special,
    traffic::{Repeats, World},
};

const REQUESTS: usize = 2_000;
/// Seeds for tuning and for judging.
const TUNE: u64 = 11;
const JUDGE: u64 = 5_003;
const SECOND_TUNE: u64 = 211;
const SECOND_JUDGE: u64 = 90_011;

/// Which half of the faults and seeds.
#[derive(Clone, Copy, PartialEq)]
enum Split {
    Tune,
    Judge,
    /// Other noise, and more faults at noisy places.
    SecondTune,
    /// Another application, only ever counted.
    SecondJudge,
}

const SPLITS: [Split; 4] = [
    Split::Tune,
    Split::Judge,
    Split::SecondTune,
    Split::SecondJudge,
];

impl Split {
    fn seed(self) -> u64 {
        match self {
            Self::Tune => TUNE,
            Self::Judge => JUDGE,
            Self::SecondTune => SECOND_TUNE,
            Self::SecondJudge => SECOND_JUDGE,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tune => "tune",
            Self::Judge => "judge",
            Self::SecondTune => "second tune",
            Self::SecondJudge => "second judge",
        }
    }

    fn world(self) -> World {
        match self {
            Self::Tune | Self::Judge => World::Shop,
            Self::SecondTune => World::Desk,
            Self::SecondJudge => World::Fleet,
        }
    }

    /// Its faults, with the number that each has a seed by.
    fn faults(self) -> Vec<(usize, Fault)> {
        let all = match self {
            Self::Tune | Self::Judge => all(),
            Self::SecondTune => desk::faults(),
            Self::SecondJudge => fleet::faults(),
        };
        let is_here = |number: usize| match self {
            Self::Tune => number.is_multiple_of(2),
            Self::Judge => !number.is_multiple_of(2),
            Self::SecondTune | Self::SecondJudge => true,
        };
        let numbered = all.into_iter().enumerate();
        numbered.filter(|(number, _)| is_here(*number)).collect()
    }

    fn named(name: &str) -> Option<Self> {
        SPLITS.into_iter().find(|split| split.name() == name)
    }
}

/// What became of a fault.
struct Verdict {
    is_found: bool,
    is_told_open: bool,
    /// Causes that are mostly of its requests.
    causes: usize,
    /// The share of the best cause's requests that it touched.
    purity: f64,
    false_alarms: usize,
    touched: usize,
}

/// Whether a cause is this fault's: most of its requests were touched.
fn is_of(pairs: &HashSet<u64>, touched: &HashSet<u64>) -> bool {
    let shared = pairs.intersection(touched).count();
    shared > 0 && shared * 2 >= pairs.len()
}

fn judge(result: &Result) -> Verdict {
    let touched = &result.touched;
    let of_fault: Vec<&HashSet<u64>> = result
        .causes
        .iter()
        .map(|(_, pairs)| pairs)
        .filter(|pairs| is_of(pairs, touched))
        .collect();
    let covered = of_fault
        .iter()
        .any(|pairs| pairs.intersection(touched).count() * 3 >= touched.len());
    let purity = of_fault
        .iter()
        .map(|pairs| pairs.intersection(touched).count() as f64 / pairs.len() as f64)
        .fold(0.0, f64::max);
    Verdict {
        is_found: covered,
        is_told_open: result
            .unconfirmed
            .iter()
            .any(|(_, pairs)| is_of(pairs, touched)),
        causes: of_fault.len(),
        purity,
        false_alarms: result.causes.len() - of_fault.len(),
        touched: touched.len(),
    }
}

fn plan(split: Split, seed: u64, repeats: Repeats) -> Plan<'static> {
    Plan {
        world: split.world(),
        ..Plan::equal(seed, REQUESTS, repeats)
    }
}

fn print_causes(result: &Result) {
    for (name, pairs) in &result.causes {
        println!(
            "        ! {name}: {} pairs, {} touched",
            pairs.len(),
            pairs.intersection(&result.touched).count()
        );
    }
    for (name, pairs) in result.unconfirmed.iter().take(8) {
        println!(
            "        ? {name}: {} pairs, {} touched",
            pairs.len(),
            pairs.intersection(&result.touched).count()
        );
    }
}

/// One fault of any half, with the report.
pub(crate) fn one_fault(name: &str, mode: Option<&str>) {
    let found = SPLITS.into_iter().find_map(|split| {
        let faults = split.faults();
        let fault = faults.into_iter().find(|(_, fault)| fault.name == name)?;
        Some((split, fault))
    });
    let Some((split, (number, fault))) = found else {
        println!("no fault is called {name}");
        return;
    };
    let result = run(Plan {
        fault: Some(&fault),
        ..plan(split, split.seed() + number as u64, repeats_of(mode))
    });
    print_causes(&result);
    println!(
        "touched {}\n{}",
        result.touched.len(),
        text(&result.report, Style::default())
    );
}

fn repeats_of(mode: Option<&str>) -> Repeats {
    if mode == Some("never") {
        Repeats::Never
    } else {
        Repeats::Often
    }
}

pub(crate) fn equal(mode: Option<&str>) {
    let result = run(plan(Split::Tune, TUNE, repeats_of(mode)));
    print_causes(&result);
    println!("{}", text(&result.report, Style::default()));
}

pub(crate) fn each_fault(filter: Option<&str>) {
    let only = filter.and_then(Split::named);
    for split in SPLITS {
        if only.is_some_and(|only| only != split) {
            continue;
        }
        for (number, fault) in split.faults() {
            for repeats in [Repeats::Often, Repeats::Never] {
                let result = run(Plan {
                    fault: Some(&fault),
                    ..plan(split, split.seed() + number as u64, repeats)
                });
                print_verdict(split, &fault, repeats, &result);
            }
        }
    }
}

fn print_verdict(split: Split, fault: &Fault, repeats: Repeats, result: &Result) {
    let verdict = judge(result);
    let word = match (verdict.is_found, verdict.is_told_open) {
        _ if verdict.touched == 0 => "untouched",
        (true, _) => "found",
        (false, true) => "open",
        (false, false) => "MISSED",
    };
    println!(
        "{} {:<34} {repeats:?} {:?} touched {:>4} {word:<9} causes {} purity {:.2} false {}",
        split.name(),
        fault.name,
        fault.rate,
        verdict.touched,
        verdict.causes,
        verdict.purity,
        verdict.false_alarms
    );
    let is_fine = word == "found" && verdict.causes == 1 && verdict.purity >= 0.95;
    if !is_fine || verdict.false_alarms > 0 {
        print_causes(result);
    }
}

#[derive(Default)]
struct Sums {
    found: usize,
    of: usize,
}

impl Sums {
    fn add(&mut self, is_found: bool) {
        self.of += 1;
        self.found += usize::from(is_found);
    }

    fn text(&self) -> String {
        format!(
            "{}/{} ({:.0} %)",
            self.found,
            self.of,
            100.0 * self.found as f64 / self.of.max(1) as f64
        )
    }
}

#[derive(Default)]
struct Row {
    alarms: usize,
    requests: usize,
    steady: Sums,
    noisy: Sums,
    once: Sums,
    causes: usize,
    purity: f64,
    found: usize,
    hidden: usize,
}

impl Row {
    fn add(&mut self, fault: &Fault, verdict: &Verdict) {
        if verdict.touched == 0 {
            return;
        }
        if fault.rate == Rate::Once {
            self.once.add(verdict.is_found);
        } else if verdict.touched >= 20 && fault.is_noisy {
            self.noisy.add(verdict.is_found);
        } else if verdict.touched >= 20 {
            self.steady.add(verdict.is_found);
        }
        if verdict.is_found {
            self.found += 1;
            self.causes += verdict.causes;
            self.purity += verdict.purity;
        } else if !verdict.is_told_open {
            self.hidden += 1;
        }
    }

    fn print(&self, name: &str) {
        println!(
            "| {name} | {:.2} | {} | {} | {} | {:.2} | {:.2} | {} |",
            1000.0 * self.alarms as f64 / self.requests.max(1) as f64,
            self.steady.text(),
            self.noisy.text(),
            self.once.text(),
            self.causes as f64 / self.found.max(1) as f64,
            self.purity / self.found.max(1) as f64,
            self.hidden
        );
    }
}

/// One half's rows: ours and what others make of the same runs.
#[derive(Default)]
struct Rows {
    ours: Row,
    diffy: Row,
    raw: Row,
    /// Faults that are neither a cause nor open.
    hidden: Vec<String>,
}

pub(crate) fn table(filter: Option<&str>) {
    println!(
        "| | false alarms per 1,000 | faults of 20 requests or more | at noisy places | structure, one request | causes for a fault | purity | hidden |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let only = filter.and_then(Split::named);
    for split in SPLITS {
        if only.is_some_and(|only| only != split) {
            continue;
        }
        let mut rows = Rows::default();
        for repeats in [Repeats::Often, Repeats::Never] {
            rows.count_alarms(split, repeats);
            rows.count_faults(split, repeats);
        }
        let name = split.name();
        rows.ours.print(&format!("shadowtee ({name})"));
        rows.diffy
            .print(&format!("Diffy's rule, third instance ({name})"));
        rows.raw.print(&format!("raw diff ({name})"));
        for hidden in &rows.hidden {
            println!("    hidden: {hidden}");
        }
        if split.world() == World::Shop {
            drift(split);
        }
    }
    if only.is_none() {
        special::special();
    }
}

impl Rows {
    fn count_alarms(&mut self, split: Split, repeats: Repeats) {
        for round in 0..4 {
            let result = run(Plan {
                others: true,
                ..plan(split, split.seed() + 900 + round, repeats)
            });
            for (row, alarms) in [
                (&mut self.ours, result.causes.len()),
                (&mut self.diffy, result.diffy.len()),
                (&mut self.raw, result.raw.len()),
            ] {
                row.requests += REQUESTS;
                row.alarms += alarms;
            }
        }
    }

    fn count_faults(&mut self, split: Split, repeats: Repeats) {
        for (number, fault) in split.faults() {
            let result = run(Plan {
                fault: Some(&fault),
                others: true,
                ..plan(split, split.seed() + number as u64, repeats)
            });
            let verdict = judge(&result);
            if verdict.touched > 0 && !verdict.is_found && !verdict.is_told_open {
                let name = format!("{}, {repeats:?}, {} requests", fault.name, verdict.touched);
                self.hidden.push(name);
            }
            self.ours.add(&fault, &verdict);
            let theirs = Result {
                touched: result.touched.clone(),
                causes: result.diffy,
                ..Result::default()
            };
            self.diffy.add(&fault, &judge(&theirs));
            let touched = result.touched.len();
            self.raw.add(
                &fault,
                &Verdict {
                    is_found: true,
                    is_told_open: false,
                    causes: touched,
                    purity: touched as f64 / result.raw.len().max(1) as f64,
                    false_alarms: 0,
                    touched,
                },
            );
        }
    }
}

/// False alarms where data have drifted, with and without a baseline.
fn drift(split: Split) {
    for drift in [2, 10] {
        for has_baseline in [false, true] {
            let mut alarms = 0;
            let rounds = 2;
            for round in 0..rounds {
                let seed = split.seed() + 700 + round;
                let result = run(Plan {
                    drift,
                    has_baseline,
                    ..plan(split, seed, Repeats::Often)
                });
                alarms += result.causes.len();
            }
            println!(
                "| shadowtee ({}), drift {drift} %, {} baseline | {:.2} | | | | | | |",
                split.name(),
                if has_baseline { "with" } else { "without" },
                1000.0 * alarms as f64 / (REQUESTS as u64 * rounds) as f64
            );
        }
    }
}
