//! A difference that comes a few times on each of several routes: what one route can't tell, all of them can together.

use std::collections::{HashMap, HashSet};

use super::{
    Learned,
    cell::{Cell, CellId, CellKey},
    route_state::RouteState,
    verdict::{Judged, Verdict},
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

impl Learned {
    /// Confirms what each route knows too little of alone.
    pub(super) fn confirm_together(&self, judged: &mut HashMap<CellId, Judged>) {
        let mut together: HashMap<Shared<'_>, Vec<CellId>> = HashMap::new();
        let mut doubtful: HashSet<&CellKey> = HashSet::new();
        for (id, judged) in &*judged {
            let Some(cell) = self.cells.get(id) else {
                continue;
            };
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
            let cells = ids.iter().filter_map(|id| self.cells.get(id));
            let pairs: u32 = cells.map(|cell| cell.differing).sum();
            let is_alone = ids.len() < 2;
            if is_alone || pairs < ENOUGH || doubtful.contains(shared.key) {
                continue;
            }
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
