//! What a request and production's answer to it are like, in words: the conditions under which a difference may show.

use std::collections::HashMap;
use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::sessions::{ANONYMOUS, SessionId};
use crate::compare::{
    answer::Asked,
    extract::{Extract, Looks, hash::hash_of, opaque::opaque},
    secrets::{Secrets, is_setting},
};

/// A feature's number within its route.
pub(crate) type FeatureId = u16;

/// Features of a route that are counted.
const MOST: usize = 256;
/// Values of one name that are told apart; a name with more is no condition.
const MOST_VALUES: u8 = 8;
const LONGEST_VALUE: usize = 24;
/// Leaves of an answer that are looked at.
const LEAVES: usize = 400;

/// The features of a route and how many pairs have each.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Features {
    ids: HashMap<u64, FeatureId>,
    all: Vec<Feature>,
    values_of: HashMap<u64, u8>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Feature {
    name: String,
    pairs: u32,
}

impl Features {
    /// The features of a request, each once and sorted.
    pub(crate) fn of_request(
        &mut self,
        secrets: &Secrets,
        asked: &Asked<'_>,
        session: SessionId,
    ) -> Vec<FeatureId> {
        self.found(secrets, |found| of_request(found, asked, session))
    }

    /// The features of production's answer, each once and sorted.
    pub(crate) fn of_answer(&mut self, secrets: &Secrets, primary: &Extract) -> Vec<FeatureId> {
        self.found(secrets, |found| of_answer(found, primary))
    }

