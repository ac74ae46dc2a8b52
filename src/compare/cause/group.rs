//! Puts cells together: first by signature, then by the requests that they touch, at last what an upgrade does to all
//! pages.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{
    Told,
    rank::severity,
    request_sets::RequestSet,
    signature::{Family, signature, without_anchor},
};
use crate::compare::{
    learn::{
        Learned,
        cell::CellId,
        verdict::{Verdict, is_made_by_chance},
    },
    route::RouteId,
};

/// Cells that are one cause.
#[derive(Debug)]
pub(crate) struct Group<'a> {
    pub(crate) signature: String,
    pub(crate) family: Family,
    /// The ones that the cause is called by come first.
    pub(crate) cells: Vec<Told<'a>>,
    pub(crate) requests: RequestSet,
}

impl Group<'_> {
    fn severity(&self) -> u32 {
        self.cells
            .iter()
            .map(|told| severity(told.cell))
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn routes(&self) -> HashSet<RouteId> {
        self.cells.iter().map(|told| told.cell.route).collect()
    }

    /// One stylesheet or script.
    pub(crate) fn is_asset(&self) -> bool {
        self.signature.starts_with("asset|")
    }

    /// Pairs of its routes.
    fn pairs(&self, learned: &Learned) -> u32 {
        let pairs = |route: &RouteId| learned.routes.get(route).map_or(0, |state| state.pairs);
        self.routes().iter().map(pairs).sum()
    }
}

/// Groups that are compared with each other by their requests.
const MOST_COMPARED: usize = 1_500;

pub(crate) fn groups<'a>(learned: &Learned, told: Vec<Told<'a>>) -> Vec<Group<'a>> {
    let mut by_signature: BTreeMap<String, Vec<Told<'a>>> = BTreeMap::new();
    for told in told {
        by_signature
            .entry(signature(told.cell))
            .or_default()
            .push(told);
    }
    let mut groups: Vec<Group<'a>> = by_signature
        .into_iter()
        .map(|(signature, mut cells)| {
            cells.sort_unstable_by_key(|told| (std::cmp::Reverse(told.cell.differing), told.id));
            Group {
                signature,
                family: Family::of(cells[0].cell),
                cells,
                requests: RequestSet::default(),
            }
        })
        .collect();
    fill_requests(learned, &mut groups);
    let groups = join_by_anchor(join_by_place(groups));
    let groups = join_layout(learned, groups);
    join_by_requests(learned, groups)
}

/// The same change to the same control of two routes is one cause, whatever the id of the form around it is on each. On one
/// route two ids are two places.
fn join_by_anchor(groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    /// Places of one control that others may join.
    const MOST: usize = 16;
    let mut homes: HashMap<String, Vec<(usize, HashSet<RouteId>)>> = HashMap::new();
    let mut joined: Vec<Vec<Group<'_>>> = Vec::new();
    for group in groups {
        let routes = group.routes();
        if let Some(control) = control_of(&group) {
            let homes = homes.entry(control).or_default();
            let home = homes.iter_mut().find(|home| home.1.is_disjoint(&routes));
            if let Some((at, known)) = home {
                known.extend(routes);
                joined[*at].push(group);
                continue;
            }
            if homes.len() < MOST {
                homes.push((joined.len(), routes));
            }
        }
        joined.push(vec![group]);
    }
    joined.into_iter().map(merge).collect()
}

/// What happened to a control of a page, without the id that it is below.
fn control_of(group: &Group<'_>) -> Option<String> {
    let [first, rest @ ..] = &group.cells[..] else {
        return None;
    };
    let control = |told: &Told<'_>| {
        let key = &told.cell.key;
        let control = without_anchor(&told.cell.place)?;
        Some(format!("{}|{}|{control}", key.kind, key.change))
    };
    let what = control(first).filter(|_| group.family == Family::Page)?;
    let is_alike = |told: &Told<'_>| control(told).as_ref() == Some(&what);
    rest.iter().all(is_alike).then_some(what)
}

