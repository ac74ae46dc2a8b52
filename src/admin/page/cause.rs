//! The second view: one cause. What differs, when, why it counts, and what can be done about it.

use std::sync::Arc;

use http::StatusCode;
use maud::{Markup, html};
use serde_json::json;

use super::{
    chart::{bar, sparkline},
    example::part,
    form::{Fields, key, see},
    frame::{View, framed, told},
    live::Regions,
    moment::between,
    query::{Query, address, name_of, path_to},
    replay::{button, results},
    route,
    rules::refused,
    shadow,
    text::{cut, sentence, short},
};
use crate::{
    admin::call::{Call, Reply},
    compare::{
        Cause, Line, Report, RouteCount, Status, When, inner,
        words::{counted, number, percent, share},
    },
};

/// Routes, parts and the like that are shown before the rest is folded.
const SHOWN: usize = 10;
/// Characters of a value or a command.
const VALUE: usize = 8_000;
/// No list has more, so that a page stays a page.
const MOST: usize = 500;

/// A cause that was asked for.
pub(super) struct Found {
    pub(super) report: Arc<Report>,
    at: usize,
}

impl Found {
    pub(super) fn of(call: &Call<'_>) -> Option<Self> {
        let query = Query::of(call);
        let id = name_of(call);
        let mut reports = call.source.reports(query.find("shadow")).into_iter();
        reports.find_map(|report| {
            let at = report.causes.iter().position(|cause| cause.id == id)?;
            Some(Self { report, at })
        })
    }

    pub(super) fn cause(&self) -> &Cause {
        &self.report.causes[self.at]
    }

    /// The address with what came of a request that was sent.
    pub(super) fn sent(&self, number: u64) -> String {
        let more = [("sent", &*number.to_string())];
        to(&self.cause().id, &self.report.shadow, "", &more)
    }

    /// The address of something about it.
    pub(super) fn path(&self, below: &str) -> String {
        to(&self.cause().id, &self.report.shadow, below, &[])
    }
}

/// The address of a cause of a shadow, or of something below it, with more parameters.
pub(super) fn to(id: &str, shadow: &str, below: &str, more: &[(&str, &str)]) -> String {
    let pairs: Vec<_> = [("shadow", shadow)].iter().chain(more).copied().collect();
    address(&(path_to("/causes/", id) + below), &pairs)
}

pub(in crate::admin) fn cause(call: &Call<'_>) -> Reply {
    match Found::of(call) {
        Some(found) => shown(call, &found),
        None => gone(call),
    }
}

pub(super) fn gone(call: &Call<'_>) -> Reply {
    let body = html! {
        p { "Either it doesn't happen any more, what was learned was reset, or somebody has marked it: see "
            a href="/rules" { "what is ignored, and why" } "." }
        p { a href="/" { "To the causes" } }
    };
    told(
        call,
        StatusCode::NOT_FOUND,
        "This cause is not told now",
        &body,
    )
}

fn shown(call: &Call<'_>, found: &Found) -> Reply {
    let sent = Query::of(call)
        .find("sent")
        .and_then(|number| number.parse().ok());
    let sent = sent.and_then(|number| results().lock().find(number));
    let (report, cause) = (&*found.report, found.cause());
    let regions = Regions::default();
    let example = &cause.example;
    let address = shadow::found(call, &report.shadow).map(|state| state.address);
    let body = html! {
        p.trail { a href="/" { "Causes" } " · on " a href=(path_to("/shadows/", &report.shadow)) { (report.shadow) } }
        h1 { (short(&cause.title)) }
        @if let Some(sent) = sent { (sent) }
        (regions.region("facts", html! { (state(cause)) (facts(cause)) }))
        @if !cause.note.is_empty() { p.note { (short(&cause.note)) } }
        @if example.primary.is_some() || example.shadow.is_some() {
            h2 { "What differs" }
            (at_the_place(report, cause))
            p { a href=(found.path("/example")) { "Both answers, whole" } }
        }
        (conditions(&cause.when))
        @if !cause.evidence.is_empty() {
            h2 { "Why it is no noise" }
            p { (short(&sentence(&cause.evidence))) }
        }
        h2 { "Where" }
        (routes(&cause.routes, &report.shadow))
        (folded("All that changes with it", &cause.parts, cause.parts_left_out))
        (folded("The same elsewhere, not certain yet", &cause.not_certain, 0))
        @if !example.method.is_empty() { (by_hand(found, address.as_deref())) }
        (marking(found))
        p.soft { "Its id is " code { (cause.id) } ", the same in each run and on each machine. Severity " (cause.severity) "." }
    };
    let view = View {
        title: &short(&cause.title),
        under: "/",
        body,
        regions,
    };
    framed(call, &view)
}

