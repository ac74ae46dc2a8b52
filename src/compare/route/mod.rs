//! Which route a request is for. Patterns of the user come first, then the application's own list, then what is learned
//! from the paths. The number of routes is bounded; what comes after is one route for all.

mod inventory;
mod operation;
mod pattern;
mod segment;
mod skeleton;
mod trie;

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::answer::Asked;
use operation::operation;
use trie::Trie;

pub(crate) use inventory::read as read_inventory;
pub(crate) use pattern::Pattern;
pub(crate) use skeleton::Skeleton;
pub(crate) use trie::Merged;

/// The number of a route; the same while the program runs and across restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct RouteId(pub(crate) u32);

/// Routes that are told apart.
const MOST_ROUTES: usize = 5_000;
/// Hosts and methods whose paths are told apart.
const MOST_TRIES: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Origin {
    method: String,
    host: String,
}

/// What names a route that isn't found in a trie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Named {
    Pattern { method: String, path: String },
    Operation { path: String, operation: String },
    Others,
}

/// All routes, and how to find them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Routes {
    tries: BTreeMap<Origin, Trie>,
    named: BTreeMap<Named, RouteId>,
    methods: Vec<String>,
    /// Requests that fell into a route for all others, since there were too many.
    pub(crate) beyond_limit: u64,
    #[serde(skip)]
    patterns: Patterns,
}

/// Where a request belongs, and where its path was learned.
#[derive(Clone, Debug)]
pub(crate) struct Located {
    pub(crate) route: RouteId,
    learned: Option<(Origin, String)>,
}

impl Routes {
    /// Sets patterns of the user, which come first, and the application's own list.
    pub(crate) fn set_patterns(&mut self, patterns: Vec<Pattern>, inventory: Vec<Pattern>) {
        self.patterns = Patterns::new(patterns, inventory);
    }

    /// The routes of the application's own list.
    pub(crate) fn inventory(&self) -> impl Iterator<Item = &Pattern> {
        self.patterns.inventory()
    }

    pub(crate) fn locate(&mut self, asked: &Asked<'_>) -> Located {
        let method = String::from_utf8_lossy(asked.method);
        let target = String::from_utf8_lossy(asked.target);
        let path = path_of(&target);
        if let Some(pattern) = self.patterns.find(&method, path) {
            let path = pattern.path().to_owned();
            return self.named(&method, |method| Named::Pattern { method, path });
        }
        let host = String::from_utf8_lossy(asked.header("host").unwrap_or_default());
        let mut origin = Origin {
            method: method.into_owned(),
            host: host.to_ascii_lowercase(),
        };
        if !self.tries.contains_key(&origin) && self.tries.len() >= MOST_TRIES {
            origin = Origin {
                method: "ANY".to_owned(),
                host: String::new(),
            };
        }
        let trie = self.tries.entry(origin.clone()).or_default();
        let found = trie.find(path);
        if let Some(operation) = operation(path, asked.body) {
            let path = found.template;
            return self.named(&origin.method, |_| Named::Operation { path, operation });
        }
        if let Some(route) = trie.route(found.node) {
            return Located {
                route,
                learned: Some((origin, path.to_owned())),
            };
        }
        if self.methods.len() >= MOST_ROUTES {
            self.beyond_limit += 1;
            return self.named(&origin.method, |_| Named::Others);
        }
        let route = new_route(&mut self.methods, &origin.method);
        if let Some(trie) = self.tries.get_mut(&origin) {
            trie.set_route(found.node, route);
        }
        Located {
            route,
            learned: Some((origin, path.to_owned())),
        }
    }

    fn named(&mut self, method: &str, name: impl FnOnce(String) -> Named) -> Located {
        let mut name = name(method.to_owned());
        if !self.named.contains_key(&name) && self.named.len() >= MOST_ROUTES {
            self.beyond_limit += 1;
            name = Named::Others;
        }
        let methods = &mut self.methods;
        let route = *self
            .named
            .entry(name)
            .or_insert_with(|| new_route(methods, method));
        Located {
            route,
            learned: None,
        }
    }

    /// Notes what the answer looked like. Gives the routes that are one with another from now on.
    pub(crate) fn learn(&mut self, located: &Located, skeleton: Skeleton) -> Vec<Merged> {
        let Some((origin, path)) = &located.learned else {
            return Vec::new();
        };
        self.tries
            .get_mut(origin)
            .map(|trie| trie.learn(path, skeleton))
            .unwrap_or_default()
    }

    /// How routes are called: `GET /orders/{n}`, with the host where there are several.
    pub(crate) fn names(&self) -> HashMap<RouteId, String> {
        let first_host = self.tries.keys().next().map(|origin| &origin.host);
        let has_hosts = self
            .tries
            .keys()
            .any(|origin| Some(&origin.host) != first_host);
        let mut names = HashMap::new();
        for (origin, trie) in &self.tries {
            let host = if has_hosts { &*origin.host } else { "" };
            for (route, path) in trie.names() {
                names.insert(route, format!("{} {host}{path}", origin.method));
            }
        }
        for (name, route) in &self.named {
            let method = self
                .methods
                .get(route.0 as usize)
                .map_or("", String::as_str);
            let text = match name {
                Named::Pattern { path, .. } => format!("{method} {path}"),
                Named::Operation { path, operation } => format!("{method} {path} {operation}"),
                Named::Others => "(all other routes)".to_owned(),
            };
            names.insert(*route, text);
        }
        names
    }