    fn found(&mut self, secrets: &Secrets, find: impl FnOnce(&mut Found<'_>)) -> Vec<FeatureId> {
        let mut found = Found {
            secrets,
            features: self,
            ids: Vec::with_capacity(24),
            text: String::with_capacity(64),
        };
        find(&mut found);
        let mut ids = found.ids;
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    /// Counts features of a pair, which stands for so many.
    pub(crate) fn count(&mut self, ids: &[FeatureId], times: u32) {
        for id in ids {
            let pairs = &mut self.all[usize::from(*id)].pairs;
            *pairs = pairs.saturating_add(times);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (FeatureId, &str, u32)> {
        (0..)
            .zip(&self.all)
            .map(|(id, feature)| (id, &*feature.name, feature.pairs))
    }

    /// The number here of a feature that another route has under another number.
    pub(crate) fn id_of(&mut self, name: &str) -> Option<FeatureId> {
        let hash = hash(name);
        if let Some(id) = self.ids.get(&hash) {
            return Some(*id);
        }
        if self.all.len() >= MOST {
            return None;
        }
        let id = FeatureId::try_from(self.all.len()).ok()?;
        self.ids.insert(hash, id);
        self.all.push(Feature {
            name: name.to_owned(),
            pairs: 0,
        });
        Some(id)
    }

    fn may_have_value(&mut self, group: u64) -> bool {
        if self.values_of.len() >= MOST && !self.values_of.contains_key(&group) {
            return false;
        }
        let values = self.values_of.entry(group).or_default();
        *values = values.saturating_add(1);
        *values <= MOST_VALUES
    }

    pub(crate) fn bytes(&self) -> usize {
        const FEATURE: usize = 100;
        (self.all.len() + self.values_of.len()) * FEATURE
    }
}

/// How many pairs of a cell have each feature.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct FeatureCounts(Vec<(FeatureId, u32)>);

impl FeatureCounts {
    /// Counts the features of one pair, which are sorted.
    pub(crate) fn add(&mut self, ids: &[FeatureId], times: u32) {
        let mut from = 0;
        for id in ids {
            match self.0[from..].binary_search_by_key(id, |known| known.0) {
                Ok(at) => {
                    let count = &mut self.0[from + at].1;
                    *count = count.saturating_add(times);
                    from += at + 1;
                }
                Err(at) => {
                    self.0.insert(from + at, (*id, times));
                    from += at + 1;
                }
            }
        }
    }

    pub(crate) fn count(&self, id: FeatureId) -> u32 {
        let found = self.0.binary_search_by_key(&id, |known| known.0);
        found.map_or(0, |at| self.0[at].1)
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// With the numbers of another route.
    pub(crate) fn renamed(&self, names: &HashMap<FeatureId, Option<FeatureId>>) -> Self {
        let mut renamed = Self::default();
        for (id, count) in &self.0 {
            if let Some(new) = names.get(id).copied().flatten() {
                renamed.add(&[new], *count);
            }
        }
        renamed
    }
}

struct Found<'a> {
    secrets: &'a Secrets,
    features: &'a mut Features,
    ids: Vec<FeatureId>,
    text: String,
}

impl Found<'_> {
    /// Adds a feature by its words.
    fn add(&mut self, words: std::fmt::Arguments<'_>) {
        self.text.clear();
        let _ = self.text.write_fmt(words);
        if let Some(id) = self.features.id_of(&self.text) {
            self.ids.push(id);
        }
    }

    /// Adds one of the values of a name, if the name has few.
    fn add_value(&mut self, name: std::fmt::Arguments<'_>, value: &str) {
        if value.len() > LONGEST_VALUE {
            return;
        }
        self.text.clear();
        let _ = self.text.write_fmt(name);
        let group = hash(&self.text);
        let _ = self.text.write_str(value);
        let known = self.features.ids.get(&hash(&self.text)).copied();
        if let Some(id) = known {
            self.ids.push(id);
        } else if self.features.may_have_value(group)
            && let Some(id) = self.features.id_of(&self.text)
        {
            self.ids.push(id);
        }
    }
}

fn hash(text: &str) -> u64 {
    hash_of(text.as_bytes())
}

fn of_request(found: &mut Found<'_>, asked: &Asked<'_>, session: SessionId) {
    if session == ANONYMOUS {
        found.add(format_args!("without a session"));
    }
    let target = String::from_utf8_lossy(asked.target);
    if let Some((_, query)) = target.split_once('?') {
        of_form(found, "?", query);
    } else {
        found.add(format_args!("no query"));
    }
    for name in [
        "accept",
        "accept-language",
        "accept-encoding",
        "content-type",
    ] {
        if let Some(value) = asked.header(name)
            && !found.secrets.names_header(name)
        {
            let value = String::from_utf8_lossy(value);
            let first = value.split([',', ';']).next().unwrap_or_default().trim();
            found.add_value(format_args!("{name}: "), first);
        }
    }
    for name in [
        "if-none-match",
        "if-modified-since",
        "range",
        "x-requested-with",
    ] {
        if asked.header(name).is_some() {
            found.add(format_args!("with {name}"));
        }
    }
    if let Some(agent) = asked.header("user-agent")
        && !found.secrets.names_header("user-agent")
    {
        let agent = String::from_utf8_lossy(agent);
        let first = agent.split(['/', ' ']).next().unwrap_or_default();
        found.add_value(format_args!("user-agent: "), first);
    }
    of_cookies(found, asked);
    of_body(found, asked);
}

fn of_form(found: &mut Found<'_>, prefix: &str, form: &str) {
    const PARAMETERS: usize = 20;
    for pair in form
        .split('&')
        .take(PARAMETERS)
        .filter(|pair| !pair.is_empty())
    {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        if name.len() > LONGEST_VALUE {
            continue;
        }
        let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
        let is_secret = found.secrets.names_value(name);
        of_named(found, &format!("{prefix}{name}"), &value, is_secret);
    }
}

/// Features of a value that a name has.
fn of_named(found: &mut Found<'_>, name: &str, value: &str, is_secret: bool) {
    found.add(format_args!("{name}"));
    if value.is_empty() {
        found.add(format_args!("{name} empty"));
    } else if !value.is_ascii() {
        found.add(format_args!("{name} not ASCII"));
    }
    if value.contains(['+', ' ']) {
        found.add(format_args!("{name} with spaces"));
    }
    if !is_secret && opaque(value).is_none() {
        found.add_value(format_args!("{name}="), value);
    }
}

fn of_cookies(found: &mut Found<'_>, asked: &Asked<'_>) {
    const COOKIES: usize = 12;
    let Some(cookies) = asked.header("cookie") else {
        return;
    };
    let cookies = String::from_utf8_lossy(cookies);
    for cookie in cookies.split(';').take(COOKIES) {
        let (name, value) = cookie.split_once('=').unwrap_or((cookie, ""));
        let name = name.trim();
        if name.len() > LONGEST_VALUE {
            continue;
        }
        found.add(format_args!("cookie {name}"));
        if super::sessions::is_session_like(name, value.as_bytes()) || value.len() > 8 {
            continue;
        }
        if is_setting(name) {
            found.add_value(format_args!("cookie {name}="), value);
        } else {
            let number = hash(value) % 10_000;
            found.add_value(format_args!("cookie {name}, value #"), &number.to_string());
        }
    }
}

fn of_body(found: &mut Found<'_>, asked: &Asked<'_>) {
    const LOOKED_AT: usize = 8 * 1024;
    let Some(body) = asked.body.filter(|body| !body.is_empty()) else {
        return;
    };
    if body.len() > LOOKED_AT {
        found.add(format_args!("body larger than 8 KiB"));
        return;
    }
    let content_type = asked.header("content-type").unwrap_or_default();
    if content_type.starts_with(b"application/x-www-form-urlencoded") {
        let form = String::from_utf8_lossy(body);
        of_form(found, "form ", &form);
    } else if body.starts_with(b"{")
        && let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(body)
    {
        for (name, value) in members.iter().take(20) {
            let is_secret = found.secrets.names_value(name);
            match value {
                serde_json::Value::String(text) => {
                    of_named(found, &format!("body {name}"), text, is_secret);
                }
                serde_json::Value::Null => found.add(format_args!("body {name} null")),
                serde_json::Value::Array(items) => {
                    thresholds(found, &format!("body {name}"), items.len());
                }
                serde_json::Value::Object(_) => found.add(format_args!("body {name}")),
                other => of_named(
                    found,
                    &format!("body {name}"),
                    &other.to_string(),
                    is_secret,
                ),
            }
        }
    }
}

fn of_answer(found: &mut Found<'_>, primary: &Extract) {
    found.add_value(format_args!("answer "), &primary.status.to_string());
    let mut items: HashMap<u64, (&str, usize)> = HashMap::new();
    for leaf in primary.leaf_refs().take(LEAVES) {
        let place = leaf.place().as_str();
        if !place.starts_with('$') {
            continue;
        }
        let name = place.trim_start_matches("$.");
        // A list's first leaf of each kind counts its items.
        if let Some((list, rest)) = name.split_once("[]") {
            if !rest.contains("[]") {
                let count = items.entry(leaf.place().hash()).or_insert((list, 0));
                count.1 += 1;
            }
            continue;
        }
        if found.secrets.names_place(place) {
            continue;
        }
        let value = leaf.value();
        match value.looks {
            Looks::Null => found.add(format_args!("{name} null")),
            Looks::Bool => found.add(format_args!("{name}={}", value.text())),
            Looks::Number => of_number(found, name, value.text()),
            Looks::Text if value.text().is_empty() => found.add(format_args!("{name} empty")),
            Looks::Text => {
                if !value.text().is_ascii() {
                    found.add(format_args!("{name} not ASCII"));
                }
                found.add_value(format_args!("{name}="), value.text());
            }
            _ => {}
        }
    }
    let mut most: HashMap<&str, usize> = HashMap::new();
    for (list, count) in items.into_values() {
        let known = most.entry(list).or_default();
        *known = (*known).max(count);
    }
    for (list, count) in most {
        let list = if list.is_empty() || list == "$" {
            "items"
        } else {
            list
        };
        thresholds(found, list, count);
    }
}

fn of_number(found: &mut Found<'_>, name: &str, text: &str) {
    match text.parse::<f64>() {
        Ok(number) if number < 0.0 => found.add(format_args!("{name}<0")),
        Ok(number) => {
            for limit in [1, 10, 100, 1_000, 10_000, 100_000] {
                if number >= f64::from(limit) {
                    found.add(format_args!("{name}>={limit}"));
                }
            }
            if text.len() <= 4 {
                found.add_value(format_args!("{name}="), text);
            }
        }
        Err(_) => {}
    }
}

fn thresholds(found: &mut Found<'_>, name: &str, count: usize) {
    if count == 0 {
        found.add(format_args!("{name} empty"));
    }
    for limit in [0, 1, 2, 3, 4, 5, 7, 9, 19, 49, 99] {
        if count > limit {
            found.add(format_args!("{name}>{limit}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(features: &Features, ids: &[FeatureId]) -> Vec<String> {
        features
            .iter()
            .filter(|(id, _, _)| ids.contains(id))
            .map(|(_, name, _)| name.to_owned())
            .collect()
    }

    #[test]
    fn a_request_is_told_in_words() {
        let mut features = Features::default();
        let asked = Asked {
            method: b"POST",
            target: b"/search?q=caf%C3%A9&page=2",
            headers: vec![
                (b"Cookie", b"theme=dark"),
                (b"Content-Type", b"application/json"),
            ],
            body: Some(br#"{"coupon":"X1","lines":[1,2,3,4]}"#),
        };
        let ids = features.of_request(&Secrets::default(), &asked, ANONYMOUS);
        let names = names(&features, &ids);
        for expected in [
            "without a session",
            "?q not ASCII",
            "?page=2",
            "cookie theme=dark",
            "content-type: application/json",
            "body coupon",
            "body lines>3",
        ] {
            assert!(
                names.iter().any(|name| name == expected),
                "{expected}: {names:?}"
            );
        }
    }

    #[test]
    fn secrets_are_no_words_of_a_condition() {
        let mut features = Features::default();
        let asked = Asked {
            method: b"POST",
            target: b"/?token=hush1&code=hush2&page=2",
            headers: vec![(b"Cookie", b"pref=hush3")],
            body: Some(br#"{"pin":"hush4","password":12345}"#),
        };
        features.of_request(&Secrets::default(), &asked, 1);
        let all: Vec<&str> = features.iter().map(|(_, name, _)| name).collect();
        let all = all.join("\n");
        assert!(!all.contains("hush") && !all.contains("12345"), "{all}");
        assert!(all.contains("?token\n") && all.contains("?page=2"), "{all}");
    }

    #[test]
    fn features_are_bounded_whatever_comes() {
        let mut features = Features::default();
        for at in 0..10_000 {
            let target = format!("/?a{at}=1&b={at}");
            let asked = Asked {
                method: b"GET",
                target: target.as_bytes(),
                headers: Vec::new(),
                body: None,
            };
            features.of_request(&Secrets::default(), &asked, 1);
        }
        assert!(features.all.len() <= MOST);
        let of_b = features
            .iter()
            .filter(|(_, name, _)| name.starts_with("?b="))
            .count();
        assert_eq!(of_b, usize::from(MOST_VALUES));
    }
}
