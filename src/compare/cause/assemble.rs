//! Makes causes of groups: counts, condition, verdict, title, example, rank.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Told, example,
    group::{Group, groups},
    moment,
    rank::{Weight, severity},
    signature::{Family, id, leaf},
    title, when,
};
use crate::compare::{
    difference::Kind,
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
}

type Names = HashMap<RouteId, String>;

pub(crate) fn assemble(learned: &Learned, names: &Names, told: Vec<Told<'_>>) -> Assembled {
    // What is unconfirmed never weakens what is confirmed, so that they are grouped apart.
    let (sure, open): (Vec<_>, Vec<_>) = told
        .into_iter()
        .partition(|told| told.judged.verdict == Verdict::Confirmed);
    let mut assembled = Assembled {
        causes: Vec::new(),
        confirmed_cells: HashSet::new(),
        pairs: BTreeMap::new(),
    };
    let mut known = HashSet::new();
    for group in groups(learned, sure).iter().chain(&groups(learned, open)) {
        let tally = tally(learned, group);
        let cause = cause(learned, names, group, &tally);
        if cause.status == Status::Confirmed {
            assembled
                .confirmed_cells
                .extend(group.cells.iter().map(|told| told.id));
        }
        // The same signature is one cause, for the rest of which too little is known.
        if known.insert(cause.id.clone()) {
            assembled.pairs.insert(cause.id.clone(), tally.numbers);
            assembled.causes.push(cause);
        }
    }
    assembled.causes.sort_by(|one, other| {
        other
            .rank
            .total_cmp(&one.rank)
            .then_with(|| one.id.cmp(&other.id))
    });
    assembled
}

/// What the log says of a group.
#[derive(Default)]
struct Tally {
    by_route: BTreeMap<RouteId, u64>,
    sessions: HashSet<u64>,
    targets: HashSet<u64>,
    numbers: Vec<u64>,
}

fn tally(learned: &Learned, group: &Group<'_>) -> Tally {
    let ids: HashSet<CellId> = group.cells.iter().map(|told| told.id).collect();
    let mut tally = Tally::default();
    for pair in learned.log.iter() {
        if pair.cells.iter().any(|id| ids.contains(id)) {
            *tally.by_route.entry(pair.route).or_default() += 1;
            tally.sessions.insert(pair.session);
            tally.targets.insert(pair.target);
            tally.numbers.push(pair.number);
        }
    }
    // The log has the last pairs only, cells have all.
    for told in &group.cells {
        let count = tally.by_route.entry(told.cell.route).or_default();
        *count = (*count).max(u64::from(told.cell.differing));
    }
    tally
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
    let seen = |pick: fn(&Told<'_>) -> i64| group.cells.iter().map(pick);
    Cause {
        id: id(&group.signature),
        title: title_of(group, &routes),
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
        evidence,
        example: smallest_example(group),
        parts: parts(group),
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

fn title_of(group: &Group<'_>, routes: &[RouteCount]) -> String {
    let route = match routes {
        [one] => one.route.clone(),
        [one, rest @ ..] => format!("{} and {} more", one.route, rest.len()),
        [] => String::new(),
    };
    if group.signature == "page|layout" {
        return format!(
            "the layout of pages changed: {} texts, links or forms are other or gone",
            places(group)
        );
    }
    match group.family {
        Family::Markup => match routes {
            [one] => format!("markup changed on {}", one.route),
            _ => format!("markup changed on {} routes", routes.len()),
        },
        Family::PageAddition => match places(group) {
            1 => title::of_cell(group.cells[0].cell, &route),
            many => format!("pages have {many} additions"),
        },
        _ => {
            let lead = &group.cells[0].cell;
            let same: Vec<_> = group
                .cells
                .iter()
                .map(|told| told.cell)
                .filter(|cell| cell.key.change == lead.key.change)
                .collect();
            let title = title::of_many(&same, &route);
            match places(group).saturating_sub(same_places(&same)) {
                0 => title,
                1 => format!("{title}, with 1 more difference"),
                more => format!("{title}, with {more} more differences"),
            }
        }
    }
}

fn places(group: &Group<'_>) -> usize {
    let places: HashSet<(&str, Kind)> = group
        .cells
        .iter()
        .map(|told| (&*told.cell.place, told.cell.key.kind))
        .collect();
    places.len()
}

fn same_places(cells: &[&crate::compare::learn::cell::Cell]) -> usize {
    let places: HashSet<(&str, Kind)> = cells
        .iter()
        .map(|cell| (&*cell.place, cell.key.kind))
        .collect();
    places.len()
}

/// Other places, with what happened there.
fn parts(group: &Group<'_>) -> Vec<String> {
    const MOST: usize = 100;
    let mut parts: Vec<String> = Vec::new();
    if group.cells.len() < 2 || group.family == Family::Status {
        return parts;
    }
    for told in &group.cells {
        let part = title::of_cell(told.cell, "");
        if !parts.contains(&part) && parts.len() < MOST {
            parts.push(part);
        }
    }
    if parts.len() < 2 { Vec::new() } else { parts }
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

/// The cause that stands above all others: what a lost session sees says nothing about the new version.
pub(crate) fn lost_sessions(lost: &LostReport, names: &Names, learned: &Learned) -> Cause {
    let name = |route: &RouteId| names.get(route).cloned().unwrap_or_default();
    let from = lost.after.as_ref().map_or(String::new(), |route| {
        format!(", from `{}` on", name(route))
    });
    Cause {
        id: id("lost sessions"),
        title: format!("the shadow has lost {} of {} sessions{from}", lost.lost, lost.of),
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
        evidence: format!(
            "the shadow sends them to a login, or refuses them, where production answers: {} requests",
            lost.pairs
        ),
        example: Example::default(),
        parts: Vec::new(),
        note: "what these sessions see on the shadow is not judged, and what they change is missing there \
               for others, too. Give the shadow the sessions of production: the same secret and the same store of \
               sessions, or let shadowtee map them (identity)"
            .to_owned(),
        rank: 1e6,
    }
}
