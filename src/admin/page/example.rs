//! A cause's example, whole: the request, and both responses side by side. What differs for a known reason is grey, and says
//! the reason.

use http::StatusCode;
use maud::{Markup, html};

use super::{
    cause,
    frame::{View, framed, told},
    live::Regions,
    query::{Query, name_of, path_to},
    text::{cut, short},
};
use crate::{
    admin::call::{Call, Reply},
    compare::{
        ExampleLeftOut, Line, Mark, NoExample, Row, Segment, WholeExample,
        words::{counted, number},
    },
};

/// Rows around a difference that are shown; of the others it is said how many there are.
const AROUND: usize = 3;
/// Rows and bytes of one page.
const ROWS: usize = 800;
const BYTES: usize = 120 * 1024;
/// Characters of the request, or of a part of a line.
const LONGEST: usize = 20_000;

pub(in crate::admin) fn example(call: &Call<'_>) -> Reply {
    let query = Query::of(call);
    let id = name_of(call);
    match call.source.example(query.find("shadow"), &id) {
        Ok(example) => shown(call, &query, &example),
        Err(why) => none(call, &query, &id, why),
    }
}

fn none(call: &Call<'_>, query: &Query, id: &str, why: NoExample) -> Reply {
    let said = match why {
        NoExample::Off => html! {
            p { "Whole answers are not kept. To keep those of examples, without secrets, put " code { "examples = true" } " into " code { "[compare]" }
                "; those that come from then on are kept." }
        },
        NoExample::UnknownCause => html! { p { "There is no such cause now." } },
        NoExample::NotKept => {
            html! { p { "Of this cause none is kept: it was seen before they were, or there was no room." } }
        }
    };
    let body = html! { (said) p { a href=(query.with(&path_to("/causes/", id), "all", None)) { "To the cause" } } };
    told(
        call,
        StatusCode::NOT_FOUND,
        "There is no whole example",
        &body,
    )
}

fn shown(call: &Call<'_>, query: &Query, example: &WholeExample) -> Reply {
    let all = query.find("all").is_some();
    let to = |below, more: &[_]| cause::to(&example.id, &example.shadow, below, more);
    let sides = &example.side_by_side;
    let has_same = runs(&sides.rows, false)
        .iter()
        .any(|run| matches!(run, Run::Same(_)));
    let body = html! {
        p.trail { a href="/" { "Causes" } " · " a href=(to("", &[])) { (short(&example.title)) } }
        h1 { "Both answers to one request" }
        h2 { "The request" }
        pre tabindex="0" { (cut(&example.request, LONGEST)) }
        h2 { "The answers" }
        p.soft { "Without secrets. What is marked differs; what is underlined with dots differs for a reason that is known, which is shown where the mouse or the focus is." }
        p {
            @if has_same && all { a href=(to("/example", &[])) { "Only what differs" } }
            @else if has_same { a href=(to("/example", &[("all", "1")])) { "All lines" } }
        }
        (rows(&sides.rows, &example.shadow, all))
        (left_out("production's answer", sides.primary_left_out))
        (left_out("the shadow's answer", sides.shadow_left_out))
    };
    let view = View {
        title: "Both answers",
        under: "/",
        body,
        regions: Regions::default(),
    };
    framed(call, &view)
}

fn left_out(what: &str, out: ExampleLeftOut) -> Markup {
    html! {
        @if out.lines > 0 || out.bytes > 0 {
            p.soft { "Of " (what) " " (counted(out.lines as u64, "line", "lines")) " and " (counted(out.bytes as u64, "byte", "bytes")) " more are not shown." }
        }
    }
}

/// A run of rows that are shown, or the number of those that are not.
enum Run<'a> {
    Shown(&'a Row),
    Same(usize),
}

/// The rows that differ with a few around them, or all.
fn runs(rows: &[Row], all: bool) -> Vec<Run<'_>> {
    let is_same = |row: &Row| {
        let mut segments = row.primary.iter().chain(&row.shadow).flatten();
        row.primary.is_some() == row.shadow.is_some()
            && segments.all(|segment| segment.mark == Mark::Same)
    };
    let differing: Vec<bool> = rows.iter().map(|row| !is_same(row)).collect();
    let is_near = |at: usize| {
        let (from, to) = (at.saturating_sub(AROUND), rows.len().min(at + AROUND + 1));
        differing[from..to].contains(&true)
    };
    let mut runs = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        match runs.last_mut() {
            _ if all || is_near(at) => runs.push(Run::Shown(row)),
            Some(Run::Same(count)) => *count += 1,
            _ => runs.push(Run::Same(1)),
        }
    }
    runs
}

fn rows(rows: &[Row], shadow: &str, all: bool) -> Markup {
    let (mut bytes, mut count) = (0, 0);
    let runs = runs(rows, all);
    let fits = runs
        .iter()
        .take_while(|run| {
            if let Run::Shown(row) = run {
                bytes += size(row);
                count += 1;
            }
            count <= ROWS && bytes <= BYTES
        })
        .count()
        .max(1);
    html! {
        div.wide tabindex="0" role="region" aria-label="Both answers, line by line" {
            table.lines {
                thead { tr { th scope="col" { "production" } th scope="col" { (shadow) } } }
                tbody {
                    @for run in runs.iter().take(fits) {
                        @match run {
                            Run::Shown(row) => tr { td.primary { (line(row.primary.as_ref())) } td.shadow { (line(row.shadow.as_ref())) } },
                            Run::Same(count) => tr { td.soft colspan="2" { (counted(*count as u64, "line is", "lines are")) " the same" } },
                        }
                    }
                }
            }
        }
        @if fits < runs.len() {
            p.soft { "The rest, " (number((runs.len() - fits) as u64)) " rows, is in " code { "/api/report/example" } "." }
        }
    }
}

fn size(row: &Row) -> usize {
    let segments = row.primary.iter().chain(&row.shadow).flatten();
    60 + segments
        .map(|segment| segment.text.len() + 40)
        .sum::<usize>()
}

fn line(line: Option<&Line>) -> Markup {
    html! { @if let Some(line) = line { @for segment in line { (part(segment)) } } }
}

/// A part of a line, with what is known of it in words.
pub(super) fn part(segment: &Segment) -> Markup {
    let text = cut(&segment.text, LONGEST);
    match &segment.mark {
        Mark::Same => html! { (text) },
        Mark::Explained { why } => {
            html! { mark.explained tabindex="0" { (text) span.why { span.unseen { " (" } (why) span.unseen { ")" } } } }
        }
        Mark::Different {
            cause, confirmed, ..
        } => html! {
            mark.unsure[!confirmed] title=[(!cause.is_empty()).then_some(cause)] { (text) }
        },
    }
}
