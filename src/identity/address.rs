//! The ids and tokens in a URL, and what is left of it without them.

use std::{borrow::Cow, ops::Range};

use super::{
    ids::Scope,
    values::{id_in, is_opaque, names_id},
};
use crate::compare::Url;

/// An id or a token in a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) at: Range<usize>,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Token,
    Id(Scope),
}

/// A URL's ids and tokens, in their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) parts: Vec<Part>,
    /// The same for URLs that differ in these alone.
    pub(super) skeleton: String,
}

/// Parts of a path, and parameters.
const MOST: usize = 64;

impl Address {
    /// Of a path with its query, as it is written.
    pub(super) fn of(text: &str) -> Self {
        let url = Url::of(text);
        let mut address = Self {
            parts: Vec::new(),
            skeleton: url.origin.to_owned(),
        };
        let mut at = url.origin.len();
        for (number, part) in url.path.split('/').enumerate().take(MOST) {
            if number > 0 {
                address.skeleton.push('/');
                at += 1;
            }
            address.path_part(part, at);
            at += part.len();
        }
        if url.query.is_empty() {
            return address;
        }
        let mut at = url.origin.len() + url.path.len() + 1;
        for parameter in url.query.split('&').take(MOST) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            address.skeleton.push('&');
            address.skeleton.push_str(name);
            address.parameter(name, value, at + name.len() + 1);
            at += parameter.len() + 1;
        }
        address
    }

    /// Its ids with what they are of; `text` is what this is the address of.
    pub(super) fn ids<'a>(&'a self, text: &'a str) -> impl Iterator<Item = (&'a Scope, &'a str)> {
        self.parts.iter().filter_map(|part| match &part.what {
            What::Id(scope) => Some((scope, &text[part.at.clone()])),
            What::Token => None,
        })
    }

    fn path_part(&mut self, part: &str, at: usize) {
        let (stem, ending) = match part.rsplit_once('.') {
            Some((stem, ending)) if ending.len() <= 5 => (stem, &part[stem.len()..]),
            _ => (part, ""),
        };
        if is_opaque(stem) {
            self.push(at..at + stem.len(), What::Token);
            self.skeleton.push_str("{}");
            self.skeleton.push_str(ending);
        } else if let Some(id) = id_in(part) {
            self.skeleton.push_str(&part[..id.start]);
            let scope = Scope::Path(self.skeleton.clone());
            self.push(at + id.start..at + id.end, What::Id(scope));
            self.skeleton.push_str("{}");
            self.skeleton.push_str(&part[id.end..]);
        } else {
            self.skeleton.push_str(part);
        }
    }

    fn parameter(&mut self, name: &str, value: &str, at: usize) {
        let range = at..at + value.len();
        // One with escapes is looked into when it is decoded.
        if value.contains(['%', '+']) {
            return;
        }
        if is_opaque(value) {
            self.push(range, What::Token);
        } else if names_id(name) && id_in(value) == Some(0..value.len()) {
            let scope = self.field(name);
            self.push(range, What::Id(scope));
        }
    }

    fn push(&mut self, at: Range<usize>, what: What) {
        self.parts.push(Part { at, what });
    }

    /// What a field of this name is an id of, where the URL is where it is sent to.
    pub(super) fn field(&self, name: &str) -> Scope {
        field_of(name, &self.skeleton)
    }
}

/// What a field's value is an id of: `order[product_id]`, `product_id`, or `id` where the path says of what.
pub(super) fn field_of(name: &str, skeleton: &str) -> Scope {
    let mut words = name
        .split(['[', ']', '.'])
        .filter(|word| !word.is_empty() && !word.bytes().all(|c| c.is_ascii_digit()));
    let last = words.next_back().unwrap_or(name);
    if !is_plain_id(last) {
        return Scope::Field(last.to_owned());
    }
    match words.next_back() {
        Some(above) => Scope::Field(above.to_owned()),
        None => collection(skeleton),
    }
}

fn is_plain_id(name: &str) -> bool {
    ["id", "ids", "pk", "uuid"]
        .iter()
        .any(|word| name.eq_ignore_ascii_case(word))
}

/// What a path is a collection of, or a member of.
pub(super) fn collection(skeleton: &str) -> Scope {
    let path = skeleton.split(['?', '&']).next().unwrap_or_default();
    if let Some(at) = path.rfind("{}") {
        return Scope::Path(path[..at].to_owned());
    }
    let path = path.trim_end_matches('/');
    let stem = match path.rsplit_once('.') {
        Some((stem, ending)) if ending.len() <= 5 && !ending.contains('/') => stem,
        _ => path,
    };
    Scope::Path(format!("{stem}/"))
}

