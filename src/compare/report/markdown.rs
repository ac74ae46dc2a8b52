//! The report as Markdown, for a comment on a change.

use std::fmt::Write;

use super::{
    Cause, Report,
    words::{
        condition, counted, diff, number, origin, remainder, sentence, sessions, share, slowness,
        speed,
    },
};

/// The report as Markdown.
pub(crate) fn markdown(report: &Report) -> String {
    let mut text = format!(
        "## {}\n\n{}\n",
        escaped(&sentence(report)),
        escaped(&remainder(report))
    );
    of_sessions(&mut text, report);
    for (at, cause) in report.confirmed().enumerate() {
        of_cause(&mut text, at + 1, cause, &report.shadow);
    }
    let open: Vec<&Cause> = report.unconfirmed().collect();
    if !open.is_empty() {
        text.push_str("\n### Not certain yet\n\n");
        for cause in open {
            let count: u64 = cause.routes.iter().map(|route| route.different).sum();
            let _ = writeln!(
                text,
                "- {} ({})",
                escaped(&cause.title),
                counted(count, "request", "requests")
            );
        }
    }
    of_speed(&mut text, report);
    if !report.never_seen.is_empty() {
        text.push_str("\n### Routes that no request was for\n\n");
        for route in &report.never_seen {
            let _ = writeln!(text, "- {}", code(route));
        }
    }
    if !report.rules.is_empty() {
        text.push_str("\n### Rules\n\n| rule | hides | |\n|---|---|---|\n");
        for rule in &report.rules {
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                code(&rule.rule),
                number(rule.hides),
                rule.note
            );
        }
    }
    text
}

fn of_sessions(text: &mut String, report: &Report) {
    for said in sessions(report) {
        let _ = writeln!(text, "\n{}", escaped(&said));
    }
    let breaks = report.sessions.iter().flat_map(|sessions| &sessions.breaks);
    let rows: Vec<_> = breaks
        .map(|at| format!("| {} | {} |\n", code(&at.route), number(at.sessions)))
        .collect();
    if !rows.is_empty() {
        let head = "\n| where lost sessions broke first | sessions |\n|---|---|\n";
        text.push_str(head);
        text.push_str(&rows.concat());
    }
}

fn of_speed(text: &mut String, report: &Report) {
    let speed = speed(report);
    if report.slower.is_empty() && speed.is_none() {
        return;
    }
    text.push_str("\n### Slower for certain\n\n");
    for slower in &report.slower {
        let _ = writeln!(
            text,
            "- {}: {}",
            code(&slower.route),
            escaped(&slowness(slower))
        );
    }
    if let Some(speed) = speed {
        let _ = writeln!(text, "\n{}", escaped(&speed));
    }
}

fn of_cause(text: &mut String, number: usize, cause: &Cause, shadow: &str) {
    let _ = write!(text, "\n### {number}. {}\n\n", escaped(&cause.title));
    for route in cause.routes.iter().take(5) {
        let _ = writeln!(text, "- {}: {}", code(&route.route), share(route));
    }
    if cause.routes.len() > 5 {
        let more = counted((cause.routes.len() - 5) as u64, "more route", "more routes");
        let _ = writeln!(text, "- and {more}");
    }
    for when in &cause.when {
        let _ = writeln!(text, "- **{}**", escaped(&condition(when)));
    }
    let _ = writeln!(text, "- Why it counts: {}", escaped(&cause.evidence));
    if !cause.note.is_empty() {
        let _ = writeln!(text, "- {}", escaped(&cause.note));
    }
    let lines = diff(cause);
    if !lines.is_empty() {
        text.push_str("\n```diff\n");
        if let Some(origin) = origin(cause) {
            let _ = writeln!(text, "  {}", fenced(&origin));
        }
        let _ = writeln!(text, "--- production\n+++ {}", fenced(shadow));
        for (mark, value) in lines {
            let _ = writeln!(text, "{mark} {}", fenced(&value));
        }
        text.push_str("```\n");
    }
    list(text, "All of it", &cause.parts, cause.parts_left_out);
    list(text, "Also, not certain yet", &cause.not_certain, 0);
    let _ = writeln!(text, "\n{}", code(&cause.id));
}

/// A list that is folded. Comments have a limit, so that the longest ones are cut short.
fn list(text: &mut String, head: &str, items: &[String], left_out: u64) {
    const MOST: usize = 100;
    if items.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n<details><summary>{head}</summary>\n");
    for item in items.iter().take(MOST) {
        let _ = writeln!(text, "- {}", escaped(item));
    }
    let more = items.len().saturating_sub(MOST) as u64 + left_out;
    if more > 0 {
        let _ = writeln!(
            text,
            "- and {} more, in the HTML and JSON forms",
            number(more)
        );
    }
    text.push_str("\n</details>\n");
}

/// A text that says what it says, whatever is in it.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '#' | '|' | '~' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A text as code within a line.
fn code(text: &str) -> String {
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() || c == '`' { ' ' } else { c })
        .collect();
    format!("`{}`", clean.replace('|', "\\|"))
}

/// A text that doesn't end a fence.
fn fenced(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .replace("```", "'''")
}
