//! What is known of a route: its pairs, what production's answers have, how often it was asked again, how fast it is.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{
    cell::{CellId, CellKey},
    features::Features,
    sessions::SessionId,
    speed::Speed,
    spot::Spot,
};
use crate::compare::extract::{Class, Extract, Media, NodeKind, hash::mix};

/// Places of a route that are remembered.
const MOST_SPOTS: usize = 3_000;
/// Rows whose looks are noted.
const ROWS: usize = 8;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct RouteState {
    /// Pairs that were compared, also the identical ones.
    pub(crate) pairs: u32,
    /// Of these, those with equal status: their headers and bodies were compared.
    pub(crate) bodies: u32,
    /// Requests that were answered, also those that were not compared.
    pub(crate) requests: u32,
    /// Pairs that say nothing, since the baseline or the shadow had lost the session.
    pub(crate) not_judged: u32,
    /// By status of the primary.
    pub(crate) statuses: BTreeMap<u16, u32>,
    /// Answers of the primary whose places were looked at, by status.
    pub(crate) parsed: BTreeMap<u16, u32>,
    /// The how manieth pair that was for the last of them.
    last_look: u32,
    /// How often a request came again soon; how many of these, and of probes, were looked at on each side.
    pub(crate) asked_again: u32,
    pub(crate) primary_repeats: u32,
    pub(crate) shadow_repeats: u32,
    /// The primary's by status, where it was the same before: a page of an error that came again says nothing of others.
    pub(crate) steady_repeats: BTreeMap<u16, u32>,
    pub(crate) features: Features,
    pub(crate) spots: HashMap<u64, Spot>,
    pub(crate) spots_left_out: u32,
    pub(crate) cells: HashMap<CellKey, CellId>,
    /// The cells of each place.
    pub(crate) at_place: HashMap<u64, Vec<CellId>>,
    pub(crate) speed: Speed,
    pub(crate) last_used: i64,
    /// Its answers are HTML.
    pub(crate) is_page: bool,
}

impl RouteState {
    /// How many pairs the next look at a production's answer stands for, where it is due: each of the first ones, then
    /// fewer and fewer.
    pub(crate) fn sample_is_due(&self, status: u16) -> Option<u32> {
        const FIRST: u32 = 32;
        let pairs = self.statuses.get(&status).copied().unwrap_or(0);
        let step = match pairs {
            0..FIRST => 1,
            FIRST..256 => 8,
            256..4096 => 32,
            _ => 128,
        };
        pairs.is_multiple_of(step).then_some(step)
    }

    /// Notes what the primary's answer has at each place.
    pub(crate) fn note_answer(&mut self, primary: &Extract, session: SessionId) {
        *self.parsed.entry(primary.status).or_default() += 1;
        self.last_look = self.pairs;
        self.is_page |= primary.media == Media::Html && primary.status == 200;
        let tree = primary.tree();
        let mut at_place: HashMap<u64, Vec<u32>> = HashMap::with_capacity(64);
        for at in 0..tree.len() {
            let key = spot_key(tree.place(at).hash(), primary.status);
            at_place.entry(key).or_default().push(at);
        }
        for (key, nodes) in at_place {
            if !self.spots.contains_key(&key) && self.spots.len() >= MOST_SPOTS {
                self.spots_left_out = self.spots_left_out.saturating_add(1);
                continue;
            }
            // A cookie is its attributes' home, and its value stands at the same place.
            let is_leaf = |at: &u32| matches!(tree.node(*at).kind, NodeKind::Leaf(_));
            let is_cookie = tree.node(nodes[0]).class == Class::Cookie;
            let nodes = if is_cookie && nodes.iter().any(is_leaf) {
                nodes.into_iter().filter(is_leaf).collect()
            } else {
                nodes
            };
            // Rows have one place: all that stands there is one value.
            let hash = match &*nodes {
                [only] => tree.node(*only).hash,
                all => all
                    .iter()
                    .fold(0, |hash, at| mix(hash, tree.node(*at).hash)),
            };
            let spot = self.spots.entry(key).or_default();
            spot.note(hash);
            spot.note_session(session, hash);
            if nodes.len() > 1 {
                spot.note_list();
            }
            for at in nodes.iter().take(ROWS) {
                match tree.node(*at).kind {
                    NodeKind::Leaf(_) => spot.note_look(&tree.value(*at)),
                    _ => spot.note_part(),
                }
            }
        }
    }

    /// Whether production's answer of this pair is one whose places were looked at.
    pub(super) fn is_looked_at(&self) -> bool {
        self.last_look == self.pairs
    }

    pub(crate) fn spot(&self, place: u64, status: u16) -> Option<&Spot> {
        self.spots.get(&spot_key(place, status))
    }

    pub(super) fn spot_mut(&mut self, place: u64, status: u16) -> Option<&mut Spot> {
        self.spots.get_mut(&spot_key(place, status))
    }

    /// Forgets what only serves to judge what comes; counts stay. Its cells, where it has some, name its features.
    pub(crate) fn forget(&mut self) {
        self.spots = HashMap::new();
        self.parsed.clear();
        self.speed = Speed::default();
        if self.cells.is_empty() {
            self.features = Features::default();
            self.cells = HashMap::new();
            self.at_place = HashMap::new();
        }
    }

    /// An estimate of its memory, without its cells.
    pub(crate) fn bytes(&self) -> usize {
        const FIXED: usize = 600;
        const KEY: usize = 80;
        FIXED
            + self.spots.len() * Spot::BYTES
            + self.cells.len() * KEY
            + self.features.bytes()
            + self.speed.bytes()
    }
}

fn spot_key(place: u64, status: u16) -> u64 {
    place ^ u64::from(status).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
