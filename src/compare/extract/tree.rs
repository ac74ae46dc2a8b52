//! The form that every kind of body is brought into: a tree in one list, parents before children. Each node has a hash of
//! all below it, so that equal parts of two answers are passed over at once; values are made only when they are asked
//! for.

use serde::{Deserialize, Serialize};

use super::{
    hash::{hash_of, mix},
    place::{Place, PlaceId, Places, Step},
    value::{Scalar, Value},
};

/// Why a text isn't what its reader takes it for, or not all of it is in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Broken,
    /// It ends too early.
    End,
    /// The tree is full.
    Full,
}

/// What a place is to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Class {
    Status,
    ContentType,
    Redirect,
    Header,
    SecurityHeader,
    /// Presence and format only are compared.
    DerivedHeader,
    Cookie,
    /// Text, headings, rows; whatever a JSON answer holds.
    Content,
    /// Links, forms, fields: what a person can do.
    Action,
    /// How a page is built and looks.
    Markup,
    /// Length and hash of what can't be looked into.
    Whole,
}

/// How the children of a node are matched with those of the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    /// By their keys; their order says nothing.
    Object,
    /// A list of things of one kind: rows more or less are one difference.
    Array,
    /// Things of many kinds in an order: each one that is gone is a difference.
    Flow,
    /// A list of columns, then a list of rows whose cells are keyed by column.
    Table,
    Leaf(Scalar),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) class: Class,
    /// The extractor didn't see its end.
    pub(crate) is_cut: bool,
    pub(crate) place: PlaceId,
    /// What it is called among its siblings; 0 where it has no name.
    pub(crate) key: u64,
    /// Of all it says.
    pub(crate) hash: u64,
    /// Of the markup around what it says.
    pub(crate) dress: u64,
    /// The index behind its last descendant.
    pub(crate) end: u32,
    text: (u32, u32),
}

impl Node {
    /// The hash of what it says, with its name where it is a leaf: two attributes with one value are two things. What a group
    /// is called is how it is recognised, and no part of what it says.
    pub(crate) fn identity(&self) -> u64 {
        match self.kind {
            NodeKind::Leaf(_) if self.key != 0 => mix(self.key, self.hash),
            _ => self.hash,
        }
    }
}

/// A response, taken apart.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
    texts: String,
    places: Places,
}

impl Tree {
    pub(crate) fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    pub(crate) fn len(&self) -> u32 {
        index(self.nodes.len())
    }

    pub(crate) fn place(&self, at: u32) -> &Place {
        self.places.at(self.node(at).place)
    }

    /// About how many bytes it takes.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.nodes[..]) + self.texts.len() + self.places.bytes()
    }

    /// The text of a leaf.
    pub(crate) fn text(&self, at: u32) -> &str {
        let (begin, end) = self.node(at).text;
        &self.texts[begin as usize..end as usize]
    }

    /// The children of a node.
    pub(crate) fn children(&self, at: u32) -> Children<'_> {
        Children {
            tree: self,
            next: at + 1,
            end: self.node(at).end,
        }
    }

    /// The leaves below a node, or the leaf itself.
    pub(crate) fn leaves(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        (at..self.node(at).end).filter(|at| matches!(self.node(*at).kind, NodeKind::Leaf(_)))
    }

    /// The value of a leaf, or what is shown of a whole part.
    pub(crate) fn value(&self, at: u32) -> Value {
        let node = self.node(at);
        match node.kind {
            NodeKind::Leaf(scalar) => Value::of(scalar, self.text(at)),
            NodeKind::Array => Value::of_items(self.children(at).count(), "", node.hash),
            _ => self.summary(at),
        }
    }

    /// The first texts of a part, to show it by.
    fn summary(&self, at: u32) -> Value {
        const ENOUGH: usize = 200;
        let mut text = String::new();
        // A token would be another one in each answer, and is nobody's business.
        let is_token = |at: &u32| self.node(*at).kind == NodeKind::Leaf(Scalar::Token);
        for leaf in self.leaves(at).filter(|at| !is_token(at)) {
            if text.len() >= ENOUGH {
                break;
            }
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(super::place::cut(self.text(leaf), ENOUGH));
        }
        Value::of_part(&text, self.node(at).hash)
    }
}

