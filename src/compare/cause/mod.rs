//! From cells to few causes: differences of one signature are one, and so are those that touch the same requests.

mod assemble;
mod coverage;
mod example;
mod group;
mod names;
mod rank;
mod request_sets;
mod signature;
mod slower;
mod timeline;
mod title;
mod when;

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    counts::Counts,
    learn::{
        Learned,
        cell::{Cell, CellId},
        histogram::BOUNDS,
        verdict::{Judged, Verdict},
    },
    report::{Memory, Report, Requests, RuleUse, SCHEMA},
    route::{RouteId, Routes},
    rules::{Action, Hidden, Rules, Subject},
};

pub(crate) use assemble::lost_title;
pub(crate) use example::example_of;

/// All that a report is made from.
pub(crate) struct Known<'a> {
    pub(crate) shadow: &'a str,
    pub(crate) rules: &'a Rules,
    pub(crate) hidden: &'a Hidden,
    pub(crate) counts: &'a Counts,
    pub(crate) routes: &'a Routes,
    pub(crate) learned: &'a mut Learned,
    pub(crate) now: i64,
}

/// A cell that is to be told, with its verdict.
#[derive(Clone, Debug)]
pub(crate) struct Told<'a> {
    pub(crate) id: CellId,
    pub(crate) cell: &'a Cell,
    pub(crate) judged: Judged,
}

/// A line for the log about a cell.
pub(crate) fn headline(cell: &Cell, route: &str) -> String {
    let said = title::of_cell(cell, &title::Who::Nobody, &names::Names::default());
    format!("{route}: {}", said.sentence())
}

/// A report, with the logged pairs of each cause by their number.
pub(crate) struct Reported {
    pub(crate) report: Report,
    #[allow(
        dead_code,
        reason = "only the bench asks which requests a cause is about"
    )]
    pub(crate) pairs: BTreeMap<String, Vec<u64>>,
}

pub(crate) fn report(known: &mut Known<'_>) -> Reported {
    let mut judged = known.learned.judge_all();
    let names = known.routes.names();
    let mut hides: HashMap<usize, u64> = known.hidden.0.clone();
    let hidden = apply_rules(known, &names, &mut judged, &mut hides);
    let speeds = slower::speeds(known.learned, &names);
    let learned = &*known.learned;
    let told: Vec<Told<'_>> = judged
        .iter()
        .filter(|(id, judged)| judged.verdict != Verdict::Noise && !hidden.contains_key(*id))
        .filter_map(|(id, judged)| {
            let cell = learned.cells.get(id)?;
            (!is_of_lost_sessions(learned, cell)).then(|| Told {
                id: *id,
                cell,
                judged: judged.clone(),
            })
        })
        .collect();
    let assembled = assemble::assemble(learned, &names, told);
    let verdicts = verdicts(learned, &judged, &hidden, &assembled.confirmed_cells);
    let requests = requests(known, &verdicts);
    let times = timeline::Times::of(known);
    let mut causes = assembled.causes;
    times.mark(&mut causes, &assembled.pairs);
    if let Some(lost) = learned.lost.report() {
        let mut lost = assemble::lost_sessions(&lost, &names, learned);
        lost.last_hour = times.lost_sessions();
        causes.insert(0, lost);
    }
    let report = Report {
        schema: SCHEMA,
        shadow: known.shadow.to_owned(),
        since: moment(known.counts.since.unwrap_or(known.now)),
        until: moment(
            known
                .counts
                .until
                .max(known.counts.since.unwrap_or(known.now)),
        ),
        requests,
        timeline: times.timeline(&verdicts),
        sessions: None,
        not_compared: known.counts.not_compared.clone(),
        causes,
        speed: speeds.overall,
        slower: speeds.slower,
        times: speeds.times,
        time_bounds: BOUNDS.to_vec(),
        coverage: coverage::coverage(learned, &names),
        never_seen: coverage::never_seen(known.routes, &names),
        rules: rules(known, &hides),
        learned: Memory {
            bytes: learned.bytes() as u64,
            cells: learned.cells.len() as u64,
            noise: judged
                .values()
                .filter(|judged| judged.verdict == Verdict::Noise)
                .count() as u64,
            evicted: learned.evicted,
            left_out: known.counts.left_out,
            routes_beyond_limit: known.routes.beyond_limit,
        },
    };
    Reported {
        report,
        pairs: assembled.pairs,
    }
}

