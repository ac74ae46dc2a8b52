//! Where in the lines the differences stand that comparing found. What can be found exactly is marked exactly, what differs
//! otherwise as what it belongs to.

use std::{cmp::Reverse, collections::HashMap, ops::Range, time::Instant};

use super::{
    Finding, Findings, Line, Mark, Row, Side,
    align::Pairing,
    inner::{changed, segments},
    lines::{Part, Shown, visible},
};
use crate::compare::difference::Kind;

/// Values of each side that are looked for in the text.
const SEARCHED: usize = 300;
/// Values that are marked in one line.
const MOST_IN_LINE: usize = 50;
/// In longer values only the words are marked that differ.
const LONG: usize = 24;
const SAME_SAID: &str = "written in another way; it says the same";
const NOT_LOOKED_AT: &str =
    "not looked at, as what is above it differs: the status, the type, or where it redirects to";
const OF_HEAD: &str = "not held to be a difference: it is made anew for each response, or follows from the rest of it";

/// The rows, with what differs in them marked.
pub(super) fn marked(rows: &[Pairing<'_>], findings: &Findings, deadline: Instant) -> Vec<Row> {
    let mut locator = Locator::new(findings);
    let looked_at: Vec<[Option<Marked<'_>>; 2]> =
        rows.iter().map(|row| locator.row(row, deadline)).collect();
    let of_body = locator.rest_of_body();
    let line = |marked: Option<Marked<'_>>| marked.map(|marked| locator.line(&marked, &of_body));
    looked_at
        .into_iter()
        .map(|[primary, shadow]| Row {
            primary: line(primary),
            shadow: line(shadow),
        })
        .collect()
}

/// A line with what is known of it.
struct Marked<'a> {
    shown: &'a Shown,
    /// Where a finding stands, by its number; in order.
    found: Vec<(Range<usize>, usize)>,
    /// Where it differs from the other side's.
    changed: Vec<Range<usize>>,
}

/// A text, and the findings that have it as their value, the worst first.
struct Wanted {
    text: String,
    numbers: Vec<usize>,
}

struct Locator<'a> {
    findings: &'a Findings,
    by_place: HashMap<&'a str, Vec<usize>>,
    /// Texts of bodies that are looked for on each side, the longest first.
    texts: [Vec<Wanted>; 2],
    is_located: Vec<bool>,
}

impl<'a> Locator<'a> {
    fn new(findings: &'a Findings) -> Self {
        let mut by_place: HashMap<&str, Vec<usize>> = HashMap::new();
        for (number, finding) in findings.found.iter().enumerate() {
            by_place.entry(&finding.place).or_default().push(number);
        }
        Self {
            by_place,
            texts: [Side::Primary, Side::Shadow].map(|side| texts(findings, side)),
            is_located: vec![false; findings.found.len()],
            findings,
        }
    }

