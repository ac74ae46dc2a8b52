//! A page for a terminal: one sentence, then causes by rank. Colour only repeats what marks and words say.

use std::fmt::Write;

use super::{
    Cause, Report, RouteCount,
    words::{
        condition, counted, diff, number, origin, remainder, sentence, sessions, share, slowness,
        speed,
    },
};

/// How a page may look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) has_colour: bool,
    /// Columns of the terminal.
    pub(crate) width: usize,
    /// Causes that are told in full.
    pub(crate) causes: usize,
}

impl Style {
    /// For standard output.
    pub(crate) fn of_output() -> Self {
        let is_terminal = std::io::IsTerminal::is_terminal(&std::io::stdout());
        Self {
            has_colour: is_terminal && std::env::var_os("NO_COLOR").is_none(),
            ..Self::default()
        }
    }
}

impl Default for Style {
    fn default() -> Self {
        Self {
            has_colour: false,
            width: 100,
            causes: 30,
        }
    }
}

/// The severity of what changes how a page is built, and nothing that it says.
const MARKUP: u32 = 3;

const BOLD: &str = "1";
const DIM: &str = "2";
const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";

struct Page {
    text: String,
    style: Style,
    /// Not all that is known is on the page.
    is_folded: bool,
}

impl Page {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.style.has_colour {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// A text that fits behind an indent.
    fn fit(&self, text: &str, indent: usize) -> String {
        let room = self.style.width.saturating_sub(indent).max(20);
        let clean = without_controls(text);
        if clean.chars().count() <= room {
            return clean;
        }
        let mut cut: String = clean.chars().take(room - 1).collect();
        cut.push('…');
        cut
    }

    fn wrapped(&mut self, text: &str, indent: &str) {
        let room = self.style.width.saturating_sub(indent.len()).max(20);
        for line in lines(&without_controls(text), room) {
            self.line(&format!("{indent}{line}"));
        }
    }
}

/// A text that can't steer the terminal, whoever wrote it.
fn without_controls(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// A text as lines of so many characters, unless a word is longer.
fn lines(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut line, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > room {
            lines.push(std::mem::take(&mut line));
            width = 0;
        }
        if width > 0 {
            line.push(' ');
            width += 1;
        }
        line.push_str(word);
        width += length;
    }
    lines.push(line);
    lines
}

/// How many characters at the beginning of both values are the same and are left out, so that what differs fits.
fn hidden_prefix(lines: &[(char, String)], room: usize) -> usize {
    const BEFORE: usize = 20;
    let [(_, one), (_, other)] = lines else {
        return 0;
    };
    let both = one.chars().zip(other.chars());
    let same = both.take_while(|(one, other)| one == other).count();
    if same + BEFORE < room {
        return 0;
    }
    same - BEFORE.min(same)
}

/// The report as a page of text.
pub(crate) fn text(report: &Report, style: Style) -> String {
    let mut page = Page {
        text: String::new(),
        style,
        is_folded: false,
    };
    let sentence = sentence(report);
    page.wrapped(&sentence, "");
    let rest = remainder(report);
    page.wrapped(&rest, "");
    for said in sessions(report) {
        page.wrapped(&said, "");
    }
    let (confirmed, markup): (Vec<&Cause>, Vec<&Cause>) = report
        .confirmed()
        .partition(|cause| cause.severity > MARKUP);
    if !confirmed.is_empty() {
        let legend = format!(
            "{}   {}",
            page.painted(RED, "- production"),
            page.painted(GREEN, &format!("+ {}", report.shadow))
        );
        page.line("");
        page.line(&legend);
    }
    for (at, cause) in confirmed.iter().take(style.causes).enumerate() {
        page.line("");
        page.cause(at + 1, cause);
    }
    if confirmed.len() > style.causes {
        page.is_folded = true;
        page.line("");
        page.line(&format!(
            "and {} more",
            counted((confirmed.len() - style.causes) as u64, "cause", "causes")
        ));
    }
    page.markup(&markup, confirmed.len());
    page.unconfirmed(report);
    page.slower(report);
    page.coverage(report);
    page.rules(report);
    if page.is_folded {
        page.line("");
        page.wrapped(
            "Lists are cut short here: --format html and --format json have all of them.",
            "",
        );
    }
    page.text
}

impl Page {
    fn cause(&mut self, number: usize, cause: &Cause) {
        let indent = "    ";
        let head = format!("{number:>2}  ");
        self.title(&head, &cause.title);
        self.routes(&cause.routes, cause);
        for when in &cause.when {
            let text = self.fit(&condition(when), indent.len());
            let text = self.painted(YELLOW, &text);
            self.line(&format!("{indent}{text}"));
        }
        if !cause.note.is_empty() {
            self.wrapped(&cause.note, indent);
        }
        self.example(cause);
        let why = format!("Why it counts: {}.", cause.evidence);
        self.wrapped(&why, indent);
        self.parts(cause);
        let id = self.painted(DIM, &cause.id);
        self.line(&format!("{indent}{id}"));
    }

