//! Pictures of numbers, as SVG. Each says in words what it shows; colours come from the style sheet.

use std::fmt::Write;

use maud::{Markup, html};

use crate::compare::words::{counted, number};

/// A line of counts, one a minute, the newest last.
pub(super) fn sparkline(counts: &[u64]) -> Markup {
    const WIDTH: f64 = 120.0;
    const HEIGHT: f64 = 20.0;
    let sum: u64 = counts.iter().sum();
    if sum == 0 {
        return html! { "none" };
    }
    let said = format!(
        "{} in the last hour, at most {} a minute",
        number(sum),
        number(counts.iter().copied().max().unwrap_or(0))
    );
    let points: Vec<_> = counts.iter().map(|count| Some(decimal(*count))).collect();
    let line = path(&points, 0.0, WIDTH, HEIGHT, largest(&points));
    html! {
        svg.spark viewBox="0 -1 120 22" role="img" aria-label=(said) {
            path d=(line) {}
        }
        " " span.soft { (counted(sum, "time", "times")) }
    }
}

/// How much of a whole something is, as a bar beside a number that says the same.
pub(super) fn bar(class: &str, part: u64, of: u64) -> Markup {
    let width = 100.0 * decimal(part) / decimal(of.max(1));
    html! {
        svg.bar viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.(class) width=(format!("{:.1}", width.min(100.0))) height="10" {}
        }
    }
}

/// The largest of some values, one where there is none.
fn largest(points: &[Option<f64>]) -> f64 {
    let largest = points.iter().flatten().copied().fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

/// A line of a plot.
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// The class of the style sheet that it is drawn in.
    pub(super) class: &'a str,
    /// From the left to the right, in equal steps.
    pub(super) values: Vec<Option<f64>>,
}

/// Values over time.
pub(super) struct Plot<'a> {
    /// What it shows, for whoever does not see it.
    pub(super) title: &'a str,
    pub(super) unit: &'a str,
    /// The ends of the time, in seconds since 1970.
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) lines: Vec<Line<'a>>,
    /// What happened, and when.
    pub(super) marks: Vec<(u64, String)>,
}

const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 110.0;
const LEFT: f64 = 44.0;
const TOP: f64 = 8.0;

/// A plot, with a key below it.
pub(super) fn plot(plot: &Plot<'_>) -> Markup {
    let top = round_up(
        plot.lines
            .iter()
            .map(|line| largest(&line.values))
            .fold(0.0, f64::max),
    );
    let width = WIDTH - LEFT - 4.0;
    let x = |at: u64| {
        let span = plot.to.saturating_sub(plot.from).max(1);
        LEFT + width * decimal(at.clamp(plot.from, plot.to) - plot.from) / decimal(span)
    };
    let middle = plot.from.midpoint(plot.to);
    html! {
        svg.plot viewBox={ "0 0 " (WIDTH) " " (HEIGHT + TOP + 22.0) } role="img" aria-label=(in_words(plot)) {
            path.axis d={ "M" (LEFT) " " (TOP) "V" (TOP + HEIGHT) "H" (WIDTH - 4.0) } {}
            text x=(LEFT - 5.0) y=(TOP + 9.0) text-anchor="end" { (shown(top)) }
            text x=(LEFT - 5.0) y=(TOP + HEIGHT) text-anchor="end" { "0" }
            text x=(LEFT) y=(TOP + HEIGHT + 15.0) { (clock(plot.from)) }
            text x=(x(middle)) y=(TOP + HEIGHT + 15.0) text-anchor="middle" { (clock(middle)) }
            text x=(WIDTH - 4.0) y=(TOP + HEIGHT + 15.0) text-anchor="end" { (clock(plot.to)) }
            @for (at, what) in &plot.marks {
                g { title { (clock(*at)) ": " (what) }
                    path.mark d={ "M" (format!("{:.1}", x(*at))) " " (TOP) "v" (HEIGHT) } {} }
            }
            g transform={ "translate(0 " (TOP) ")" } {
                @for line in &plot.lines { path class=(line.class) d=(path(&line.values, LEFT, width, HEIGHT, top)) {} }
            }
        }
        ul.key aria-hidden="true" {
            @for line in &plot.lines {
                li { svg.plot viewBox="0 0 26 10" { path class=(line.class) d="M0 5H26" {} } " " (line.name) }
            }
            li { "in " (plot.unit) }
            @if !plot.marks.is_empty() { li { "dotted: something happened" } }
        }
    }
}