    fn row<'b>(&mut self, row: &Pairing<'b>, deadline: Instant) -> [Option<Marked<'b>>; 2] {
        let sides = [(Side::Primary, row.primary), (Side::Shadow, row.shadow)];
        let changed = match (row.primary, row.shadow) {
            (Some(one), Some(other)) if !row.is_same => {
                changed(&one.text, &other.text, Some(deadline))
            }
            _ => [Vec::new(), Vec::new()],
        };
        let is_paired = row.primary.is_some() && row.shadow.is_some();
        let mut changed = changed.into_iter();
        sides.map(|(side, shown)| {
            let mut changed = changed.next().unwrap_or_default();
            let shown = shown?;
            if !is_paired {
                changed.extend(trimmed(&shown.text));
            }
            let mut found = Vec::new();
            if !row.is_same {
                found = self.find(side, shown, &changed, is_paired);
                found.sort_by_key(|(range, _)| range.start);
            }
            Some(Marked {
                shown,
                found,
                changed,
            })
        })
    }

    fn find(
        &mut self,
        side: Side,
        shown: &Shown,
        changed: &[Range<usize>],
        is_paired: bool,
    ) -> Vec<(Range<usize>, usize)> {
        let found = if let Some(value) = &shown.value {
            let Some((number, is_exact)) = self.at_place(side, &value.place, &value.plain) else {
                return Vec::new();
            };
            let is_value = is_exact
                && is_paired
                && !matches!(
                    self.findings.found[number].kind,
                    Kind::Missing | Kind::Extra
                );
            let ranges = if is_value {
                let within = intersection(&value.range, changed);
                if value.range.len() > LONG && !within.is_empty() {
                    within
                } else {
                    vec![value.range.clone()]
                }
            } else {
                changed.to_vec()
            };
            ranges.into_iter().map(|range| (range, number)).collect()
        } else {
            self.search(side, &shown.text, changed)
        };
        for (_, number) in &found {
            self.is_located[*number] = true;
        }
        found
    }

    /// The finding that is best told at a place, and whether it is about that place alone.
    fn at_place(&self, side: Side, place: &str, plain: &str) -> Option<(usize, bool)> {
        let best = |numbers: &[usize]| {
            numbers.iter().copied().max_by_key(|number| {
                let finding = &self.findings.found[*number];
                let is_value = finding
                    .value(side)
                    .is_some_and(|value| is_beginning(value, plain));
                (is_value, finding.mark.severity())
            })
        };
        if let Some(number) = self.by_place.get(place).and_then(|known| best(known)) {
            return Some((number, true));
        }
        if !plain.is_empty() {
            let is_within = |finding: &Finding| is_above(place, &finding.place);
            let found = self.findings.found.iter().enumerate();
            let within: Vec<usize> = found
                .filter(|(_, finding)| is_within(finding))
                .map(|(number, _)| number)
                .collect();
            if let Some(number) = best(&within) {
                return Some((number, true));
            }
        }
        let ends = place
            .char_indices()
            .rev()
            .filter(|(at, _)| is_above(&place[..*at], place));
        let mut above = ends.filter_map(|(at, _)| self.by_place.get(&place[..at]));
        above
            .find_map(|known| best(known))
            .map(|number| (number, false))
    }

    /// Values that stand in a line of text, where it differs.
    fn search(
        &mut self,
        side: Side,
        text: &str,
        changed: &[Range<usize>],
    ) -> Vec<(Range<usize>, usize)> {
        let mut found: Vec<(Range<usize>, usize)> = Vec::new();
        for wanted in &self.texts[side as usize] {
            for (begin, _) in text.match_indices(wanted.text.as_str()) {
                let range = begin..begin + wanted.text.len();
                let overlaps =
                    |other: &Range<usize>| other.start < range.end && range.start < other.end;
                if found.len() >= MOST_IN_LINE {
                    return found;
                }
                if is_word(text, &range)
                    && changed.iter().any(overlaps)
                    && !found.iter().any(|(other, _)| overlaps(other))
                {
                    for number in &wanted.numbers {
                        self.is_located[*number] = true;
                    }
                    found.push((range, wanted.numbers[0]));
                }
            }
        }
        found
    }

    /// What is held of all that differs in bodies and was found nowhere.
    fn rest_of_body(&self) -> Mark {
        if let Some(mark) = &self.findings.of_bodies {
            return mark.clone();
        }
        let found = self.findings.found.iter().zip(&self.is_located);
        let rest = found.filter(|(finding, is_located)| !**is_located && !is_of_head(finding));
        let worst = rest
            .map(|(finding, _)| &finding.mark)
            .max_by_key(|mark| mark.severity());
        worst.cloned().unwrap_or_else(|| Mark::explained(SAME_SAID))
    }

    fn line(&self, marked: &Marked<'_>, of_body: &Mark) -> Line {
        let of_head = match &self.findings.of_bodies {
            Some(Mark::Different { .. }) => Mark::explained(NOT_LOOKED_AT),
            _ => Mark::explained(OF_HEAD),
        };
        let rest = match marked.shown.part {
            Part::Head => &of_head,
            Part::Body => of_body,
        };
        let mut parts: Vec<(Range<usize>, &Mark)> = Vec::new();
        for (range, number) in &marked.found {
            parts.push((range.clone(), &self.findings.found[*number].mark));
        }
        for range in &marked.changed {
            for range in without(range, &marked.found) {
                parts.push((range, rest));
            }
        }
        parts.sort_by_key(|(range, _)| range.start);
        segments(&marked.shown.text, parts.into_iter())
    }
}