/// What is wrong at one place of one route in two ways is one cause: a list that has fewer items and others, a number that
/// is now a tenth and now something else. So are two statuses of production that became the same one, and the attributes
/// of one cookie.
fn join_by_place(groups: Vec<Group<'_>>) -> Vec<Group<'_>> {
    let mut at_place: HashMap<(RouteId, String), usize> = HashMap::new();
    let mut joined: Vec<Vec<Group<'_>>> = Vec::new();
    for group in groups {
        let keys: Vec<(RouteId, String)> = group
            .cells
            .iter()
            .filter_map(|told| Some((told.cell.route, subject(told)?)))
            .collect();
        let home = keys.iter().find_map(|key| at_place.get(key).copied());
        let home = home.unwrap_or(joined.len());
        for key in keys {
            at_place.entry(key).or_insert(home);
        }
        match joined.get_mut(home) {
            Some(known) => known.push(group),
            None => joined.push(vec![group]),
        }
    }
    joined.into_iter().map(merge_by_size).collect()
}

/// What a difference is about, where all that is about it is one cause.
fn subject(told: &Told<'_>) -> Option<String> {
    let cell = told.cell;
    match Family::of(cell) {
        Family::Status => {
            let to = cell.key.change.split_once(" to ")?.1.split(' ').next()?;
            Some(format!("status {to}"))
        }
        Family::Cookie => Some(cell.place.split(';').next()?.to_owned()),
        // What varies anyhow at a place must not swallow what chance doesn't make of it.
        Family::Data | Family::Head | Family::Redirect
            if told.judged.verdict == Verdict::Unconfirmed && !is_made_by_chance(&cell.key) =>
        {
            Some(format!("{} {}", cell.place, cell.key.change))
        }
        Family::Data | Family::Head | Family::Redirect => Some(cell.place.clone()),
        Family::Page | Family::PageAddition | Family::Markup => None,
    }
}

/// One group, called by what most pairs show.
fn merge_by_size(mut groups: Vec<Group<'_>>) -> Group<'_> {
    groups.sort_by(|one, other| {
        let key = |group: &Group<'_>| std::cmp::Reverse(group.requests.len());
        key(one)
            .cmp(&key(other))
            .then_with(|| one.signature.cmp(&other.signature))
    });
    put_together(groups)
}

fn fill_requests(learned: &Learned, groups: &mut [Group<'_>]) {
    let group_of: HashMap<CellId, usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.cells.iter().map(move |told| (told.id, at)))
        .collect();
    for (number, pair) in learned.log.iter().enumerate() {
        for id in &pair.cells {
            if let Some(at) = group_of.get(id) {
                groups[*at].requests.insert(number);
            }
        }
    }
}

/// What changes on most pages is the layout: one group for what is gone or other, as there is one for what is new.
fn join_layout<'a>(learned: &Learned, groups: Vec<Group<'a>>) -> Vec<Group<'a>> {
    const FEWEST_ROUTES: usize = 4;
    let pages = learned
        .routes
        .values()
        .filter(|route| route.is_page)
        .count();
    if pages < FEWEST_ROUTES {
        return groups;
    }
    let (layout, mut others): (Vec<_>, Vec<_>) = groups
        .into_iter()
        .partition(|group| group.family == Family::Page && group.routes().len() * 10 >= pages * 6);
    if layout.len() < 2 {
        others.extend(layout);
        return others;
    }
    let mut all = merge(layout);
    "page|layout".clone_into(&mut all.signature);
    others.push(all);
    others
}

fn join_by_requests<'a>(learned: &Learned, mut groups: Vec<Group<'a>>) -> Vec<Group<'a>> {
    groups.sort_by(|one, other| {
        let key = |group: &Group<'_>| (std::cmp::Reverse(group.severity()), group.requests.len());
        key(one)
            .cmp(&key(other))
            .then_with(|| one.signature.cmp(&other.signature))
    });
    let rest = groups.split_off(groups.len().min(MOST_COMPARED));
    let mut joined: Vec<Vec<Group<'a>>> = Vec::new();
    for group in groups {
        let home = joined
            .iter()
            .position(|home| belongs(learned, &home[0], &group));
        match home {
            Some(at) => joined[at].push(group),
            None => joined.push(vec![group]),
        }
    }
    joined.into_iter().map(merge).chain(rest).collect()
}

/// Whether two groups are one cause.
fn belongs(learned: &Learned, one: &Group<'_>, other: &Group<'_>) -> bool {
    let family = |group: &Group<'_>| match group.family {
        Family::PageAddition | Family::Markup => Family::Page,
        family => family,
    };
    let is_layout =
        |group: &Group<'_>| group.signature == "page|layout" || group.family == Family::Markup;
    if one.requests.len() == 0 || is_layout(one) || is_layout(other) {
        return false;
    }
    let (first, second) = (family(one), family(other));
    let same_change = one.cells[0].cell.key.change == other.cells[0].cell.key.change
        && one.cells[0].cell.key.kind == other.cells[0].cell.key.kind;
    let may = match (first, second) {
        (Family::Page, Family::Page) | (Family::Data, Family::Data) => true,
        (Family::Head | Family::Cookie, _) | (_, Family::Head | Family::Cookie) => {
            first == second && same_change
        }
        _ => false,
    };
    let follows = |head: &Group<'_>, body: &Group<'_>| {
        // A short body isn't compressed.
        let is_encoding = head.cells[0].cell.place == "header content-encoding";
        is_encoding && body.family != Family::Head && head.requests.is_within(&body.requests)
    };
    if follows(other, one) {
        return true;
    }
    if !may || !one.requests.is_nearly(&other.requests) {
        return false;
    }
    // Two faults that are always there touch the same requests by chance.
    let is_always = f64::from(one.requests.len()) > 0.9 * f64::from(one.pairs(learned));
    !is_always || same_change || first == Family::Page || one.requests.len() <= 2
}

/// One group of several. The first of the worst gives the signature; additions never do where there is something else.
fn merge(mut groups: Vec<Group<'_>>) -> Group<'_> {
    groups.sort_by(|one, other| {
        let key = |group: &Group<'_>| {
            let is_addition = matches!(group.family, Family::PageAddition | Family::Markup);
            (is_addition, std::cmp::Reverse(group.severity()))
        };
        key(one)
            .cmp(&key(other))
            .then_with(|| one.signature.cmp(&other.signature))
    });
    put_together(groups)
}

fn put_together(groups: Vec<Group<'_>>) -> Group<'_> {
    let mut groups = groups.into_iter();
    // Callers give at least one.
    let mut all = groups.next().unwrap_or_else(|| Group {
        signature: String::new(),
        family: Family::Data,
        cells: Vec::new(),
        requests: RequestSet::default(),
    });
    for group in groups {
        all.requests.unite(&group.requests);
        all.cells.extend(group.cells);
    }
    all
}
