//! Compares tables: columns first, each that is new, gone or elsewhere being one difference; then rows, by the columns that
//! both have.

use std::collections::{HashMap, HashSet};

use super::{
    align::{Item, align},
    change::Change,
    kind::Kind,
    likeness::Trees,
    members::members,
    walk::Walk,
};
use crate::compare::extract::{HashedKeys, NodeKind, Tree, hash_mix};

type Keys = HashSet<u64, HashedKeys>;

/// Rows by which it is told whether a column was renamed.
const TRIED: usize = 50;

pub(super) fn tables(walk: &mut Walk<'_>, one: u32, other: u32) {
    let (left, right) = (walk.left, walk.right);
    let ((ones, rest), (others, other_rest)) = (Parts::of(left, one), Parts::of(right, other));
    walk.named(rest, other_rest);
    let (Some(ones), Some(others)) = (ones, others) else {
        return walk.add(Kind::Type, Change::OtherType, Some(one), Some(other));
    };
    let (left_columns, left_rows) = (ones.columns, ones.rows);
    let (right_columns, right_rows) = (others.columns, others.rows);
    let shared = columns(walk, (left_columns, left_rows), (right_columns, right_rows));
    rows(walk, left_rows, right_rows, &shared);
}

/// The two lists of a table.
struct Parts {
    columns: u32,
    rows: u32,
}

impl Parts {
    /// Both lists, and what else is in the table, as its caption.
    fn of(tree: &Tree, at: u32) -> (Option<Self>, Vec<u32>) {
        let is_list = |at: &u32| tree.node(*at).kind == NodeKind::Array;
        let (lists, rest): (Vec<u32>, Vec<u32>) = tree.children(at).partition(is_list);
        let parts = match lists[..] {
            [columns, rows] => Some(Self { columns, rows }),
            _ => None,
        };
        (parts, rest)
    }
}

/// Tells what became of the columns; the keys of those that both tables have.
fn columns(walk: &mut Walk<'_>, one: (u32, u32), other: (u32, u32)) -> Keys {
    let (left, right) = (walk.left, walk.right);
    let mut alignment = walk_columns(left, right, one.0, other.0);
    let shared = |(at, _): &(u32, u32)| left.node(*at).key;
    let keys: Keys = alignment.0.iter().map(shared).collect();
    let renamed = match (&alignment.1[..], &alignment.2[..]) {
        (&[gone], &[added]) if same_cells(walk, (one.1, gone), (other.1, added)) => {
            Some((gone, added))
        }
        _ => None,
    };
    if let Some((gone, added)) = renamed {
        let name = right.text(added).to_owned();
        walk.add(
            Kind::Missing,
            Change::Renamed(name),
            Some(gone),
            Some(added),
        );
        alignment.1.clear();
        alignment.2.clear();
    }
    for gone in alignment.1 {
        walk.missing(gone);
    }
    for added in alignment.2 {
        walk.extra(added);
    }
    if alignment.0.windows(2).any(|two| two[0].1 > two[1].1) {
        walk.add(Kind::Order, Change::Reordered, Some(one.0), Some(other.0));
    }
    keys
}

fn walk_columns(
    left: &Tree,
    right: &Tree,
    one: u32,
    other: u32,
) -> (Vec<(u32, u32)>, Vec<u32>, Vec<u32>) {
    let found = members(left.children(one), right.children(other), |side, at| {
        side.tree(left, right).node(at).key
    });
    (found.pairs, found.left_only, found.right_only)
}

/// Whether two columns hold the same in the first rows.
fn same_cells(walk: &Walk<'_>, one: (u32, u32), other: (u32, u32)) -> bool {
    let cells = |tree: &Tree, (rows, column): (u32, u32)| -> Vec<Option<u64>> {
        let key = tree.node(column).key;
        let cell = |row| tree.children(row).find(|cell| tree.node(*cell).key == key);
        tree.children(rows)
            .take(TRIED)
            .map(|row| cell(row).map(|cell| tree.node(cell).hash))
            .collect()
    };
    let (left, right) = (cells(walk.left, one), cells(walk.right, other));
    !left.is_empty() && left == right
}

fn rows(walk: &mut Walk<'_>, one: u32, other: u32, shared: &Keys) {
    let (left, right) = (walk.left, walk.right);
    let (ones, others) = (items(left, one, shared), items(right, other, shared));
    let mut trees = Trees::new(left, right);
    trees.are_alone = ones.len() == 1 && others.len() == 1;
    let alignment = align(&ones, &others, &mut trees);
    walk.list(one, other, &alignment);
    let hashes = |items: &[Item]| -> HashMap<u32, u64> {
        items.iter().map(|item| (item.at, item.hash)).collect()
    };
    let (ones, others) = (hashes(&ones), hashes(&others));
    for (one, other) in alignment.pairs {
        let is_same = ones.get(&one) == others.get(&other);
        if is_same && left.node(one).dress == right.node(other).dress {
            continue;
        }
        if left.node(one).kind != NodeKind::Object || right.node(other).kind != NodeKind::Object {
            walk.pair(one, other);
            continue;
        }
        let cells = |tree: &Tree, row: u32| -> Vec<u32> {
            let is_shared = |cell: &u32| shared.contains(&tree.node(*cell).key);
            tree.children(row).filter(is_shared).collect()
        };
        walk.named(cells(left, one), cells(right, other));
    }
}

/// Rows, hashed by the cells that both tables have.
fn items(tree: &Tree, rows: u32, shared: &Keys) -> Vec<Item> {
    let hash = |row: u32| {
        let cells = tree.children(row).map(|cell| tree.node(cell));
        cells
            .filter(|cell| shared.contains(&cell.key))
            .fold(1_u64, |sum, cell| {
                sum.wrapping_add(hash_mix(cell.key, cell.hash))
            })
    };
    tree.children(rows)
        .map(|row| Item {
            at: row,
            key: tree.node(row).key,
            hash: hash(row),
        })
        .collect()
}
