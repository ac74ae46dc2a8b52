//! Makes causes of groups: counts, condition, verdict, title, example, rank.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Told, example,
    group::{Group, groups},
    moment,
    names::Names as Subjects,
    rank::{Weight, severity},
    signature::{Family, id, leaf},
    title::{Said, Who, of_cell, of_many},
    when,
};
use crate::compare::{
    learn::{Learned, cell::CellId, lost::LostReport, stats::Share, verdict::Verdict},
    report::{Cause, Example, RouteCount, Status},
    route::RouteId,
};

pub(crate) struct Assembled {
    /// In the order in which they are to be told.
    pub(crate) causes: Vec<Cause>,
    /// Cells of confirmed causes.
    pub(crate) confirmed_cells: HashSet<CellId>,
    /// The logged pairs of each cause, by their number.
    pub(crate) pairs: BTreeMap<String, Vec<u64>>,
    /// The cells of each cause.
    pub(crate) cells: HashMap<String, Vec<CellId>>,
    /// Where each cause is among those that are not ordered yet.
    places: HashMap<String, usize>,
}

type Names = HashMap<RouteId, String>;

/// Parts of one cause that are told; more are counted.
const MOST_PARTS: usize = 1_000;

/// What is unconfirmed never weakens what is confirmed, so that they are grouped apart.
fn all_groups<'a>(learned: &Learned, told: Vec<Told<'a>>) -> Vec<Group<'a>> {
    let (sure, open): (Vec<_>, Vec<_>) = told
        .into_iter()
        .partition(|told| told.judged.verdict == Verdict::Confirmed);
    let mut all = groups(learned, sure);
    all.append(&mut groups(learned, open));
    all
}

/// The cells of each cause, by its id.
pub(crate) fn cells_of_causes(
    learned: &Learned,
    told: Vec<Told<'_>>,
) -> HashMap<String, Vec<CellId>> {
    let mut causes: HashMap<String, Vec<CellId>> = HashMap::new();
    for group in all_groups(learned, told) {
        let cells = causes.entry(id(&group.signature)).or_default();
        cells.extend(group.cells.iter().map(|told| told.id));
    }
    causes
}

pub(crate) fn assemble(learned: &Learned, names: &Names, told: Vec<Told<'_>>) -> Assembled {
    let mut assembled = Assembled {
        causes: Vec::new(),
        confirmed_cells: HashSet::new(),
        pairs: BTreeMap::new(),
        cells: HashMap::new(),
        places: HashMap::new(),
    };
    let all = all_groups(learned, told);
    let tallies = tallies(learned, &all);
    for (group, tally) in all.iter().zip(tallies) {
        let cause = cause(learned, names, group, &tally);
        if cause.status == Status::Confirmed {
            assembled
                .confirmed_cells
                .extend(group.cells.iter().map(|told| told.id));
        }
        let cells = assembled.cells.entry(cause.id.clone()).or_default();
        cells.extend(group.cells.iter().map(|told| told.id));
        assembled.add(cause, tally.numbers);
    }
    assembled.causes.sort_by(|one, other| {
        other
            .rank
            .total_cmp(&one.rank)
            .then_with(|| one.id.cmp(&other.id))
    });
    assembled
}

impl Assembled {
    /// The same signature is one cause. What is not certain of it is told with it, and never lost.
    fn add(&mut self, cause: Cause, numbers: Vec<u64>) {
        let known = self.places.get(&cause.id).copied();
        let Some(known) = known.and_then(|at| self.causes.get_mut(at)) else {
            self.places.insert(cause.id.clone(), self.causes.len());
            self.pairs.insert(cause.id.clone(), numbers);
            self.causes.push(cause);
            return;
        };
        if cause.status == Status::Unconfirmed {
            known.not_certain.extend(where_it_is(&cause));
            return;
        }
        if let Some(pairs) = self.pairs.get_mut(&known.id) {
            pairs.extend(numbers);
            pairs.sort_unstable();
            pairs.dedup();
        }
        if known.parts.is_empty() {
            known.parts.push(known.title.clone());
        }
        known.parts.extend(where_it_is(&cause));
        known.parts_left_out += cause.parts_left_out;
        for route in cause.routes {
            match known
                .routes
                .iter_mut()
                .find(|known| known.route == route.route)
            {
                Some(known) => known.different = known.of.min(known.different.max(route.different)),
                None => known.routes.push(route),
            }
        }
    }
}

/// The parts of a cause, each with its routes.
fn where_it_is(cause: &Cause) -> Vec<String> {
    const MOST: usize = 20;
    let routes = cause.routes.iter().take(MOST);
    let mut routes: Vec<String> = routes
        .map(|route| format!("{} ({} of {})", route.route, route.different, route.of))
        .collect();
    if cause.routes.len() > MOST {
        routes.push(format!("{} more routes", cause.routes.len() - MOST));
    }
    let routes = routes.join(", ");
    let parts = match &cause.parts[..] {
        [] => std::slice::from_ref(&cause.title),
        parts => parts,
    };
    parts
        .iter()
        .map(|part| format!("{part}, on {routes}"))
        .collect()
}

