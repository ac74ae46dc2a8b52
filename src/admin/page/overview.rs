//! The first view: how the upgrade does, in a sentence; then the causes, the worst first.

use std::{fmt::Write, sync::Arc};

use http::StatusCode;
use maud::{Markup, html};

use super::{
    cause::{self, facts, state, values},
    frame::{View, framed, told},
    live::Regions,
    pager::Pager,
    production::production,
    query::{Query, address, path_to},
    route,
    text::short,
    trend::trend,
};
use crate::{
    admin::call::{Call, Reply},
    compare::{
        Cause, Report, Status,
        words::{condition, counted, number, slowness, speed},
    },
};

/// Causes on one page.
const ON_A_PAGE: usize = 50;
/// So many causes are seen at a glance.
const FEW: usize = 10;
/// Shadows that are told one by one before the causes.
const SHADOWS: usize = 8;

pub(in crate::admin) fn overview(call: &Call<'_>) -> Reply {
    let query = Query::of(call);
    let wanted = query.find("shadow");
    let reports = call.source.reports(wanted);
    if reports.is_empty() && wanted.is_some() {
        return told(
            call,
            StatusCode::NOT_FOUND,
            "No such shadow is compared",
            &not_compared(),
        );
    }
    let all = call.source.compared();
    let history = call.source.history();
    let regions = Regions::default();
    let filter = Filter::of(&query);
    let told: usize = reports.iter().map(|report| report.causes.len()).sum();
    let mut causes: Vec<(&Report, &Cause)> = reports
        .iter()
        .flat_map(|report| report.causes.iter().map(move |cause| (&**report, cause)))
        .filter(|(_, cause)| filter.fits(cause))
        .collect();
    // Confirmed ones before the rest, as in each report; those of several shadows by their rank.
    if reports.len() > 1 {
        causes.sort_by(|(_, one), (_, other)| {
            let certain = |cause: &Cause| cause.status == Status::Confirmed;
            certain(other)
                .cmp(&certain(one))
                .then(other.rank.total_cmp(&one.rank))
        });
    }
    let pager = Pager::new(&query, causes.len(), ON_A_PAGE);
    let sentence = sentence(&reports);
    let body = html! {
        (regions.region("sentence", html! {
            h1 { (sentence) }
            @if let Some(said) = by_weight(&reports) { p.large { (said) } }
            @for report in reports.iter().filter(|_| reports.len() == 1) {
                @if let Some(speed) = speed(report) { p { (speed) } }
            }
            (held_back(call, wanted))
        }))
        @if reports.is_empty() { (not_compared()) }
        div.beside {
            section aria-labelledby="causes" {
                @if reports.len() > 1 { (shadows(&regions, &reports)) }
                h2 #causes { "Causes" }
                @if causes.len() > FEW || filter.is_any() || all.len() > 1 { (filters(&query, &filter, &all)) }
                p #news role="status" {}
                @if causes.is_empty() && !reports.is_empty() { (none_left(&filter)) }
                ol.causes start=(pager.first() + 1) {
                    @for (report, cause) in &causes[pager.range()] {
                        li.cause #{ "cause-" (report.shadow) "-" (cause.id) } { (item(&regions, report, cause, reports.len() > 1)) }
                    }
                }
                (pager.links("/", "causes"))
                @if filter.is_any() { p { "Of " (number(told as u64)) " causes " (number(causes.len() as u64)) " are such. " a href="/" { "Show all causes" } } }
                (slower(&regions, &reports))
                (marked(&regions, &reports))
            }
            div.aside {
                (production(call, &regions, &history))
                (trend(&query, &regions, &history, &reports))
            }
        }
    };
    let view = View {
        title: "Causes",
        under: "/",
        body,
        regions,
    };
    framed(call, &view)
}

