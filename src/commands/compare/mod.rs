//! `shadowtee compare`: reads two captures side by side, and compares the responses to requests with the same id.

mod held;

use std::{env, path::Path, process::ExitCode, time::SystemTime};

use anyhow::{Context, bail};

use super::report::{captured_settings, judge, older, too_little, write};
use crate::{
    capture::{Reader, gor_id},
    cli::Compare,
    compare::{Captured, Comparer, Report, captured_pair_of_two},
    telemetry::text::unix_millis,
};
use held::{Exchange, Held, Limits};

/// What may wait of each capture. The file is in the folder for temporary ones.
const MEMORY: usize = 64 << 20;
const EXCHANGES: usize = 2_000_000;
const FILE: u64 = 16 << 30;

/// Compares the responses of two captures of the same requests.
pub(super) fn compare(arguments: &Compare) -> anyhow::Result<ExitCode> {
    let settings = captured_settings(&arguments.files, &arguments.other.display().to_string())?;
    let older = older(&arguments.out)?;
    let limits = Limits {
        memory: MEMORY,
        exchanges: EXCHANGES,
        file: FILE,
        body: settings.limits.bytes,
    };
    let comparer = Comparer::new(settings);
    let sides = [
        Side::open(&arguments.one, limits)?,
        Side::open(&arguments.other, limits)?,
    ];
    let mut join = Join {
        comparer,
        sides,
        pairs: 0,
    };
    join.run()?;
    let report = join.end()?;
    let reports = [report];
    write(&reports, &arguments.out)?;
    let is_failure = judge(&reports, &arguments.out, &older, &arguments.fail_on);
    if let Some(why) = too_little(&reports[0]).filter(|_| !is_failure) {
        bail!(why);
    }
    Ok(ExitCode::from(if is_failure { 2 } else { 0 }))
}

/// One of the two captures.
struct Side<'a> {
    path: &'a Path,
    reader: Reader,
    is_done: bool,
    requests: u64,
    held: Held,
    limits: Limits,
}

/// Both captures on their way through.
struct Join<'a> {
    comparer: Comparer,
    sides: [Side<'a>; 2],
    pairs: u64,
}

impl<'a> Side<'a> {
    fn open(path: &'a Path, limits: Limits) -> anyhow::Result<Self> {
        let reader =
            Reader::open(path).with_context(|| format!("can't read {}", path.display()))?;
        Ok(Self {
            path,
            reader,
            is_done: false,
            requests: 0,
            held: Held::new(limits),
            limits,
        })
    }

    fn next(&mut self) -> Option<Exchange> {
        self.is_done |= !self.reader.advance();
        super::tell(self.reader.troubles());
        if self.is_done {
            return None;
        }
        self.requests += 1;
        let record = self.reader.record();
        Some(Exchange {
            key: gor_id(record.id),
            captured: Captured::of(&record, self.limits.body),
        })
    }
}

impl Join<'_> {
    /// One record of each in turn: where both are in about the same order, few wait for their partners.
    fn run(&mut self) -> anyhow::Result<()> {
        while self.sides.iter().any(|side| !side.is_done) {
            for at in 0..self.sides.len() {
                let [one, other] = &mut self.sides;
                let (side, partners) = if at == 0 { (one, other) } else { (other, one) };
                let Some(exchange) = side.next() else {
                    continue;
                };
                let waiting = || {
                    let folder = env::temp_dir();
                    format!(
                        "exchanges that wait for their partners, in {}",
                        folder.display()
                    )
                };
                match partners.held.take(&exchange.key).with_context(waiting)? {
                    None => side.held.keep(&exchange).with_context(waiting)?,
                    Some(partner) => {
                        self.pairs += 1;
                        let (one, other) = if at == 0 {
                            (&exchange, &partner)
                        } else {
                            (&partner, &exchange)
                        };
                        captured_pair_of_two(&mut self.comparer, &one.captured, &other.captured);
                    }
                }
            }
        }
        Ok(())
    }

    /// Counts what has no partner, and tells it.
    fn end(mut self) -> anyhow::Result<Report> {
        for side in &self.sides {
            if side.requests == 0 {
                bail!("{} holds no request", side.path.display());
            }
        }
        if self.pairs == 0 {
            bail!(
                "no request is in both captures: they are the same by their id, which the header X-Request-Id gives"
            );
        }
        for side in &self.sides {
            let (waiting, given_up) = side.held.alone();
            let (alone, path) = (waiting + given_up, side.path.display());
            for _ in 0..alone {
                self.comparer.not_compared("no_partner");
            }
            if alone > 0 {
                eprintln!(
                    "shadowtee: {alone} of {} requests of {path} have no partner in the other capture, and are not compared",
                    side.requests
                );
            }
            if given_up > 0 {
                eprintln!(
                    "shadowtee: {given_up} of those were given up after {EXCHANGES} others had come: the captures are in another order"
                );
            }
        }
        self.comparer.finish();
        Ok(self.comparer.report(unix_millis(SystemTime::now())))
    }
}
