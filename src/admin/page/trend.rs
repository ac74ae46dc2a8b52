//! Over time: how long both sides take, and which share of answers differs. Did the deploy of 14:02 help?

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use maud::{Markup, html};

use super::{
    chart::{Line, Plot, plot},
    live::Regions,
    moment::of,
    query::Query,
    text::short,
};
use crate::{
    compare::{Report, Slot},
    telemetry::history::{Event, History, Series, unix_seconds},
};

/// What was before the start is not drawn, but these seconds are always.
const SHORTEST: u64 = 600;
/// What happened that is listed.
const EVENTS: usize = 12;

pub(super) fn trend(
    query: &Query,
    regions: &Regions,
    history: &History,
    reports: &[Arc<Report>],
) -> Markup {
    let is_day = query.find("span") == Some("day");
    let series = if is_day { &history.day } else { &history.hour };
    let length = if is_day { 24 * 3600 } else { 3600 };
    let length = length.min(history.now.saturating_sub(history.started).max(SHORTEST));
    let from = history.now.saturating_sub(length);
    let marks: Vec<(u64, String)> = history
        .events
        .iter()
        .map(|event| (unix_seconds(event.at), in_short(event)))
        .filter(|(at, _)| *at >= from)
        .collect();
    let of_time = |title, unit, lines| {
        plot(&Plot {
            title,
            unit,
            from,
            to: history.now,
            lines,
            marks: marks.clone(),
        })
    };
    let span = if is_day {
        "the last 24 hours"
    } else {
        "the last hour"
    };
    html! {
        section aria-labelledby="trend" {
            h2 #trend { "Over " (span) }
            p { @if is_day { a href=(query.with("/", "span", None)) { "The last hour" } }
                @else { a href=(query.with("/", "span", Some("day"))) { "The last 24 hours" } } }
            (regions.region("trend-plots", html! {
                @if !reports.is_empty() {
                    h3 { "Wrong answers, of those compared" }
                    (of_time("Share of wrong answers", "%", vec![differences(reports, is_day, length)]))
                }
                h3 { "Time to the answer, median" }
                (of_time("Time to the answer", "ms", latencies(series, reports, length)))
                (events(&history.events))
            }))
        }
    }
}

fn differences(reports: &[Arc<Report>], is_day: bool, length: u64) -> Line<'static> {
    let most = usize::try_from(length / if is_day { 600 } else { 60 }).unwrap_or(0) + 1;
    let timelines = reports.iter().map(|report| &report.timeline);
    let all: Vec<&[Slot]> = timelines
        .map(|timeline| {
            if is_day {
                &*timeline.day
            } else {
                &*timeline.hour
            }
        })
        .collect();
    let longest = all
        .iter()
        .map(|slots| slots.len())
        .max()
        .unwrap_or(0)
        .min(most);
    let value = |back: usize| {
        let at = |slots: &&[Slot]| {
            let slot = slots.len().checked_sub(back).and_then(|at| slots.get(at));
            slot.map_or((0, 0), |slot| (slot.different, slot.compared))
        };
        let (different, compared) = all
            .iter()
            .map(at)
            .fold((0, 0), |sum, more| (sum.0 + more.0, sum.1 + more.1));
        #[expect(clippy::cast_precision_loss, reason = "a picture")]
        (compared > 0).then(|| 100.0 * different as f64 / compared as f64)
    };
    Line {
        name: "wrong",
        class: "differ",
        values: (1..=longest).rev().map(value).collect(),
    }
}

/// Production's median, and that of the shadow where one is shown.
fn latencies<'a>(series: &'a Series, reports: &'a [Arc<Report>], length: u64) -> Vec<Line<'a>> {
    let spans = usize::try_from(length / series.every_seconds.max(1)).unwrap_or(0);
    let values = |medians: &[f32]| -> Vec<Option<f64>> {
        let missing = spans.saturating_sub(medians.len());
        let known = medians.iter().rev().take(spans).rev();
        let known = known.map(|value| (!value.is_nan()).then(|| f64::from(*value)));
        std::iter::repeat_n(None, missing).chain(known).collect()
    };
    let mut lines = vec![Line {
        name: "production",
        class: "primary",
        values: values(&series.primary_ms.p50),
    }];
    let shadows = series.shadows.iter();
    let wanted = |name: &str| match reports {
        [] => true,
        some => some.iter().any(|report| report.shadow == name),
    };
    // One: more could not be told apart.
    if let Some((name, shadow)) = shadows.into_iter().find(|(name, _)| wanted(name)) {
        lines.push(Line {
            name,
            class: "shadow",
            values: values(&shadow.latency_ms.p50),
        });
    }
    lines
}

fn in_short(event: &Event) -> String {
    match &event.shadow {
        Some(shadow) => format!("{shadow}: {}", event.text),
        None => event.text.clone(),
    }
}

fn events(events: &[Event]) -> Markup {
    html! {
        h3 { "What happened" }
        ul.plain.events {
            @for event in events.iter().rev().take(EVENTS) {
                li { (of(UNIX_EPOCH + Duration::from_secs(unix_seconds(event.at)))) " " (short(&in_short(event))) }
            }
        }
    }
}