/// Counts of both sides in the same buckets, which end at `bounds` (in milliseconds); more counts than bounds are beyond all.
pub(super) fn histogram(bounds: &[f64], primary: &[u32], shadow: &[u32], name: &str) -> Markup {
    let count = |side: &[u32], at: usize| side.get(at).copied().unwrap_or(0);
    let buckets = primary.len().max(shadow.len());
    let is_empty = |at: &usize| count(primary, *at) == 0 && count(shadow, *at) == 0;
    let Some(first) = (0..buckets).find(|at| !is_empty(at)) else {
        return html! {};
    };
    let last = (first..buckets).rfind(|at| !is_empty(at)).unwrap_or(first);
    let most = primary.iter().chain(shadow).copied().max().unwrap_or(1);
    let upto = |at: usize| match bounds.get(at) {
        Some(bound) => format!("up to {} ms", shown(*bound)),
        None => format!("over {} ms", shown(bounds.last().copied().unwrap_or(0.0))),
    };
    html! {
        div.wide tabindex="0" role="region" aria-label="How often it took how long" {
            table.histogram {
                thead { tr { th scope="col" { "time" } th scope="col" { "production" } th scope="col" { (name) } } }
                tbody {
                    @for at in first..=last {
                        tr {
                            th scope="row" { (upto(at)) }
                            @for (side, class) in [(primary, "primary"), (shadow, "shadow")] {
                                td {
                                    (bar(class, count(side, at).into(), most.into()))
                                    " " (number(count(side, at).into()))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a plot shows, as a sentence.
fn in_words(plot: &Plot<'_>) -> String {
    let mut said = format!(
        "{}, from {} to {} UTC",
        plot.title,
        clock(plot.from),
        clock(plot.to)
    );
    for line in &plot.lines {
        let last = line.values.iter().rev().flatten().next();
        let most = line.values.iter().flatten().copied().fold(0.0, f64::max);
        let _ = match last {
            Some(last) => write!(
                said,
                "; {}: {} {} at last, at most {}",
                line.name,
                shown(*last),
                plot.unit,
                shown(most)
            ),
            None => write!(said, "; {}: nothing yet", line.name),
        };
    }
    said
}

/// The next of 1, 2 and 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0];
    let step = steps.into_iter().find(|step| step * power >= value * 0.999);
    step.unwrap_or(10.0) * power
}

/// A number as short as it can be read.
pub(super) fn shown(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => trimmed(&format!("{value:.1}")),
        _ => trimmed(&format!("{value:.2}")),
    }
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `14:02`, in UTC.
pub(super) fn clock(at: u64) -> String {
    format!("{:02}:{:02}", at / 3600 % 24, at / 60 % 60)
}

/// The path of values from the left to the right; what is missing makes a gap. What stays the same is one step.
fn path(points: &[Option<f64>], left: f64, width: f64, height: f64, top: f64) -> String {
    let step = width / decimal(points.len().saturating_sub(1).max(1) as u64);
    let mut path = String::new();
    let mut is_begun = false;
    for (at, point) in points.iter().enumerate() {
        let Some(value) = point else {
            is_begun = false;
            continue;
        };
        let is_between = at > 0 && points[at - 1] == *point && points.get(at + 1) == Some(point);
        if is_begun && is_between {
            continue;
        }
        let (x, y) = (
            left + step * decimal(at as u64),
            height - height * (value / top).min(1.0),
        );
        let letter = if is_begun { 'L' } else { 'M' };
        is_begun = true;
        // Writing to memory can't fail.
        let _ = write!(path, "{letter}{x:.1} {y:.1}");
        // A point alone is a short line.
        if points.get(at + 1).is_none_or(Option::is_none)
            && path.ends_with(&format!("M{x:.1} {y:.1}"))
        {
            path += "h1";
        }
    }
    path
}

#[expect(clippy::cast_precision_loss, reason = "a picture")]
fn decimal(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_the_same_is_one_step_and_what_is_missing_a_gap() {
        let some = |values: &[f64]| values.iter().copied().map(Some).collect::<Vec<_>>();
        assert_eq!(
            path(&some(&[0.0, 0.0, 0.0, 0.0, 1.0]), 0.0, 4.0, 10.0, 1.0),
            "M0.0 10.0L3.0 10.0L4.0 0.0"
        );
        let gap = [Some(1.0), None, Some(1.0), Some(0.0)];
        assert_eq!(
            path(&gap, 0.0, 3.0, 10.0, 1.0),
            "M0.0 0.0h1M2.0 0.0L3.0 10.0"
        );
        assert_eq!(path(&[], 0.0, 3.0, 10.0, 1.0), "");
    }

    #[test]
    fn the_axis_ends_at_a_round_number() {
        for (value, top) in [
            (0.0, 1.0),
            (0.3, 0.5),
            (1.0, 1.0),
            (3.7, 5.0),
            (51.0, 100.0),
            (f64::NAN, 1.0),
        ] {
            assert!(
                (round_up(value) - top).abs() < 1e-9,
                "{value}: {}",
                round_up(value)
            );
        }
        assert_eq!(
            [shown(0.5), shown(20.0), shown(1234.5), shown(0.0)],
            ["0.5", "20", "1234", "0"]
        );
    }
}
