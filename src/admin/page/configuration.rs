//! The effective configuration, secrets masked; and what runs where.

use maud::html;

use super::{
    frame::{View, framed},
    live::Regions,
    moment::of,
};
use crate::admin::call::{Call, Reply};

pub(in crate::admin) fn configuration(call: &Call<'_>) -> Reply {
    let about = call.source.about();
    let body = html! {
        h1 { "Configuration" }
        dl.facts {
            div { dt { "version" } dd { (about.version) } }
            div { dt { "runs since" } dd { (of(about.started)) } }
            div { dt { "clients connect to" } dd { @for (at, address) in about.listen.iter().enumerate() { @if at > 0 { ", " } code { (address) } } } }
            div { dt { "the primary is" } dd { code { (about.primary) } } }
        }
        p { "Every setting with its value, with masks for secrets, as " code { "shadowtee check" } " prints it. What the file says is read again with "
            code { "POST /api/reload" } " or SIGHUP." }
        pre.tall tabindex="0" { (call.source.configuration()) }
    };
    let view = View {
        title: "Configuration",
        under: "/configuration",
        body,
        regions: Regions::default(),
    };
    framed(call, &view)
}
