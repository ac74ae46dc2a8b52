//! What is learned from pairs: cells of differences, what production keeps steady, which sessions are lost. Bounded in
//! bytes; what is evicted is counted. Verdicts are made when they are read.

pub(crate) mod cell;
pub(crate) mod counts;
pub(crate) mod features;
pub(crate) mod histogram;
mod known;
pub(crate) mod log;
pub(crate) mod lost;
mod pooled;
pub(crate) mod recent;
mod refine;
pub(crate) mod route_state;
pub(crate) mod runs;
pub(crate) mod sessions;
pub(crate) mod speed;
pub(crate) mod spot;
pub(crate) mod stats;
pub(crate) mod timeline;
pub(crate) mod verdict;

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use self::{
    cell::{Cell, CellId, CellKey, Example},
    features::FeatureId,
    log::{Logged, PairLog},
    lost::LostSessions,
    route_state::RouteState,
    sessions::SessionId,
    timeline::Timeline,
    verdict::{Evidence, Judged, Verdict},
};
use super::{
    difference::Difference,
    route::{Merged, RouteId},
};

/// Differences of one pair with the same key: a list's rows are one.
pub(crate) type Keyed<'a> = HashMap<CellKey, Vec<&'a Difference>>;

/// Puts the differences of a pair together by what tells cells apart.
pub(crate) fn by_key(found: &[Difference]) -> Keyed<'_> {
    let mut keyed = Keyed::new();
    for difference in found {
        keyed
            .entry(CellKey::of(difference))
            .or_default()
            .push(difference);
    }
    keyed
}

/// A pair that differed, with whatever is needed to learn from it.
pub(crate) struct Observed<'a> {
    pub(crate) route: RouteId,
    pub(crate) status: u16,
    pub(crate) session: SessionId,
    pub(crate) target: u64,
    pub(crate) at: i64,
    /// The how manieth pair of all it is.
    pub(crate) number: u64,
    pub(crate) features: &'a [FeatureId],
}

/// Pairs by what their differences are held to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) explained: u64,
    pub(crate) different: u64,
    pub(crate) unconfirmed: u64,
}

