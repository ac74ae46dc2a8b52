//! The rounds: every load, every contender, in turns.

use anyhow::{Context as _, bail};

use crate::contenders::{self, Contender, World};
use crate::cores::{self, Cores};
use crate::figures::{Figure, Key, Sample, Samples, Spread};
use crate::interrupt;
use crate::loads::{self, Driver, Load, Turn};
use crate::machine::Machine;
use crate::options::Options;
use crate::process;

/// What the bench has found.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) samples: Samples,
    /// What could not be measured, and why.
    pub(crate) notes: Vec<String>,
    /// nginx mirror's full rate, for each number of threads.
    pub(crate) full_rates: Vec<(usize, f64)>,
    /// How long it took.
    pub(crate) seconds: u64,
}

pub(crate) fn run(options: &Options, machine: &Machine) -> anyhow::Result<Outcome> {
    let names: Vec<_> = contenders::ALL
        .iter()
        .map(|contender| contender.name)
        .collect();
    let loads: Vec<_> = loads::ALL.iter().map(|load| load.name).collect();
    let unknown = options.unknown(&names, &loads);
    if !unknown.is_empty() {
        bail!(
            "unknown: {}\n  contenders: {}\n  loads: {}",
            unknown.join(", "),
            names.join(", "),
            loads.join(", ")
        );
    }
    let begin = std::time::Instant::now();
    let world = World::new(options, machine)?;
    let mut outcome = Outcome::default();
    for contender in chosen(options).filter(|contender| !contender.is_here(machine)) {
        outcome.notes.push(format!(
            "{} was left out: it is not on this machine.",
            contender.title
        ));
    }
    for &threads in options.threads() {
        let cores = Cores::part(threads)?;
        cores::keep(&process::tree(std::process::id()), &cores.others)?;
        if !cores.are_apart() {
            outcome.notes.push(format!(
                "With {threads} thread(s) no cores were left for the load: all shared all."
            ));
        }
        let mut turn = Turn {
            world: &world,
            machine,
            threads,
            seconds: options.seconds(),
            full_rate: 0.0,
        };
        if wanted(options).any(|load| matches!(load.driver, Driver::Rate(_))) {
            turn.full_rate = calibrate(&turn)?;
            outcome.full_rates.push((threads, turn.full_rate));
        }
        for round in 1..=options.rounds() {
            eprintln!(
                "versus: {threads} thread(s), round {round} of {}",
                options.rounds()
            );
            play(options, &turn, &mut outcome)?;
        }
    }
    outcome.seconds = begin.elapsed().as_secs();
    Ok(outcome)
}

fn chosen(options: &Options) -> impl Iterator<Item = &'static Contender> + '_ {
    contenders::ALL
        .iter()
        .filter(|contender| options.wants_contender(contender.name))
}

fn wanted(options: &Options) -> impl Iterator<Item = &'static Load> + '_ {
    loads::ALL
        .iter()
        .filter(|load| options.wants_load(load.name))
}

/// One round.
fn play(options: &Options, turn: &Turn<'_>, outcome: &mut Outcome) -> anyhow::Result<()> {
    for load in wanted(options) {
        let here = chosen(options).filter(|contender| contender.is_here(turn.machine));
        for contender in here.filter(|contender| contender.takes(load, turn.threads)) {
            interrupt::check()?;
            let key = Key {
                threads: turn.threads,
                load: load.name,
                contender: contender.name,
            };
            match turn.measure(load, contender) {
                Ok(sample) => outcome.samples.add(key, sample),
                // One that fails is no reason to throw away the others.
                Err(error) => {
                    let note = format!(
                        "{}, {}, {} thread(s): {error:#}",
                        contender.title, load.name, turn.threads
                    );
                    eprintln!("versus: {note}");
                    outcome
                        .notes
                        .push(note.lines().collect::<Vec<_>>().join(" "));
                    outcome.samples.add(key, Sample::new());
                }
            }
        }
    }
    Ok(())
}

/// nginx mirror's full rate: the scale of the loads at a fixed rate.
fn calibrate(turn: &Turn<'_>) -> anyhow::Result<f64> {
    let mirror = contenders::ALL
        .iter()
        .find(|contender| contender.name == "nginx-mirror")
        .context("nginx mirror")?;
    let load = loads::ALL
        .iter()
        .find(|load| load.name == "get-32")
        .context("get-32")?;
    let rates: Vec<_> = (0..3)
        .map(|_| Ok(turn.measure(load, mirror)?[&Figure::Rate]))
        .collect::<anyhow::Result<_>>()?;
    Ok(Spread::of(rates).context("no rate")?.median)
}
