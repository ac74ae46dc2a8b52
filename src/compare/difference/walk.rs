//! The walk through the trees of two responses: equal parts are passed over by their hashes, others are taken apart until
//! leaves differ. What is missing is told once, not again for all below it.

use std::{cmp::Ordering, collections::HashSet};

use super::{
    Difference, Differences,
    align::{Alignment, Item, align},
    change::Change,
    kind::Kind,
    leaves::Leaves,
    likeness::Trees,
    members::{Members, members},
    table,
};
use crate::compare::extract::{Class, NodeKind, Place, Tree, Value};

pub(super) struct Walk<'a> {
    pub(super) left: &'a Tree,
    pub(super) right: &'a Tree,
    pub(super) differences: &'a mut Differences,
    /// Something that is the same on both sides is dressed in other markup.
    pub(super) is_dressed_anew: bool,
}

impl Walk<'_> {
    /// Compares two nodes that stand for each other.
    pub(super) fn pair(&mut self, one: u32, other: u32) {
        let (left, right) = (self.left.node(one), self.right.node(other));
        if left.hash == right.hash {
            self.is_dressed_anew |= left.dress != right.dress;
            return;
        }
        match (left.kind, right.kind) {
            (NodeKind::Leaf(_), NodeKind::Leaf(_)) => {
                self.is_dressed_anew |= left.dress != right.dress;
                let leaves = Leaves {
                    left: self.left,
                    right: self.right,
                    one,
                    other,
                };
                leaves.compare(self.differences);
            }
            (NodeKind::Object, NodeKind::Object) => self.objects(one, other),
            (NodeKind::Array, NodeKind::Array) => self.arrays(one, other),
            (NodeKind::Flow, NodeKind::Flow) => self.flows(one, other),
            (NodeKind::Table, NodeKind::Table) => table::tables(self, one, other),
            _ => self.add(Kind::Type, Change::OtherType, Some(one), Some(other)),
        }
    }

    /// Adds a difference at the place of the primary's node, or of the shadow's where the primary has none.
    pub(super) fn add(&mut self, kind: Kind, change: Change, one: Option<u32>, other: Option<u32>) {
        let Some((place, class)) = self.place(one, other) else {
            return;
        };
        self.differences.add(Difference {
            place,
            class,
            kind,
            change,
            primary: one.map(|at| self.left.value(at)),
            shadow: other.map(|at| self.right.value(at)),
        });
    }

    fn place(&self, one: Option<u32>, other: Option<u32>) -> Option<(Place, Class)> {
        let (tree, at) = match (one, other) {
            (Some(one), _) => (self.left, one),
            (None, Some(other)) => (self.right, other),
            (None, None) => return None,
        };
        Some((tree.place(at).clone(), tree.node(at).class))
    }

    pub(super) fn missing(&mut self, one: u32) {
        self.add(Kind::Missing, Change::Gone, Some(one), None);
    }

    pub(super) fn extra(&mut self, other: u32) {
        self.add(Kind::Extra, Change::Added, None, Some(other));
    }

    fn objects(&mut self, one: u32, other: u32) {
        let (left, right) = (self.left, self.right);
        let Members {
            pairs,
            mut left_only,
            mut right_only,
        } = members(left.children(one), right.children(other), |side, at| {
            side.tree(left, right).node(at).key
        });
        for (one, other) in pairs {
            self.pair(one, other);
        }
        if right.node(other).is_cut {
            left_only.clear();
        }
        if left.node(one).is_cut {
            right_only.clear();
        }
        self.renamed(&mut left_only, &mut right_only);
        for one in left_only {
            self.missing(one);
        }
        for other in right_only {
            self.extra(other);
        }
    }

    /// Compares parts by their names.
    pub(super) fn named(&mut self, left: Vec<u32>, right: Vec<u32>) {
        let trees = (self.left, self.right);
        let found = members(left.into_iter(), right.into_iter(), |side, at| {
            side.tree(trees.0, trees.1).node(at).key
        });
        for (one, other) in found.pairs {
            self.pair(one, other);
        }
        for one in found.left_only {
            self.missing(one);
        }
        for other in found.right_only {
            self.extra(other);
        }
    }

    /// Members that are there under another name: one difference, not two.
    fn renamed(&mut self, left_only: &mut Vec<u32>, right_only: &mut Vec<u32>) {
        const MOST: usize = 32;
        if left_only.len() > MOST || right_only.len() > MOST {
            return;
        }
        left_only.retain(|one| {
            let is_same = |other: &u32| self.is_telling(*one, *other);
            let Some(at) = right_only.iter().position(is_same) else {
                return true;
            };
            let other = right_only.remove(at);
            let name = self.right.place(other).as_str();
            let name = name
                .rsplit(['.', ' ', ';'])
                .next()
                .unwrap_or(name)
                .trim_start_matches('@')
                .to_owned();
            self.add(
                Kind::Missing,
                Change::Renamed(name),
                Some(*one),
                Some(other),
            );
            false
        });
    }

    /// Whether two members are so equal that it can't be chance.
    fn is_telling(&self, one: u32, other: u32) -> bool {
        const SHORT: usize = 3;
        let (left, right) = (self.left.node(one), self.right.node(other));
        left.hash == right.hash
            && left.class == right.class
            && self
                .left
                .leaves(one)
                .any(|leaf| self.left.text(leaf).len() > SHORT)
            && !matches!(self.left.text(one), "true" | "false" | "null")
    }

    pub(super) fn aligned(&self, one: u32, other: u32) -> Alignment {
        let items = |tree: &Tree, at: u32| -> Vec<Item> {
            let item = |at| Item {
                at,
                key: tree.node(at).key,
                hash: tree.node(at).identity(),
            };
            tree.children(at).map(item).collect()
        };
        let (left, right) = (items(self.left, one), items(self.right, other));
        let mut trees = Trees::new(self.left, self.right);
        trees.are_alone = left.len() == 1 && right.len() == 1;
        align(&left, &right, &mut trees)
    }

    fn arrays(&mut self, one: u32, other: u32) {
        let alignment = self.aligned(one, other);
        self.list(one, other, &alignment);
        for (one, other) in alignment.pairs {
            self.pair(one, other);
        }
    }

    /// What differs in a list as a whole: how many there are, which, and their order. One difference each.
    pub(super) fn list(&mut self, one: u32, other: u32, alignment: &Alignment) {
        let is_cut = self.left.node(one).is_cut || self.right.node(other).is_cut;
        if is_cut {
            return;
        }
        let Some((place, class)) = self.place(Some(one), None) else {
            return;
        };
        let (gone, added) = (&alignment.left_only, &alignment.right_only);
        if !gone.is_empty() || !added.is_empty() {
            let value = |tree: &Tree, at: u32, lonely: &[u32]| {
                let first = lonely.first().map(|at| tree.value(*at));
                let first = first.as_ref().map_or("", Value::text);
                Value::of_items(tree.children(at).count(), first, tree.node(at).hash)
            };
            let change = fewer_or_more(gone.len(), added.len());
            self.differences.add(Difference {
                place: place.clone(),
                class,
                kind: Kind::Items,
                change,
                primary: Some(value(self.left, one, gone)),
                shadow: Some(value(self.right, other, added)),
            });
        }
        if alignment.moved.is_some() {
            self.add(Kind::Order, Change::Reordered, Some(one), Some(other));
        }
    }

    fn flows(&mut self, one: u32, other: u32) {
        let mut alignment = self.aligned(one, other);
        self.loosen(&mut alignment);
        if self.right.node(other).is_cut {
            alignment.left_only.clear();
        }
        if self.left.node(one).is_cut {
            alignment.right_only.clear();
        }
        if let Some(moved) = alignment.moved {
            let partner = alignment.pairs.iter().find(|(one, _)| *one == moved);
            let partner = partner.map(|(_, other)| *other);
            self.add(Kind::Order, Change::Reordered, Some(moved), partner);
        }
        self.blocks(one, other, &mut alignment);
        self.tooltips(&mut alignment);
        for (one, other) in alignment.pairs {
            self.pair(one, other);
        }
        for one in alignment.left_only {
            self.missing(one);
        }
        for other in alignment.right_only {
            self.extra(other);
        }
    }

    /// A tooltip that says what is read at its place anyway is markup.
    fn tooltips(&mut self, alignment: &mut Alignment) {
        if alignment.left_only.is_empty() && alignment.right_only.is_empty() {
            return;
        }
        let (left, right) = (self.left, self.right);
        let (ones, others): (Vec<u32>, Vec<u32>) = alignment.pairs.iter().copied().unzip();
        let mut drop_from = |tree: &Tree, lonely: &mut Vec<u32>, said: &[u32]| {
            let place = |at: u32| tree.place(at).as_str();
            if !lonely.iter().any(|at| place(*at).ends_with("@title")) {
                return;
            }
            let texts = said.iter().map(|at| (tree.node(*at).hash, place(*at)));
            let texts: HashSet<(u64, &str)> = texts.collect();
            let before = lonely.len();
            lonely.retain(|at| match place(*at).strip_suffix("@title") {
                Some(place) => !texts.contains(&(tree.node(*at).hash, place)),
                None => true,
            });
            self.is_dressed_anew |= lonely.len() < before;
        };
        drop_from(left, &mut alignment.left_only, &ones);
        drop_from(right, &mut alignment.right_only, &others);
    }

    /// Repeated blocks, of which there are more or fewer, are one difference for all.
    fn blocks(&mut self, one: u32, other: u32, alignment: &mut Alignment) {
        let is_block = |tree: &Tree, at: u32| {
            tree.node(at).kind == NodeKind::Flow && tree.node(at).class == Class::Content
        };
        let (left, right) = (self.left, self.right);
        let lonely = [(left, &alignment.left_only), (right, &alignment.right_only)];
        let mut places: Vec<Place> = Vec::new();
        for (tree, nodes) in lonely {
            for at in nodes.iter().filter(|at| is_block(tree, **at)) {
                if !places.contains(tree.place(*at)) && places.len() < MOST_LISTS {
                    places.push(tree.place(*at).clone());
                }
            }
        }
        for place in places {
            let is_here = |tree: &Tree, at: u32| is_block(tree, at) && *tree.place(at) == place;
            let pairs = alignment.pairs.iter();
            let both = pairs.filter(|(one, _)| is_here(left, *one)).count();
            let take = |tree: &Tree, nodes: &mut Vec<u32>| -> Vec<u32> {
                nodes.extract_if(.., |at| is_here(tree, *at)).collect()
            };
            let gone = take(left, &mut alignment.left_only);
            let added = take(right, &mut alignment.right_only);
            if both == 0 && gone.len() + added.len() == 1 {
                // The only one of its kind.
                alignment.left_only.extend(gone);
                alignment.right_only.extend(added);
                continue;
            }
            let value = |tree: &Tree, nodes: &[u32], at: u32| {
                let first = nodes.first().map(|at| tree.value(*at));
                let first = first.as_ref().map_or("", Value::text);
                Some(Value::of_items(
                    both + nodes.len(),
                    first,
                    tree.node(at).hash,
                ))
            };
            self.differences.add(Difference {
                place,
                class: Class::Content,
                kind: Kind::Items,
                change: fewer_or_more(gone.len(), added.len()),
                primary: value(left, &gone, one),
                shadow: value(right, &added, other),
            });
        }
    }

    /// A group that is one on one side only (a list that became a row of links) is taken apart where half of it is on the
    /// other side: then its markup changed, not what it says.
    fn loosen(&mut self, alignment: &mut Alignment) {
        let is_group = |tree: &Tree, at: &u32| !matches!(tree.node(*at).kind, NodeKind::Leaf(_));
        let (gone, added) = (&alignment.left_only, &alignment.right_only);
        let has_group = gone.iter().any(|at| is_group(self.left, at))
            || added.iter().any(|at| is_group(self.right, at));
        if gone.is_empty() || added.is_empty() || !has_group {
            return;
        }
        let flat = |tree: &Tree, lonely: &[u32]| -> Vec<u32> {
            lonely.iter().flat_map(|at| tree.leaves(*at)).collect()
        };
        let (left, right) = (self.left, self.right);
        let leaves = members(
            flat(left, gone).into_iter(),
            flat(right, added).into_iter(),
            |side, at| side.tree(left, right).node(at).identity(),
        );
        if leaves.pairs.is_empty() {
            return;
        }
        self.is_dressed_anew |= leaves
            .pairs
            .iter()
            .any(|(one, other)| left.node(*one).dress != right.node(*other).dress);
        alignment.left_only = rest(left, gone, &leaves.left_only);
        alignment.right_only = rest(right, added, &leaves.right_only);
    }
}

