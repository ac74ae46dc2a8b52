//! The query of an address, which has a view's filters, so that a colleague gets the same view by a link.

use std::fmt::Write;

use form_urlencoded::Serializer;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::admin::call::Call;

/// What may stand in a segment of a path (RFC 3986, 3.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The parameters of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn of(call: &Call<'_>) -> Self {
        let query = call.request.uri().query().unwrap_or_default();
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// A parameter that is there and not empty.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let mut pairs = self.0.iter();
        let found = pairs.find(|(key, value)| key == name && !value.trim().is_empty());
        found.map(|(_, value)| value.trim())
    }

    /// The text that is looked for, in lower case. One that was cut where it was linked has its beginning.
    pub(super) fn text(&self) -> Option<String> {
        let text = self.find("q")?;
        Some(text.trim_end_matches('…').to_lowercase())
    }

    /// The page of a long list, from one.
    pub(super) fn page(&self) -> usize {
        let page = self.find("page").and_then(|page| page.parse().ok());
        page.unwrap_or(1).clamp(1, 100_000)
    }

    /// The address of this view with another value of one parameter, or without it.
    pub(super) fn with(&self, path: &str, name: &str, value: Option<&str>) -> String {
        let kept = self
            .0
            .iter()
            .filter(|(key, value)| key != name && !value.is_empty());
        let pairs = kept.map(|(key, value)| (key.as_str(), value.as_str()));
        let pairs = pairs.chain(value.map(|value| (name, value)));
        let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
        joined(path, &query)
    }
}

/// The address of a path with these parameters.
pub(super) fn address(path: &str, pairs: &[(&str, &str)]) -> String {
    let query = Serializer::new(String::new()).extend_pairs(pairs).finish();
    joined(path, &query)
}

fn joined(path: &str, query: &str) -> String {
    let mut address = path.to_owned();
    if !query.is_empty() {
        // Writing to memory can't fail.
        let _ = write!(address, "?{query}");
    }
    address
}

/// The address of one thing: `/shadows/` and its name.
pub(super) fn path_to(before: &str, name: &str) -> String {
    format!("{before}{}", utf8_percent_encode(name, SEGMENT))
}

/// The name that a path has, decoded.
pub(super) fn name_of(call: &Call<'_>) -> String {
    percent_decode_str(call.name)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_the_filters_that_it_has() {
        let query = Query(vec![
            ("shadow".into(), "next".into()),
            ("q".into(), "a b&c".into()),
            ("empty".into(), String::new()),
        ]);
        assert_eq!(
            query.with("/", "page", Some("2")),
            "/?shadow=next&q=a+b%26c&page=2"
        );
        assert_eq!(query.with("/", "q", None), "/?shadow=next");
        assert_eq!(query.find("empty"), None);
    }

    #[test]
    fn a_name_survives_its_way_through_a_path() {
        let name = "a/b ?#%\u{202e}ü";
        let path = path_to("/shadows/", name);
        assert!(path.is_ascii() && path.matches('/').count() == 2, "{path}");
    }
}
