//! From cells to few causes: differences of one signature are one, and so are those that touch the same requests.

mod applied;
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
    report::{Cause, Kept, Memory, Report, Requests, SCHEMA, Status},
    route::Routes,
    rules::{Hidden, InForce},
};

pub(crate) use assemble::lost_title;
pub(crate) use example::example_of;
pub(crate) use signature::part;

/// All that a report is made from.
pub(crate) struct Known<'a> {
    pub(crate) shadow: &'a str,
    pub(crate) rules: &'a InForce,
    /// Where rules are kept that stand in no file.
    pub(crate) own_rules: Kept,
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
    /// The cells of each cause.
    pub(crate) cells: HashMap<String, Vec<CellId>>,
}

pub(crate) fn report(known: &mut Known<'_>) -> Reported {
    let names = known.routes.names();
    let mut judged = known.learned.judge_all();
    let hidden = applied::apply(known, &names, &mut judged);
    let speeds = slower::speeds(known.learned, &names);
    let learned = &*known.learned;
    let told = told(learned, &judged, &hidden);
    let assembled = assemble::assemble(learned, &names, told);
    let verdicts = verdicts(learned, &judged, &hidden, &assembled.confirmed_cells);
    let requests = requests(known, &verdicts);
    let times = timeline::Times::of(known);
    let mut causes = assembled.causes;
    times.mark(&mut causes, &assembled.pairs);
    if let Some(lost) = learned.lost.report() {
        let mut lost = assemble::lost_sessions(&lost, &names, learned);
        lost.last_hour = times.lost_sessions();
        let is_below = |cause: &Cause| cause.status == Status::Confirmed && cause.rank > lost.rank;
        let at = causes.iter().take_while(|cause| is_below(cause)).count();
        causes.insert(at, lost);
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
        rules: applied::uses(known, &hidden),
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
        cells: assembled.cells,
    }
}

/// What is to be told: no noise, nothing that a rule hides, nothing that only lost sessions have seen.
fn told<'a>(
    learned: &'a Learned,
    judged: &HashMap<CellId, Judged>,
    hidden: &HashMap<CellId, usize>,
) -> Vec<Told<'a>> {
    judged
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
        .collect()
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

/// A moment as in RFC 3339, in UTC.
pub(crate) fn moment(at: i64) -> String {
    let since = std::time::Duration::from_millis(at.max(0).cast_unsigned());
    humantime::format_rfc3339_seconds(std::time::UNIX_EPOCH + since).to_string()
}
