//! The report: one page of tables.

use std::fmt::Write as _;

use crate::contenders::{self, Contender};
use crate::figures::{Figure, Key};
use crate::goals;
use crate::loads::{self, Driver, Load};
use crate::machine::Machine;
use crate::options::Options;
use crate::rounds::Outcome;

pub(crate) fn markdown(options: &Options, machine: &Machine, outcome: &Outcome) -> String {
    let mut page = format!(
        "<!-- Written by `cargo bench --bench versus`; changes made by hand are lost. -->
# shadowtee beside others: figures

Only ratios mean something beyond this machine. Each figure is the median of {rounds} interleaved rounds of {seconds} s,
with the least and the most in brackets; a ratio is taken within each round. [README.md](README.md) says what is measured
and how to run it again.

![CPU for a request, requests a second, and latency](versus.svg)

## The machine

| | |
|---|---|
",
        rounds = options.rounds(),
        seconds = options.seconds(),
    );
    for (what, fact) in &machine.facts {
        row(&mut page, &[(*what).to_owned(), fact.clone()]);
    }
    row(
        &mut page,
        &[
            "the run".into(),
            format!("{} minutes", outcome.seconds.div_ceil(60)),
        ],
    );
    page += "\n## Goals\n\n";
    page += &goals::markdown(machine, outcome);
    for &threads in options.threads() {
        for load in loads::ALL {
            page += &table(load, threads, machine, outcome);
        }
    }
    if !outcome.notes.is_empty() {
        page += "\n## Left out\n\n";
        for note in &outcome.notes {
            // Writing to a string does not fail.
            let _ = writeln!(page, "- {note}");
        }
    }
    page
}

/// A column: its heading, and what stands in it.
type Column = (&'static str, fn(&Row<'_>) -> Option<String>);

struct Row<'a> {
    outcome: &'a Outcome,
    contender: &'static Contender,
    key: Key,
}

impl Row<'_> {
    fn text(&self, figure: Figure) -> Option<String> {
        Some(self.outcome.samples.spread(&self.key, figure)?.text())
    }

    fn to(&self, other: &'static str, figure: Figure) -> Option<String> {
        let other = Key {
            contender: other,
            ..self.key.clone()
        };
        Some(
            self.outcome
                .samples
                .ratio(&self.key, &other, figure)?
                .text(),
        )
    }

    /// The floor that does the same work: with a copy where there is one.
    fn floor(&self) -> &'static str {
        if self.contender.shadows > 0 {
            "floor-mirror"
        } else {
            "floor"
        }
    }

    fn percent(&self, figure: Figure) -> Option<String> {
        let spread = self.outcome.samples.spread(&self.key, figure)?;
        Some(format!("{:.1} %", spread.median * 100.0))
    }
}

const CPU: &[Column] = &[
    ("CPU, µs", |row| row.text(Figure::Cpu)),
    ("of its workers", |row| row.text(Figure::Production)),
    ("to nginx `mirror`", |row| {
        row.to("nginx-mirror", Figure::Cpu)
    }),
    ("to the floor", |row| row.to(row.floor(), Figure::Cpu)),
];

const DRIVEN: &[Column] = &[
    ("requests/s", |row| row.text(Figure::Rate)),
    ("p50, µs", |row| row.text(Figure::P50)),
    ("p99, µs", |row| row.text(Figure::P99)),
    ("p99.9, µs", |row| row.text(Figure::P999)),
    ("peak MiB", |row| row.text(Figure::Memory)),
    ("copies sent", |row| row.percent(Figure::Copies)),
    ("failed", |row| row.percent(Figure::Errors)),
];

const IDLE: &[Column] = &[
    ("KiB each", |row| row.text(Figure::Idle)),
    ("all, MiB", |row| row.text(Figure::Memory)),
    ("to nginx `mirror`", |row| {
        row.to("nginx-mirror", Figure::Idle)
    }),
];

const SYSCALLS: &[Column] = &[
    ("calls", |row| row.text(Figure::Syscalls)),
    ("to nginx `mirror`", |row| {
        row.to("nginx-mirror", Figure::Syscalls)
    }),
    ("to the floor", |row| row.to(row.floor(), Figure::Syscalls)),
];

fn table(load: &Load, threads: usize, machine: &Machine, outcome: &Outcome) -> String {
    let columns: Vec<Column> = match load.driver {
        Driver::Wrk { .. } | Driver::Rate(_) | Driver::Fixed(_) => [CPU, DRIVEN].concat(),
        Driver::Idle => IDLE.into(),
        Driver::Syscalls => SYSCALLS.into(),
    };
    let rows: Vec<_> = contenders::ALL
        .iter()
        .map(|contender| Row {
            outcome,
            contender,
            key: Key {
                threads,
                load: load.name,
                contender: contender.name,
            },
        })
        .filter(|row| outcome.samples.has(&row.key))
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut text = format!(
        "\n## {}, {}\n\n",
        load.title,
        if threads == 1 {
            "one thread".into()
        } else {
            format!("{threads} threads")
        }
    );
    let scale = match load.driver {
        Driver::Rate(part) => {
            let full = outcome.full_rates.iter().find(|(of, _)| *of == threads);
            full.map(|(_, full)| format!("{:.0} requests a second.\n\n", full * part))
        }
        Driver::Idle => Some(format!("{} connections.\n\n", machine.idle())),
        Driver::Wrk { .. } | Driver::Fixed(_) | Driver::Syscalls => None,
    };
    text += &scale.unwrap_or_default();
    let mut headings = vec![String::new()];
    headings.extend(columns.iter().map(|(name, _)| (*name).to_owned()));
    row(&mut text, &headings);
    text.push_str(&"|---".repeat(columns.len() + 1));
    text.push_str("|\n");
    for line in rows {
        let mut cells = vec![line.contender.title.to_owned()];
        cells.extend(
            columns
                .iter()
                .map(|(_, cell)| cell(&line).unwrap_or("–".into())),
        );
        row(&mut text, &cells);
    }
    text
}

fn row(text: &mut String, cells: &[String]) {
    // Writing to a string does not fail.
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}