pub(crate) struct Children<'a> {
    tree: &'a Tree,
    next: u32,
    end: u32,
}

impl Iterator for Children<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        if self.next >= self.end {
            return None;
        }
        let at = self.next;
        // A node that was never closed has nothing below it.
        self.next = self.tree.node(at).end.max(at + 1);
        Some(at)
    }
}

/// Lengths here are bounded far below 4 GiB by the limits.
fn index(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

/// A leaf that is to be added.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewLeaf<'a> {
    pub(crate) place: PlaceId,
    pub(crate) class: Class,
    pub(crate) key: u64,
    pub(crate) scalar: Scalar,
    pub(crate) text: &'a str,
}

/// A group that is put around nodes that are there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewGroup {
    pub(crate) kind: NodeKind,
    pub(crate) place: PlaceId,
    pub(crate) class: Class,
    pub(crate) begin: u32,
    pub(crate) end: u32,
}

/// Builds a tree, up to a number of nodes.
#[derive(Debug)]
pub(crate) struct Builder {
    tree: Tree,
    limit: usize,
}

impl Builder {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            tree: Tree::default(),
            limit,
        }
    }

    /// Makes room for what a body of so many bytes becomes.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        const BYTES_OF_A_NODE: usize = 24;
        let nodes = (bytes / BYTES_OF_A_NODE).min(self.limit);
        self.tree.nodes.reserve(nodes);
        self.tree.texts.reserve(bytes / 2);
    }

    pub(crate) fn is_full(&self) -> bool {
        self.tree.nodes.len() >= self.limit
    }

    /// Nodes that can still be added.
    pub(crate) fn room(&self) -> usize {
        self.limit.saturating_sub(self.tree.nodes.len())
    }

    pub(crate) fn len(&self) -> u32 {
        self.tree.len()
    }

    pub(crate) fn root(&mut self, text: &str) -> PlaceId {
        self.tree.places.root(text)
    }

    pub(crate) fn below(&mut self, parent: PlaceId, step: Step<'_>) -> PlaceId {
        self.tree.places.below(parent, step)
    }

    pub(crate) fn text_of(&self, place: PlaceId) -> &str {
        self.tree.places.at(place).as_str()
    }

    /// Opens a node; what is added until it is closed is below it.
    pub(crate) fn open(&mut self, kind: NodeKind, place: PlaceId, class: Class, key: u64) -> u32 {
        let at = self.tree.len();
        self.tree.nodes.push(Node {
            kind,
            class,
            is_cut: false,
            place,
            key,
            hash: 0,
            dress: 0,
            end: at,
            text: (0, 0),
        });
        at
    }

    /// Closes a node: everything that was added since it was opened is below it.
    pub(crate) fn close(&mut self, at: u32) {
        self.tree.nodes[at as usize].end = self.tree.len();
        self.hash_group(at);
    }

    /// Closes a group whose source `is_cut`, or that has no room for all of it.
    pub(crate) fn close_read(
        &mut self,
        at: u32,
        is_cut: bool,
        result: Result<(), Stop>,
    ) -> Result<(), Stop> {
        if is_cut || result.is_err() {
            self.set_cut(at);
        }
        self.close(at);
        result
    }

    /// Computes the hashes of a group from its children's.
    fn hash_group(&mut self, at: u32) {
        let kind = self.tree.nodes[at as usize].kind;
        let mut hash: u64 = match kind {
            NodeKind::Object => 0x6f62,
            NodeKind::Array => 0x6172,
            NodeKind::Flow => 0x666c,
            NodeKind::Table => 0x7461,
            NodeKind::Leaf(_) => 0,
        };
        let mut dress = 0_u64;
        for child in self.tree.children(at) {
            let child = self.tree.node(child);
            if kind == NodeKind::Object {
                hash = hash.wrapping_add(mix(child.key, child.hash));
                dress = dress.wrapping_add(child.dress);
            } else {
                hash = mix(hash, child.identity());
                if child.dress != 0 {
                    dress = mix(dress, child.dress);
                }
            }
        }
        let node = &mut self.tree.nodes[at as usize];
        (node.hash, node.dress) = (hash, dress);
    }

    /// Adds a leaf, unless the tree is full.
    pub(crate) fn leaf(&mut self, leaf: NewLeaf<'_>) -> Option<u32> {
        if self.is_full() {
            return None;
        }
        let at = self.tree.len();
        let begin = index(self.tree.texts.len());
        self.tree.texts.push_str(leaf.text);
        let text = (begin, index(self.tree.texts.len()));
        self.tree.nodes.push(Node {
            kind: NodeKind::Leaf(leaf.scalar),
            class: leaf.class,
            is_cut: false,
            place: leaf.place,
            key: leaf.key,
            hash: mix(hash_of(leaf.text.as_bytes()), leaf.scalar as u64),
            dress: 0,
            end: at + 1,
            text,
        });
        Some(at)
    }

    pub(crate) fn set_dress(&mut self, at: u32, dress: u64) {
        self.tree.nodes[at as usize].dress = dress;
    }

    pub(crate) fn set_key(&mut self, at: u32, key: u64) {
        self.tree.nodes[at as usize].key = key;
    }

    pub(crate) fn set_kind(&mut self, at: u32, kind: NodeKind) {
        self.tree.nodes[at as usize].kind = kind;
    }

    pub(crate) fn set_cut(&mut self, at: u32) {
        self.tree.nodes[at as usize].is_cut = true;
    }

    /// Puts groups around nodes below a node that is not closed yet. Groups stand within one another, and within the groups
    /// that are there.
    pub(crate) fn insert(&mut self, root: u32, mut groups: Vec<NewGroup>) {
        // Outer ones first. Which of two around the same nodes is the outer one is told by their places.
        groups.sort_by_key(|group| (group.begin, std::cmp::Reverse(group.end), group.place));
        let begins: Vec<u32> = groups.iter().map(|group| group.begin).collect();
        let moved = |end: u32| end + index(begins.partition_point(|begin| *begin < end));
        let nodes = self.tree.nodes.split_off(root as usize);
        let mut groups = groups.into_iter().peekable();
        for (at, mut node) in (root..).zip(nodes) {
            while let Some(group) = groups.next_if(|group| group.begin == at) {
                let new = self.open(group.kind, group.place, group.class, 0);
                self.tree.nodes[new as usize].end = moved(group.end);
            }
            node.end = moved(node.end);
            self.tree.nodes.push(node);
        }
        for at in (root + 1..self.tree.len()).rev() {
            if !matches!(self.tree.node(at).kind, NodeKind::Leaf(_)) {
                self.hash_group(at);
            }
        }
    }

    /// Takes off whatever was added since the tree had this many nodes.
    pub(crate) fn take_back(&mut self, length: u32) {
        self.tree.nodes.truncate(length as usize);
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn finish(self) -> Tree {
        self.tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A body that breaks off may leave a node open within one that is closed.
    #[test]
    fn a_node_that_was_never_closed_is_passed_over() {
        let mut builder = Builder::new(8);
        let place = builder.root("$");
        let outer = builder.open(NodeKind::Array, place, Class::Content, 0);
        let inner = builder.open(NodeKind::Object, place, Class::Content, 0);
        builder.close(outer);
        let tree = builder.finish();
        assert_eq!(tree.children(outer).take(3).collect::<Vec<_>>(), [inner]);
        assert_eq!(tree.children(inner).next(), None);
    }
}
