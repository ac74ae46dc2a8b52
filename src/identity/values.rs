//! What a value is to a session: a token that says nothing by itself, a small id, or neither.

use std::{hash::Hasher, ops::Range};

use serde::{Deserialize, Serialize};
use siphasher::sip::SipHasher13;

use crate::compare::opaque;

/// Hashes what production gave out, so that its secrets are not kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Key(pub(super) u64, pub(super) u64);

impl Key {
    pub(super) fn random() -> Self {
        Self(fastrand::u64(..), fastrand::u64(..))
    }

    /// Of texts one behind the other: no two lists of texts are taken for the same.
    pub(super) fn of(self, texts: &[&str]) -> u64 {
        let mut hasher = self.hasher();
        for text in texts {
            hasher.write(text.as_bytes());
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }

    fn hasher(self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, self.1)
    }

    /// The same, of bytes.
    pub(super) fn of_bytes(self, texts: &[&[u8]]) -> u64 {
        let mut hasher = self.hasher();
        for text in texts {
            hasher.write(text);
            hasher.write_u8(0xff);
        }
        hasher.finish()
    }
}

/// So many bits can't be the same by chance.
const OPAQUE_BITS: u16 = 64;
/// No token is longer.
const LONGEST: usize = 8 * 1024;
/// A small id is no longer.
const LONGEST_ID: usize = 20;

/// Whether a text is a token that nobody else can have.
pub(super) fn is_opaque(text: &str) -> bool {
    text.len() <= LONGEST && opaque(text).is_some_and(|token| token.bits >= OPAQUE_BITS)
}

/// Whether a text is a token, or one with something before or behind it: `12.9f8e…`, the id of an upload and its digest.
pub(super) fn is_token(text: &str) -> bool {
    const LONGEST: usize = 512;
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || b"-_.:~+=|".contains(&c);
    is_opaque(text)
        || text.len() <= LONGEST
            && text.bytes().all(is_plain)
            && runs(text).any(|run| is_opaque(&text[run]))
}

/// Parts of a text that may be tokens.
pub(super) fn runs(text: &str) -> impl Iterator<Item = Range<usize>> {
    let is_of_token = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let begin = at + bytes[at..].iter().position(|c| is_of_token(*c))?;
        let length = bytes[begin..]
            .iter()
            .take_while(|c| is_of_token(**c))
            .count();
        at = begin + length;
        Some(begin..at)
    })
}

/// Whether a field carries a token, as its name says, whatever that looks like.
pub(super) fn names_token(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "csrf",
        "xsrf",
        "authenticity_token",
        "requestverificationtoken",
        "nonce",
        "_token",
    ];
    name.eq_ignore_ascii_case("token") || says_one_of(name, WORDS)
}

/// Whether a name has one of these words in it, in whatever case.
fn says_one_of(name: &str, words: &[&str]) -> bool {
    let name = name.as_bytes();
    (0..name.len()).any(|at| {
        let first = name[at].to_ascii_lowercase();
        words.iter().any(|word| {
            let word = word.as_bytes();
            first == word[0]
                && name[at..].len() >= word.len()
                && name[at..at + word.len()].eq_ignore_ascii_case(word)
        })
    })
}

/// Whether a cookie carries a session, as its name says.
pub(crate) fn names_session(name: &str) -> bool {
    const WORDS: &[&str] = &["sess", "sid", "auth", "token", "jwt", "remember", "login"];
    says_one_of(name, WORDS)
}

/// Where the id is in a part of a path: `1407`, `1407-title`, `1407.json`, `ORD-1407`, `k3j9x2`.
pub(super) fn id_in(part: &str) -> Option<Range<usize>> {
    let bytes = part.as_bytes();
    if !bytes.iter().any(u8::is_ascii_digit) || !part.is_ascii() {
        return None;
    }
    let leading = bytes.iter().take_while(|c| c.is_ascii_digit()).count();
    let is_short = |range: &Range<usize>| range.len() <= LONGEST_ID;
    if leading == bytes.len() || leading > 0 && matches!(bytes[leading], b'-' | b'_' | b'.' | b',')
    {
        return Some(0..leading).filter(is_short);
    }
    let (stem, _) = part.split_once('.').unwrap_or((part, ""));
    let trailing = stem.bytes().rev().take_while(u8::is_ascii_digit).count();
    let before = &stem[..stem.len() - trailing];
    let is_word = |text: &str| text.bytes().all(|c| c.is_ascii_alphabetic());
    if trailing > 0 && is_word(before.trim_end_matches(['-', '_'])) {
        // `v2` is a version.
        let is_version = before.eq_ignore_ascii_case("v");
        return (!is_version)
            .then_some(before.len()..stem.len())
            .filter(is_short);
    }
    let is_code = (4..=16).contains(&stem.len()) && stem.bytes().all(|c| c.is_ascii_alphanumeric());
    is_code.then_some(0..stem.len())
}

