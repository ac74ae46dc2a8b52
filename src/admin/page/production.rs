//! How production does, and that it pays nothing.

use maud::{Markup, html};

use super::{chart::shown, live::Regions};
use crate::{
    admin::call::Call,
    compare::words::number,
    ledger::Outcome,
    telemetry::history::{History, Series},
};

/// Outcomes of copies that were left out so that no request had to wait.
const INSTEAD_OF_WAITING: [Outcome; 4] = [
    Outcome::QueueFull,
    Outcome::ConnectionLimit,
    Outcome::OverBudget,
    Outcome::BodyOverrun,
];
/// Spans that are "now": a minute.
const NOW: usize = 6;

pub(super) fn production(call: &Call<'_>, regions: &Regions, history: &History) -> Markup {
    let ledger = call.source.ledger();
    let requests = ledger.requests();
    let accounts = ledger.accounts();
    let left_out: u64 = accounts
        .iter()
        .flat_map(|(_, account)| INSTEAD_OF_WAITING.map(|outcome| account.count(outcome)))
        .sum();
    let series = &history.hour;
    html! {
        section aria-labelledby="production" {
            h2 #production { "Production" }
            (regions.region("production-now", html! {
                dl.facts {
                    div { dt { "requests" } dd { (rate(series)) (number(requests)) " since the start" } }
                    @if let Some(time) = recent(&series.primary_ms.p50, &series.primary_ms.p99) {
                        div { dt { "time to its answer" } dd { (time) } }
                    }
                    @if let Some(time) = recent(&series.own_ms.p50, &series.own_ms.p99) {
                        div { dt { "what shadowtee adds to it" } dd { (time) } }
                    }
                }
                p.soft { "No copy slowed a request: "
                    @match left_out {
                        0 => "where there is no room for one, it is left out, which did not happen.",
                        _ => { "where there was no room for one, it was left out, " (number(left_out)) " times." }
                    }
                }
            }))
        }
    }
}

fn rate(series: &Series) -> Markup {
    let last = series.requests.iter().rev().take(NOW);
    let spans = last.len() as u64;
    let sum: u64 = last.map(|count| u64::from(*count)).sum();
    let seconds = spans * series.every_seconds;
    html! {
        @if let Some(rate) = (sum * 10).checked_div(seconds) {
            @if rate >= 100 { (number(rate / 10)) } @else { (rate / 10) "." (rate % 10) }
            " a second, "
        }
    }
}

/// The middle and the slowest hundredth of the newest span that has any.
fn recent(p50: &[f32], p99: &[f32]) -> Option<String> {
    let mut both = p50.iter().zip(p99).rev().take(NOW);
    let (middle, slow) = both.find(|(middle, _)| !middle.is_nan())?;
    Some(format!(
        "{} ms (median), {} ms (p99)",
        shown((*middle).into()),
        shown((*slow).into())
    ))
}
