//! Which routes are answered otherwise than before: paths with their numbers taken out, so that they are few.

use std::{cmp::Reverse, collections::HashMap};

use serde::Serialize;

/// How often each route was answered with another class of status.
#[derive(Debug, Default)]
pub(super) struct Routes(HashMap<String, Route>);

/// One route.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Route {
    #[serde(rename = "route")]
    pub(super) name: String,
    pub(super) count: u64,
    /// The statuses of the last that differed: production's, and the target's.
    pub(super) captured: u16,
    pub(super) replayed: u16,
}

/// Limit of the routes; further ones are counted together.
const MOST: usize = 1000;

impl Routes {
    pub(super) fn note(&mut self, method: &[u8], target: &[u8], captured: u16, replayed: u16) {
        let mut name = route(method, target);
        if self.0.len() >= MOST && !self.0.contains_key(&name) {
            name = "(others)".into();
        }
        let count = self.0.get(&name).map_or(0, |route| route.count) + 1;
        let route = Route {
            name: name.clone(),
            count,
            captured,
            replayed,
        };
        self.0.insert(name, route);
    }

    /// The most frequent ones.
    pub(super) fn top(&self, many: usize) -> Vec<Route> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by_cached_key(|route| (Reverse(route.count), route.name.clone()));
        all.truncate(many);
        all
    }
}

/// The method, and the path with `:id` for what is a number or a long row of digits and letters.
fn route(method: &[u8], target: &[u8]) -> String {
    let target = String::from_utf8_lossy(target);
    let path = target.split('?').next().unwrap_or_default();
    let parts = path
        .split('/')
        .map(|part| if is_id(part) { ":id" } else { part });
    let path = parts.collect::<Vec<_>>().join("/");
    format!("{} {path}", String::from_utf8_lossy(method))
}

fn is_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let is_plain = part
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    digits > 0 && is_plain && (digits == part.len() || (part.len() >= 16 && digits >= 4))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_random_names_are_taken_out_of_routes() {
        for (target, expected) in [
            ("/orders/17/items?x=1", "GET /orders/:id/items"),
            ("/v2/users", "GET /v2/users"),
            ("/f/0b1f3a52-77aa-4b1c-9c1e-0f6a1c3f8a10", "GET /f/:id"),
            ("/", "GET /"),
        ] {
            assert_eq!(route(b"GET", target.as_bytes()), expected);
        }
    }

    #[test]
    fn there_are_never_too_many_routes() {
        let mut routes = Routes::default();
        for n in 0..5000 {
            routes.note(b"GET", format!("/page{n}").as_bytes(), 200, 500);
        }
        assert!(routes.0.len() <= MOST + 1);
        assert_eq!(routes.top(1)[0].name, "(others)");
        assert_eq!(routes.top(1)[0].count, 4000);
    }
}
