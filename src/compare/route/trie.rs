//! Paths of one method and host, learned while they come. A segment that is data is a placeholder at once; words become
//! `{slug}` where a node has many of them, none of them frequent, and their answers look alike. Nodes are bounded.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::{RouteId, segment::template, skeleton::Skeleton};

/// Words below a node from which they may be data: most seen once, or just many.
const MANY_ONCE: usize = 12;
const MANY: usize = 40;
/// Beyond this they are data, whatever their answers look like.
const TOO_MANY: usize = 400;
const MOST_NODES: usize = 20_000;
const DEEPEST: usize = 24;
const SLUG: &str = "{slug}";

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Node {
    children: BTreeMap<String, u32>,
    count: u64,
    route: Option<RouteId>,
    skeleton: Option<Skeleton>,
}

/// A route that is one with another from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) from: RouteId,
    pub(crate) into: RouteId,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
}

/// Where a path ended.
pub(crate) struct Found {
    pub(crate) node: u32,
    pub(crate) template: String,
}

impl Default for Trie {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

impl Trie {
    /// Counts a request, and gives the node of its path.
    pub(crate) fn find(&mut self, path: &str) -> Found {
        let mut at = 0_u32;
        let mut text = String::with_capacity(path.len() + 8);
        self.nodes[0].count += 1;
        for (depth, part) in path.trim_start_matches('/').split('/').enumerate() {
            text.push('/');
            if depth == DEEPEST {
                text.push_str("{rest}");
                at = self.child(at, "{rest}");
                break;
            }
            let part = template(part);
            let is_slug = !part.contains('{')
                && !self.node(at).children.contains_key(&*part)
                && (self.node(at).children.contains_key(SLUG) || self.nodes.len() >= MOST_NODES);
            let part = if is_slug { SLUG } else { &*part };
            text.push_str(part);
            at = self.child(at, part);
        }
        Found {
            node: at,
            template: text,
        }
    }

    fn child(&mut self, at: u32, part: &str) -> u32 {
        let known = self.node(at).children.get(part).copied();
        let child = known.unwrap_or_else(|| {
            // Bounded by MOST_NODES and the few placeholders that come after.
            let new = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
            self.nodes.push(Node::default());
            self.nodes[at as usize]
                .children
                .insert(part.to_owned(), new);
            new
        });
        self.nodes[child as usize].count += 1;
        child
    }

    fn node(&self, at: u32) -> &Node {
        &self.nodes[at as usize]
    }

    pub(crate) fn route(&self, at: u32) -> Option<RouteId> {
        self.node(at).route
    }

    pub(crate) fn set_route(&mut self, at: u32, route: RouteId) {
        self.nodes[at as usize].route = Some(route);
    }

    /// Notes what an answer at a path looks like, and puts words together that turn out to be data.
    pub(crate) fn learn(&mut self, path: &str, skeleton: Skeleton) -> Vec<Merged> {
        let mut way = vec![0_u32];
        for part in path.trim_start_matches('/').split('/').take(DEEPEST) {
            let part = template(part);
            let children = &self.node(way[way.len() - 1]).children;
            let Some(next) = children.get(&*part).or_else(|| children.get(SLUG)) else {
                return Vec::new();
            };
            way.push(*next);
        }
        let last = way[way.len() - 1];
        self.nodes[last as usize].skeleton.get_or_insert(skeleton);
        let mut merged = Vec::new();
        for at in way.into_iter().rev().skip(1) {
            if let Some(words) = self.words_that_are_data(at) {
                self.join(at, &words, &mut merged);
                break;
            }
        }
        merged
    }

    /// The words below a node that are data, where they are.
    fn words_that_are_data(&self, at: u32) -> Option<Vec<String>> {
        let node = self.node(at);
        if node.children.len() < MANY_ONCE {
            return None;
        }
        let is_rare = |child: u32| self.node(child).count * 50 <= node.count.max(100);
        let words: Vec<(&String, u32)> = node
            .children
            .iter()
            .filter(|(name, child)| !name.starts_with('{') && is_rare(**child))
            .map(|(name, child)| (name, *child))
            .collect();
        let once = words
            .iter()
            .filter(|(_, child)| self.node(*child).count <= 2)
            .count();
        let is_many =
            words.len() >= MANY || words.len() >= MANY_ONCE && once * 10 >= words.len() * 7;
        if !is_many || !(words.len() >= TOO_MANY || self.are_alike(&words)) {
            return None;
        }
        Some(words.into_iter().map(|(name, _)| name.clone()).collect())
    }

    fn are_alike(&self, words: &[(&String, u32)]) -> bool {
        let known: Vec<Skeleton> = words
            .iter()
            .filter_map(|(_, child)| self.first_skeleton(*child))
            .collect();
        if known.len() * 2 < words.len() {
            return false;
        }
        // One of the first three is a common one, or there is none.
        let like = |reference: &Skeleton| {
            known
                .iter()
                .filter(|other| reference.is_like(other))
                .count()
        };
        known
            .iter()
            .take(3)
            .any(|reference| like(reference) * 10 >= known.len() * 8)
    }

