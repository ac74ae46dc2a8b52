//! All routes: which were seen and compared, how many answers differ there, and how long both sides take.

use std::collections::HashMap;

use maud::{Markup, html};

use super::{
    chart::shown,
    frame::{View, framed},
    live::Regions,
    pager::Pager,
    query::{Query, address},
    route,
    text::short,
};
use crate::{
    admin::call::{Call, Reply},
    compare::{
        Coverage, Report, RouteTime, Status, TimeVerdict,
        words::{counted, number},
    },
};

const ON_A_PAGE: usize = 100;
/// Routes that no request was for, shown at once.
const NEVER_SEEN: usize = 200;

/// A route of one shadow.
struct Row<'a> {
    report: &'a Report,
    coverage: &'a Coverage,
    different: u64,
    times: Option<&'a RouteTime>,
}

pub(in crate::admin) fn routes(call: &Call<'_>) -> Reply {
    let query = Query::of(call);
    let reports = call.source.reports(query.find("shadow"));
    let mut rows: Vec<Row<'_>> = Vec::new();
    for report in &reports {
        let different = different(report);
        let times: HashMap<&str, &RouteTime> = report
            .times
            .iter()
            .map(|times| (&*times.route, times))
            .collect();
        let covered = report.coverage.iter().map(|coverage| Row {
            report,
            coverage,
            different: different.get(&*coverage.route).copied().unwrap_or(0),
            times: times.get(&*coverage.route).copied(),
        });
        rows.extend(covered);
    }
    if let Some(text) = query.text() {
        rows.retain(|row| row.coverage.route.to_lowercase().contains(&text));
    }
    let order = query.find("sort").unwrap_or("different");
    sort(&mut rows, order);
    let pager = Pager::new(&query, rows.len(), ON_A_PAGE);
    let regions = Regions::default();
    let table = html! {
        div.wide tabindex="0" role="region" aria-label="Routes" {
            table.roomy {
                thead { tr {
                    (head(&query, order, "route", "route", ""))
                    @if reports.len() > 1 { th scope="col" { "shadow" } }
                    (head(&query, order, "requests", "requests", "count"))
                    (head(&query, order, "compared", "compared", "count"))
                    (head(&query, order, "different", "wrong", "count"))
                    (head(&query, order, "time", "time of the shadow", ""))
                    th scope="col" { "answers of production" }
                } }
                tbody { @for row in &rows[pager.range()] { (line(row, reports.len() > 1)) } }
            }
        }
    };
    let body = html! {
        h1 { (counted(rows.len() as u64, "route", "routes")) }
        form.filters method="get" action="/routes" role="search" {
            label { "With the text " input type="search" name="q" value=(query.find("q").unwrap_or_default()); }
            @if let Some(shadow) = query.find("shadow") { input type="hidden" name="shadow" value=(shadow); }
            @if let Some(order) = query.find("sort") { input type="hidden" name="sort" value=(order); }
            button { "Show" }
        }
        @if rows.is_empty() { p { "No route is such. " a href="/routes" { "Show all" } } }
        (regions.region("routes", table))
        (pager.links("/routes", "routes"))
        @for report in &reports { (never_seen(report)) }
    };
    let view = View {
        title: "Routes",
        under: "/routes",
        body,
        regions,
    };
    framed(call, &view)
}

/// For each route, how many answers its causes touch, at most: one that several touch is counted by each.
fn different(report: &Report) -> HashMap<&str, u64> {
    let mut most: HashMap<&str, u64> = HashMap::new();
    let confirmed = report
        .causes
        .iter()
        .filter(|cause| cause.status == Status::Confirmed);
    for route in confirmed.flat_map(|cause| &cause.routes) {
        let known = most.entry(&route.route).or_default();
        *known += route.different;
    }
    for coverage in &report.coverage {
        if let Some(known) = most.get_mut(&*coverage.route) {
            *known = (*known).min(coverage.compared);
        }
    }
    most
}

fn sort(rows: &mut [Row<'_>], order: &str) {
    let by = |value: fn(&Row<'_>) -> u64| {
        move |one: &Row<'_>, other: &Row<'_>| {
            value(other)
                .cmp(&value(one))
                .then_with(|| one.coverage.route.cmp(&other.coverage.route))
        }
    };
    match order {
        "route" => rows.sort_by(|one, other| one.coverage.route.cmp(&other.coverage.route)),
        "time" => rows.sort_by(|one, other| {
            let ratio = |row: &Row<'_>| row.times.map_or(0.0, |times| times.ratio);
            ratio(other).total_cmp(&ratio(one))
        }),
        "requests" => rows.sort_by(by(|row| row.coverage.requests)),
        "compared" => rows.sort_by(by(|row| row.coverage.compared)),
        _ => rows.sort_by(by(|row| row.different)),
    }
}

fn head(query: &Query, order: &str, name: &str, text: &str, class: &str) -> Markup {
    let is_this = order == name;
    let to = query.with("/routes", "sort", Some(name));
    html! {
        th.(class) scope="col" aria-sort=[is_this.then_some(if name == "route" { "ascending" } else { "descending" })] {
            a href=(to) { (text) }
        }
    }
}

fn line(row: &Row<'_>, with_shadow: bool) -> Markup {
    let coverage = row.coverage;
    html! {
        tr {
            th scope="row" { a href=(route::to(&coverage.route, &row.report.shadow)) { code { (short(&coverage.route)) } } }
            @if with_shadow { td { (row.report.shadow) } }
            td.count { (number(coverage.requests)) }
            td.count {
                (number(coverage.compared))
                @if coverage.not_judged > 0 { br; span.soft { (number(coverage.not_judged)) " not judged: session lost" } }
            }
            td.count {
                @if row.different > 0 {
                    a href=(address("/", &[("q", &short(&coverage.route)), ("shadow", &row.report.shadow)])) { (number(row.different)) }
                } @else { "0" }
            }
            td { @if let Some(times) = row.times { (shown(times.ratio)) "× (" (shown(times.low)) " to " (shown(times.high)) ") " span.verdict.slower[times.verdict == TimeVerdict::Slower] { (route::verdict(times)) } } }
            td { @for (status, count) in &coverage.statuses { span.nowrap { (status) ": " (number(*count)) } " " } }
        }
    }
}

fn never_seen(report: &Report) -> Markup {
    let routes = &report.never_seen;
    html! {
        @if !routes.is_empty() {
            details {
                summary { (counted(routes.len() as u64, "route of the application was never seen", "routes of the application were never seen")) }
                ul { @for route in routes.iter().take(NEVER_SEEN) { li { code { (short(route)) } } } }
                @if routes.len() > NEVER_SEEN { p { "and " (number((routes.len() - NEVER_SEEN) as u64)) " more, in the report as JSON" } }
            }
        }
    }
}
