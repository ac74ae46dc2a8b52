//! Which routes were seen and compared, and which never were.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::compare::{
    learn::Learned,
    report::Coverage,
    route::{RouteId, Routes},
};

type Names = HashMap<RouteId, String>;

pub(crate) fn coverage(learned: &Learned, names: &Names) -> Vec<Coverage> {
    let mut coverage: Vec<Coverage> = learned
        .routes
        .iter()
        .filter_map(|(id, route)| {
            let statuses: BTreeMap<String, u64> = route
                .statuses
                .iter()
                .map(|(status, count)| (status.to_string(), u64::from(*count)))
                .collect();
            Some(Coverage {
                route: names.get(id)?.clone(),
                requests: u64::from(route.requests),
                compared: u64::from(route.pairs),
                not_judged: u64::from(route.not_judged),
                statuses,
            })
        })
        .collect();
    coverage.sort_by(|one, other| {
        other
            .requests
            .cmp(&one.requests)
            .then_with(|| one.route.cmp(&other.route))
    });
    coverage
}

/// Routes of the application's own list that no request was for.
pub(crate) fn never_seen(routes: &Routes, names: &Names) -> Vec<String> {
    let seen: HashSet<&str> = names.values().map(String::as_str).collect();
    let mut never: Vec<String> = routes
        .inventory()
        .filter(|pattern| match pattern.method() {
            Some(method) => !seen.contains(&*format!("{method} {}", pattern.path())),
            None => !seen
                .iter()
                .any(|name| name.ends_with(&format!(" {}", pattern.path()))),
        })
        .map(|pattern| format!("{} {}", pattern.method().unwrap_or("ANY"), pattern.path()))
        .collect();
    never.sort_unstable();
    never.dedup();
    never
}
