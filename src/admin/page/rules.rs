//! What is ignored, and why: each rule, what it hides, and the way to take it back.

use std::sync::Arc;

use maud::{Markup, html};

use super::{
    form::{Fields, key, see},
    frame::{View, framed, told},
    live::Regions,
    moment::moment,
    query::{Query, address},
    text::{sentence, short},
};
use crate::{
    admin::{
        RuleRefused,
        call::{Call, Reply},
    },
    compare::{
        Kept, Report, RuleUse,
        words::{counted, number},
    },
};

pub(in crate::admin) fn rules(call: &Call<'_>) -> Reply {
    let query = Query::of(call);
    let reports = call.source.reports(None);
    let regions = Regions::default();
    let rules = merged(&reports);
    let notice = query.find("added").map(|id| {
        let kept = rules
            .iter()
            .find(|rule| rule.id == id)
            .map(|rule| rule.kept);
        added(kept)
    });
    let notice = notice.or(query
        .find("removed")
        .map(|_| html! { p { "It was taken back. What it hid is told again." } }));
    let body = html! {
        h1 { "What is ignored, and why" }
        @if let Some(notice) = notice { div.notice role="status" { (notice) } }
        @if rules.is_empty() {
            p { "Nothing is marked yet. A cause can be marked as expected or ignored on its own page." }
        } @else {
            ul.rules { @for rule in &rules { li id=(rule.id) { (line(&regions, rule)) } } }
        }
        h2 { "What is noise" }
        p { "Values that change from answer to answer on production itself, such as tokens and times, are learned to be noise, and need no rule. "
            "That something is there, and its form, counts at such places, too." }
        @for report in &reports {
            (regions.region(&format!("noise-{}", report.shadow), noise(report)))
        }
    };
    let view = View {
        title: "What is ignored",
        under: "/rules",
        body,
        regions,
    };
    framed(call, &view)
}

fn added(kept: Option<Kept>) -> Markup {
    let where_kept = match kept {
        Some(Kept::File) => "It stands in the file of rules, where others can review it.",
        Some(Kept::State) => "It is kept with what was learned, in compare.state.",
        Some(Kept::Memory) => {
            "It holds until shadowtee ends. To keep it, name a file with compare.rules in the configuration."
        }
        None => "It holds.",
    };
    html! { p { "It is marked, also for what was seen before. " (where_kept) } }
}

fn noise(report: &Report) -> Markup {
    let learned = report.learned;
    html! {
        p { "On " (report.shadow) ": " (number(learned.noise)) " of " (number(learned.cells)) " places that ever differed are noise; "
            (number(report.requests.explained)) " answers differ for known reasons only." }
        @if learned.evicted > 0 || learned.left_out > 0 || learned.routes_beyond_limit > 0 {
            p.soft { "Forgotten for want of room: " (number(learned.evicted)) " places; not looked at: " (number(learned.left_out))
                " differences beyond the limit of one answer; " (number(learned.routes_beyond_limit)) " requests to routes beyond the limit." }
        }
    }
}

/// One rule holds for all shadows: what it hides adds up.
fn merged(reports: &[Arc<Report>]) -> Vec<RuleUse> {
    let mut rules: Vec<RuleUse> = Vec::new();
    for rule in reports.iter().flat_map(|report| &report.rules) {
        match rules.iter_mut().find(|known| known.id == rule.id) {
            Some(known) => known.hides += rule.hides,
            None => rules.push(rule.clone()),
        }
    }
    rules
}

fn line(regions: &Regions, rule: &RuleUse) -> Markup {
    let name = if rule.title.is_empty() {
        &rule.rule
    } else {
        &rule.title
    };
    let does = match &*rule.action {
        "never-noise" => "not noise",
        other => other,
    };
    html! {
        h2 { (short(name)) }
        @if !rule.reason.is_empty() { p { "Reason: " q { (short(&rule.reason)) } } }
        (regions.region(&format!("rule-{}", rule.id), html! {
            dl.facts {
                div { dt { "marked" } dd { (does) } }
                div { dt { "hides the differences of" } dd { (counted(rule.hides, "answer", "answers")) } }
                @if !rule.since.is_empty() { div { dt { "since" } dd { (moment(&rule.since)) } } }
                div { dt { "until" } dd { @if rule.until.is_empty() { "it is taken back" } @else { (rule.until) } } }
                div { dt { "kept" } dd { (kept(rule.kept)) } }
            }
            @if !rule.note.is_empty() { p.note { (sentence(&rule.note)) } }
        }))
        @if !rule.cause.is_empty() { p.soft { "It was made for the cause " code { (rule.cause) } "." } }
        @if !rule.title.is_empty() { details { summary { "What it is for" } p { code { (short(&rule.rule)) } } } }
        form method="post" action="/rules/remove" {
            (key())
            input type="hidden" name="id" value=(rule.id);
            button aria-label={ "Take back: " (short(name)) } { "Take back" }
        }
    }
}

fn kept(kept: Kept) -> &'static str {
    match kept {
        Kept::File => "in the file of rules",
        Kept::State => "with what was learned, on disk",
        Kept::Memory => "until shadowtee ends",
    }
}

/// Takes a rule back.
pub(in crate::admin) fn remove_rule(call: &Call<'_>) -> Reply {
    let fields = Fields::of(call.request.body());
    match call.source.remove_rule(fields.field("id")) {
        Ok(_) => see(&address("/rules", &[("removed", "1")])),
        Err(why) => refused(call, "It was not taken back", &why),
    }
}

/// Tells why rules are as they were.
pub(super) fn refused(call: &Call<'_>, title: &str, why: &RuleRefused) -> Reply {
    let body = html! {
        p { (why) }
        p { a href="/rules" { "To what is ignored" } " · " a href="/" { "to the causes" } }
    };
    told(call, why.status(), title, &body)
}
