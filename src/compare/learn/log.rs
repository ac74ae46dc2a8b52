//! The last pairs that differed, with their cells: which requests belong together, and how pairs count once verdicts
//! change. Bounded; what falls out is counted by the verdict that stood then.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{cell::CellId, sessions::SessionId};
use crate::compare::route::RouteId;

/// A pair that differed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Logged {
    pub(crate) route: RouteId,
    pub(crate) at: i64,
    pub(crate) session: SessionId,
    /// The hash of its target without the query: the thing it is about.
    pub(crate) target: u64,
    pub(crate) cells: Box<[CellId]>,
    /// The how manieth pair of all it was.
    pub(crate) number: u64,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct PairLog {
    pairs: VecDeque<Logged>,
    cells: usize,
}

impl PairLog {
    const MOST_PAIRS: usize = 40_000;
    const MOST_CELLS: usize = 1_000_000;

    /// Adds a pair; gives those that fall out.
    pub(crate) fn add(&mut self, pair: Logged) -> Vec<Logged> {
        self.cells += pair.cells.len();
        self.pairs.push_back(pair);
        let mut fallen = Vec::new();
        while self.pairs.len() > Self::MOST_PAIRS || self.cells > Self::MOST_CELLS {
            let Some(oldest) = self.pairs.pop_front() else {
                break;
            };
            self.cells -= oldest.cells.len();
            fallen.push(oldest);
        }
        fallen
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Logged> {
        self.pairs.iter()
    }

    pub(crate) fn rename(&mut self, from: RouteId, into: RouteId, cell: impl Fn(CellId) -> CellId) {
        for pair in self.pairs.iter_mut().filter(|pair| pair.route == from) {
            pair.route = into;
            for id in &mut pair.cells {
                *id = cell(*id);
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        const PAIR: usize = 56;
        self.pairs.len() * PAIR + self.cells * size_of::<CellId>()
    }
}