/// Lists of blocks in one flow that are told as such.
const MOST_LISTS: usize = 20;

fn fewer_or_more(gone: usize, added: usize) -> Change {
    match gone.cmp(&added) {
        Ordering::Less => Change::More,
        Ordering::Equal => Change::Replaced,
        Ordering::Greater => Change::Fewer,
    }
}

/// What is left of lonely parts when only these of their leaves have no partner: a group stays one where most of it has
/// none.
fn rest(tree: &Tree, lonely: &[u32], leaves: &[u32]) -> Vec<u32> {
    let mut rest = Vec::new();
    let mut sorted = leaves.to_vec();
    sorted.sort_unstable();
    for at in lonely {
        let end = tree.node(*at).end;
        let from = sorted.partition_point(|leaf| leaf < at);
        let to = sorted.partition_point(|leaf| *leaf < end);
        if (to - from) * 2 > tree.leaves(*at).count() {
            rest.push(*at);
        } else if tree.node(*at).kind == NodeKind::Array {
            // Whole rows are told as such.
            for row in tree.children(*at) {
                let from = sorted.partition_point(|leaf| *leaf < row);
                let to = sorted.partition_point(|leaf| *leaf < tree.node(row).end);
                if to - from == tree.leaves(row).count() {
                    rest.extend((to > from).then_some(row));
                } else {
                    rest.extend(&sorted[from..to]);
                }
            }
        } else {
            rest.extend(&sorted[from..to]);
        }
    }
    rest
}
