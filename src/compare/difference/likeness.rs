//! How alike two parts of responses are, so that a row is recognised although something in it changed.

use std::collections::HashMap;

use super::align::{Likeness, Side};
use crate::compare::extract::{Class, HashedKeys, NodeKind, Tree, hash_mix, masked_hash};

/// Leaves of a part that are looked at.
const LEAVES: usize = 64;

/// Two trees, and what was found out about their parts.
pub(crate) struct Trees<'a> {
    pub(crate) left: &'a Tree,
    pub(crate) right: &'a Tree,
    masked: HashMap<u64, u64, HashedKeys>,
    /// Both lists have one element only, which then are each other's.
    pub(crate) are_alone: bool,
}

impl<'a> Trees<'a> {
    pub(crate) fn new(left: &'a Tree, right: &'a Tree) -> Self {
        Self {
            left,
            right,
            masked: HashMap::default(),
            are_alone: false,
        }
    }

    fn tree(&self, side: Side) -> &'a Tree {
        match side {
            Side::Left => self.left,
            Side::Right => self.right,
        }
    }

    /// Two leaves of the same sort: both a text, both a link, both the same attribute.
    fn same_sort(&self, left: u32, right: u32) -> bool {
        let (one, other) = (self.left.node(left), self.right.node(right));
        if one.class != other.class {
            return false;
        }
        let are_leaves =
            matches!(one.kind, NodeKind::Leaf(_)) && matches!(other.kind, NodeKind::Leaf(_));
        if are_leaves && one.key != other.key {
            return false;
        }
        match (one.kind, other.kind) {
            (NodeKind::Leaf(_), NodeKind::Leaf(_)) => {
                let attribute = |place: &'a str| place.rsplit_once('@').map(|(_, name)| name);
                let places = (self.left.place(left), self.right.place(right));
                one.class != Class::Action && one.class != Class::Content
                    || attribute(places.0.as_str()) == attribute(places.1.as_str())
            }
            (one, other) => one == other,
        }
    }

    fn count(tree: &Tree, at: u32) -> usize {
        tree.leaves(at).take(LEAVES).count()
    }
}

impl Likeness for Trees<'_> {
    fn masked(&mut self, side: Side, at: u32) -> u64 {
        let tree = self.tree(side);
        let known = u64::from(at) << 1 | u64::from(side == Side::Left);
        if let Some(hash) = self.masked.get(&known) {
            return *hash;
        }
        let hash = tree.leaves(at).take(LEAVES).fold(
            u64::from(tree.node(at).kind == NodeKind::Flow),
            |hash, leaf| hash_mix(hash, signature(tree, leaf)),
        );
        self.masked.insert(known, hash);
        hash
    }

    fn likeness(&mut self, left: u32, right: u32) -> u32 {
        if !self.same_sort(left, right) {
            return 0;
        }
        if let (NodeKind::Leaf(_), NodeKind::Leaf(_)) =
            (self.left.node(left).kind, self.right.node(right).kind)
        {
            return leaf_likeness(self.left.text(left), self.right.text(right));
        }
        let (one, other) = (self.left.node(left), self.right.node(right));
        if one.key != 0 && one.key == other.key {
            return 1000;
        }
        let mut said: HashMap<u64, usize, HashedKeys> = HashMap::default();
        for leaf in self.right.leaves(right).take(LEAVES) {
            *said.entry(signature(self.right, leaf)).or_default() += 1;
        }
        let mut same = 0;
        for leaf in self.left.leaves(left).take(LEAVES) {
            if let Some(count) = said.get_mut(&signature(self.left, leaf))
                && *count > 0
            {
                *count -= 1;
                same += 1;
            }
        }
        let most = Self::count(self.left, left).max(Self::count(self.right, right));
        u32::try_from(same * 1000 / most.max(1)).unwrap_or(0)
    }

    fn may_replace(&mut self, left: u32, right: u32) -> bool {
        if !self.same_sort(left, right) {
            // A lone element, or one that became another type.
            return self.are_alone;
        }
        let is_leaf = matches!(self.left.node(left).kind, NodeKind::Leaf(_));
        let is_small = || Self::count(self.left, left) <= 1 && Self::count(self.right, right) <= 1;
        is_leaf || self.are_alone || is_small() || self.likeness(left, right) >= 500
    }
}

/// What a leaf says but for data in it, with its name among its siblings.
fn signature(tree: &Tree, leaf: u32) -> u64 {
    hash_mix(tree.node(leaf).key, masked_hash(tree.text(leaf)))
}

/// The share of words that two texts have in common.
fn leaf_likeness(left: &str, right: &str) -> u32 {
    const WORDS: usize = 64;
    if left == right || masked_hash(left) == masked_hash(right) {
        return 1000;
    }
    let words = |text: &'_ str| text.split_whitespace().take(WORDS).count();
    let most = words(left).max(words(right));
    let known: Vec<&str> = right.split_whitespace().take(WORDS).collect();
    let same = left
        .split_whitespace()
        .take(WORDS)
        .filter(|word| known.contains(word))
        .count();
    u32::try_from(same * 1000 / most.max(1)).unwrap_or(0)
}