/// What the log says of a group.
#[derive(Default)]
struct Tally {
    by_route: BTreeMap<RouteId, u64>,
    sessions: HashSet<u64>,
    targets: HashSet<u64>,
    numbers: Vec<u64>,
}

/// What the log says of each group. It is read once, however many groups there are.
fn tallies(learned: &Learned, groups: &[Group<'_>]) -> Vec<Tally> {
    let mut tallies: Vec<Tally> = groups.iter().map(|_| Tally::default()).collect();
    let cells = groups.iter().enumerate();
    let group_of: HashMap<CellId, usize> = cells
        .flat_map(|(at, group)| group.cells.iter().map(move |told| (told.id, at)))
        .collect();
    for pair in learned.log.iter() {
        let mut touched: Vec<usize> = pair
            .cells
            .iter()
            .filter_map(|id| group_of.get(id).copied())
            .collect();
        touched.sort_unstable();
        touched.dedup();
        for at in touched {
            let tally = &mut tallies[at];
            *tally.by_route.entry(pair.route).or_default() += 1;
            tally.sessions.insert(pair.session);
            tally.targets.insert(pair.target);
            tally.numbers.push(pair.number);
        }
    }
    // The log has the last pairs only, cells have all.
    for (tally, group) in tallies.iter_mut().zip(groups) {
        for told in &group.cells {
            let count = tally.by_route.entry(told.cell.route).or_default();
            *count = (*count).max(u64::from(told.cell.differing));
        }
    }
    tallies
}

fn cause(learned: &Learned, names: &Names, group: &Group<'_>, tally: &Tally) -> Cause {
    let lead = group.cells[0].cell;
    let references: Vec<&Told<'_>> = group.cells.iter().collect();
    let condition = when::condition(learned, &references);
    let routes = route_counts(learned, names, tally);
    let is_one_entity = is_one_entity(tally, &routes);
    let is_certain = tally.targets.len() >= 3
        && group
            .cells
            .iter()
            .all(|told| when::is_everywhere(learned, told))
        && condition
            .as_ref()
            .is_some_and(|condition| condition.chance < 1e-8 && condition.is_sharp());
    // Of those that are as certain, the first: the cause is called by it.
    let best = group
        .cells
        .iter()
        .rev()
        .max_by_key(|told| told.judged.verdict)
        .unwrap_or(&group.cells[0]);
    let (status, evidence) = if best.judged.verdict == Verdict::Confirmed {
        (Status::Confirmed, best.judged.evidence.clone())
    } else if is_certain {
        (
            Status::Confirmed,
            "it shows under one condition, and not otherwise".to_owned(),
        )
    } else {
        (Status::Unconfirmed, best.judged.evidence.clone())
    };
    let severity = group
        .cells
        .iter()
        .map(|told| severity(told.cell))
        .max()
        .unwrap_or(0);
    let weight = Weight {
        severity,
        share: routes.first().map_or(Share::new(0, 0), |route| {
            let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            Share::new(narrow(route.different), narrow(route.of))
        }),
        sessions: tally.sessions.len() as u64,
        status,
        is_one_entity,
    };
    let (title, mut parts) = words(group, &routes);
    let parts_left_out = parts.len().saturating_sub(MOST_PARTS) as u64;
    parts.truncate(MOST_PARTS);
    let seen = |pick: fn(&Told<'_>) -> i64| group.cells.iter().map(pick);
    Cause {
        id: id(&group.signature),
        title,
        status,
        severity,
        kind: lead.key.kind.to_string(),
        place: lead.place.clone(),
        transformation: lead.key.change.clone(),
        sessions: tally.sessions.len() as u64,
        when: condition
            .map(|condition| condition.when)
            .into_iter()
            .collect(),
        first_seen: moment(seen(|told| told.cell.first_seen).min().unwrap_or_default()),
        last_seen: moment(seen(|told| told.cell.last_seen).max().unwrap_or_default()),
        last_hour: Vec::new(),
        evidence,
        example: smallest_example(group),
        parts,
        parts_left_out,
        not_certain: Vec::new(),
        note: if is_one_entity {
            "seen at one thing only: probably its data".to_owned()
        } else {
            String::new()
        },
        rank: weight.rank(),
        routes,
    }
}

/// Routes by how large a share of theirs differs.
fn route_counts(learned: &Learned, names: &Names, tally: &Tally) -> Vec<RouteCount> {
    let mut routes: Vec<(f64, RouteCount)> = tally
        .by_route
        .iter()
        .map(|(id, different)| {
            let pairs = learned
                .routes
                .get(id)
                .map_or(0, |route| u64::from(route.pairs));
            let count = RouteCount {
                route: names
                    .get(id)
                    .cloned()
                    .unwrap_or_else(|| "(a route that is gone)".to_owned()),
                different: *different,
                of: pairs.max(*different),
            };
            let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
            let share = Share::new(narrow(count.different), narrow(count.of));
            (share.lower_bound(), count)
        })
        .collect();
    routes.sort_by(|one, other| {
        other
            .0
            .total_cmp(&one.0)
            .then_with(|| one.1.route.cmp(&other.1.route))
    });
    routes.into_iter().map(|(_, count)| count).collect()
}

fn is_one_entity(tally: &Tally, routes: &[RouteCount]) -> bool {
    let different: u64 = routes.iter().map(|route| route.different).sum();
    let has_parameter = routes.iter().any(|route| route.route.contains('{'));
    let has_others = routes.iter().any(|route| route.of >= different + 10);
    tally.targets.len() == 1 && has_parameter && has_others && routes.len() == 1
}

/// The title of a group, and all that it consists of where that is more than one thing.
fn words(group: &Group<'_>, routes: &[RouteCount]) -> (String, Vec<String>) {
    let subjects = Subjects::of(group.cells.iter().map(|told| told.cell));
    let said = |who: &Who| -> Vec<Said> {
        let cells = group.cells.iter();
        cells
            .map(|told| of_cell(told.cell, who, &subjects))
            .collect()
    };
    let mut known = HashSet::new();
    let parts: Vec<String> = said(&Who::Nobody)
        .iter()
        .map(Said::sentence)
        .filter(|part| known.insert(part.clone()))
        .collect();
    let title = if group.signature == "page|layout" {
        format!(
            "the layout of pages changed: {} texts, links or forms are other or gone",
            parts.len()
        )
    } else {
        match (group.family, &parts[..]) {
            (Family::Markup, _) if !group.is_asset() => match routes {
                [one] => format!("markup changed on {}", one.route),
                _ => format!("markup changed on {} routes", routes.len()),
            },
            (Family::PageAddition, [_, _, ..]) => format!("pages have {} additions", parts.len()),
            _ => of_many(&said(&who(routes))),
        }
    };
    (title, if parts.len() < 2 { Vec::new() } else { parts })
}

fn who(routes: &[RouteCount]) -> Who {
    match routes {
        [] => Who::Nobody,
        [one] => Who::One(one.route.clone()),
        [one, rest @ ..] => Who::Many(one.route.clone(), rest.len()),
    }
}

/// Of the place that the cause is called by.
fn smallest_example(group: &Group<'_>) -> Example {
    let lead = group.cells[0].cell;
    let like_lead = group.cells.iter().filter(|told| {
        told.cell.key.change == lead.key.change && leaf(&told.cell.place) == leaf(&lead.place)
    });
    let smallest = like_lead.min_by_key(|told| (told.cell.example.size(), told.id));
    example::reported(&smallest.map_or(lead, |told| told.cell).example)
}

/// How many sessions are lost, and where it begins.
pub(crate) fn lost_title(lost: &LostReport, names: &Names) -> String {
    let name = |route: &RouteId| names.get(route).map_or("", String::as_str);
    let from = lost.after.as_ref().map_or(String::new(), |route| {
        format!(", from `{}` on", name(route))
    });
    format!(
        "the shadow has lost {} of {} sessions{from}",
        lost.lost, lost.of
    )
}

/// The cause that stands above all others: what a lost session sees says nothing about the new version.
/// Above all others where they are many: what follows in them says nothing. A few rank as what they touch.
fn rank_of_lost(lost: &LostReport) -> f64 {
    const MANY: usize = 10;
    if lost.lost * MANY >= lost.of {
        return 1e6;
    }
    let count = |sessions: usize| u32::try_from(sessions).unwrap_or(u32::MAX);
    let weight = Weight {
        severity: 100,
        share: Share::new(count(lost.lost), count(lost.of)),
        sessions: lost.lost as u64,
        status: Status::Confirmed,
        is_one_entity: false,
    };
    weight.rank()
}

pub(crate) fn lost_sessions(lost: &LostReport, names: &Names, learned: &Learned) -> Cause {
    let name = |route: &RouteId| names.get(route).cloned().unwrap_or_default();
    Cause {
        id: id("lost sessions"),
        title: lost_title(lost, names),
        status: Status::Confirmed,
        severity: 100,
        kind: "session".to_owned(),
        place: "session".to_owned(),
        transformation: "lost".to_owned(),
        routes: lost
            .routes
            .iter()
            .map(|(route, sessions)| {
                let of = learned.routes.get(route).map_or(0, |state| u64::from(state.requests));
                RouteCount {
                    route: name(route),
                    different: u64::from(*sessions),
                    of: of.max(u64::from(*sessions)),
                }
            })
            .collect(),
        sessions: lost.lost as u64,
        when: Vec::new(),
        first_seen: moment(lost.first_seen),
        last_seen: moment(lost.last_seen),
        last_hour: Vec::new(),
        evidence: format!(
            "the shadow sends them to a login, or refuses them, where production answers: {} requests",
            lost.pairs
        ),
        example: Example::default(),
        parts: Vec::new(),
        parts_left_out: 0,
        not_certain: Vec::new(),
        note: "what these sessions see on the shadow is not judged, and what they change is missing there \
               for others, too. Give the shadow the sessions of production: the same secret and the same store of \
               sessions, or let shadowtee map them (identity)"
            .to_owned(),
        rank: rank_of_lost(lost),
    }
}