/// The thing that a name is of, in one form: `orders`, `order_id`, `orderId` and `order[id]` are `order`.
pub(super) fn noun(name: &str) -> String {
    let mut words = snake(name);
    for ending in ["_ids", "_id", "_pk", "_uuid"] {
        if let Some(stem) = words.strip_suffix(ending) {
            words = stem.to_owned();
            break;
        }
    }
    singular(&words)
}

/// Whether a name says that its value is an id.
pub(super) fn names_id(name: &str) -> bool {
    let words = snake(name);
    matches!(&*words, "id" | "ids" | "pk" | "uuid")
        || ["_id", "_ids", "_pk"]
            .iter()
            .any(|ending| words.ends_with(ending))
}

/// Whether a name is one of numbers that count or order things.
pub(super) fn counts(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "page", "version", "number", "position", "level", "step", "index", "count", "quantity",
        "amount", "rank", "priority", "sort", "row", "column", "offset", "limit", "size", "total",
        "weight", "year", "month", "day",
    ];
    WORDS.contains(&&*last_word(name))
}

/// Whether a name says that a thing leads to another one of its kind.
pub(super) fn leads_to_its_like(word: &str) -> bool {
    const WORDS: &[&str] = &[
        "parent",
        "after",
        "before",
        "previous",
        "prev",
        "next",
        "root",
        "ancestor",
        "original",
        "reply",
        "replies",
        "child",
        "children",
        "sibling",
        "successor",
        "predecessor",
    ];
    WORDS.contains(&word)
}

/// The last word of a name, as it is written in small letters: `order` of `parentOrder`.
pub(super) fn last_word(name: &str) -> String {
    let words = snake(name);
    let words = words.trim_end_matches(['[', ']', '_']);
    let word = words.rsplit(['_', '[', ']']).next();
    word.unwrap_or_default().to_owned()
}

/// A name in small letters, with an underscore between its words.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    let mut was_lower = false;
    for c in name.chars() {
        if c.is_ascii_uppercase() && was_lower {
            out.push('_');
        }
        was_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(match c {
            '-' | ' ' | '.' => '_',
            c => c.to_ascii_lowercase(),
        });
    }
    out
}

fn singular(word: &str) -> String {
    if let Some(stem) = word.strip_suffix("ies") {
        return format!("{stem}y");
    }
    for ending in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    let is_plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
    if is_plural {
        word[..word.len() - 1].to_owned()
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_in_parts_of_paths() {
        for (part, id) in [
            ("1407", Some("1407")),
            ("1407-a-title-2", Some("1407")),
            ("1407.json", Some("1407")),
            ("ORD-1407", Some("1407")),
            ("page2.html", Some("2")),
            ("k3j9x2", Some("k3j9x2")),
            ("v2", None),
            ("orders", None),
            ("a-title-of-2026", None),
            ("2026-a", Some("2026")),
        ] {
            assert_eq!(id_in(part).map(|range| &part[range]), id, "{part}");
        }
    }

    #[test]
    fn one_noun_for_the_names_of_a_thing() {
        for name in [
            "orders",
            "order_id",
            "orderId",
            "OrderIDs",
            "order-ids",
            "order",
        ] {
            assert_eq!(noun(name), "order", "{name}");
        }
        assert_eq!(noun("categories"), "category");
        assert_eq!(noun("addresses"), "address");
        assert_eq!(noun("news"), "new");
        assert!(names_id("orderId") && names_id("id") && !names_id("paid"));
    }

    #[test]
    fn tokens_are_told_from_words_and_numbers() {
        assert!(is_opaque("550e8400-e29b-41d4-a716-446655440000"));
        assert!(is_opaque("x7Kq2mB9zR4tYw1p"));
        assert!(is_token("12.0cc175b9c0f1b6a831c399e269772661") && !is_token("12.34"));
        assert!(!is_opaque("1407") && !is_opaque("a-title-of-two") && !is_opaque("deadbeef"));
    }
}
