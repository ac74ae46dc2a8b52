//! The chart: one SVG that needs nothing else, on a card of its own, so that it reads on white and on black.

use std::fmt::Write as _;

use crate::contenders::{self, Contender};
use crate::figures::{Figure, Key, Spread};
use crate::machine::Machine;
use crate::rounds::Outcome;

/// One group of bars.
struct Panel {
    title: &'static str,
    load: &'static str,
    figure: Figure,
}

const PANELS: &[Panel] = &[
    Panel {
        title: "CPU for a small request, µs (less is better)",
        load: "get-32",
        figure: Figure::Cpu,
    },
    Panel {
        title: "Small requests a second at full rate (more is better)",
        load: "get-32",
        figure: Figure::Rate,
    },
    Panel {
        title: "p99 at half of nginx mirror's full rate, µs (less is better)",
        load: "rate-half",
        figure: Figure::P99,
    },
    Panel {
        title: "CPU for a POST of 1 MB, µs (less is better)",
        load: "post-1m",
        figure: Figure::Cpu,
    },
];

const WIDTH: f64 = 760.0;
const LABELS: f64 = 190.0;
const BARS: f64 = 430.0;
/// Where a line ends whose most is too far out.
const ROOM: f64 = 480.0;
const LINE: f64 = 22.0;
const MARGIN: f64 = 24.0;

pub(crate) fn svg(machine: &Machine, outcome: &Outcome) -> String {
    let (mut body, mut y) = (String::new(), MARGIN + 34.0);
    for panel in PANELS {
        y = draw(&mut body, panel, outcome, y);
    }
    let processor = machine.facts.first().map_or("", |(_, fact)| fact);
    let notes = [
        "One thread each. Bars are medians; thin lines go from the least to the most, as far as there is room.".to_owned(),
        format!("{}. Only ratios mean something elsewhere.", escape(processor)),
    ];
    for note in notes {
        y += 16.0;
        // Writing to a string does not fail.
        let _ = writeln!(
            body,
            "<text x=\"{MARGIN}\" y=\"{y}\" font-size=\"11\" fill=\"#5b5b57\">{note}</text>"
        );
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\" font-size=\"13\" role=\"img\" aria-label=\"shadowtee beside other proxies\">
<rect x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"8\" fill=\"#fcfcfb\" stroke=\"#c9c9c4\"/>
<text x=\"{MARGIN}\" y=\"{}\" font-size=\"17\" font-weight=\"600\" fill=\"#1c1c1a\">shadowtee beside other proxies</text>
{body}</svg>
",
        WIDTH - 1.0,
        y + 17.0,
        MARGIN + 8.0,
        height = y + 18.0,
    )
}

/// Draws a panel from `y` on, and says where it ends.
fn draw(body: &mut String, panel: &Panel, outcome: &Outcome, y: f64) -> f64 {
    let bars: Vec<_> = contenders::ALL
        .iter()
        .filter_map(|contender| {
            let key = Key {
                threads: 1,
                load: panel.load,
                contender: contender.name,
            };
            Some((contender, outcome.samples.spread(&key, panel.figure)?))
        })
        .collect();
    let Some(most) = bars
        .iter()
        .map(|(_, spread)| spread.median)
        .max_by(f64::total_cmp)
    else {
        return y;
    };
    // Writing to a string does not fail.
    let _ = writeln!(
        body,
        "<text x=\"{MARGIN}\" y=\"{}\" font-weight=\"600\" fill=\"#1c1c1a\">{}</text>",
        y + 14.0,
        escape(panel.title)
    );
    let mut at = y + 24.0;
    for (contender, spread) in &bars {
        bar(
            body,
            contender,
            spread,
            BARS / most.max(f64::MIN_POSITIVE),
            at,
        );
        at += LINE;
    }
    at + 14.0
}

fn bar(body: &mut String, contender: &Contender, spread: &Spread, scale: f64, y: f64) {
    let left = MARGIN + LABELS;
    let (middle, end) = (y + LINE / 2.0, left + (spread.most * scale).min(ROOM));
    // Writing to a string does not fail.
    let _ = writeln!(
        body,
        "<text x=\"{x}\" y=\"{base}\" text-anchor=\"end\" fill=\"#1c1c1a\">{title}</text>\
<rect x=\"{left}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{high}\" rx=\"2\" fill=\"{colour}\"/>\
<path d=\"M{from:.1} {middle:.1}H{end:.1}\" stroke=\"#1c1c1a\" stroke-width=\"1.2\"/>\
<text x=\"{after:.1}\" y=\"{base}\" fill=\"#3d3d3a\">{value}</text>",
        x = left - 8.0,
        base = middle + 4.5,
        title = escape(&contender.title.replace('`', "")),
        top = y + 3.0,
        width = (spread.median * scale).max(1.0),
        high = LINE - 6.0,
        colour = colour(contender),
        from = left + (spread.least * scale).min(ROOM),
        after = end + 8.0,
        value = number(spread.median),
    );
}

/// Ours, those that it is held against, and the rest.
fn colour(contender: &Contender) -> &'static str {
    if contender.name.starts_with("tee") {
        "#1f7a8c"
    } else if contender.name.starts_with("floor") {
        "#b9b9b2"
    } else {
        "#d98e4a"
    }
}

fn number(value: f64) -> String {
    if value >= 100.0 {
        format!("{value:.0}")
    } else {
        format!("{value:.1}")
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
