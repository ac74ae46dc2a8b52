//! Finds which elements of two lists are the same thing: by key where keys are unique, else by hash; what is left between
//! two pairs is paired by likeness. Linear but for a small constant: no list makes it quadratic.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use crate::compare::extract::HashedKeys;

/// An element of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item {
    /// Its node.
    pub(crate) at: u32,
    /// 0 where it has none.
    pub(crate) key: u64,
    pub(crate) hash: u64,
}

/// How alike two elements are, from 0 to 1000; asked for a bounded number of pairs.
pub(crate) trait Likeness {
    /// The hash of an element of one side without what is data in it.
    fn masked(&mut self, side: Side, at: u32) -> u64;
    fn likeness(&mut self, left: u32, right: u32) -> u32;
    /// Whether two may be paired for want of a better partner, since each stands where the other does.
    fn may_replace(&mut self, left: u32, right: u32) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Alignment {
    /// Nodes of both sides, in the order of the left.
    pub(crate) pairs: Vec<(u32, u32)>,
    pub(crate) left_only: Vec<u32>,
    pub(crate) right_only: Vec<u32>,
    /// The first that stands in another order, of the left.
    pub(crate) moved: Option<u32>,
}

/// From here on elements are alike enough to be the same one.
const ALIKE: u32 = 500;
/// Pairs of a gap whose likeness is computed.
const TRIED: usize = 1024;
/// Cells of a table for the longest common subsequence; larger lists are matched by occurrence.
const CELLS: usize = 16 * 1024;

pub(crate) fn align(left: &[Item], right: &[Item], likeness: &mut impl Likeness) -> Alignment {
    let mut partners = Partners::new(left.len(), right.len());
    let (begin, end) = trimmed(left, right, &mut partners);
    let inner_left = begin..left.len() - end;
    let inner_right = begin..right.len() - end;
    if inner_left.is_empty() || inner_right.is_empty() {
        return partners.finish(left, right, None);
    }
    if inner_left.len() == 1 && inner_right.len() == 1 {
        // Most often one element changed where it stands; it can't be anywhere else.
    } else if is_keyed(left) && is_keyed(right) {
        partners.by(left, right, |item| item.key);
    } else {
        partners.by_unique(left, right, inner_left, inner_right);
        for (lefts, rights) in partners.gaps() {
            if lefts.len().saturating_mul(rights.len()) <= CELLS {
                partners.by_subsequence(left, right, lefts, rights);
            }
        }
        partners.by(left, right, |item| item.hash);
        partners.by(left, right, |item| item.key);
    }
    let moved = partners.moved().map(|at| left[at].at);
    partners.by_likeness(left, right, likeness);
    partners.finish(left, right, moved)
}

/// Pairs what is equal at both ends; how many at each.
fn trimmed(left: &[Item], right: &[Item], partners: &mut Partners) -> (usize, usize) {
    let least = left.len().min(right.len());
    let is_same = |(one, other): &(&Item, &Item)| one.hash == other.hash && one.key == other.key;
    let begin = left.iter().zip(right).take_while(is_same).count();
    let from_end = left.iter().rev().zip(right.iter().rev());
    let end = from_end.take(least - begin).take_while(is_same).count();
    for at in 0..begin {
        partners.pair(at, at);
    }
    for at in 0..end {
        partners.pair(left.len() - 1 - at, right.len() - 1 - at);
    }
    (begin, end)
}

/// Whether each element has a key of its own.
fn is_keyed(items: &[Item]) -> bool {
    let mut keys: Vec<u64> = items.iter().map(|item| item.key).collect();
    keys.sort_unstable();
    !keys.is_empty() && keys[0] != 0 && keys.windows(2).all(|two| two[0] != two[1])
}

const NONE: usize = usize::MAX;

/// Who is paired with whom, by index.
struct Partners {
    of_left: Vec<usize>,
    of_right: Vec<usize>,
}

impl Partners {
    fn new(left: usize, right: usize) -> Self {
        Self {
            of_left: vec![NONE; left],
            of_right: vec![NONE; right],
        }
    }

    fn pair(&mut self, left: usize, right: usize) {
        self.of_left[left] = right;
        self.of_right[right] = left;
    }

    /// Pairs two that have no partner yet.
    fn pair_free(&mut self, left: usize, right: usize) {
        if self.of_left[left] == NONE && self.of_right[right] == NONE {
            self.pair(left, right);
        }
    }

