//! A difference that comes a few times on each of several routes: what one route can't tell, all of them can together.

use std::collections::{HashMap, HashSet};

use super::{
    Learned,
    cell::{Cell, CellId, CellKey},
    route_state::RouteState,
    verdict::{Judged, LIFE, Verdict, has_drawn_values, is_no_chance},
};
use crate::compare::difference::Kind;

/// Pairs on all routes together from which on what is always so is held to be so.
const ENOUGH: u32 = 6;

/// The same change at the same place; of values that don't vary, the same two values.
#[derive(PartialEq, Eq, Hash)]
struct Shared<'a> {
    key: &'a CellKey,
    values: Option<(u64, u64)>,
}

impl<'a> Shared<'a> {
    /// None where the values vary, or are tokens or times.
    fn of(cell: &'a Cell) -> Option<Self> {
        let key = &cell.key;
        if key.kind != Kind::Value {
            return Some(Self { key, values: None });
        }
        let vary = cell.both_opaque > 0 || cell.distances.count > 0;
        let values = cell.primary.only().zip(cell.shadow.only());
        (!vary && values.is_some()).then_some(Self { key, values })
    }
}

/// Pairs on all routes of one change.
#[derive(Default)]
struct Total {
    differing: u32,
    pairs: u32,
    seen: u32,
}

impl Total {
    /// A value that production does not give once may be one that it gives seldom.
    fn is_no_chance(&self, is_value: bool) -> bool {
        !is_value || is_no_chance(self.differing, self.pairs, self.seen)
    }
}

impl Learned {
    /// Confirms what each route knows too little of alone.
    pub(super) fn confirm_together(&self, judged: &mut HashMap<CellId, Judged>) {
        let mut together: HashMap<Shared<'_>, Vec<CellId>> = HashMap::new();
        let mut doubtful: HashSet<&CellKey> = HashSet::new();
        // What production gives where it differs: a value that goes both ways is chance.
        let mut given: HashSet<(&CellKey, u64)> = HashSet::new();
        for (id, judged) in &*judged {
            let Some(cell) = self.cells.get(id) else {
                continue;
            };
            given.extend(cell.primary.hashes().map(|value| (&cell.key, value)));
            let is_steady = self
                .routes
                .get(&cell.route)
                .is_some_and(|route| is_steady(route, cell));
            if judged.verdict == Verdict::Unconfirmed
                && is_steady
                && let Some(shared) = Shared::of(cell)
            {
                together.entry(shared).or_default().push(*id);
            }
            if judged.verdict == Verdict::Noise || cell.primary_varied > 0 {
                doubtful.insert(&cell.key);
            }
        }
        for (shared, ids) in together {
            let all = self.total(&ids);
            let is_alone = ids.len() < 2;
            let goes_back = shared
                .values
                .is_some_and(|(_, shadow)| given.contains(&(shared.key, shadow)));
            let is_few = all.differing < ENOUGH || !all.is_no_chance(shared.values.is_some());
            if is_alone
                || is_few
                || goes_back
                || self.may_be_of_a_moment(&ids)
                || doubtful.contains(shared.key)
            {
                continue;
            }
            let pairs = all.differing;
            if shared
                .key
                .inverse()
                .is_some_and(|back| self.is_known(&back))
            {
                continue;
            }
            let evidence = format!(
                "{pairs} pairs of {} routes differ so, and none the other way round",
                ids.len()
            );
            for id in ids {
                let verdict = Judged {
                    verdict: Verdict::Confirmed,
                    evidence: evidence.clone(),
                };
                judged.insert(id, verdict);
            }
        }
    }

    /// Whether each side may have drawn a value for all of its routes, which it keeps for a while.
    fn may_be_of_a_moment(&self, ids: &[CellId]) -> bool {
        let cells = || ids.iter().filter_map(|id| self.cells.get(id));
        let first = cells().map(|cell| cell.first_seen).min();
        let last = cells().map(|cell| cell.last_seen).max();
        let is_young = first
            .zip(last)
            .is_some_and(|(first, last)| last - first < LIFE);
        is_young && cells().all(has_drawn_values)
    }

    fn total(&self, ids: &[CellId]) -> Total {
        let mut total = Total::default();
        for cell in ids.iter().filter_map(|id| self.cells.get(id)) {
            let Some(route) = self.routes.get(&cell.route) else {
                continue;
            };
            total.differing += cell.differing;
            total.pairs += route.pairs.max(cell.differing);
            let spot = route.spot(cell.key.place, cell.status);
            total.seen += spot.map_or(0, |spot| spot.seen);
        }
        total
    }

    /// Whether some route differs so.
    fn is_known(&self, key: &CellKey) -> bool {
        self.routes
            .values()
            .filter_map(|route| self.cells.get(route.cells.get(key)?))
            .any(|cell| cell.differing > 0)
    }
}

/// Whether production never was otherwise here on this route.
fn is_steady(route: &RouteState, cell: &Cell) -> bool {
    let parsed = route.parsed.get(&cell.status).copied().unwrap_or(0);
    let spot = route.spot(cell.key.place, cell.status);
    let seen = spot.map_or(0, |spot| spot.seen);
    match cell.key.kind {
        Kind::Status => true,
        Kind::Missing => seen >= parsed,
        Kind::Extra => seen == 0,
        Kind::Type | Kind::Format => {
            cell.key.change != "other shape" && spot.is_some_and(super::spot::Spot::has_one_look)
        }
        Kind::Value => spot.is_some_and(|spot| spot.values.is_constant()),
        Kind::Order | Kind::Items | Kind::Length => false,
    }
}