    pub(crate) fn bytes(&self) -> usize {
        const NAME: usize = 150;
        let tries: usize = self.tries.values().map(Trie::bytes).sum();
        tries + (self.named.len() + self.methods.len()) * NAME
    }
}

fn new_route(methods: &mut Vec<String>, method: &str) -> RouteId {
    // Twice MOST_ROUTES at most.
    let route = RouteId(u32::try_from(methods.len()).unwrap_or(u32::MAX));
    methods.push(method.chars().take(20).collect());
    route
}

/// The path of a target, also of one in absolute form.
pub(crate) fn path_of(target: &str) -> &str {
    let target = target.split(['?', '#']).next().unwrap_or(target);
    match target.split_once("://") {
        Some((_, rest)) if !target.starts_with('/') => rest.find('/').map_or("/", |at| &rest[at..]),
        _ => target,
    }
}

/// Patterns by the word that they begin with.
#[derive(Clone, Debug, Default)]
struct Patterns {
    all: Vec<Pattern>,
    from_user: usize,
    by_first: HashMap<String, Vec<usize>>,
}

impl Patterns {
    fn new(mut user: Vec<Pattern>, mut inventory: Vec<Pattern>) -> Self {
        inventory.sort_by_key(|pattern| std::cmp::Reverse(pattern.weight()));
        let from_user = user.len();
        user.append(&mut inventory);
        let mut by_first: HashMap<String, Vec<usize>> = HashMap::new();
        for (at, pattern) in user.iter().enumerate() {
            by_first
                .entry(first_word(pattern.path()))
                .or_default()
                .push(at);
        }
        Self {
            all: user,
            from_user,
            by_first,
        }
    }

    fn find(&self, method: &str, path: &str) -> Option<&Pattern> {
        if self.all.is_empty() {
            return None;
        }
        let first = path[path.len().min(1)..]
            .split(['/', '.'])
            .next()
            .unwrap_or_default();
        let matching = |key: &str| {
            self.by_first
                .get(key)?
                .iter()
                .find(|at| self.all[**at].matches(method, path))
        };
        let found = [matching(first), matching(ANY_FIRST)];
        found.into_iter().flatten().min().map(|at| &self.all[*at])
    }

    fn inventory(&self) -> impl Iterator<Item = &Pattern> {
        self.all.iter().skip(self.from_user)
    }
}

/// The key of patterns that begin with a parameter.
const ANY_FIRST: &str = "{}";

fn first_word(path: &str) -> String {
    let whole = path[1..].split('/').next().unwrap_or_default();
    let first = whole.split('.').next().unwrap_or_default();
    let is_word = !whole.contains(['{', '*']);
    if is_word { first } else { ANY_FIRST }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(routes: &mut Routes, method: &str, target: &str, body: Option<&str>) -> String {
        let asked = Asked {
            method: method.as_bytes(),
            target: target.as_bytes(),
            headers: vec![(b"Host", b"shop.example")],
            body: body.map(str::as_bytes),
        };
        let located = routes.locate(&asked);
        routes.names()[&located.route].clone()
    }

    #[test]
    fn a_request_has_the_route_of_its_path() {
        let mut routes = Routes::default();
        assert_eq!(
            name(&mut routes, "GET", "/orders/17?page=2", None),
            "GET /orders/{n}"
        );
        assert_eq!(name(&mut routes, "GET", "/", None), "GET /");
        assert_eq!(
            name(&mut routes, "GET", "http://a.example/x/1.csv", None),
            "GET /x/{n}.csv"
        );
        let body = r#"{"operationName":"Cart"}"#;
        assert_eq!(
            name(&mut routes, "POST", "/graphql", Some(body)),
            "POST /graphql Cart"
        );
    }

    #[test]
    fn patterns_of_the_user_come_before_the_inventory_and_words_before_parameters() {
        let mut routes = Routes::default();
        let parse = |text: &str| Pattern::parse(text).unwrap();
        routes.set_patterns(
            vec![parse("/legacy/**")],
            vec![
                parse("GET /{page}"),
                parse("GET /about"),
                parse("GET /legacy/{id}"),
            ],
        );
        assert_eq!(
            name(&mut routes, "GET", "/legacy/7", None),
            "GET /legacy/**"
        );
        assert_eq!(name(&mut routes, "GET", "/about", None), "GET /about");
        assert_eq!(name(&mut routes, "GET", "/contact", None), "GET /{page}");
        assert_eq!(name(&mut routes, "POST", "/contact", None), "POST /contact");
    }

    #[test]
    fn routes_are_bounded_and_what_is_beyond_is_counted() {
        let mut routes = Routes::default();
        for at in 0..12_000_u32 {
            let word: String = at
                .to_string()
                .chars()
                .map(|c| (c as u8 - b'0' + b'a') as char)
                .collect();
            name_only(&mut routes, &format!("/{word}"));
        }
        assert!(routes.beyond_limit > 0);
        assert!(routes.methods.len() <= MOST_ROUTES + 1);
    }

    fn name_only(routes: &mut Routes, target: &str) {
        routes.locate(&Asked {
            method: b"GET",
            target: target.as_bytes(),
            headers: Vec::new(),
            body: None,
        });
    }
}