/// How the upgrade does, of all that is compared.
pub(super) fn sentence(reports: &[Arc<Report>]) -> String {
    let sum = |count: fn(&Report) -> u64| reports.iter().map(|report| count(report)).sum::<u64>();
    let compared = sum(|report| report.requests.compared);
    if reports.is_empty() {
        return "No shadow is compared with production.".to_owned();
    }
    if compared == 0 {
        let answered = sum(|report| report.requests.answered);
        return match answered {
            0 => "Nothing was compared yet: no shadow has answered a copy.".to_owned(),
            _ => format!(
                "Nothing was compared yet: none of {} of the shadow could be.",
                counted(answered, "answer", "answers")
            ),
        };
    }
    let wrong = sum(|report| report.requests.different);
    let causes = sum(|report| report.confirmed().count() as u64);
    let mut said = match wrong {
        0 => format!(
            "Of {} compared, none is wrong.",
            counted(compared, "answer", "answers")
        ),
        1 => format!(
            "Of {} compared, 1 is wrong, in {}.",
            counted(compared, "answer", "answers"),
            counted(causes, "cause", "causes")
        ),
        _ => format!(
            "Of {} compared, {} are wrong, in {}.",
            counted(compared, "answer", "answers"),
            number(wrong),
            counted(causes, "cause", "causes")
        ),
    };
    let mut add = |count: u64, one: &str, many: &str| {
        if count > 0 {
            let _ = write!(
                said,
                " {} {}.",
                number(count),
                if count == 1 { one } else { many }
            );
        }
    };
    add(
        sum(|report| report.requests.explained),
        "differs for a reason that is known",
        "differ for reasons that are known",
    );
    add(
        sum(|report| report.requests.unconfirmed),
        "is not certain yet",
        "are not certain yet",
    );
    add(
        sum(|report| report.not_compared.values().sum()),
        "could not be compared",
        "could not be compared",
    );
    let (alive, lost) = reports
        .iter()
        .filter_map(|report| report.sessions.as_ref())
        .fold((0, 0), |(alive, lost), of| {
            (alive + of.alive, lost + of.lost)
        });
    if let Some(share) = (100 * alive).checked_div(alive + lost) {
        // Writing to memory can't fail.
        let _ = write!(said, " Sessions alive on the shadow: {share} %.");
    }
    said
}

/// How bad it is, in a sentence; nothing where nothing is.
fn by_weight(reports: &[Arc<Report>]) -> Option<String> {
    const FAILS: u32 = 100;
    let confirmed = || reports.iter().flat_map(|report| report.confirmed());
    let fails = confirmed().filter(|cause| cause.severity >= FAILS).count() as u64;
    let others = confirmed().count() as u64 - fails;
    let slower: u64 = reports
        .iter()
        .map(|report| report.slower.len() as u64)
        .sum();
    let parts = [
        (
            fails,
            "1 cause makes requests fail",
            "causes make requests fail",
        ),
        (
            others,
            "1 changes what is answered",
            "change what is answered",
        ),
        (
            slower,
            "1 route is slower for certain",
            "routes are slower for certain",
        ),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| match count {
            1 => (*one).to_owned(),
            _ => format!("{} {many}", number(*count)),
        })
        .collect();
    (!said.is_empty()).then(|| said.join("; ") + ".")
}

/// Shadows that get less than all, which a reader has to know.
fn held_back(call: &Call<'_>, wanted: Option<&str>) -> Markup {
    let states = call.source.shadows();
    let some = states
        .iter()
        .filter(|state| wanted.is_none_or(|wanted| state.name == wanted));
    let less = some.filter(|state| {
        state.paused || state.breaker != "closed" || state.sample.percent.to_string() != "100%"
    });
    html! {
        @for state in less.take(SHADOWS) {
            p.note {
                a href=(path_to("/shadows/", &state.name)) { (state.name) }
                @if state.paused { " is paused." }
                @else if state.breaker != "closed" { " fails, and is left alone for a while." }
                @else { " gets " (state.sample.percent) " of the requests." }
            }
        }
    }
}

/// Routes that are slower for certain.
fn slower(regions: &Regions, reports: &[Arc<Report>]) -> Markup {
    let slower = reports
        .iter()
        .flat_map(|report| report.slower.iter().map(move |slower| (report, slower)));
    let list = html! {
        @for (at, (report, slower)) in slower.take(ON_A_PAGE).enumerate() {
            @if at == 0 { h2 { "Slower" } }
            p { a href=(route::to(&slower.route, &report.shadow)) { code { (short(&slower.route)) } } " takes " (slowness(slower)) }
        }
    };
    regions.region("slower", list)
}

/// That some causes are not told here.
fn marked(regions: &Regions, reports: &[Arc<Report>]) -> Markup {
    let rules = reports
        .iter()
        .map(|report| report.rules.len())
        .max()
        .unwrap_or(0) as u64;
    let hides: u64 = reports
        .iter()
        .flat_map(|report| &report.rules)
        .map(|rule| rule.hides)
        .sum();
    let said = html! {
        @if rules > 0 {
            p { a href="/rules" { (counted(rules, "mark or rule", "marks and rules")) } " hide the differences of " (counted(hides, "answer", "answers")) "." }
        }
    };
    regions.region("marked", said)
}

