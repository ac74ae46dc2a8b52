//! The target of a redirect: its path is the leaf at `location`, its origin and its parameters are leaves beside it.

use super::{
    hash::hash_of,
    place::{PlaceId, Step},
    tree::{Builder, Class, NewLeaf, NodeKind},
    url::{OWN, Url},
    value::Scalar,
};
use crate::compare::answer::Answer;

const PARAMETERS: usize = 100;

/// The leaves of `Location`; none where there is no such header.
pub(crate) fn location(builder: &mut Builder, answer: &Answer<'_>, host: &[u8]) -> u32 {
    let place = builder.root("location");
    let root = builder.open(NodeKind::Object, place, Class::Redirect, 0);
    if let Some(value) = answer.header("location") {
        let value = String::from_utf8_lossy(value);
        let url = Url::of(value.trim());
        let origin = if url.is_own(host) { OWN } else { url.origin };
        add_leaf(builder, place, 1, Scalar::Url, url.path);
        let at = builder.below(place, Step::Word("origin"));
        add_leaf(builder, at, 2, Scalar::Text, origin);
        for (name, value) in url.parameters().take(PARAMETERS) {
            let at = builder.below(place, Step::Word(&format!("?{name}")));
            let value = decoded(value);
            add_leaf(builder, at, hash_of(name.as_bytes()), Scalar::Text, &value);
        }
        if !url.fragment.is_empty() {
            let at = builder.below(place, Step::Word("#"));
            add_leaf(builder, at, 3, Scalar::Text, url.fragment);
        }
    }
    builder.close(root);
    root
}

fn add_leaf(builder: &mut Builder, place: PlaceId, key: u64, scalar: Scalar, text: &str) {
    builder.leaf(NewLeaf {
        place,
        class: Class::Redirect,
        key,
        scalar,
        text,
    });
}

/// A parameter's value without its encoding.
pub(crate) fn decoded(value: &str) -> String {
    let spaced = value.replace('+', " ");
    percent_encoding::percent_decode_str(&spaced)
        .decode_utf8_lossy()
        .into_owned()
}