    /// The parts between pairs that stand in the same order.
    fn gaps(&self) -> Vec<(Range<usize>, Range<usize>)> {
        let (mut from_left, mut from_right) = (0, 0);
        let end = (self.of_left.len(), self.of_right.len());
        let anchors = self.in_order().into_iter().chain([end]);
        anchors
            .map(|(left, right)| {
                let gap = (from_left..left, from_right..right);
                (from_left, from_right) = (left + 1, right + 1);
                gap
            })
            .collect()
    }

    /// Pairs what is left by a name, the first with the first where a name comes more than once. 0 is no name.
    fn by(&mut self, left: &[Item], right: &[Item], name: impl Fn(&Item) -> u64) {
        let mut known: HashMap<u64, Vec<usize>, HashedKeys> = HashMap::default();
        for (at, item) in right.iter().enumerate().rev() {
            if self.of_right[at] == NONE && name(item) != 0 {
                known.entry(name(item)).or_default().push(at);
            }
        }
        for (at, item) in left.iter().enumerate() {
            if self.of_left[at] == NONE
                && let Some(right) = known.get_mut(&name(item)).and_then(Vec::pop)
            {
                self.pair(at, right);
            }
        }
    }

    /// Pairs what is there once on each side.
    fn by_unique(
        &mut self,
        left: &[Item],
        right: &[Item],
        lefts: Range<usize>,
        rights: Range<usize>,
    ) {
        let mut known: HashMap<u64, [usize; 4], HashedKeys> = HashMap::default();
        for at in lefts {
            let [count, first, ..] = known.entry(left[at].hash).or_default();
            (*count, *first) = (*count + 1, at);
        }
        for at in rights {
            if let Some([_, _, count, first]) = known.get_mut(&right[at].hash) {
                (*count, *first) = (*count + 1, at);
            }
        }
        for [in_left, left, in_right, right] in known.into_values() {
            if in_left == 1 && in_right == 1 {
                self.pair(left, right);
            }
        }
    }

    /// Pairs the longest common subsequence of two short parts.
    fn by_subsequence(
        &mut self,
        left: &[Item],
        right: &[Item],
        inner_left: Range<usize>,
        inner_right: Range<usize>,
    ) {
        if inner_left.is_empty() || inner_right.is_empty() {
            return;
        }
        let (from_left, from_right) = (inner_left.start, inner_right.start);
        let (left, right) = (&left[inner_left], &right[inner_right]);
        let width = right.len() + 1;
        let mut longest = vec![0_u16; (left.len() + 1) * width];
        for at in (0..left.len()).rev() {
            for other in (0..right.len()).rev() {
                longest[at * width + other] = if left[at].hash == right[other].hash {
                    longest[(at + 1) * width + other + 1] + 1
                } else {
                    longest[(at + 1) * width + other].max(longest[at * width + other + 1])
                };
            }
        }
        let (mut at, mut other) = (0, 0);
        while at < left.len() && other < right.len() {
            if left[at].hash == right[other].hash {
                self.pair_free(from_left + at, from_right + other);
                (at, other) = (at + 1, other + 1);
            } else if longest[(at + 1) * width + other] >= longest[at * width + other + 1] {
                at += 1;
            } else {
                other += 1;
            }
        }
    }

    /// The first element of the left whose partner stands before that of the one before it.
    fn moved(&self) -> Option<usize> {
        let mut last = 0;
        self.of_left.iter().position(|right| {
            let is_moved = *right != NONE && *right < last;
            if *right != NONE {
                last = *right;
            }
            is_moved
        })
    }

    /// Pairs in each gap between pairs that stand in order.
    fn by_likeness(&mut self, left: &[Item], right: &[Item], likeness: &mut impl Likeness) {
        for (lefts, rights) in self.gaps() {
            let gap = Gap {
                left: lefts.filter(|at| self.of_left[*at] == NONE).collect(),
                right: rights.filter(|at| self.of_right[*at] == NONE).collect(),
            };
            if !gap.left.is_empty() && !gap.right.is_empty() {
                for (one, other) in gap.pairs(left, right, likeness) {
                    self.pair(one, other);
                }
            }
        }
    }