/// A reference of a page at `base` as a path with its query; `None` where it leads elsewhere, or nowhere.
pub(super) fn resolved<'a>(reference: &'a str, base: &str, host: &str) -> Option<Cow<'a, str>> {
    let reference = reference.trim();
    if reference.is_empty() || reference.starts_with('#') {
        return None;
    }
    let reference = reference.split('#').next().unwrap_or_default();
    let url = Url::of(reference);
    if !url.origin.is_empty() {
        let is_own = url.is_own(host.as_bytes());
        return is_own.then(|| Cow::Borrowed(&reference[url.origin.len()..]));
    }
    if reference.starts_with('/') {
        return Some(Cow::Borrowed(reference));
    }
    let path = base.split(['?', '#']).next().unwrap_or_default();
    if reference.starts_with('?') {
        return Some(Cow::Owned(format!("{path}{reference}")));
    }
    let scheme = reference.find(':');
    if scheme.is_some_and(|at| !reference[..at].contains(['/', '?'])) {
        return None;
    }
    let mut folder: Vec<&str> = path.split('/').collect();
    folder.pop();
    let mut rest = reference;
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            rest = after;
            if folder.len() > 1 {
                folder.pop();
            }
        } else {
            break;
        }
    }
    Some(Cow::Owned(format!("{}/{rest}", folder.join("/"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<(String, String)> {
        let address = Address::of(text);
        let part = |part: Part| {
            let what = match part.what {
                What::Token => "token".to_owned(),
                What::Id(Scope::Path(scope) | Scope::Field(scope)) => scope,
            };
            (text[part.at].to_owned(), what)
        };
        address.parts.into_iter().map(part).collect()
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        of.iter().map(owned).collect()
    }

    #[test]
    fn an_id_in_a_path_belongs_to_what_stands_before_it() {
        let wanted = pairs(&[("5", "/users/"), ("1407", "/users/{}/orders/")]);
        assert_eq!(parts("/users/5/orders/1407-a-title/edit?page=2"), wanted);
        assert_eq!(
            parts("/orders/ORD-12.pdf"),
            pairs(&[("12", "/orders/ORD-")])
        );
    }

    #[test]
    fn parameters_are_ids_where_their_names_say_so() {
        let wanted = pairs(&[("7", "order_id"), ("9", "/search/")]);
        assert_eq!(parts("/search?order_id=7&page=2&id=9"), wanted);
        let token = "550e8400-e29b-41d4-a716-446655440000";
        let text = format!("/files/{token}.png?key={token}");
        assert_eq!(parts(&text), pairs(&[(token, "token"), (token, "token")]));
    }

    #[test]
    fn urls_that_differ_in_ids_alone_have_one_skeleton() {
        let skeleton = |text| Address::of(text).skeleton;
        assert_eq!(
            skeleton("/orders/7/edit?page=1"),
            skeleton("/orders/1392/edit?page=2")
        );
        assert_ne!(skeleton("/orders/7/edit"), skeleton("/orders/7/delete"));
    }

    #[test]
    fn references_are_resolved() {
        for (reference, wanted) in [
            ("/a/b?c=1#d", Some("/a/b?c=1")),
            ("7/edit", Some("/orders/7/edit")),
            ("../users/7", Some("/users/7")),
            ("?page=2", Some("/orders/?page=2")),
            ("http://app.example/a", Some("/a")),
            ("http://other.example/a", None),
            ("mailto:a@example.com", None),
            ("#top", None),
        ] {
            let found = resolved(reference, "/orders/?page=1", "app.example");
            assert_eq!(found.as_deref(), wanted, "{reference}");
        }
    }

    #[test]
    fn fields_are_of_what_their_names_say() {
        let field = |name: &str| Scope::Field(name.to_owned());
        assert_eq!(field_of("order[product_id]", "/"), field("product_id"));
        assert_eq!(field_of("lines[0][id]", "/"), field("lines"));
        assert_eq!(field_of("issue_ids[]", "/"), field("issue_ids"));
        let issues = Scope::Path("/issues/".into());
        assert_eq!(field_of("ids[]", "/issues"), issues);
        assert_eq!(field_of("id", "/issues/{}/edit"), issues);
    }
}
