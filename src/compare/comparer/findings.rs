//! What the two texts of an example differ in, each with what it is held to be by all that is learned: the verdict of its
//! cell, a rule, or a reason that needs no learning.

use std::{collections::HashMap, time::Duration};

use super::{
    Comparer, explain,
    messages::{Kept, Key},
    side_by_side::{Finding, Findings, Mark},
};
use crate::compare::{
    answer::{Answer, Asked},
    cause::{headline, part},
    difference::{Difference, Explained, Kind, differences},
    extract::{Class, Extract, extract, time_of},
    learn::{
        cell::{Cell, CellKey},
        verdict::Verdict,
    },
    report::{Report, Status},
    route::RouteId,
    rules::{Action, Subject},
};

const CLOCKS: &str = "each side tells its own time";
const NOISE: &str = "noise: production varies here as well";
const HARMLESS: &str = "it was no difference when it was compared: ids that are the shadow's own, what production said a \
                        moment before, or times";
const REVALIDATION: &str = "the client had it already: 304 and 200 say the same";

/// A message as it was kept.
struct Read<'a> {
    start: &'a str,
    headers: Vec<(&'a [u8], &'a [u8])>,
    body: &'a [u8],
}

impl<'a> Read<'a> {
    fn of(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.split('\n');
        let start = lines.next().unwrap_or_default();
        let headers = lines.filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            Some((name.as_bytes(), value.trim().as_bytes()))
        });
        Self {
            start,
            headers: headers.collect(),
            body: body.as_bytes(),
        }
    }

    fn asked(&self) -> Asked<'a> {
        let (method, target) = self.start.split_once(' ').unwrap_or((self.start, "/"));
        Asked {
            method: method.as_bytes(),
            target: target.as_bytes(),
            headers: self.headers.clone(),
            body: Some(self.body),
        }
    }

    fn answer(&self) -> Answer<'a> {
        let mut answer = Answer {
            status: self.start.trim().parse().unwrap_or_default(),
            headers: self.headers.clone(),
            body: self.body,
            length: self.body.len() as u64,
            is_whole: true,
            at: 0,
            took: Duration::ZERO,
        };
        let date = answer.header("date").map(String::from_utf8_lossy);
        let date = date.and_then(|date| time_of(date.trim()));
        answer.at = date.map_or(0, |date| date.unix_ms);
        answer
    }
}

/// What a difference is looked up with.
struct LookUp<'a> {
    /// Those that the example was seen on; one but for an id that came twice.
    routes: Vec<RouteId>,
    names: HashMap<RouteId, String>,
    report: &'a Report,
    now: i64,
}

impl Comparer {
    /// What the texts of an example differ in.
    pub(super) fn findings(&self, key: &Key, kept: &Kept, report: &Report, now: i64) -> Findings {
        let request = Read::of(&kept.request);
        let (asked, limits) = (request.asked(), &self.settings.limits);
        let [primary, shadow] = [&kept.primary, &kept.shadow]
            .map(|text| extract(&asked, &Read::of(text).answer(), limits));
        let cells = self.learned.cells.values();
        let mut routes: Vec<RouteId> = cells
            .filter(|cell| Key::of(&cell.example) == *key)
            .map(|cell| cell.route)
            .collect();
        routes.sort_unstable();
        routes.dedup();
        let look_up = LookUp {
            routes,
            names: self.routes.names(),
            report,
            now,
        };
        let found = differences(&primary, &shadow);
        let mut marks: HashMap<CellKey, Mark> = HashMap::new();
        let mut findings = Findings::default();
        for difference in &found.found {
            let mark = self.own_reason(&look_up, difference, (&primary, &shadow));
            let mark = mark.unwrap_or_else(|| {
                let mark = marks
                    .entry(CellKey::of(difference))
                    .or_insert_with_key(|key| self.learned_of(&look_up, difference, key));
                mark.clone()
            });
            if findings.of_bodies.is_none() && decides(difference, &primary, &shadow) {
                findings.of_bodies = Some(mark.clone());
            }
            let text = |value: &Option<_>| value.as_ref().map(text_of);
            findings.found.push(Finding {
                place: difference.place.as_str().to_owned(),
                kind: difference.kind,
                primary: text(&difference.primary),
                shadow: text(&difference.shadow),
                mark,
            });
        }
        if found.explained.contains(&Explained::Revalidation) {
            findings.of_bodies = Some(explained(REVALIDATION));
        }
        findings
    }

