//! The table: what is found, what is told in vain, how many causes a fault makes.

use std::collections::HashSet;

use crate::{
    compare::{Style, text},
    faults::{Fault, Rate, all},
    run::{Plan, Result, run},
    traffic::Repeats,
};

const REQUESTS: usize = 2_000;
/// Seeds for tuning and for judging.
const TUNE: u64 = 11;
const JUDGE: u64 = 5_003;

/// Which half of the faults and seeds.
#[derive(Clone, Copy, PartialEq)]
enum Split {
    Tune,
    Judge,
}

impl Split {
    fn seed(self) -> u64 {
        match self {
            Self::Tune => TUNE,
            Self::Judge => JUDGE,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Tune => "tune",
            Self::Judge => "judge",
        }
    }

    fn has(self, number: usize) -> bool {
        number.is_multiple_of(2) == (self == Self::Tune)
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

fn plan(seed: u64, repeats: Repeats) -> Plan<'static> {
    Plan {
        seed,
        requests: REQUESTS,
        repeats,
        drift: 0,
        has_baseline: false,
        fault: None,
        others: false,
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

pub(crate) fn one_fault(name: &str, mode: Option<&str>) {
    let faults = all();
    let Some(fault) = faults.iter().find(|fault| fault.name == name) else {
        println!("no fault is called {name}");
        return;
    };
    let repeats = if mode == Some("never") {
        Repeats::Never
    } else {
        Repeats::Often
    };
    let seed = if mode == Some("judge") { JUDGE } else { TUNE };
    let result = run(Plan {
        fault: Some(fault),
        ..plan(seed, repeats)
    });
    print_causes(&result);
    println!(
        "touched {}\n{}",
        result.touched.len(),
        text(&result.report, Style::default())
    );
}

pub(crate) fn equal(mode: Option<&str>) {
    let repeats = if mode == Some("never") {
        Repeats::Never
    } else {
        Repeats::Often
    };
    let result = run(plan(TUNE, repeats));
    print_causes(&result);
    println!("{}", text(&result.report, Style::default()));
}

pub(crate) fn each_fault(filter: Option<&str>) {
    for split in [Split::Tune, Split::Judge] {
        if filter.is_some_and(|name| name != split.name()) {
            continue;
        }
        for (number, fault) in all()
            .iter()
            .enumerate()
            .filter(|(number, _)| split.has(*number))
        {
            for repeats in [Repeats::Often, Repeats::Never] {
                let result = run(Plan {
                    fault: Some(fault),
                    ..plan(split.seed() + number as u64, repeats)
                });
                let verdict = judge(&result);
                let word = match (verdict.is_found, verdict.is_told_open) {
                    _ if verdict.touched == 0 => "untouched",
                    (true, _) => "found",
                    (false, true) => "open",
                    (false, false) => "MISSED",
                };
                println!(
                    "{} {:<34} {:?} {:?} touched {:>4} {word:<9} causes {} purity {:.2} false {}",
                    split.name(),
                    fault.name,
                    repeats,
                    fault.rate,
                    verdict.touched,
                    verdict.causes,
                    verdict.purity,
                    verdict.false_alarms
                );
                if word != "found"
                    || verdict.false_alarms > 0
                    || verdict.causes > 1
                    || verdict.purity < 0.95
                {
                    print_causes(&result);
                }
            }
        }
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

pub(crate) fn table() {
    println!(
        "| | false alarms per 1,000 | faults of 20 requests or more | at noisy places | structure, one request | causes for a fault | purity | hidden |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for split in [Split::Tune, Split::Judge] {
        let (mut ours, mut diffy, mut raw) = (Row::default(), Row::default(), Row::default());
        for repeats in [Repeats::Often, Repeats::Never] {
            for round in 0..4 {
                let result = run(Plan {
                    others: true,
                    ..plan(split.seed() + 900 + round, repeats)
                });
                for (row, alarms) in [
                    (&mut ours, result.causes.len()),
                    (&mut diffy, result.diffy.len()),
                    (&mut raw, result.raw.len()),
                ] {
                    row.requests += REQUESTS;
                    row.alarms += alarms;
                }
            }
            for (number, fault) in all()
                .iter()
                .enumerate()
                .filter(|(number, _)| split.has(*number))
            {
                let result = run(Plan {
                    fault: Some(fault),
                    others: true,
                    ..plan(split.seed() + number as u64, repeats)
                });
                ours.add(fault, &judge(&result));
                let theirs = Result {
                    touched: result.touched.clone(),
                    causes: result.diffy.clone(),
                    ..Result::default()
                };
                diffy.add(fault, &judge(&theirs));
                let touched = &result.touched;
                raw.add(
                    fault,
                    &Verdict {
                        is_found: true,
                        is_told_open: false,
                        causes: touched.len(),
                        purity: touched.len() as f64 / result.raw.len().max(1) as f64,
                        false_alarms: 0,
                        touched: touched.len(),
                    },
                );
            }
        }
        ours.print(&format!("shadowtee ({})", split.name()));
        diffy.print(&format!("Diffy's rule, third instance ({})", split.name()));
        raw.print(&format!("raw diff ({})", split.name()));
        drift(split);
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
                    ..plan(seed, Repeats::Often)
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