    /// The longest run of pairs whose order is the same on both sides.
    fn in_order(&self) -> Vec<(usize, usize)> {
        let pairs: Vec<(usize, usize)> = self
            .of_left
            .iter()
            .enumerate()
            .filter(|(_, right)| **right != NONE)
            .map(|(left, right)| (left, *right))
            .collect();
        // For each length of a run, the pair that ends one with the smallest right side.
        let mut ends: Vec<usize> = Vec::new();
        let mut before = vec![NONE; pairs.len()];
        for (at, (_, right)) in pairs.iter().enumerate() {
            let length = ends.partition_point(|end| pairs[*end].1 < *right);
            if length > 0 {
                before[at] = ends[length - 1];
            }
            if length == ends.len() {
                ends.push(at);
            } else {
                ends[length] = at;
            }
        }
        let mut run = Vec::with_capacity(ends.len());
        let mut at = ends.last().copied().unwrap_or(NONE);
        while at != NONE {
            run.push(pairs[at]);
            at = before[at];
        }
        run.reverse();
        run
    }

    fn finish(self, left: &[Item], right: &[Item], moved: Option<u32>) -> Alignment {
        let mut alignment = Alignment {
            moved,
            ..Alignment::default()
        };
        for (item, partner) in left.iter().zip(&self.of_left) {
            match right.get(*partner) {
                Some(other) => alignment.pairs.push((item.at, other.at)),
                None => alignment.left_only.push(item.at),
            }
        }
        let lonely = right.iter().zip(&self.of_right);
        alignment.right_only = lonely
            .filter(|(_, partner)| **partner == NONE)
            .map(|(item, _)| item.at)
            .collect();
        alignment
    }
}

/// Elements without a partner between two pairs.
struct Gap {
    left: Vec<usize>,
    right: Vec<usize>,
}

impl Gap {
    fn pairs(
        mut self,
        left: &[Item],
        right: &[Item],
        likeness: &mut impl Likeness,
    ) -> Vec<(usize, usize)> {
        let mut pairs = Vec::new();
        let is_square = self.left.len() == self.right.len();
        // Several that have other names are other things, not changed ones.
        let is_named = self.left.len() > 1
            && self.left.iter().all(|at| left[*at].key != 0)
            && self.right.iter().all(|at| right[*at].key != 0);
        if is_square && !is_named {
            // The simplest story first: each was changed where it stands.
            let both = self.left.iter().zip(&self.right);
            if self.left.len() <= TRIED
                && both
                    .clone()
                    .all(|(one, other)| likeness.may_replace(left[*one].at, right[*other].at))
            {
                return both.map(|(one, other)| (*one, *other)).collect();
            }
        }
        self.by_masked(left, right, likeness, &mut pairs);
        if self.left.len().saturating_mul(self.right.len()) <= TRIED {
            self.by_best(left, right, likeness, &mut pairs);
        }
        pairs
    }

    /// Pairs what says the same but for data.
    fn by_masked(
        &mut self,
        left: &[Item],
        right: &[Item],
        likeness: &mut impl Likeness,
        pairs: &mut Vec<(usize, usize)>,
    ) {
        let mut known: HashMap<u64, Vec<usize>, HashedKeys> = HashMap::default();
        for at in self.right.iter().rev() {
            let masked = likeness.masked(Side::Right, right[*at].at);
            known.entry(masked).or_default().push(*at);
        }
        self.left.retain(|at| {
            let masked = likeness.masked(Side::Left, left[*at].at);
            let partner = known.get_mut(&masked).and_then(Vec::pop);
            pairs.extend(partner.map(|partner| (*at, partner)));
            partner.is_none()
        });
        let taken: HashSet<usize> = pairs.iter().map(|(_, right)| *right).collect();
        self.right.retain(|at| !taken.contains(at));
    }

    /// Pairs what is alike, in order.
    fn by_best(
        &self,
        left: &[Item],
        right: &[Item],
        likeness: &mut impl Likeness,
        pairs: &mut Vec<(usize, usize)>,
    ) {
        let mut from = 0;
        for one in &self.left {
            let rest = self.right[from..].iter().enumerate();
            let best = rest
                .map(|(at, other)| (at, likeness.likeness(left[*one].at, right[*other].at)))
                .fold(None, |best: Option<(usize, u32)>, next| match best {
                    Some(best) if best.1 >= next.1 => Some(best),
                    _ => Some(next),
                });
            if let Some((at, alike)) = best
                && alike >= ALIKE
            {
                pairs.push((*one, self.right[from + at]));
                from += at + 1;
            }
        }
    }
}
