//! The target of a copy: its path by regular expressions, the base path before it, parameters of the query.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    config::{Query, Rewrite},
    http::{RequestHead, decoded},
    shadow::request_view::split_at,
};

/// What has a meaning in a query, or may not stand in one (RFC 3986, 3.4).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b',')
    .remove(b':')
    .remove(b'@')
    .remove(b'/')
    .remove(b';');

/// The new target; `None` where it stays as it is.
pub(super) fn rewritten(head: &RequestHead, rules: &Rewrite) -> Option<Vec<u8>> {
    let target = head.target();
    let path = head.path();
    if path == b"*" {
        return None;
    }
    let new_path = new_path(path, rules);
    let query = head.query();
    let new_query = new_query(query, &rules.query);
    if new_path.is_none() && new_query.is_none() {
        return None;
    }
    // An absolute target keeps its beginning; where its path is empty, the query is all that follows.
    let before_query = target.len() - query.map_or(0, |query| query.len() + 1);
    let has_path = target[..before_query].ends_with(path);
    let start = before_query - if has_path { path.len() } else { 0 };
    let mut out = target[..start].to_vec();
    out.extend_from_slice(new_path.as_deref().unwrap_or(path));
    match (new_query, query) {
        (Some(query), _) if query.is_empty() => {}
        (Some(query), _) => {
            out.push(b'?');
            out.extend_from_slice(&query);
        }
        (None, Some(query)) => {
            out.push(b'?');
            out.extend_from_slice(query);
        }
        (None, None) => {}
    }
    Some(out)
}

fn new_path(path: &[u8], rules: &Rewrite) -> Option<Vec<u8>> {
    let mut new = Cow::Borrowed(path);
    for rule in &rules.path {
        if let Cow::Owned(replaced) = rule.regex.replace_all(&new, rule.to.as_bytes()) {
            new = Cow::Owned(replaced);
        }
    }
    if !new.starts_with(b"/") {
        new.to_mut().insert(0, b'/');
    }
    if !rules.base_path.is_empty() {
        new = Cow::Owned([rules.base_path.as_bytes(), &new].concat());
    }
    match new {
        Cow::Borrowed(_) => None,
        Cow::Owned(new) => Some(new),
    }
}

fn new_query(query: Option<&[u8]>, rules: &Query) -> Option<Vec<u8>> {
    let Query { remove, set } = rules;
    if remove.is_empty() && set.is_empty() {
        return None;
    }
    let mut parts: Vec<Cow<'_, [u8]>> = Vec::new();
    let (mut changed, mut written) = (false, vec![false; set.len()]);
    for part in query.unwrap_or_default().split(|byte| *byte == b'&') {
        let name = split_at(part, b'=').map_or(part, |(name, _)| name);
        let name = decoded(name, true);
        let is = |other: &String| *name == *other.as_bytes();
        if let Some(index) = set.iter().position(|(other, _)| is(other)) {
            changed = true;
            if !written[index] {
                written[index] = true;
                parts.push(Cow::Owned(pair(&set[index])));
            }
        } else if remove.iter().any(is) {
            changed = true;
        } else if query.is_some_and(|query| !query.is_empty()) {
            parts.push(Cow::Borrowed(part));
        }
    }
    for (value, written) in set.iter().zip(written) {
        if !written {
            changed = true;
            parts.push(Cow::Owned(pair(value)));
        }
    }
    changed.then(|| parts.join(&b'&'))
}

/// As it stands in a query.
fn pair((name, value): &(String, String)) -> Vec<u8> {
    let escaped = |text| utf8_percent_encode(text, ESCAPED);
    format!("{}={}", escaped(name), escaped(value)).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(query: Option<&str>, remove: &[&str], set: &[(&str, &str)]) -> Option<String> {
        let rules = Query {
            remove: remove.iter().map(ToString::to_string).collect(),
            set: set
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
        };
        new_query(query.map(str::as_bytes), &rules).map(|new| String::from_utf8(new).unwrap())
    }

    #[test]
    fn parameters_are_set_where_they_stand_and_all_else_stays_byte_for_byte() {
        let set = [("a", "x y&z")];
        assert_eq!(
            new(Some("b=%41&a=1&&c&a=2"), &[], &set).as_deref(),
            Some("b=%41&a=x%20y%26z&&c")
        );
        assert_eq!(new(None, &[], &set).as_deref(), Some("a=x%20y%26z"));
        assert_eq!(new(Some(""), &[], &set).as_deref(), Some("a=x%20y%26z"));
        assert_eq!(new(Some(""), &["a"], &[]), None);
        assert_eq!(new(Some("b=1"), &["a"], &[]), None);
        assert_eq!(new(Some("%61=1&b"), &["a"], &[]).as_deref(), Some("b"));
        assert_eq!(new(Some("a=1"), &["a"], &[]).as_deref(), Some(""));
        assert_eq!(new(None, &["a"], &[]), None);
        let set = [("é[]", "-._~!$'()*,:@/;+=%?#\"\0")];
        assert_eq!(
            new(None, &[], &set).as_deref(),
            Some("%C3%A9%5B%5D=-._~!$'()*,:@/;%2B%3D%25%3F%23%22%00")
        );
    }
}
