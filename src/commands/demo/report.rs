//! What the demo shows a person.

use std::{collections::BTreeMap, fmt::Write, time::Duration};

use http::StatusCode;
use parking_lot::Mutex;

use crate::app::{Ledger, Pair};

/// What was seen of both versions, by request.
#[derive(Debug, Default)]
pub(super) struct Report(Mutex<BTreeMap<String, Row>>);

#[derive(Debug, Default)]
struct Row {
    primary: Vec<(u16, Duration)>,
    shadow: Vec<(u16, Duration)>,
}

/// How many times slower an answer has to be to be worth a word.
const SLOWER: f64 = 4.0;

impl Report {
    /// Takes note of the two answers to one request.
    pub(super) fn note(&self, pair: &Pair<'_>) {
        let Some(primary) = pair.primary else { return };
        let (method, path) = (pair.exchange.method_text(), pair.exchange.path_text());
        let name = format!("{method:<5}{path}");
        let mut rows = self.0.lock();
        let row = rows.entry(name).or_default();
        row.primary.push((primary.status, primary.after));
        row.shadow.push((pair.status, pair.took));
    }

    /// How many requests both versions answered.
    pub(super) fn pairs(&self) -> usize {
        self.0.lock().values().map(|row| row.shadow.len()).sum()
    }

    /// The table, and what to try next.
    pub(super) fn first(
        &self,
        sent: usize,
        listen: u16,
        admin: u16,
        seconds: Option<u64>,
    ) -> String {
        let rows = self.0.lock();
        let answered: usize = rows.values().map(|row| row.shadow.len()).sum();
        let mut text = format!(
            "\nA small shop (the primary) and its next version (the shadow) with two faults; the tee stands before them.\n\
             {sent} requests went to the primary, whose answers the clients got. {answered} copies were answered by the shadow.\n\n  \
             {:<20}{:>16}{:>16}\n",
            "request", "primary", "shadow"
        );
        for (name, row) in rows.iter() {
            // Writing to a string can't fail.
            let (primary, shadow) = (cell(&row.primary), cell(&row.shadow));
            let remark = row.remark();
            let _ = writeln!(text, "  {name:<20}{primary:>16}{shadow:>16}{remark}");
        }
        let end = match seconds {
            Some(seconds) => format!("The demo ends after {seconds} s."),
            None => "Ctrl-C ends the demo.".into(),
        };
        let _ = write!(
            text,
            "\nNext, in another terminal:\n  \
             curl -i http://127.0.0.1:{listen}/account     a client sees the primary's answer alone\n  \
             curl http://127.0.0.1:{admin}/api/ledger     what became of every copy\n  \
             curl http://127.0.0.1:{admin}/metrics        the same for Prometheus, and more\n\n{end}\n"
        );
        text
    }
}

impl Row {
    fn remark(&self) -> String {
        let pairs = || self.primary.iter().zip(&self.shadow);
        let other = pairs()
            .filter(|((primary, _), (shadow, _))| primary / 100 != shadow / 100)
            .count();
        if other > 0 {
            return format!("   <- another status, {other} of {}", self.shadow.len());
        }
        let times =
            median(&self.shadow).as_secs_f64() / median(&self.primary).as_secs_f64().max(1e-6);
        if times >= SLOWER && median(&self.shadow) >= Duration::from_millis(5) {
            return format!("   <- {times:.0} times slower");
        }
        String::new()
    }
}

fn cell(answers: &[(u16, Duration)]) -> String {
    let status = answers
        .first()
        .map_or(StatusCode::OK.as_u16(), |(status, _)| *status);
    format!("{status} {:>7.2} ms", median(answers).as_secs_f64() * 1e3)
}

fn median(answers: &[(u16, Duration)]) -> Duration {
    let mut times: Vec<_> = answers.iter().map(|(_, time)| *time).collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// The ledger in a few lines.
pub(super) fn last(ledger: &Ledger) -> String {
    let mut text = format!("\nThe ledger: {} requests", ledger.requests());
    for (name, account) in ledger.accounts() {
        let outcomes = account.outcomes().filter(|(_, count)| *count > 0);
        let outcomes = outcomes.map(|(outcome, count)| format!("{count} {}", outcome.as_str()));
        let outcomes: Vec<_> = outcomes.collect();
        let _ = write!(text, "; copies to {name}: {}", outcomes.join(", "));
    }
    text + "\n"
}