/// Cells that rules hide, with the number of the rule. What is never to be noise is confirmed here.
fn apply_rules(
    known: &Known<'_>,
    names: &HashMap<RouteId, String>,
    judged: &mut HashMap<CellId, Judged>,
    hides: &mut HashMap<usize, u64>,
) -> HashMap<CellId, usize> {
    let mut hidden = HashMap::new();
    for (id, judged) in judged {
        let Some(cell) = known.learned.cells.get(id) else {
            continue;
        };
        let subject = Subject {
            route: names.get(&cell.route).map_or("", String::as_str),
            place: &cell.place,
            kind: cell.key.kind,
            change: &cell.key.change,
        };
        let Some((number, rule)) = known.rules.find(subject, known.now) else {
            continue;
        };
        match rule.action {
            Action::NeverNoise => {
                judged.verdict = Verdict::Confirmed;
                "a rule says that this is never noise".clone_into(&mut judged.evidence);
            }
            Action::Ignore | Action::Expected | Action::Unordered => {
                hidden.insert(*id, number);
                *hides.entry(number).or_default() += u64::from(cell.differing);
            }
            Action::Tolerance(_) => {}
        }
    }
    hidden
}

/// Whether only sessions that the shadow has lost have seen it.
fn is_of_lost_sessions(learned: &Learned, cell: &Cell) -> bool {
    cell.sessions.is_complete()
        && cell.sessions.len() > 0
        && cell
            .sessions
            .iter()
            .all(|session| learned.lost.was_lost(session))
}

/// What each pair of the log is held to be, in their order.
fn verdicts(
    learned: &Learned,
    judged: &HashMap<CellId, Judged>,
    hidden: &HashMap<CellId, usize>,
    confirmed: &HashSet<CellId>,
) -> Vec<Verdict> {
    // There are far fewer cells than pairs.
    let each = judged.iter().map(|(id, judged)| match judged.verdict {
        _ if hidden.contains_key(id) => (id, Verdict::Noise),
        _ if confirmed.contains(id) => (id, Verdict::Confirmed),
        verdict => (id, verdict),
    });
    let known: HashMap<&CellId, Verdict> = each.collect();
    let of_cell = |id: &CellId| known.get(id).copied().unwrap_or(Verdict::Unconfirmed);
    let of_pair = |cells: &[CellId]| cells.iter().map(of_cell).max().unwrap_or(Verdict::Noise);
    learned
        .log
        .iter()
        .map(|pair| of_pair(&pair.cells))
        .collect()
}

/// `verdicts`: of the pairs of the log.
fn requests(known: &Known<'_>, verdicts: &[Verdict]) -> Requests {
    let counts = known.counts;
    let mut settled = known.learned.settled;
    for verdict in verdicts {
        settled.add(*verdict);
    }
    let not_compared: u64 = counts.not_compared.values().sum();
    Requests {
        answered: counts.answered,
        compared: counts.answered - not_compared.min(counts.answered),
        identical: counts.identical,
        explained: counts.explained + settled.explained,
        different: counts.lost + settled.different,
        unconfirmed: settled.unconfirmed,
    }
}

fn rules(known: &Known<'_>, hides: &HashMap<usize, u64>) -> Vec<RuleUse> {
    known
        .rules
        .iter()
        .enumerate()
        .map(|(number, rule)| {
            let hides = hides.get(&number).copied().unwrap_or(0);
            let note = if !rule.holds_at(known.now) {
                "over: its day has passed"
            } else if hides == 0 && rule.action == Action::Expected {
                "what was expected doesn't happen any more"
            } else if hides == 0 && rule.action != Action::NeverNoise {
                "hides nothing any more"
            } else {
                ""
            };
            RuleUse {
                rule: rule.name(),
                hides,
                reason: rule.reason.clone(),
                note: note.to_owned(),
            }
        })
        .collect()
}

/// A moment as in RFC 3339, in UTC.
pub(crate) fn moment(at: i64) -> String {
    let since = std::time::Duration::from_millis(at.max(0).cast_unsigned());
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}