/// What is looked for in the text of bodies that are no JSON.
fn texts(findings: &Findings, side: Side) -> Vec<Wanted> {
    let mut numbers: HashMap<String, Vec<usize>> = HashMap::new();
    for (number, finding) in findings.found.iter().enumerate() {
        let value = finding.value(side).filter(|value| !value.trim().is_empty());
        let Some(value) = value.filter(|_| !is_of_head(finding)) else {
            continue;
        };
        let plain = visible(value);
        let encoded = html_escape::encode_text(&plain).into_owned();
        if encoded != plain {
            numbers.entry(encoded).or_default().push(number);
        }
        numbers.entry(plain).or_default().push(number);
        if numbers.len() >= SEARCHED {
            break;
        }
    }
    let severity = |number: usize| findings.found[number].mark.severity();
    let wanted = numbers.into_iter().map(|(text, mut numbers)| {
        numbers.sort_by_key(|number| Reverse(severity(*number)));
        Wanted { text, numbers }
    });
    let mut wanted: Vec<Wanted> = wanted.collect();
    wanted.sort_by(|one, other| {
        let by_length = other.text.len().cmp(&one.text.len());
        by_length.then_with(|| one.text.cmp(&other.text))
    });
    wanted
}

fn is_of_head(finding: &Finding) -> bool {
    let first = finding.place.split([' ', ';']).next();
    matches!(
        first,
        Some("status" | "header" | "cookie" | "location" | "content-type")
    )
}

/// Whether a place is below another.
fn is_above(above: &str, place: &str) -> bool {
    let rest = place.strip_prefix(above);
    !above.is_empty() && rest.is_some_and(|rest| rest.starts_with(['.', '[', ' ', ';', '@', '{']))
}

/// Whether a value, of which the beginning is kept, is this text.
fn is_beginning(value: &str, text: &str) -> bool {
    const KEPT: usize = 200;
    value == text || (value.chars().count() >= KEPT && text.starts_with(value))
}

/// Whether neither a letter nor a digit goes on before or behind it.
fn is_word(text: &str, range: &Range<usize>) -> bool {
    let goes_on = |inner: Option<char>, outer: Option<char>| {
        let is_of_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        is_of_word(inner) && is_of_word(outer)
    };
    let wanted = &text[range.clone()];
    let (before, after) = (&text[..range.start], &text[range.end..]);
    !goes_on(wanted.chars().next(), before.chars().next_back())
        && !goes_on(wanted.chars().next_back(), after.chars().next())
}

/// A line without the blanks around it.
fn trimmed(text: &str) -> Option<Range<usize>> {
    let begin = text.len() - text.trim_start().len();
    let end = text.trim_end().len();
    (begin < end).then_some(begin..end)
}

fn intersection(range: &Range<usize>, others: &[Range<usize>]) -> Vec<Range<usize>> {
    let cut = |other: &Range<usize>| other.start.max(range.start)..other.end.min(range.end);
    let parts = others.iter().map(cut);
    parts.filter(|part| part.start < part.end).collect()
}

/// What of a range is in none of these, which are in order.
fn without(range: &Range<usize>, found: &[(Range<usize>, usize)]) -> Vec<Range<usize>> {
    let mut rest = Vec::new();
    let mut begin = range.start;
    for (other, _) in found {
        let other = other.start.max(begin)..other.end.min(range.end);
        if other.start < other.end {
            if begin < other.start {
                rest.push(begin..other.start);
            }
            begin = other.end;
        }
    }
    if begin < range.end {
        rest.push(begin..range.end);
    }
    rest
}