    /// A reason that is one for these two values, whatever is learned.
    fn own_reason(
        &self,
        look_up: &LookUp<'_>,
        difference: &Difference,
        (primary, shadow): (&Extract, &Extract),
    ) -> Option<Mark> {
        if explain::is_clock(difference, primary.at, shadow.at) {
            return Some(explained(CLOCKS));
        }
        let rules = &self.settings.rules;
        let names = look_up.routes.iter().map(|route| look_up.name(*route));
        let mut tolerating =
            names.filter_map(|route| rules.tolerates(route, difference, look_up.now));
        let rule = rules.iter().nth(tolerating.next()?)?;
        Some(of_rule(&rule.name(), &rule.reason))
    }

    /// What is learned of such differences.
    fn learned_of(&self, look_up: &LookUp<'_>, difference: &Difference, key: &CellKey) -> Mark {
        let cell = look_up
            .routes
            .iter()
            .filter_map(|route| self.best_cell(*route, difference, key))
            .max_by_key(|cell| cell.verdict);
        let route = cell
            .map(|cell| cell.route)
            .or(look_up.routes.first().copied());
        let subject = Subject {
            route: route.map_or("", |route| look_up.name(route)),
            place: difference.place.as_str(),
            kind: difference.kind,
            change: cell.map_or(&key.change, |cell| &cell.key.change),
            part: cell.map(part),
        };
        let rule = self.settings.rules.find(subject, look_up.now);
        match (rule, cell) {
            (Some((_, rule)), _)
                if matches!(
                    rule.action,
                    Action::Ignore | Action::Expected | Action::Unordered
                ) =>
            {
                of_rule(&rule.name(), &rule.reason)
            }
            (Some((_, rule)), Some(cell)) if rule.action == Action::NeverNoise => {
                look_up.different(cell, true)
            }
            (_, Some(cell)) if cell.verdict == Verdict::Noise => {
                let judged = self.learned.judge(cell);
                let is_told = judged.verdict == Verdict::Noise && !judged.evidence.is_empty();
                explained(if is_told { &judged.evidence } else { NOISE })
            }
            (_, Some(cell)) => look_up.different(cell, cell.verdict == Verdict::Confirmed),
            // What was forgotten may have been anything.
            (_, None) if self.learned.evicted > 0 => Mark::Different {
                cause: format!("{}: nothing is known of it any more", difference.place),
                id: None,
                confirmed: false,
            },
            (_, None) => explained(HARMLESS),
        }
    }

    /// The cell of a difference. Where it was told apart by its values, that which is worst.
    fn best_cell(&self, route: RouteId, difference: &Difference, key: &CellKey) -> Option<&Cell> {
        let state = self.learned.routes.get(&route)?;
        let cell = |id: &u32| self.learned.cells.get(id);
        let is_seen = |cell: &&Cell| cell.differing > 0;
        let exact = state.cells.get(key).and_then(cell).filter(is_seen);
        let at_place = state.at_place.get(&key.place).into_iter().flatten();
        let of_kind = at_place
            .filter_map(cell)
            .filter(|cell| cell.key.kind == difference.kind && is_seen(cell));
        exact
            .into_iter()
            .chain(of_kind)
            .max_by_key(|cell| cell.verdict)
    }
}

impl LookUp<'_> {
    fn name(&self, route: RouteId) -> &str {
        self.names.get(&route).map_or("", String::as_str)
    }

    /// What the shadow does otherwise, by its cause where that is told.
    fn different(&self, cell: &Cell, confirmed: bool) -> Mark {
        let kind = cell.key.kind.to_string();
        let causes = self.report.causes.iter();
        let of_place = causes.filter(|cause| cause.place == cell.place && cause.kind == kind);
        let same = |change: &str| usize::from(change == cell.key.change);
        let cause = of_place.max_by_key(|cause| same(&cause.transformation));
        match cause {
            Some(cause) => Mark::Different {
                cause: cause.title.clone(),
                id: Some(cause.id.clone()),
                confirmed: cause.status == Status::Confirmed,
            },
            None => Mark::Different {
                cause: headline(cell, self.name(cell.route)),
                id: None,
                confirmed,
            },
        }
    }
}

/// Whether bodies were not compared because of a difference.
fn decides(difference: &Difference, primary: &Extract, shadow: &Extract) -> bool {
    match difference.class {
        Class::Status => {
            primary.status / 100 != shadow.status / 100 || !(200..400).contains(&shadow.status)
        }
        Class::ContentType | Class::Redirect => difference.kind != Kind::Format,
        _ => false,
    }
}

fn explained(why: &str) -> Mark {
    Mark::Explained {
        why: why.to_owned(),
    }
}

fn of_rule(name: &str, reason: &str) -> Mark {
    let because = if reason.is_empty() { "" } else { "; " };
    explained(&format!("a rule: {name}{because}{reason}"))
}

fn text_of(value: &crate::compare::extract::Value) -> String {
    value.text().to_owned()
}
