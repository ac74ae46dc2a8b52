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
    let of_pairs = pairs_hidden(known.learned, hidden);
    let rules = known.rules.all();
    let ids = rules.ids().into_iter();
    rules
        .iter()
        .zip(ids)
        .enumerate()
        .map(|(number, (rule, id))| {
            let seen = of_pairs.get(&number).copied().unwrap_or_default();
            let tolerated = known.hidden.0.get(&number).copied().unwrap_or(0);
            let hides = seen.pairs + tolerated;
            let date = |date: &Option<Moment>| {
                date.as_ref()
                    .map_or_else(String::new, |date| date.text().to_owned())
            };
            RuleUse {
                rule: rule.name(),
                hides,
                reason: rule.reason.clone(),
                note: note(known, rule, hides, seen.last),
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

fn note(known: &Known<'_>, rule: &Rule, hides: u64, last: u64) -> String {
    let is_expected = rule.action == Action::Expected;
    let since = known.counts.answered.saturating_sub(last);
    if !rule.holds_at(known.now) {
        "over: its day has passed".to_owned()
    } else if hides == 0 && is_expected {
        "what was expected doesn't happen any more".to_owned()
    } else if hides == 0 && rule.action != Action::NeverNoise {
        "hides nothing any more".to_owned()
    } else if is_expected && has_stopped(hides, last, since) {
        format!("what was expected was not seen in the last {since} responses")
    } else {
        String::new()
    }
}

/// Whether as many responses came since as should have shown it thirty times.
fn has_stopped(pairs: u64, last: u64, since: u64) -> bool {
    const TIMES: u128 = 30;
    u128::from(since) * u128::from(pairs) > TIMES * u128::from(last.max(pairs))
}

/// What a rule hides of the pairs that were seen.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// A pair of which it hides several places is one.
    pairs: u64,
    /// The number of the last one; where it fell out of the log, of the first that is still there.
    last: u64,
}

fn pairs_hidden(learned: &Learned, hidden: &HashMap<CellId, usize>) -> HashMap<usize, Seen> {
    if hidden.is_empty() {
        return HashMap::new();
    }
    let mut by_route: HashMap<(usize, RouteId), u64> = HashMap::new();
    let mut last: HashMap<usize, u64> = HashMap::new();
    let mut touched: Vec<usize> = Vec::new();
    for pair in learned.log.iter() {
        touched.clear();
        touched.extend(pair.cells.iter().filter_map(|id| hidden.get(id).copied()));
        touched.sort_unstable();
        touched.dedup();
        for number in &touched {
            *by_route.entry((*number, pair.route)).or_default() += 1;
            last.insert(*number, pair.number);
        }
    }
    // The log has the last pairs only, cells have all.
    for (id, number) in hidden {
        if let Some(cell) = learned.cells.get(id) {
            let count = by_route.entry((*number, cell.route)).or_default();
            *count = (*count).max(u64::from(cell.differing));
        }
    }
    let first = learned.log.iter().next().map_or(0, |pair| pair.number);
    let mut seen: HashMap<usize, Seen> = HashMap::new();
    for ((number, _), count) in by_route {
        let seen = seen.entry(number).or_default();
        seen.pairs += count;
        seen.last = last.get(&number).copied().unwrap_or(first);
    }
    seen
}
