//! How much a transformation says by itself.

use crate::compare::learn::cell::CellKey;

/// How unlikely a transformation is by chance.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Strength {
    Sure,
    Likely,
    None,
}

/// Whether two values that have nothing to do with each other look so now and then.
pub(crate) fn is_made_by_chance(key: &CellKey) -> bool {
    const CHANCE: [&str; 7] = [
        "factor",
        "time shifted",
        "prefix",
        "suffix",
        "precision gained",
        "other shape",
        "other value",
    ];
    CHANCE.iter().any(|name| key.change.starts_with(name))
}

pub(super) fn strength(key: &CellKey) -> Strength {
    const SURE: [&str; 13] = [
        "number to text",
        "text to number",
        "time format",
        "number format",
        "entity-escaped",
        "entities decoded",
        "mojibake",
        "origin replaced",
        "form of a boolean",
        "unicode normalization",
        "other type",
        "precision lost",
        "renamed to",
    ];
    const LIKELY: [&str; 12] = [
        "factor",
        "time shifted",
        "case",
        "trimmed",
        "null to empty",
        "empty to null",
        "prefix",
        "suffix",
        "emptied",
        "filled",
        "precision gained",
        "other shape",
    ];
    let begins = |names: &[&str]| names.iter().any(|name| key.change.starts_with(name));
    if begins(&SURE) {
        Strength::Sure
    } else if begins(&LIKELY) {
        Strength::Likely
    } else {
        Strength::None
    }
}
