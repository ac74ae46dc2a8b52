//! What the demo shows a person.

use std::fmt::Write;

use super::{Stay, shop::Version, traffic::Sent};
use crate::{
    app::Ledger,
    compare::{Report, Style, text},
};

/// Where the demo can be reached.
#[derive(Clone, Copy)]
pub(super) struct Ports {
    pub(super) listen: u16,
    pub(super) admin: u16,
}

/// What was found, and what to try next.
pub(super) fn first(sent: Sent, report: &Report, ports: Ports, stay: Stay) -> String {
    let Ports { listen, admin } = ports;
    let Sent { requests, visits } = sent;
    let [order, other] = [Version::One, Version::Two].map(|version| version.sold() + 1);
    let copies = match &report.sessions {
        Some(_) => "A copy carries those of next, so that sessions live there, too.",
        None => {
            "Copies carry those of production, which next does not know: sessions are lost there."
        }
    };
    let traffic = if stay.with_traffic {
        "Customers keep coming, with 5 requests a second. "
    } else {
        ""
    };
    let end = match stay.seconds {
        Some(seconds) => format!("{traffic}The demo ends after {seconds} s."),
        None => format!("{traffic}Ctrl-C ends the demo."),
    };
    format!(
        "\nA small shop is the primary. Its next version, which has a few faults, is the shadow. The tee stands before them:\n\
         {requests} requests went to the primary, whose responses the clients got, and a copy of each to the shadow, whose\n\
         responses were compared with production's. Tokens, ids and times differ in every pair; that is noise, and not told.\n\n\
         In {visits} visits customers signed in, ordered something, changed or cancelled it, and signed out. Each side gives out\n\
         its own cookies, form tokens and order numbers: order {order} of production is order {other} of next.\n\
         {copies}\n\n\
         {}\n\
         The page of the administration, while the demo runs, is at http://127.0.0.1:{admin}/\n\
         Next, in another terminal:\n  \
         curl -i http://127.0.0.1:{listen}/products/1   a client sees the primary's response alone\n  \
         shadowtee report --admin 127.0.0.1:{admin}  this report again, with what came since\n  \
         curl http://127.0.0.1:{admin}/api/ledger      what became of every copy\n  \
         curl http://127.0.0.1:{admin}/metrics         the same for Prometheus, and more\n  \
         shadowtee demo --stay                      customers keep coming, for the page to have something to show\n  \
         shadowtee demo --no-identity               what becomes of sessions without --identity\n\n{end}\n",
        text(report, Style::of_output())
    )
}

/// The ledger in a few lines.
pub(super) fn last(ledger: &Ledger) -> String {
    let mut text = format!("\nThe ledger: {} requests", ledger.requests());
    for (name, account) in ledger.accounts() {
        let outcomes: Vec<_> = account
            .outcomes()
            .filter(|(_, count)| *count > 0)
            .map(|(outcome, count)| format!("{count} {}", outcome.as_str()))
            .collect();
        // Writing to a string can't fail.
        let _ = write!(text, "; copies to {name}: {}", outcomes.join(", "));
    }
    text + "\n"
}