impl Settled {
    pub(crate) fn add(&mut self, verdict: Verdict) {
        match verdict {
            Verdict::Noise => self.explained += 1,
            Verdict::Unconfirmed => self.unconfirmed += 1,
            Verdict::Confirmed => self.different += 1,
        }
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Learned {
    pub(crate) routes: HashMap<RouteId, RouteState>,
    pub(crate) cells: HashMap<CellId, Cell>,
    pub(crate) log: PairLog,
    pub(crate) lost: LostSessions,
    next_cell: CellId,
    cell_bytes: usize,
    route_bytes: usize,
    /// Cells and places that were forgotten, since there were too many.
    pub(crate) evicted: u64,
    /// Pairs that fell out of the log, by the verdict that stood then.
    pub(crate) settled: Settled,
    /// When pairs were compared.
    pub(crate) timeline: Timeline,
}

impl Learned {
    pub(crate) fn route(&mut self, id: RouteId) -> &mut RouteState {
        self.routes.entry(id).or_default()
    }

    /// The cell of a difference; made where there is none yet.
    fn cell(&mut self, observed: &Observed<'_>, difference: &Difference, key: CellKey) -> CellId {
        let state = self.routes.entry(observed.route).or_default();
        if let Some(id) = state.cells.get(&key) {
            return *id;
        }
        let id = self.next_cell;
        self.next_cell = self.next_cell.wrapping_add(1);
        state.at_place.entry(key.place).or_default().push(id);
        state.cells.insert(key.clone(), id);
        let mut cell = Cell::new(observed.route, difference, observed.status, observed.at);
        cell.key = key;
        self.cell_bytes += cell.bytes();
        self.cells.insert(id, cell);
        id
    }

    /// Notes a pair that differs. Gives its cells.
    pub(crate) fn note_pair(
        &mut self,
        observed: &Observed<'_>,
        keyed: &Keyed<'_>,
        example: impl Fn(&Difference) -> Example,
    ) -> Vec<CellId> {
        let mut ids = Vec::with_capacity(keyed.len());
        for (key, differences) in keyed {
            let (first, key) = self.refined(observed, differences, key);
            let id = self.cell(observed, first, key);
            ids.push(id);
            let spot = self
                .routes
                .get(&observed.route)
                .and_then(|route| route.spot(first.place.hash(), observed.status));
            let is_known = spot
                .zip(first.shadow.as_ref())
                .is_some_and(|(spot, value)| spot.gives(value.hash()));
            let Some(cell) = self.cells.get_mut(&id) else {
                continue;
            };
            let before = cell.bytes();
            cell.differing = cell.differing.saturating_add(1);
            cell.last_seen = observed.at;
            cell.sessions.add(observed.session);
            cell.targets.add(observed.target);
            // Beyond a few hundred, some of them tell enough.
            let stands_for = match cell.differing {
                0..512 => 1,
                many if many.is_multiple_of(16) => 16,
                _ => 0,
            };
            if stands_for > 0 {
                cell.features.add(observed.features, stands_for);
                cell.featured = cell.featured.saturating_add(stands_for);
            }
            cell.note(first, observed.session, observed.target);
            cell.shadow_known += u32::from(is_known);
            let is_young = cell.differing <= 8 || cell.differing.is_power_of_two();
            if is_young {
                let example = example(first);
                if cell.differing == 1 || example.size() < cell.example.size() {
                    cell.example = example;
                }
            }
            self.cell_bytes = self.cell_bytes + cell.bytes() - before.min(self.cell_bytes);
        }
        ids.sort_unstable();
        let fallen = self.log.add(Logged {
            route: observed.route,
            at: observed.at,
            session: observed.session,
            target: observed.target,
            cells: ids.clone().into(),
            number: observed.number,
        });
        for pair in fallen {
            let verdict = self.verdict_of_pair(&pair);
            self.settled.add(verdict);
            self.timeline.settle(pair.at, verdict);
        }
        ids
    }

    /// What a pair's differences were last held to be, together.
    pub(crate) fn verdict_of_pair(&self, pair: &Logged) -> Verdict {
        pair.cells
            .iter()
            .map(|id| {
                self.cells
                    .get(id)
                    .map_or(Verdict::Unconfirmed, |cell| cell.verdict)
            })
            .max()
            .unwrap_or(Verdict::Noise)
    }

    /// Notes in which way a side itself varied when a request came again.
    pub(crate) fn note_varied(
        &mut self,
        observed: &Observed<'_>,
        varied: &Keyed<'_>,
        is_primary: bool,
    ) {
        for (key, differences) in varied {
            let key = if is_primary {
                key.clone()
            } else {
                self.refined_of_shadow(observed, differences, key)
            };
            let id = self.cell(observed, differences[0], key);
            if let Some(cell) = self.cells.get_mut(&id) {
                let count = if is_primary {
                    &mut cell.primary_varied
                } else {
                    &mut cell.shadow_varied
                };
                *count = count.saturating_add(1);
            }
        }
    }

    /// Judges a cell by all that is known now.
    pub(crate) fn judge(&self, cell: &Cell) -> Judged {
        // A route that was evicted has no cells.
        let Some(route) = self.routes.get(&cell.route) else {
            return Judged {
                verdict: Verdict::Unconfirmed,
                evidence: String::new(),
            };
        };
        let inverse = cell.key.inverse();
        let find = |key: &CellKey| route.cells.get(key).and_then(|id| self.cells.get(id));
        let at_place = route.at_place.get(&cell.key.place).into_iter().flatten();
        let others = at_place
            .filter_map(|id| self.cells.get(id))
            .filter(|other| other.key != cell.key && other.key.kind == cell.key.kind);
        let (otherwise, varied_otherwise) = others.fold((0, 0), |sum, other| {
            (sum.0 + other.differing, sum.1 + other.primary_varied)
        });
        Evidence {
            cell,
            inverse: inverse.as_ref().and_then(find),
            spot: route.spot(cell.key.place, cell.status),
            route,
            otherwise,
            varied_otherwise,
        }
        .judge()
    }

    /// Judges all cells anew.
    pub(crate) fn judge_all(&mut self) -> HashMap<CellId, Judged> {
        let mut judged: HashMap<CellId, Judged> = self
            .cells
            .iter()
            .filter(|(_, cell)| cell.differing > 0)
            .map(|(id, cell)| (*id, self.judge(cell)))
            .collect();
        self.confirm_together(&mut judged);
        for (id, judged) in &judged {
            if let Some(cell) = self.cells.get_mut(id) {
                cell.verdict = judged.verdict;
            }
        }
        judged
    }

    /// Puts a route into another.
    pub(crate) fn merge(&mut self, merged: Merged) {
        let Some(from) = self.routes.remove(&merged.from) else {
            return;
        };
        let mut renamed: HashMap<CellId, CellId> = HashMap::new();
        let into = self.routes.entry(merged.into).or_default();
        let names: HashMap<FeatureId, Option<FeatureId>> = from
            .features
            .iter()
            .map(|(id, name, pairs)| {
                let new = into.features.id_of(name);
                if let Some(new) = new {
                    into.features.count(&[new], pairs);
                }
                (id, new)
            })
            .collect();
        for (key, id) in from.cells {
            let Some(mut cell) = self.cells.remove(&id) else {
                continue;
            };
            cell.route = merged.into;
            cell.features = cell.features.renamed(&names);
            if let Some(known) = into.cells.get(&key) {
                renamed.insert(id, *known);
                self.cell_bytes -= cell.bytes().min(self.cell_bytes);
                if let Some(known) = self.cells.get_mut(known) {
                    known.absorb(&cell);
                }
            } else {
                into.at_place.entry(key.place).or_default().push(id);
                into.cells.insert(key, id);
                self.cells.insert(id, cell);
            }
        }
        into.pairs += from.pairs;
        into.bodies += from.bodies;
        into.requests += from.requests;
        into.not_judged += from.not_judged;
        into.asked_again += from.asked_again;
        into.primary_repeats += from.primary_repeats;
        into.shadow_repeats += from.shadow_repeats;
        into.last_used = into.last_used.max(from.last_used);
        into.speed.absorb(&from.speed);
        for (status, count) in from.statuses {
            *into.statuses.entry(status).or_default() += count;
        }
        for (status, count) in from.steady_repeats {
            *into.steady_repeats.entry(status).or_default() += count;
        }
        for (status, count) in from.parsed {
            *into.parsed.entry(status).or_default() += count;
        }
        for (key, spot) in from.spots {
            into.spots.entry(key).or_default().absorb(&spot);
        }
        self.log.rename(merged.from, merged.into, |id| {
            renamed.get(&id).copied().unwrap_or(id)
        });
    }

    /// What a route holds has changed since it was so many bytes.
    pub(crate) fn remeasure(&mut self, id: RouteId, before: usize) {
        let now = self.routes.get(&id).map_or(0, RouteState::bytes);
        self.route_bytes = (self.route_bytes + now).saturating_sub(before);
    }

    /// Measures what routes hold; done now and then, since it looks at all.
    pub(crate) fn measure(&mut self) {
        self.route_bytes = self.routes.values().map(RouteState::bytes).sum();
        self.cell_bytes = self.cells.values().map(Cell::bytes).sum();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.cell_bytes
            + self.route_bytes
            + self.log.bytes()
            + self.lost.bytes()
            + Timeline::bytes()
    }

    /// Forgets what was least recently used until a tenth of the limit is free.
    pub(crate) fn keep_within(&mut self, limit: usize) {
        self.measure();
        if self.bytes() <= limit {
            return;
        }
        let goal = limit / 10 * 9;
        let mut ages: Vec<i64> = self.cells.values().map(|cell| cell.last_seen).collect();
        ages.sort_unstable();
        let excess = self.bytes() - goal;
        let mean = (self.cell_bytes / self.cells.len().max(1)).max(1);
        let surplus = (excess / mean + 1).min(ages.len());
        if let Some(oldest) = ages.get(surplus.saturating_sub(1)).copied() {
            let before = self.cells.len();
            let mut left = surplus;
            self.cells.retain(|_, cell| {
                let goes = left > 0 && cell.last_seen <= oldest;
                left -= usize::from(goes);
                !goes
            });
            self.evicted += (before - self.cells.len()) as u64;
            for route in self.routes.values_mut() {
                route.cells.retain(|_, id| self.cells.contains_key(id));
                route.at_place.retain(|_, ids| {
                    ids.retain(|id| self.cells.contains_key(id));
                    !ids.is_empty()
                });
            }
        }
        self.measure();
        // Places of routes that nobody asked for lately go next.
        let mut routes: Vec<(i64, RouteId)> = self
            .routes
            .iter()
            .map(|(id, route)| (route.last_used, *id))
            .collect();
        routes.sort_unstable();
        for (_, id) in routes {
            if self.bytes() <= limit {
                break;
            }
            if let Some(route) = self.routes.get_mut(&id) {
                let before = route.bytes();
                self.evicted += route.spots.len() as u64;
                route.forget();
                self.route_bytes -= (before - route.bytes()).min(self.route_bytes);
            }
        }
    }
}
