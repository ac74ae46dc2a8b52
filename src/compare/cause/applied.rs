//! What the user's rules do with what was found, and what is told of each rule.

use std::collections::HashMap;

use super::{Known, assemble, signature::part, told};
use crate::compare::{
    learn::{
        Learned,
        cell::{Cell, CellId},
        verdict::{Judged, Verdict},
    },
    report::{Kept, RuleUse},
    route::RouteId,
    rules::{Action, Moment, Rule, Subject},
};

type Names = HashMap<RouteId, String>;

/// Cells that rules hide, with the number of the rule. What is never to be noise is confirmed here.
pub(super) fn apply(
    known: &Known<'_>,
    names: &Names,
    judged: &mut HashMap<CellId, Judged>,
) -> HashMap<CellId, usize> {
    let mut hidden = HashMap::new();
    let (rules, has_parts) = (known.rules.all(), known.rules.all().has_parts());
    for (id, judged) in &mut *judged {
        let Some(cell) = known.learned.cells.get(id) else {
            continue;
        };
        let subject = Subject {
            part: has_parts.then(|| part(cell)),
            ..subject(names, cell)
        };
        if let Some((number, rule)) = rules.find(subject, known.now) {
            follow(rule.action, judged, || {
                hidden.insert(*id, number);
            });
        }
    }
    apply_to_what_is_told(known, names, judged, &mut hidden);
    hidden
}

/// Rules that name a cause and none of its parts are for whatever is told as it, once all others have been applied.
fn apply_to_what_is_told(
    known: &Known<'_>,
    names: &Names,
    judged: &mut HashMap<CellId, Judged>,
    hidden: &mut HashMap<CellId, usize>,
) {
    let rules = known.rules.all().iter().enumerate();
    let rules: Vec<(usize, &Rule)> = rules
        .filter(|(_, rule)| rule.is_for_what_is_told() && rule.holds_at(known.now))
        .collect();
    if rules.is_empty() {
        return;
    }
    let learned = &*known.learned;
    let causes = assemble::cells_of_causes(learned, told(learned, judged, hidden));
    for (number, rule) in rules {
        let cells = rule.cause.as_ref().and_then(|cause| causes.get(cause));
        for id in cells.into_iter().flatten() {
            let (Some(cell), Some(judged)) = (learned.cells.get(id), judged.get_mut(id)) else {
                continue;
            };
            if rule.fits(subject(names, cell)) {
                follow(rule.action, judged, || {
                    hidden.entry(*id).or_insert(number);
                });
            }
        }
    }
}

fn subject<'a>(names: &'a Names, cell: &'a Cell) -> Subject<'a> {
    Subject {
        route: names.get(&cell.route).map_or("", String::as_str),
        place: &cell.place,
        kind: cell.key.kind,
        change: &cell.key.change,
        part: None,
    }
}

fn follow(action: Action, judged: &mut Judged, hide: impl FnOnce()) {
    match action {
        Action::NeverNoise => {
            judged.verdict = Verdict::Confirmed;
            "a rule says that this is never noise".clone_into(&mut judged.evidence);
        }
        Action::Ignore | Action::Expected | Action::Unordered => hide(),
        // These have taken out what they explain before it was learned.
        Action::Tolerance(_) => {}
    }
}

/// What is told of each rule.
pub(super) fn uses(known: &Known<'_>, hidden: &HashMap<CellId, usize>) -> Vec<RuleUse> {
    let mut hides = known.hidden.0.clone();
    for (number, pairs) in pairs_hidden(known.learned, hidden) {
        *hides.entry(number).or_default() += pairs;
    }
    let rules = known.rules.all();
    let ids = rules.ids().into_iter();
    rules
        .iter()
        .zip(ids)
        .enumerate()
        .map(|(number, (rule, id))| {
            let hides = hides.get(&number).copied().unwrap_or(0);
            let date = |date: &Option<Moment>| {
                date.as_ref()
                    .map_or_else(String::new, |date| date.text().to_owned())
            };
            RuleUse {
                rule: rule.name(),
                hides,
                reason: rule.reason.clone(),
                note: note(rule, hides, known.now).to_owned(),
                id,
                action: rule.action.text(),
                cause: rule.cause.clone().unwrap_or_default(),
                title: rule.title.clone(),
                until: date(&rule.until),
                since: date(&rule.since),
                kept: if known.rules.is_of_file(number) {
                    Kept::File
                } else {
                    known.own_rules
                },
            }
        })
        .collect()
}

fn note(rule: &Rule, hides: u64, now: i64) -> &'static str {
    if !rule.holds_at(now) {
        "over: its day has passed"
    } else if hides == 0 && rule.action == Action::Expected {
        "what was expected doesn't happen any more"
    } else if hides == 0 && rule.action != Action::NeverNoise {
        "hides nothing any more"
    } else {
        ""
    }
}

/// How many pairs each rule hides something of. A pair of which it hides several places is one.
fn pairs_hidden(learned: &Learned, hidden: &HashMap<CellId, usize>) -> HashMap<usize, u64> {
    let mut by_route: HashMap<(usize, RouteId), u64> = HashMap::new();
    if hidden.is_empty() {
        return HashMap::new();
    }
    let mut touched: Vec<usize> = Vec::new();
    for pair in learned.log.iter() {
        touched.clear();
        touched.extend(pair.cells.iter().filter_map(|id| hidden.get(id).copied()));
        touched.sort_unstable();
        touched.dedup();
        for number in &touched {
            *by_route.entry((*number, pair.route)).or_default() += 1;
        }
    }
    // The log has the last pairs only, cells have all.
    for (id, number) in hidden {
        if let Some(cell) = learned.cells.get(id) {
            let count = by_route.entry((*number, cell.route)).or_default();
            *count = (*count).max(u64::from(cell.differing));
        }
    }
    let mut pairs: HashMap<usize, u64> = HashMap::new();
    for ((number, _), count) in by_route {
        *pairs.entry(number).or_default() += count;
    }
    pairs
}
