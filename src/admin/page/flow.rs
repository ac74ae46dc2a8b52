//! A shadow's ledger as a flow: of the requests so many were selected, so many of these sampled, sent, answered, compared;
//! and what became of the others.

use maud::{Markup, html};

use super::chart::bar;
use crate::{
    compare::{
        Report,
        words::{number, percent},
    },
    ledger::{Ledger, Outcome},
};

/// A step of the flow: its name, and the outcomes of those that end before it.
const STEPS: [(&str, &[Outcome]); 4] = {
    use Outcome::{
        Absent, BodyCut, BodyOverrun, BreakerOpen, Broken, ClientAborted, ConnectTimeout,
        ConnectionLimit, Filtered, Looped, NotForwarded, OverBudget, Paused, QueueFull,
        RateLimited, Refused, SampledOut, ScriptDown, ScriptInvalid, ScriptTimeout, ScriptedOut,
        Shutdown, Timeout, TlsFailed, Unpaired, Unresolved, Upgrade,
    };
    [
        (
            "selected",
            &[
                Absent,
                Filtered,
                Looped,
                NotForwarded,
                Upgrade,
                ClientAborted,
            ],
        ),
        ("sampled", &[Paused, SampledOut, RateLimited]),
        (
            "sent",
            &[
                QueueFull,
                ConnectionLimit,
                OverBudget,
                BodyOverrun,
                BodyCut,
                ScriptedOut,
                ScriptTimeout,
                ScriptInvalid,
                ScriptDown,
                Unpaired,
                BreakerOpen,
                Shutdown,
            ],
        ),
        (
            "answered",
            &[
                Refused,
                ConnectTimeout,
                Unresolved,
                TlsFailed,
                Timeout,
                Broken,
            ],
        ),
    ]
};

/// The flow of the shadow called `name`.
pub(super) fn flow(ledger: &Ledger, name: &str, report: Option<&Report>) -> Markup {
    let accounts = ledger.accounts();
    let Some((_, account)) = accounts.iter().find(|(known, _)| known == name) else {
        return html! { p { "Nothing was counted yet." } };
    };
    let in_flight = account.in_flight();
    let outcomes: Vec<(Outcome, u64)> = account.outcomes().collect();
    let count = |wanted: Outcome| {
        let found = outcomes.iter().find(|(outcome, _)| *outcome == wanted);
        found.map_or(0, |(_, count)| *count)
    };
    let all: u64 = in_flight + outcomes.iter().map(|(_, count)| count).sum::<u64>();
    let mut left = all;
    let mut steps = vec![step("requests", all, all, &[])];
    for (name, ended) in STEPS {
        let ended: Vec<(String, u64)> = ended
            .iter()
            .map(|outcome| (outcome.as_str().replace('_', " "), count(*outcome)))
            .filter(|(_, count)| *count > 0)
            .collect();
        left -= ended.iter().map(|(_, count)| count).sum::<u64>();
        // What is under way was not answered, nor has it failed.
        let (reached, under_way) = match name {
            "answered" => (
                left - in_flight.min(left),
                Some(("under way".to_owned(), in_flight)),
            ),
            _ => (left, None),
        };
        let ended: Vec<_> = ended
            .into_iter()
            .chain(under_way.filter(|(_, count)| *count > 0))
            .collect();
        steps.push(step(name, reached, all, &ended));
    }
    if let Some(report) = report {
        let not: Vec<(String, u64)> = report
            .not_compared
            .iter()
            .map(|(reason, count)| (reason.replace('_', " "), *count))
            .collect();
        steps.push(step("compared", report.requests.compared, all, &not));
    }
    html! { ol.flow { @for step in steps { (step) } } }
}

fn step(name: &str, reached: u64, all: u64, ended: &[(String, u64)]) -> Markup {
    html! {
        li {
            span.name { (name) }
            (bar("primary", reached, all))
            span.reached { (number(reached)) }
            @if !ended.is_empty() {
                span.ended {
                    "without "
                    @for (at, (reason, count)) in ended.iter().enumerate() {
                        @if at > 0 { ", " }
                        (number(*count)) " " (reason)
                        @if *count * 1000 >= all { " (" (percent(*count, all)) ")" }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_place_in_the_flow() {
        let placed: Vec<Outcome> = STEPS
            .iter()
            .flat_map(|(_, ended)| *ended)
            .copied()
            .collect();
        for outcome in Outcome::ALL {
            let found = placed.iter().filter(|known| *known == outcome).count();
            let expected = usize::from(*outcome != Outcome::Answered);
            assert_eq!(found, expected, "{}", outcome.as_str());
        }
    }

    #[test]
    fn what_is_under_way_is_neither_answered_nor_failed() {
        let ledger = Ledger::new(1);
        let account = ledger.account("next");
        ledger.enter("next", &account);
        account.pass(Outcome::Filtered);
        account.open().settle(Outcome::Answered);
        let open = account.open();
        let text = flow(&ledger, "next", None).into_string();
        assert!(text.contains("without 1 filtered"), "{text}");
        assert!(text.contains("without 1 under way"), "{text}");
        drop(open);
    }
}