/// Whether it is certain, never by colour only.
pub(super) fn state(cause: &Cause) -> Markup {
    html! {
        @match cause.status {
            Status::Confirmed => span.badge.confirmed title="The evidence is enough that this is no noise" { "confirmed" },
            Status::Unconfirmed => span.badge.uncertain title="It may be noise: more requests will tell" { "not certain yet" },
        }
    }
}

/// Both values in a line, where both are short.
pub(super) fn values(report: &Report, cause: &Cause) -> Markup {
    const LONGEST: usize = 60;
    let (one, other) = (&cause.example.primary, &cause.example.shadow);
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "(not there)".to_owned());
    let (one, other) = (text(one), text(other));
    let is_short =
        |text: &str| text.len() <= LONGEST && !text.contains('\n') && !text.trim().is_empty();
    let is_any = cause.example.primary.is_some() || cause.example.shadow.is_some();
    html! {
        @if is_any && is_short(&one) && is_short(&other) {
            p.values {
                span.unseen { "production: " } span.primary { (one) }
                span aria-hidden="true" { " → " }
                span.unseen { ", " (report.shadow) ": " } span.shadow { (other) }
            }
        }
    }
}

/// What is known of how often it is.
pub(super) fn facts(cause: &Cause) -> Markup {
    let different: u64 = cause.routes.iter().map(|route| route.different).sum();
    let of: u64 = cause.routes.iter().map(|route| route.of).sum();
    html! {
        dl.facts {
            div { dt { "wrong" } dd { (number(different)) " of " (number(of)) " (" (percent(different, of)) ")" } }
            @if cause.sessions > 0 {
                div { dt { "sessions" } dd { (number(cause.sessions)) } }
            }
            div { dt { "last hour" } dd { (sparkline(&cause.last_hour)) } }
            div { dt { "seen" } dd { (between(&cause.first_seen, &cause.last_seen)) } }
        }
    }
}

/// Both values, side by side.
fn at_the_place(report: &Report, cause: &Cause) -> Markup {
    let example = &cause.example;
    let text =
        |value: &Option<String>| cut(value.as_deref().unwrap_or_default(), VALUE).into_owned();
    let [one, other] = inner(&text(&example.primary), &text(&example.shadow));
    let is_both = example.primary.is_some() && example.shadow.is_some();
    let side = |who: &str, class: &str, value: Option<&String>, line: &Line| {
        html! {
            figure.(class) {
                figcaption { (who) }
                @match value {
                    Some(value) if value.trim().is_empty() => p.soft { "(empty)" },
                    // Beside nothing all of it is different.
                    Some(value) if !is_both => pre tabindex="0" { (cut(value, VALUE)) },
                    Some(_) => pre tabindex="0" { @for segment in line { (part(segment)) } },
                    None => p.soft { "(not there)" },
                }
            }
        }
    };
    html! {
        @if !example.method.is_empty() {
            p { code { (example.method) " " (short(&example.target)) }
                @if cause.place != "status" { ", at " code { (short(&cause.place)) } } }
        }
        div.sides {
            (side("production", "primary", example.primary.as_ref(), &one))
            (side(&report.shadow, "shadow", example.shadow.as_ref(), &other))
        }
    }
}

