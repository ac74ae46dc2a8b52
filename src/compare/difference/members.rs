//! Matches what has names: members of objects, cells of rows. Names that come twice are matched in their order.

use super::align::Side;
use crate::compare::extract::Tree;

#[derive(Clone, Debug, Default)]
pub(crate) struct Members {
    pub(crate) pairs: Vec<(u32, u32)>,
    pub(crate) left_only: Vec<u32>,
    pub(crate) right_only: Vec<u32>,
}

impl Side {
    pub(crate) fn tree<'a>(self, left: &'a Tree, right: &'a Tree) -> &'a Tree {
        match self {
            Self::Left => left,
            Self::Right => right,
        }
    }
}

pub(crate) fn members(
    left: impl Iterator<Item = u32>,
    right: impl Iterator<Item = u32>,
    key: impl Fn(Side, u32) -> u64,
) -> Members {
    let mut found = Members::default();
    let (mut left, mut right) = (left.peekable(), right.peekable());
    // Most often both have the same names in the same order.
    while let (Some(one), Some(other)) = (left.peek(), right.peek()) {
        if key(Side::Left, *one) != key(Side::Right, *other) {
            break;
        }
        found.pairs.push((*one, *other));
        left.next();
        right.next();
    }
    let keyed = |side: Side, members: Vec<u32>| -> Vec<(u64, u32)> {
        let mut keyed: Vec<_> = members.into_iter().map(|at| (key(side, at), at)).collect();
        keyed.sort_unstable();
        keyed
    };
    let left = keyed(Side::Left, left.collect());
    let right = keyed(Side::Right, right.collect());
    let (mut at, mut other) = (0, 0);
    while at < left.len() || other < right.len() {
        match (left.get(at), right.get(other)) {
            (Some(one), Some(two)) if one.0 == two.0 => {
                found.pairs.push((one.1, two.1));
                (at, other) = (at + 1, other + 1);
            }
            (Some(one), two) if two.is_none_or(|two| one.0 < two.0) => {
                found.left_only.push(one.1);
                at += 1;
            }
            (_, Some(two)) => {
                found.right_only.push(two.1);
                other += 1;
            }
            _ => break,
        }
    }
    // As they stand in the responses.
    found.pairs.sort_unstable();
    found.left_only.sort_unstable();
    found.right_only.sort_unstable();
    found
}
