//! When the shadow should be asked once more, and what its second answer tells: does it vary by itself? A small share of
//! requests that change nothing, and never the primary.

use std::collections::VecDeque;

use super::baseline::OwnedAsked;
use crate::compare::{
    answer::{Answer, Asked},
    difference::differences,
    extract::Limits,
    learn::{Learned, Observed, by_key, cell::CellId, recent::OwnedAnswer, sessions::SessionId},
    route::RouteId,
};

/// Ask the shadow again with the same copy, and give the answer to `Comparer::probed`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    pub(crate) number: u64,
    pub(crate) request_id: String,
}

/// What is known of the pair that a probe is for.
#[derive(Debug)]
pub(super) struct Probed {
    pub(super) asked: OwnedAsked,
    pub(super) primary: OwnedAnswer,
    pub(super) shadow: OwnedAnswer,
    pub(super) route: RouteId,
    pub(super) session: SessionId,
    pub(super) target: u64,
    pub(super) cells: Vec<CellId>,
}

/// Probes that were asked for, and how many more there may be.
#[derive(Debug, Default)]
pub(super) struct Probes {
    open: VecDeque<(u64, Probed)>,
    next: u64,
    /// A probe for each hundred pairs.
    earned: u32,
    last_at: i64,
    bytes: usize,
}

impl Probes {
    const MOST_OPEN: usize = 32;
    const MOST_BYTES: usize = 4 << 20;
    const PRICE: u32 = 100;
    /// What may be saved up, and what there is to begin with.
    const SAVED: u32 = 10 * Self::PRICE;
    /// Milliseconds between two.
    const PAUSE: i64 = 200;

    pub(super) fn earn(&mut self) {
        self.earned = (self.earned + 1).min(Self::SAVED);
    }

    pub(super) fn may_ask(
        &self,
        asked: &Asked<'_>,
        primary: &Answer<'_>,
        shadow: &Answer<'_>,
    ) -> bool {
        self.earned >= Self::PRICE
            && (shadow.at - self.last_at).abs() >= Self::PAUSE
            && self.bytes < Self::MOST_BYTES
            && asked.method == b"GET"
            && primary.status == 200
            && shadow.status == 200
            && shadow.header("set-cookie").is_none()
    }

    pub(super) fn ask(&mut self, request_id: &str, probed: Probed) -> Probe {
        self.earned -= Self::PRICE;
        self.last_at = probed.shadow.at;
        self.next += 1;
        self.bytes += probed.bytes();
        self.open.push_back((self.next, probed));
        if self.open.len() > Self::MOST_OPEN
            && let Some((_, old)) = self.open.pop_front()
        {
            self.bytes -= old.bytes();
        }
        Probe {
            number: self.next,
            request_id: request_id.to_owned(),
        }
    }

    pub(super) fn close(&mut self, number: u64) -> Option<Probed> {
        let at = self.open.iter().position(|(known, _)| *known == number)?;
        let (_, probed) = self.open.remove(at)?;
        self.bytes -= probed.bytes();
        Some(probed)
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Probed {
    fn bytes(&self) -> usize {
        self.asked.bytes() + self.primary.bytes() + self.shadow.bytes() + self.cells.len() * 4
    }

    /// Learns from the shadow's second answer.
    pub(super) fn learn(&self, again: &Answer<'_>, limits: &Limits, learned: &mut Learned) {
        let asked = self.asked.as_asked();
        let first = self.shadow.extract(&asked, limits);
        let second = OwnedAnswer::hashed(again).extract(&asked, limits);
        let varied = differences(&first, &second);
        let varied = by_key(&varied.found);
        let observed = Observed {
            route: self.route,
            status: self.primary.as_answer().status,
            session: self.session,
            target: self.target,
            at: again.at,
            number: 0,
            features: &[],
        };
        learned.route(self.route).shadow_repeats += 1;
        learned.note_varied(&observed, &varied, false);
        for id in &self.cells {
            let Some(cell) = learned.cells.get_mut(id) else {
                continue;
            };
            if varied.keys().any(|key| key.place == cell.key.place) {
                cell.probed_other += 1;
            } else {
                cell.probed_same += 1;
            }
        }
    }
}
