//! One route: its causes, and how long both sides take.

use http::StatusCode;
use maud::{Markup, html};

use super::{
    cause,
    chart::{histogram, shown},
    frame::{View, framed, told},
    live::Regions,
    query::{Query, address, path_to},
    text::{cut, short},
};
use crate::{
    admin::call::{Call, Reply},
    compare::{
        Cause, Coverage, Report, RouteTime, TimeVerdict,
        words::{number, share},
    },
};

/// No server takes a longer address for granted.
const LONGEST: usize = 1_000;

/// The address of a route of a shadow; of one with an endless name, that of the list of those that begin so.
pub(super) fn to(route: &str, shadow: &str) -> String {
    if route.len() > LONGEST {
        return address("/routes", &[("q", cut(route, 100).trim_end_matches('…'))]);
    }
    address("/route", &[("name", route), ("shadow", shadow)])
}

pub(in crate::admin) fn route(call: &Call<'_>) -> Reply {
    let query = Query::of(call);
    let name = query.find("name").unwrap_or_default();
    let mut reports = call.source.reports(query.find("shadow")).into_iter();
    let known = |report: &Report| report.coverage.iter().position(|at| at.route == name);
    let found = reports.find_map(|report| Some((known(&report)?, report)));
    let Some((at, report)) = found else {
        let body = html! { p { a href="/routes" { "To the routes" } } };
        return told(
            call,
            StatusCode::NOT_FOUND,
            "No request was for this route",
            &body,
        );
    };
    let coverage = &report.coverage[at];
    let times = report.times.iter().find(|times| times.route == name);
    let regions = Regions::default();
    let body = html! {
        p.trail { a href="/routes" { "Routes" } " · on " a href=(path_to("/shadows/", &report.shadow)) { (report.shadow) } }
        h1 { code { (short(name)) } }
        (regions.region("facts", facts(coverage)))
        h2 { "Its causes" }
        (regions.region("causes", causes(&report, name)))
        h2 { "How long both take" }
        (regions.region("times", html! {
            @if let Some(times) = times { (took(times, &report)) } @else { p { "Too few answers were timed to say anything." } }
        }))
    };
    let view = View {
        title: &short(name),
        under: "/routes",
        body,
        regions,
    };
    framed(call, &view)
}

fn facts(coverage: &Coverage) -> Markup {
    html! {
        dl.facts {
            div { dt { "requests" } dd { (number(coverage.requests)) } }
            div { dt { "compared" } dd { (number(coverage.compared)) } }
            @if coverage.not_judged > 0 {
                div { dt { "not judged, as the session was lost" } dd { (number(coverage.not_judged)) } }
            }
            @for (status, count) in &coverage.statuses {
                div { dt { "production answered " (status) } dd { (number(*count)) } }
            }
        }
    }
}

fn causes(report: &Report, name: &str) -> Markup {
    let count = |cause: &Cause| cause.routes.iter().position(|at| at.route == name);
    let mut here = report
        .causes
        .iter()
        .filter_map(|cause| Some((cause, count(cause)?)))
        .peekable();
    html! {
        @if here.peek().is_none() { p { "None: nothing differs here that would be the new version's fault." } }
        ul.plain {
            @for (cause, at) in here {
                li {
                    a href=(cause::to(&cause.id, &report.shadow, "", &[])) { (short(&cause.title)) }
                    " " span.soft { (share(&cause.routes[at])) }
                }
            }
        }
    }
}

/// The verdict on a route's times, in words.
pub(super) fn verdict(times: &RouteTime) -> &'static str {
    match times.verdict {
        TimeVerdict::Slower => "slower for certain",
        TimeVerdict::Faster => "faster for certain",
        TimeVerdict::LikeOthers => "as on other routes",
        TimeVerdict::Same => "no difference that matters",
        TimeVerdict::Unknown => "not certain",
    }
}

/// `3 ms more`, or less.
fn difference(milliseconds: f64) -> String {
    let word = if milliseconds < 0.0 { "less" } else { "more" };
    format!("{} ms {word}", shown(milliseconds.abs()))
}

fn took(times: &RouteTime, report: &Report) -> Markup {
    html! {
        p { (report.shadow) " takes " (shown(times.ratio)) " times as long as production (" (shown(times.low)) " to " (shown(times.high))
            "), in the middle " (difference(times.milliseconds)) ", of " (number(times.pairs)) " pairs: " strong { (verdict(times)) } "." }
        (histogram(&report.time_bounds, &times.primary, &times.shadow, &report.shadow))
    }
}