    /// A title in full, on as many lines as it needs.
    fn title(&mut self, head: &str, title: &str) {
        let clean = without_controls(title);
        let room = self.style.width.saturating_sub(head.len()).max(20);
        let lines = lines(&clean, room);
        for (at, line) in lines.iter().enumerate() {
            let begin = if at == 0 { head } else { "    " };
            let painted = self.painted(BOLD, line);
            self.line(&format!("{begin}{painted}"));
        }
    }

    fn routes(&mut self, routes: &[RouteCount], cause: &Cause) {
        const MOST: usize = 4;
        let is_session = cause.kind == "session";
        for route in routes.iter().take(MOST) {
            let text = if is_session {
                format!(
                    "{}  refused {}",
                    route.route,
                    counted(route.different, "session", "sessions")
                )
            } else {
                format!("{}  {}", route.route, share(route))
            };
            let text = self.fit(&text, 4);
            self.line(&format!("    {text}"));
        }
        if routes.len() > MOST {
            self.is_folded = true;
            self.line(&format!(
                "    and {} more",
                counted((routes.len() - MOST) as u64, "route", "routes")
            ));
        }
        if cause.sessions > 1 && !is_session {
            self.line(&format!(
                "    {}",
                counted(cause.sessions, "session", "sessions")
            ));
        }
    }

    fn example(&mut self, cause: &Cause) {
        if let Some(origin) = origin(cause) {
            let text = self.fit(&origin, 6);
            let text = self.painted(DIM, &text);
            self.line(&format!("      {text}"));
        }
        let lines = diff(cause);
        let hidden = hidden_prefix(&lines, self.style.width.saturating_sub(10));
        for (mark, value) in lines {
            let from: String = value.chars().skip(hidden).collect();
            let dots = if hidden > 0 { "…" } else { "" };
            let text = self.fit(&format!("{mark} {dots}{from}"), 6);
            let code = if mark == '-' { RED } else { GREEN };
            let text = self.painted(code, &text);
            self.line(&format!("      {text}"));
        }
    }

    fn parts(&mut self, cause: &Cause) {
        self.list("All of it:", &cause.parts, cause.parts_left_out);
        self.list("Also, not certain yet:", &cause.not_certain, 0);
    }

    fn list(&mut self, head: &str, items: &[String], left_out: u64) {
        const MOST: usize = 5;
        if items.is_empty() {
            return;
        }
        self.line(&format!("    {head}"));
        for item in items.iter().take(MOST) {
            let text = self.fit(item, 8);
            self.line(&format!("      * {text}"));
        }
        let more = items.len().saturating_sub(MOST) as u64 + left_out;
        if more > 0 {
            self.is_folded = true;
            self.line(&format!("      * and {} more", number(more)));
        }
    }

