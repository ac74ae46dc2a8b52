//! What is captured to files, and how far it is.

use maud::{Markup, html};

use super::{
    frame::{View, framed},
    live::Regions,
};
use crate::{
    admin::{
        CaptureState,
        call::{Call, Reply},
    },
    compare::words::number,
};

pub(in crate::admin) fn captures(call: &Call<'_>) -> Reply {
    let states = call.source.captures();
    let regions = Regions::default();
    let body = html! {
        h1 { "Captures" }
        @if states.is_empty() {
            p { "Nothing is captured. A " code { "[capture]" } " with a " code { "file" } " stores exchanges, so that " code { "shadowtee replay" } " can send them later." }
        }
        @for (at, state) in states.iter().enumerate() {
            h2 { code { (state.pattern) } }
            (regions.region(&format!("capture-{at}"), one(state)))
        }
    };
    let view = View {
        title: "Captures",
        under: "/captures",
        body,
        regions,
    };
    framed(call, &view)
}

fn one(state: &CaptureState) -> Markup {
    html! {
        @match (&state.trouble, &state.file) {
            (Some(trouble), _) => p.wrong { "It can't be written: " (trouble) },
            (None, Some(file)) => p { "It is written to " code { (file) } "." },
            (None, None) => p { "No file is open now." },
        }
        dl.facts {
            div { dt { "bytes" } dd { (number(state.bytes)) } }
            div { dt { "bytes that wait" } dd { (number(state.queued_bytes as u64)) } }
        }
        table {
            thead { tr { th scope="col" { "exchanges" } th.count scope="col" { "count" } } }
            tbody {
                @for (outcome, count) in &state.records {
                    tr { th scope="row" { (outcome.replace('_', " ")) } td.count { (number(*count)) } }
                }
            }
        }
    }
}