fn not_compared() -> Markup {
    html! {
        p { "To compare a shadow's answers with production's, put " code { "compare = true" } " into its " code { "[[shadow]]" } ", or "
            code { "--compare" } " on the command line." }
    }
}

/// Which causes are wanted.
struct Filter<'a> {
    shadow: Option<&'a str>,
    /// In lower case.
    text: Option<String>,
    state: Option<Status>,
}

impl<'a> Filter<'a> {
    fn of(query: &'a Query) -> Self {
        Self {
            shadow: query.find("shadow"),
            text: query.text(),
            state: match query.find("state") {
                Some("confirmed") => Some(Status::Confirmed),
                Some("uncertain") => Some(Status::Unconfirmed),
                _ => None,
            },
        }
    }

    fn is_any(&self) -> bool {
        self.text.is_some() || self.state.is_some()
    }

    fn fits(&self, cause: &Cause) -> bool {
        let has = |text: &str| {
            let wanted = self.text.as_ref();
            wanted.is_none_or(|wanted| text.to_lowercase().contains(wanted))
        };
        self.state.is_none_or(|state| state == cause.status)
            && (has(&cause.title)
                || has(&cause.place)
                || has(&cause.id)
                || cause.routes.iter().any(|route| has(&route.route)))
    }
}

fn filters(query: &Query, filter: &Filter<'_>, shadows: &[String]) -> Markup {
    let states = [
        ("", "all"),
        ("confirmed", "confirmed"),
        ("uncertain", "not certain yet"),
    ];
    let chosen = match filter.state {
        None => "",
        Some(Status::Confirmed) => "confirmed",
        Some(Status::Unconfirmed) => "uncertain",
    };
    html! {
        form.filters method="get" action="/" role="search" {
            @if shadows.len() > 1 {
                label { "Shadow "
                    select name="shadow" {
                        option value="" { "all" }
                        @for shadow in shadows {
                            option value=(shadow) selected[filter.shadow == Some(shadow)] { (shadow) }
                        }
                    }
                }
            }
            label { "With the text " input type="search" name="q" value=(query.find("q").unwrap_or_default()); }
            label { "State "
                select name="state" {
                    @for (value, name) in states {
                        option value=(value) selected[value == chosen] { (name) }
                    }
                }
            }
            button { "Show" }
        }
    }
}

fn none_left(filter: &Filter<'_>) -> Markup {
    html! {
        @if filter.is_any() {
            p { "No cause is such. " a href="/" { "Show all" } }
        } @else {
            p { "Nothing differs that would be the new version's fault." }
        }
    }
}

fn item(regions: &Regions, report: &Report, cause: &Cause, with_shadow: bool) -> Markup {
    let to = cause::to(&cause.id, &report.shadow, "", &[]);
    let id = format!("facts-{}-{}", report.shadow, cause.id);
    html! {
        h3 { a href=(to) { (short(&cause.title)) } }
        @if let Some(first) = cause.routes.first() {
            p.where {
                code { (short(&first.route)) }
                @if cause.routes.len() > 1 {
                    " and " (counted(cause.routes.len() as u64 - 1, "other route", "other routes"))
                }
                @if !cause.place.is_empty() && cause.place != "status" { ", at " code { (short(&cause.place)) } }
                @if with_shadow { ", on " (report.shadow) }
            }
        }
        @for when in &cause.when { p.when { (short(&condition(when))) } }
        (values(report, cause))
        (regions.region(&id, html! { (state(cause)) (facts(cause)) }))
    }
}

/// Each shadow's sentence in short, where there are several.
fn shadows(regions: &Regions, reports: &[Arc<Report>]) -> Markup {
    let row = |report: &Report| {
        let confirmed = report.confirmed().count() as u64;
        html! {
            tr {
                th scope="row" { a href=(address("/", &[("shadow", &report.shadow)])) { (report.shadow) } }
                td.count { (number(report.requests.compared)) }
                td.count { (number(report.requests.different)) }
                td.count { (number(confirmed)) }
            }
        }
    };
    let table = html! {
        div.wide tabindex="0" role="region" aria-label="Shadows" {
            table {
                thead { tr { th scope="col" { "shadow" } th.count scope="col" { "compared" } th.count scope="col" { "wrong" } th.count scope="col" { "causes" } } }
                tbody { @for report in reports.iter().take(SHADOWS) { (row(report)) } }
            }
        }
        @if reports.len() > SHADOWS {
            p { a href="/shadows" { "All " (number(reports.len() as u64)) " shadows" } }
        }
    };
    html! {
        h2 { "Shadows" }
        (regions.region("shadows", table))
    }
}