    fn first_skeleton(&self, at: u32) -> Option<Skeleton> {
        let node = self.node(at);
        node.skeleton.or_else(|| {
            node.children
                .values()
                .next()
                .and_then(|child| self.first_skeleton(*child))
        })
    }

    fn join(&mut self, at: u32, words: &[String], merged: &mut Vec<Merged>) {
        for word in words {
            let Some(child) = self.nodes[at as usize].children.remove(word) else {
                continue;
            };
            match self.node(at).children.get(SLUG).copied() {
                Some(slug) => self.absorb(slug, child, merged),
                None => {
                    self.nodes[at as usize]
                        .children
                        .insert(SLUG.to_owned(), child);
                }
            }
        }
    }

    /// Puts one node with all below it into another. The empty node stays behind; its place is not used again.
    fn absorb(&mut self, into: u32, from: u32, merged: &mut Vec<Merged>) {
        let from = std::mem::take(&mut self.nodes[from as usize]);
        let target = &mut self.nodes[into as usize];
        target.count += from.count;
        target.skeleton = target.skeleton.or(from.skeleton);
        match (target.route, from.route) {
            (Some(into), Some(from)) => merged.push(Merged { from, into }),
            (None, route) => target.route = route,
            (Some(_), None) => {}
        }
        for (name, child) in from.children {
            match self.node(into).children.get(&name).copied() {
                Some(known) => self.absorb(known, child, merged),
                None => {
                    self.nodes[into as usize].children.insert(name, child);
                }
            }
        }
    }

    /// The templates of all routes, as they are called now.
    pub(crate) fn names(&self) -> HashMap<RouteId, String> {
        let mut names = HashMap::new();
        let mut open = vec![(0_u32, String::new())];
        while let Some((at, name)) = open.pop() {
            let node = self.node(at);
            if let Some(route) = node.route {
                names.insert(route, name.clone());
            }
            open.extend(
                node.children
                    .iter()
                    .map(|(part, child)| (*child, format!("{name}/{part}"))),
            );
        }
        names
    }

    pub(crate) fn bytes(&self) -> usize {
        const NODE: usize = 200;
        self.nodes.len() * NODE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skeleton(of: u64) -> Skeleton {
        Skeleton::of((of * 100..of * 100 + 20).map(|at| at * 7919)).unwrap()
    }

    fn see(trie: &mut Trie, path: &str, kind: u64) -> (String, Vec<Merged>) {
        let found = trie.find(path);
        if trie.route(found.node).is_none() {
            trie.set_route(found.node, RouteId(found.node));
        }
        let merged = trie.learn(path, skeleton(kind));
        (found.template, merged)
    }

    #[test]
    fn words_with_one_kind_of_answer_become_a_slug() {
        let mut trie = Trie::default();
        let mut merged = 0;
        for at in 0..30 {
            let word: String = format!(
                "/posts/post-{}",
                "abcdefghijklmnopqrstuvwxyzäöüß".chars().nth(at).unwrap()
            );
            merged += see(&mut trie, &word, 1).1.len();
        }
        assert_eq!(merged, MANY_ONCE - 1);
        assert_eq!(see(&mut trie, "/posts/another", 1).0, "/posts/{slug}");
        assert_eq!(trie.names().len(), 1);
    }

    #[test]
    fn words_with_different_answers_stay() {
        let mut trie = Trie::default();
        for (at, word) in ('a'..='z').enumerate() {
            see(&mut trie, &format!("/{word}{word}"), at as u64);
        }
        assert_eq!(see(&mut trie, "/aa", 0).0, "/aa");
        assert_eq!(trie.names().len(), 26);
    }

    #[test]
    fn a_frequent_word_stays_among_rare_ones() {
        let mut trie = Trie::default();
        for at in 0..60_u32 {
            see(&mut trie, "/posts/new", 1);
            let word = char::from_u32('a' as u32 + at % 26).unwrap();
            see(
                &mut trie,
                &format!("/posts/{word}{}", "z".repeat(at as usize / 26)),
                1,
            );
        }
        assert_eq!(see(&mut trie, "/posts/new", 1).0, "/posts/new");
        assert_eq!(see(&mut trie, "/posts/quite-other", 1).0, "/posts/{slug}");
    }

    #[test]
    fn nodes_are_bounded() {
        let mut trie = Trie::default();
        for at in 0..60_000_u32 {
            let word: String = at
                .to_string()
                .chars()
                .map(|c| (c as u8 - b'0' + b'a') as char)
                .collect();
            trie.find(&format!("/{word}/x"));
        }
        assert!(trie.nodes.len() <= MOST_NODES + 3);
    }
}
