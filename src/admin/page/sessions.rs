//! Sessions of production on the shadows: how many live, where the others broke, what needs help.

use http::StatusCode;
use maud::{Markup, html};

use super::{
    frame::{View, framed, told},
    live::Regions,
    query::{Query, address},
    text::short,
};
use crate::{
    admin::call::{Call, Reply},
    compare::{
        Report, SessionsReport,
        words::{counted, number, percent},
    },
};

pub(in crate::admin) fn sessions(call: &Call<'_>) -> Reply {
    let query = Query::of(call);
    let reports = call.source.reports(query.find("shadow"));
    if reports.is_empty() {
        let how = html! { p { "Sessions are told of shadows that are compared." } };
        return told(call, StatusCode::OK, "Sessions", &how);
    }
    let regions = Regions::default();
    let body = html! {
        h1 { "Sessions" }
        @for report in &reports {
            (regions.region(&format!("sessions-{}", report.shadow), of(report, reports.len() > 1)))
        }
    };
    let view = View {
        title: "Sessions",
        under: "/sessions",
        body,
        regions,
    };
    framed(call, &view)
}

fn of(report: &Report, with_name: bool) -> Markup {
    html! {
        @if with_name { h2 { (report.shadow) } }
        @match &report.sessions {
            Some(sessions) => (alive(report, sessions)),
            None => (not_followed(report)),
        }
    }
}

fn not_followed(report: &Report) -> Markup {
    html! {
        p { "Sessions are not kept alive on " (report.shadow) ": its copies carry production's cookies, tokens and ids. Put "
            code { "[shadow.identity]" } " with " code { "enabled = true" } " below its " code { "[[shadow]]" } " to have them replaced by its own." }
    }
}

fn alive(report: &Report, sessions: &SessionsReport) -> Markup {
    let all = sessions.alive + sessions.lost;
    let (put_in, help) = (sessions.put_in, sessions.needs_help);
    let rows = [
        ("cookies", put_in.cookies),
        ("tokens", put_in.tokens),
        ("ids", put_in.ids),
        (
            "conditions of requests (If-Match and such)",
            put_in.conditions,
        ),
    ];
    let helps = [
        ("one-time codes", help.one_time_codes),
        ("captchas", help.captchas),
        ("cookies from before the start", help.earlier_cookies),
    ];
    html! {
        @if all == 0 {
            p { "No session was followed to its end yet; " (counted(sessions.known, "is known", "are known")) "." }
        } @else {
            p.large { (number(sessions.alive)) " of " (number(all)) " sessions (" (percent(sessions.alive, all)) ") are alive on " (report.shadow) ": their last copy ended as in production." }
        }
        @if !sessions.breaks.is_empty() {
            h3 { "Where lost sessions broke first" }
            ul.plain {
                @for at in &sessions.breaks {
                    li { a href=(address("/", &[("q", &short(&at.route))])) { code { (short(&at.route)) } } " " (counted(at.sessions, "session", "sessions")) }
                }
            }
        }
        @if sessions.held_back > 0 {
            p { (counted(sessions.held_back, "copy was", "copies were")) " held back, for what " (report.shadow) " has not made." }
        }
        h3 { "Values of " (report.shadow) " that were put in" }
        (counts(&rows))
        @if helps.iter().any(|(_, count)| *count > 0) {
            h3 { "Nothing can be put in for" }
            (counts(&helps))
        }
    }
}

fn counts(rows: &[(&str, u64)]) -> Markup {
    html! {
        table {
            tbody {
                @for (what, count) in rows {
                    tr { th scope="row" { (what) } td.count { (number(*count)) } }
                }
            }
        }
    }
}
