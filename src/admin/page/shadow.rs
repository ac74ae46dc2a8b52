//! One shadow: where its copies went, what can be changed of it, what was changed when.

use http::StatusCode;
use maud::{Markup, html};

use super::{
    flow::flow,
    form::{Fields, key, see},
    frame::{View, framed, told},
    live::Regions,
    query::{address, name_of, path_to},
};
use crate::{
    admin::{
        Order, SampleState, ShadowState,
        call::{Call, Reply},
    },
    compare::words::number,
    config::{Percent, ShadowRole},
};

pub(in crate::admin) fn shadow(call: &Call<'_>) -> Reply {
    let name = name_of(call);
    let Some(state) = found(call, &name) else {
        return none(call);
    };
    let report = call.source.reports(Some(&name)).pop();
    let regions = Regions::default();
    let body = html! {
        p.trail { a href="/shadows" { "Shadows" } }
        h1 { (name) }
        (regions.region("state", now(&state)))
        h2 { "What became of its copies" }
        (regions.region("flow", flow(call.source.ledger(), &name, report.as_deref())))
        @if report.is_some() {
            p { a href=(address("/", &[("shadow", &name)])) { "Its causes" } " · "
                a href=(address("/routes", &[("shadow", &name)])) { "its routes" } " · "
                a href=(address("/sessions", &[("shadow", &name)])) { "its sessions" } }
        } @else {
            p { "Its answers are not compared with production's." }
        }
        h2 { "Change it" }
        (changing(&state))
        h2 { "What was changed" }
        (regions.region("changes", changes(&state)))
    };
    let view = View {
        title: &name,
        under: "/shadows",
        body,
        regions,
    };
    framed(call, &view)
}

/// The shadow of this name, as it is now.
pub(super) fn found(call: &Call<'_>, name: &str) -> Option<ShadowState> {
    let mut states = call.source.shadows().into_iter();
    states.find(|state| state.name == name)
}

fn none(call: &Call<'_>) -> Reply {
    let body = html! { p { a href="/shadows" { "To the shadows" } } };
    told(
        call,
        StatusCode::NOT_FOUND,
        "There is no shadow of this name",
        &body,
    )
}

fn now(state: &ShadowState) -> Markup {
    let gets = if state.paused {
        "It is paused: it gets no copies.".to_owned()
    } else {
        format!(
            "It gets {} of the requests that its rules select{}.",
            state.sample.percent,
            chosen(&state.sample)
        )
    };
    let breaker = match state.breaker {
        "open" => "It failed too often, and is left alone for a while (breaker open).",
        "trying" => "It failed too often; one copy tries whether it is back (breaker).",
        _ => "It answers (breaker closed).",
    };
    html! {
        p { (gets)
            @if state.sample.percent != state.sample.configured {
                " After a restart: " (state.sample.configured) "."
            }
        }
        p { (breaker) " " (number(state.queued as u64)) " copies wait to be sent."
            @if state.low_priority { " Copies to it cost more processor time than production itself now, so that they get only what production leaves over." } }
        dl.facts {
            div { dt { "address" } dd { code { (state.address) } } }
            @if state.role == ShadowRole::Baseline { div { dt { "role" } dd { "baseline: it runs the old version" } } }
            @if let Some(build) = &state.build { div { dt { "build" } dd { (build) } } }
            div { dt { "sessions" } dd { @if state.identity { "kept alive" } @else { "not kept alive" } } }
            @if let Some(at) = state.breaker_changed { div { dt { "breaker changed" } dd { (super::moment::of(at)) } } }
        }
    }
}

/// How those that it gets are chosen.
fn chosen(sample: &SampleState) -> String {
    match &*sample.by {
        _ if sample.percent.to_string() == "100%" => String::new(),
        "random" => ", chosen at random".to_owned(),
        by => format!(", chosen by {by}"),
    }
}

fn changing(state: &ShadowState) -> Markup {
    let action = path_to("/shadows/", &state.name) + "/change";
    html! {
        div.buttons {
            form method="post" action=(action) {
                (key())
                @if state.paused {
                    button name="order" value="resume" { "Resume" }
                } @else {
                    button name="order" value="pause" { "Pause" }
                }
            }
            form method="post" action=(action) {
                (key())
                label { "Share of the requests "
                    input name="percent" size="8" required value=(state.sample.percent) inputmode="decimal"; }
                button name="order" value="sample" { "Set" }
            }
            form method="post" action=(action) {
                (key())
                label { "It runs the build "
                    input name="build" size="16" maxlength="100" required value=[state.build.as_ref()]; }
                button name="order" value="build" { "Save the build" }
            }
        }
        p.soft { "Production notices nothing of it, but sessions whose copies are left out are lost on the shadow. Each holds until shadowtee is started again." }
    }
}

fn changes(state: &ShadowState) -> Markup {
    html! {
        @if state.changes.is_empty() {
            p { "Nothing yet, since the start." }
        } @else {
            ul.plain {
                @for change in state.changes.iter().rev() {
                    li { (super::moment::of(change.at)) " " (change.what) }
                }
            }
        }
    }
}

/// Pauses or resumes a shadow, or sets its share.
pub(in crate::admin) fn change_shadow(call: &Call<'_>) -> Reply {
    let (name, fields) = (name_of(call), Fields::of(call.request.body()));
    let order = match fields.field("order") {
        "pause" => Ok(Order::Pause),
        "resume" => Ok(Order::Resume),
        "sample" => share(fields.field("percent")).map(Order::Sample),
        "build" => serde_json::from_value(fields.field("build").into())
            .map(Order::Build)
            .map_err(|error| format!("This is no name of a build: {error}.")),
        other => Err(format!("{other:?} is nothing that can be done.")),
    };
    let order = match order {
        Ok(order) => order,
        Err(why) => {
            let body = html! {
                p { (why) }
                p { a href=(path_to("/shadows/", &name)) { "Back to " (name) } }
            };
            return told(call, StatusCode::BAD_REQUEST, "Nothing was changed", &body);
        }
    };
    if call.source.change(&name, order) {
        see(&path_to("/shadows/", &name))
    } else {
        none(call)
    }
}

/// A share as people write it: `10%`, `10 %` or `10`.
fn share(text: &str) -> Result<Percent, String> {
    let number = text.trim().trim_end_matches('%').trim();
    let read = serde_json::from_value(format!("{number}%").into());
    read.map_err(|_| format!("{text:?} is no share of the requests: write such as 10% or 0.5%."))
}
