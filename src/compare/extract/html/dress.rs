//! The markup around what a page says, as a hash: tags, classes, styles, roles. Numbers and tokens in it are masked, and
//! what marks a row by its position is left out.

use super::super::{
    hash::{hash_of, mix},
    mask::masked_hash,
    tokens::Attribute,
};

/// Attributes that are read elsewhere, or are made anew in each response.
const CONTENT: &[&str] = &[
    "action",
    "alt",
    "checked",
    "content",
    "datetime",
    "disabled",
    "for",
    "href",
    "method",
    "name",
    "nonce",
    "placeholder",
    "selected",
    "src",
    "srcset",
    "title",
    "type",
    "value",
    "colspan",
    "rowspan",
    "integrity",
    "aria-labelledby",
    "aria-describedby",
    "aria-controls",
    "list",
    "id",
    "open",
    "download",
    "data-method",
    "data-turbo-method",
    "data-confirm",
    "data-turbo-confirm",
];

/// The hash of an element's tag and attributes.
pub(crate) fn dress(name: &str, attributes: &[Attribute<'_>]) -> u64 {
    // Attributes and classes are sets.
    let attributes = attributes.iter().map(attribute).fold(0, u64::wrapping_add);
    mix(hash_of(name.as_bytes()), attributes)
}

fn attribute(attribute: &Attribute<'_>) -> u64 {
    let name = &*attribute.name;
    if CONTENT.contains(&name) {
        return 0;
    }
    let value = if name == "class" {
        classes(attribute.value)
    } else if name.starts_with("data-") {
        // Their values are data as often as not.
        0
    } else {
        masked_hash(attribute.value)
    };
    mix(hash_of(name.as_bytes()), value)
}

fn classes(value: &str) -> u64 {
    value
        .split_ascii_whitespace()
        .filter(|class| !matches!(*class, "odd" | "even" | "first" | "last"))
        .map(masked_hash)
        .fold(0, u64::wrapping_add)
}