/// The conditions with their numbers.
fn conditions(when: &[When]) -> Markup {
    html! {
        @if !when.is_empty() {
            h2 { "When" }
            div.wide tabindex="0" role="region" aria-label="Conditions" {
                table {
                    thead { tr { th scope="col" { "condition" } th.count scope="col" { "wrong where it holds" } th.count scope="col" { "wrong elsewhere" } } }
                    tbody {
                        @for when in when {
                            tr {
                                th scope="row" { (short(&when.feature)) }
                                td.count { (number(when.hit[0])) " of " (number(when.hit[1])) }
                                td.count { (number(when.miss[0])) " of " (number(when.miss[1])) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn routes(routes: &[RouteCount], shadow: &str) -> Markup {
    let row = |at: &RouteCount| {
        html! {
            li {
                a href=(route::to(&at.route, shadow)) { code { (short(&at.route)) } }
                " " (bar("differ", at.different, at.of))
                " " (share(at))
            }
        }
    };
    html! {
        ul.plain { @for route in routes.iter().take(SHOWN) { (row(route)) } }
        @if routes.len() > SHOWN {
            details {
                summary { (counted((routes.len() - SHOWN) as u64, "more route", "more routes")) }
                ul.plain { @for route in routes.iter().take(MOST).skip(SHOWN) { (row(route)) } }
                @if routes.len() > MOST { p { "and " (number((routes.len() - MOST) as u64)) " more, in the report as JSON" } }
            }
        }
    }
}

fn folded(head: &str, items: &[String], left_out: u64) -> Markup {
    let all = items.len() as u64 + left_out;
    let rest = left_out + items.len().saturating_sub(MOST) as u64;
    html! {
        @if !items.is_empty() {
            details {
                summary { (head) " (" (number(all)) ")" }
                ul { @for item in items.iter().take(MOST) { li { (short(item)) } } }
                @if rest > 0 { p { "and " (number(rest)) " more" } }
            }
        }
    }
}

/// How somebody sees it again.
fn by_hand(found: &Found, address: Option<&str>) -> Markup {
    let example = &found.cause().example;
    html! {
        h2 { "Reproduce it" }
        p { "Its smallest example is " code { (example.method) " " (short(&example.target)) } ", with the id " code { (example.request_id) } "." }
        p { "By hand: " code { "$SHADOW" } " is " (where_it_is(address)) "; what else is a variable is a secret of the shadow's, such as the cookie of a session there." }
        div.copied {
            pre #curl tabindex="0" { (cut(&example.curl, VALUE)) }
            button type="button" data-copy="curl" hidden { "Copy" }
        }
        (button(&found.path("/replay"), found.cause()))
    }
}

/// What stands for the shadow's address in a command.
fn where_it_is(address: Option<&str>) -> Markup {
    match address.map(|address| (address, address.strip_prefix("unix:"))) {
        None => html! { "the shadow's address" },
        Some((_, Some(path))) => html! {
            code { "http://localhost" } " with " code { "--unix-socket " (path) } " before it, as the shadow listens on a unix socket"
        },
        Some((address, None)) if address.contains("://") => html! { code { (address) } },
        Some((address, None)) => html! { code { "http://" (address) } },
    }
}

/// The buttons that make a rule of it.
fn marking(found: &Found) -> Markup {
    html! {
        h2 { "Mark it" }
        form.marking method="post" action=(found.path("/rule")) {
            (key())
            div.fields {
                label { "Reason " input name="reason" maxlength="500" size="40" required; }
                label { "Until (may be empty) " input type="date" name="until"; }
            }
            div.buttons {
                button name="action" value="expected" { "Expected" }
                button name="action" value="ignore" { "Ignore" }
                button name="action" value="never-noise" { "Not noise" }
            }
            dl.choices {
                div { dt { "Expected" } dd { "The new version is meant to do this. You are told when it stops." } }
                div { dt { "Ignore" } dd { "It doesn't matter, and is left out." } }
                div { dt { "Not noise" } dd { "It always counts, even if it comes to look like noise." } }
            }
            p.soft { "Each can be taken back under " a href="/rules" { "Marked" } "." }
        }
    }
}

/// Makes a rule of a cause.
pub(in crate::admin) fn add_rule(call: &Call<'_>) -> Reply {
    let fields = Fields::of(call.request.body());
    let mut rule = json!({
        "cause": name_of(call),
        "action": fields.field("action"),
        "reason": fields.field("reason"),
    });
    if !fields.field("until").is_empty() {
        rule["until"] = fields.field("until").into();
    }
    match call.source.add_rule(rule.to_string().as_bytes()) {
        Ok(added) => see(&address("/rules", &[("added", &added.id)])),
        Err(why) => refused(call, "It was not marked", &why),
    }
}
