//! Under which condition a difference shows: features of requests in a table of two by two.

use std::collections::HashMap;

use super::Told;
use crate::compare::{
    difference::Kind,
    learn::{
        Learned,
        stats::{Share, fisher_greater},
    },
    report::When,
    route::RouteId,
};

/// Whether a cell's place is in nearly all answers of its route, whatever their status: a place that is there under a
/// condition only differs under that condition only, also by noise.
pub(crate) fn is_everywhere(learned: &Learned, told: &Told<'_>) -> bool {
    let cell = told.cell;
    let Some(route) = learned.routes.get(&cell.route) else {
        return false;
    };
    let (mut parsed, mut seen) = (0, 0);
    for (status, count) in &route.parsed {
        parsed += count;
        let spot = route.spot(cell.key.place, *status);
        seen += spot.map_or(0, |spot| spot.seen);
    }
    cell.key.kind == Kind::Status || (parsed >= 5 && seen * 20 >= parsed * 19)
}

/// A condition and how sure it is.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    pub(crate) when: When,
    pub(crate) chance: f64,
}

impl Condition {
    /// Nearly all that meet it differ, and nearly none of the others.
    pub(crate) fn is_sharp(&self) -> bool {
        let ([hits, of], [misses, others]) = (self.when.hit, self.when.miss);
        hits * 10 >= of * 9 && misses * 50 <= others
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Table {
    /// Pairs with the feature, and how many of them differ.
    with: [u32; 2],
    without: [u32; 2],
}

/// The best condition of a cause, if one tells pairs that differ from others.
pub(crate) fn condition(learned: &Learned, cells: &[&Told<'_>]) -> Option<Condition> {
    let mut leads: HashMap<RouteId, &Told<'_>> = HashMap::new();
    for told in cells {
        let lead = leads.entry(told.cell.route).or_insert(told);
        if lead.cell.differing < told.cell.differing {
            *lead = told;
        }
    }
    let mut tables: HashMap<&str, Table> = HashMap::new();
    let (mut differing, mut pairs) = (0, 0);
    for (route, lead) in &leads {
        let Some(state) = learned.routes.get(route) else {
            continue;
        };
        // Features of some stand for more: what isn't among these has to be counted in the same way.
        differing += lead.cell.featured;
        pairs += state.pairs.max(lead.cell.featured);
        let is_status = lead.cell.key.kind == Kind::Status;
        for (id, name, of) in state.features.iter() {
            // Where the status differs, there is nothing to compare below it.
            if !is_status && name.starts_with("answer ") {
                continue;
            }
            let hits = lead.cell.features.count(id);
            let table = tables.entry(name).or_default();
            table.with[0] += hits;
            table.with[1] += of.max(hits);
        }
    }
    if pairs == 0 || f64::from(differing) > 0.9 * f64::from(pairs) {
        return None;
    }
    for table in tables.values_mut() {
        table.without = [
            differing.saturating_sub(table.with[0]),
            pairs.saturating_sub(table.with[1]),
        ];
    }
    let tried = tables.len();
    let mut best: Option<(f64, Condition)> = None;
    for (name, table) in &tables {
        let sides = [
            ((*name).to_owned(), table.with, table.without),
            (format!("not {name}"), table.without, table.with),
        ];
        for (name, hit, miss) in sides {
            let Some((score, condition)) = judge(name, hit, miss, differing, tried) else {
                continue;
            };
            let is_better = best.as_ref().is_none_or(|(known, other)| {
                let name = |condition: &Condition| {
                    let name = condition.when.feature.clone();
                    // What is said in general tells more than one value.
                    (
                        name.starts_with("not "),
                        name.contains('='),
                        name.len(),
                        name,
                    )
                };
                let (names, other) = (name(&condition), name(other));
                score > *known + 1e-6 || ((score - *known).abs() <= 1e-6 && names < other)
            });
            if is_better {
                best = Some((score, condition));
            }
        }
    }
    best.map(|(_, condition)| condition)
}

/// Whether a feature is a condition, and how well it tells.
fn judge(
    feature: String,
    hit: [u32; 2],
    miss: [u32; 2],
    differing: u32,
    tried: usize,
) -> Option<(f64, Condition)> {
    const CHANCE: f64 = 1e-4;
    let (with, without) = (Share::new(hit[0], hit[1]), Share::new(miss[0], miss[1]));
    let is_telling = with.hits >= 2
        && without.of >= 3
        && with.rate() >= 0.3
        && without.rate() * 8.0 <= with.rate()
        && with.hits * 10 >= differing * 7;
    if !is_telling {
        return None;
    }
    let chance = fisher_greater(with, without);
    // Without one exception, less is enough, though many features were tried.
    #[expect(clippy::cast_precision_loss, reason = "at most a few hundred")]
    let is_exact = with.hits == with.of && without.hits == 0 && chance * (tried as f64) < 0.1;
    if chance > CHANCE && !is_exact {
        return None;
    }
    let score = information(with) + information(without);
    let pair = |share: Share| [u64::from(share.hits), u64::from(share.of)];
    let when = When {
        feature,
        hit: pair(with),
        miss: pair(without),
    };
    Some((score, Condition { when, chance }))
}

/// The log-likelihood of a share by its own rate: larger is a sharper condition.
fn information(share: Share) -> f64 {
    let part = |count: u32| {
        if count == 0 {
            return 0.0;
        }
        f64::from(count) * (f64::from(count) / f64::from(share.of)).ln()
    };
    part(share.hits) + part(share.of - share.hits)
}
