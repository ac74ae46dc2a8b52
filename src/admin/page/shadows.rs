//! All shadows, a line each.

use maud::html;

use super::{
    frame::{View, framed},
    live::Regions,
    query::path_to,
};
use crate::{
    admin::call::{Call, Reply},
    compare::words::{counted, number},
};

pub(in crate::admin) fn shadows(call: &Call<'_>) -> Reply {
    let states = call.source.shadows();
    let reports = call.source.reports(None);
    let regions = Regions::default();
    let table = html! {
        div.wide tabindex="0" role="region" aria-label="Shadows" {
            table {
                thead { tr {
                    th scope="col" { "shadow" } th scope="col" { "gets" } th scope="col" { "breaker" }
                    th.count scope="col" { "waiting" } th.count scope="col" { "compared" } th.count scope="col" { "wrong" }
                } }
                tbody {
                    @for state in &states {
                        @let report = reports.iter().find(|report| report.shadow == state.name);
                        tr {
                            th scope="row" { a href=(path_to("/shadows/", &state.name)) { (state.name) } }
                            td { @if state.paused { "nothing: paused" } @else { (state.sample.percent) " of the requests" } }
                            td { (state.breaker) }
                            td.count { (number(state.queued as u64)) }
                            @match report {
                                Some(report) => {
                                    td.count { (number(report.requests.compared)) }
                                    td.count { (number(report.requests.different)) }
                                }
                                None => { td.count { "–" } td.count { "–" } }
                            }
                        }
                    }
                }
            }
        }
    };
    let body = html! {
        h1 { (counted(states.len() as u64, "shadow", "shadows")) }
        @if states.is_empty() {
            p { "None is configured: shadowtee is a plain proxy. A " code { "[[shadow]]" } " with a " code { "name" } " and an " code { "address" } " gets copies." }
        } @else {
            (regions.region("table", table))
        }
    };
    let view = View {
        title: "Shadows",
        under: "/shadows",
        body,
        regions,
    };
    framed(call, &view)
}
