//! The report as one HTML file: no scripts, nothing from elsewhere, so that it can be mailed.

use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use super::{
    Cause, Report,
    words::{
        condition, counted, diff, number, origin, remainder, sentence, sessions, share, speed,
        status,
    },
};

const STYLE: &str = "
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --gone: #c0392b; --new: #1e8449; }
@media (prefers-color-scheme: dark) { :root { --gone: #ff8a7a; --new: #7ddf9a; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .2rem 1rem 1rem; margin: 1rem 0; }
article h3 { margin: .6rem 0 .2rem; }
code, pre { font: .9em/1.45 ui-monospace, monospace; }
pre { background: var(--soft); border-radius: .3rem; padding: .5rem .8rem; overflow-x: auto; margin: .5rem 0; }
pre .gone { color: var(--gone); } pre .new { color: var(--new); }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem .8rem .15rem 0; border-bottom: 1px solid var(--line); }
td.count { text-align: right; } ul { margin: .3rem 0; padding-left: 1.2rem; }
.when { font-weight: 600; } .soft { opacity: .7; } .note { border-left: 3px solid var(--line); padding-left: .6rem; }
summary { cursor: pointer; }
";

/// The report as a page of its own.
pub(crate) fn html(report: &Report) -> String {
    let title = format!("shadowtee: {}", report.shadow);
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (sentence(report)) }
                p { (remainder(report)) }
                p.soft { (report.since) " to " (report.until) }
                (of_sessions(report))
                (causes(report))
                (unconfirmed(report))
                (slower(report))
                (coverage(report))
                (rules(report))
            }
        }
    };
    page.into_string()
}

fn of_sessions(report: &Report) -> Markup {
    let said = sessions(report);
    let breaks = report.sessions.as_ref().map(|sessions| &sessions.breaks);
    markup! {
        @for said in &said { p { (said) } }
        @if let Some(breaks) = breaks.filter(|breaks| !breaks.is_empty()) {
            table {
                tr { th { "where lost sessions broke first" } th { "sessions" } }
                @for at in breaks {
                    tr { td { code { (at.route) } } td.count { (number(at.sessions)) } }
                }
            }
        }
    }
}

fn causes(report: &Report) -> Markup {
    markup! {
        @for (at, cause) in report.confirmed().enumerate() {
            article id=(cause.id) {
                h3 { (at + 1) ". " (cause.title) }
                (cause_body(cause, &report.shadow))
            }
        }
    }
}

fn cause_body(cause: &Cause, shadow: &str) -> Markup {
    let lines = diff(cause);
    markup! {
        @for when in &cause.when {
            p.when { (condition(when)) }
        }
        @if !cause.note.is_empty() { p.note { (cause.note) } }
        @if !lines.is_empty() {
            pre {
                @if let Some(origin) = origin(cause) { (origin) "\n" }
                @for (mark, value) in &lines {
                    @if *mark == '-' {
                        span.gone { "- " (value) } span.soft { "   (production)" } "\n"
                    } @else {
                        span.new { "+ " (value) } span.soft { "   (" (shadow) ")" } "\n"
                    }
                }
            }
        }
        (routes(cause))
        p { "Why it counts: " (cause.evidence) "." }
        (list("All of it", &cause.parts, cause.parts_left_out))
        (list("Also, not certain yet", &cause.not_certain, 0))
        @if !cause.example.method.is_empty() {
            details {
                summary { "Send it by hand" }
                pre { (cause.example.curl) }
                p.soft { "request " (cause.example.request_id) }
            }
        }
        p.soft {
            (status(cause)) ", severity " (cause.severity) ", "
            (counted(cause.sessions, "session", "sessions")) ", "
            (cause.first_seen) " to " (cause.last_seen) ", " code { (cause.id) }
        }
    }
}

fn list(head: &str, items: &[String], left_out: u64) -> Markup {
    markup! {
        @if !items.is_empty() {
            details {
                summary { (head) " (" (number(items.len() as u64 + left_out)) ")" }
                ul {
                    @for item in items { li { (item) } }
                    @if left_out > 0 { li { "and " (number(left_out)) " more" } }
                }
            }
        }
    }
}

fn routes(cause: &Cause) -> Markup {
    const SHOWN: usize = 8;
    let list = |from: usize, to: usize| {
        markup! {
            @for route in cause.routes.iter().take(to).skip(from) {
                li { code { (route.route) } " " (share(route)) }
            }
        }
    };
    markup! {
        ul { (list(0, SHOWN)) }
        @if cause.routes.len() > SHOWN {
            details {
                summary { (cause.routes.len() - SHOWN) " more routes" }
                ul { (list(SHOWN, usize::MAX)) }
            }
        }
    }
}

fn unconfirmed(report: &Report) -> Markup {
    let open: Vec<&Cause> = report.unconfirmed().collect();
    markup! {
        @if !open.is_empty() {
            h2 { "Not certain yet" }
            p { "This may be noise. It needs more requests that come twice, or a baseline." }
            @for cause in open {
                details id=(cause.id) {
                    summary { (cause.title) }
                    (cause_body(cause, &report.shadow))
                }
            }
        }
    }
}

fn slower(report: &Report) -> Markup {
    let speed = speed(report);
    markup! {
        @if !report.slower.is_empty() || speed.is_some() {
            h2 { "Slower for certain" }
        }
        @if !report.slower.is_empty() {
            table {
                tr {
                    th { "route" } th { "times as long" } th { "interval" } th { "ms more" }
                    th { "times the other routes" } th { "pairs" }
                }
                @for slower in &report.slower {
                    tr {
                        td { code { (slower.route) } }
                        td.count { (slower.ratio) }
                        td { (slower.low) " to " (slower.high) }
                        td.count { (slower.milliseconds) }
                        td.count { @if let Some(times) = slower.beyond_others { (times) } }
                        td.count { (number(slower.pairs)) }
                    }
                }
            }
        }
        @if let Some(speed) = speed { p { (speed) } }
    }
}

fn coverage(report: &Report) -> Markup {
    markup! {
        h2 { "What was compared" }
        details {
            summary { (counted(report.coverage.len() as u64, "route", "routes")) }
            table {
                tr { th { "route" } th { "requests" } th { "compared" } th { "not judged" } th { "statuses of production" } }
                @for route in &report.coverage {
                    tr {
                        td { code { (route.route) } }
                        td.count { (number(route.requests)) }
                        td.count { (number(route.compared)) }
                        td.count { (number(route.not_judged)) }
                        td {
                            @for (status, count) in &route.statuses { (status) ": " (number(*count)) " " }
                        }
                    }
                }
            }
        }
        @if !report.never_seen.is_empty() {
            details {
                summary { (counted(report.never_seen.len() as u64, "route was never seen", "routes were never seen")) }
                ul { @for route in &report.never_seen { li { code { (route) } } } }
            }
        }
    }
}

fn rules(report: &Report) -> Markup {
    markup! {
        @if !report.rules.is_empty() {
            h2 { "Rules" }
            table {
                tr { th { "rule" } th { "hides" } th { "reason" } th {} }
                @for rule in &report.rules {
                    tr {
                        td { code { (rule.rule) } }
                        td.count { (number(rule.hides)) }
                        td { (rule.reason) }
                        td { (rule.note) }
                    }
                }
            }
        }
    }
}
