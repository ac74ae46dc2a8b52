//! Finds repeated blocks that are no list by their elements: parts of one element that have the same tag and classes. Each
//! is a group, so that one that is gone is one thing.

use std::collections::HashMap;

use super::super::{
    hash::{HashedKeys, mix},
    place::PlaceId,
    tree::{Builder, Class, NewGroup, NodeKind},
};

/// A wrapper that was closed, which may be one of several.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    pub(super) place: PlaceId,
    pub(super) class: Class,
    /// The nodes of its parts.
    pub(super) begin: u32,
    pub(super) end: u32,
}

/// Blocks that are alike, by the element around them and by their own.
#[derive(Debug, Default)]
pub(super) struct Cards {
    alike: HashMap<u64, Vec<Block>, HashedKeys>,
}

impl Cards {
    pub(super) fn note(&mut self, parent: u32, signature: u64, block: Block) {
        let key = mix(u64::from(parent), signature);
        self.alike.entry(key).or_default().push(block);
    }

    /// Forgets blocks whose nodes were taken back.
    pub(super) fn forget_from(&mut self, begin: u32) {
        for blocks in self.alike.values_mut() {
            blocks.retain(|block| block.end <= begin);
        }
    }

    /// Makes a group of each block that is one of several.
    pub(super) fn group(self, builder: &mut Builder, root: u32) {
        let several = self.alike.into_values().filter(|blocks| blocks.len() > 1);
        let groups: Vec<NewGroup> = several
            .flatten()
            .map(|block| NewGroup {
                kind: NodeKind::Flow,
                place: block.place,
                class: block.class,
                begin: block.begin,
                end: block.end,
            })
            .collect();
        if !groups.is_empty() {
            builder.insert(root, groups);
        }
    }
}