    /// Markup and files of styles and scripts, one line each: an upgrade changes many of them.
    fn markup(&mut self, causes: &[&Cause], before: usize) {
        const MOST: usize = 8;
        if causes.is_empty() {
            return;
        }
        self.line("");
        self.line("Markup, styles and scripts:");
        for (at, cause) in causes.iter().take(MOST).enumerate() {
            let count: u64 = cause.routes.iter().map(|route| route.different).sum();
            let text = format!(
                "{}  ({}, {})",
                cause.title,
                counted(count, "request", "requests"),
                cause.id
            );
            let room = self.style.width.max(24) - 4;
            for (part, line) in lines(&without_controls(&text), room).iter().enumerate() {
                let number = before + at + 1;
                let begin = if part == 0 {
                    format!("{number:>2}  ")
                } else {
                    "    ".to_owned()
                };
                self.line(&format!("{begin}{line}"));
            }
        }
        if causes.len() > MOST {
            self.line(&format!("    and {} more", causes.len() - MOST));
        }
        self.is_folded = true;
    }

    fn unconfirmed(&mut self, report: &Report) {
        const MOST: usize = 8;
        let open: Vec<&Cause> = report.unconfirmed().collect();
        if open.is_empty() {
            return;
        }
        self.line("");
        self.line(
            "Not certain yet: may be noise. It needs more requests that come twice, or a baseline.",
        );
        for cause in open.iter().take(MOST) {
            let count: u64 = cause.routes.iter().map(|route| route.different).sum();
            let route = cause.routes.first().map_or("", |route| &route.route);
            let text = format!(
                "{}  ({}, {route})",
                cause.title,
                counted(count, "request", "requests")
            );
            let lines = lines(&without_controls(&text), self.style.width.max(24) - 4);
            for (at, line) in lines.iter().enumerate() {
                let begin = if at == 0 { "  ?" } else { "   " };
                self.line(&format!("{begin} {line}"));
            }
        }
        if open.len() > MOST {
            self.is_folded = true;
            self.line(&format!("  ? and {} more", open.len() - MOST));
        }
    }

    fn slower(&mut self, report: &Report) {
        if !report.slower.is_empty() {
            self.line("");
            self.line("Slower for certain:");
        }
        for slower in &report.slower {
            let text = self.fit(&slower.route, 2);
            self.line(&format!("  {text}"));
            let text = self.fit(&slowness(slower), 6);
            self.line(&format!("      {text}"));
        }
        if let Some(speed) = speed(report) {
            self.line("");
            self.wrapped(&speed, "");
        }
    }

    fn coverage(&mut self, report: &Report) {
        const MOST: usize = 8;
        self.line("");
        let seen = report.coverage.len() as u64;
        let mut text = format!("Seen: {}", counted(seen, "route", "routes"));
        let thin = report
            .coverage
            .iter()
            .filter(|route| route.compared < 5)
            .count();
        if thin > 0 {
            let _ = write!(
                text,
                ", {} of them with fewer than 5 pairs",
                number(thin as u64)
            );
        }
        if !report.never_seen.is_empty() {
            let _ = write!(
                text,
                "; never seen: {}",
                number(report.never_seen.len() as u64)
            );
        }
        self.line(&format!("{text}."));
        for route in report.never_seen.iter().take(MOST) {
            let text = self.fit(route, 2);
            self.line(&format!("  {text}"));
        }
        if report.never_seen.len() > MOST {
            self.is_folded = true;
            self.line(&format!("  and {} more", report.never_seen.len() - MOST));
        }
        if report.learned.evicted > 0 {
            self.line(&format!(
                "{} forgotten for want of room.",
                counted(report.learned.evicted, "place was", "places were")
            ));
        }
    }

    fn rules(&mut self, report: &Report) {
        if report.rules.is_empty() {
            return;
        }
        self.line("");
        self.line("Rules:");
        for rule in &report.rules {
            let note = if rule.note.is_empty() {
                String::new()
            } else {
                format!("  ({})", rule.note)
            };
            let text = format!("{}  hides {}{note}", rule.rule, number(rule.hides));
            let text = self.fit(&text, 2);
            self.line(&format!("  {text}"));
        }
    }
}
