//! Masks what is data in names and texts: numbers, dates, uuids, tokens. `issue-1407` and `issue-1408` are the same place.

use std::borrow::Cow;

use super::{
    hash::hash_of,
    opaque::{Alphabet, opaque},
    time::time_of,
};

/// A name (of a member, an anchor, a path's segment) without what is data in it.
pub(crate) fn mask_name(name: &str) -> Cow<'_, str> {
    if !name.bytes().any(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed(name);
    }
    if name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Cow::Borrowed("{n}");
    }
    if let Some(token) = opaque(name) {
        return Cow::Borrowed(match token.shape.alphabet {
            Alphabet::Uuid => "{uuid}",
            Alphabet::Hex => "{hex}",
            _ => "{token}",
        });
    }
    if time_of(name).is_some() {
        return Cow::Borrowed("{date}");
    }
    Cow::Owned(mask_numbers(name))
}

/// Runs of digits that count something: those that stand alone, or are long. `utf8` and `line1` are names.
fn mask_numbers(name: &str) -> String {
    let mut masked = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(begin) = rest.find(|c: char| c.is_ascii_digit()) {
        let run = &rest[begin..];
        let length = run.find(|c: char| !c.is_ascii_digit()).unwrap_or(run.len());
        let is_part_of_word = rest[..begin].ends_with(|c: char| c.is_alphabetic());
        masked.push_str(&rest[..begin]);
        if is_part_of_word && length < 3 {
            masked.push_str(&run[..length]);
        } else {
            masked.push_str("{n}");
        }
        rest = &run[length..];
    }
    masked.push_str(rest);
    masked
}

/// The hash of a text without what is data in it, so that rows can be recognised by what they say.
pub(crate) fn masked_hash(text: &str) -> u64 {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return hash_of(text.as_bytes());
    }
    hash_of(mask_text(text).as_bytes())
}

/// A text without what is data in it.
pub(crate) fn mask_text(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| c.is_whitespace()) {
        let word = piece.trim_end();
        if word.bytes().any(|byte| byte.is_ascii_digit()) {
            masked.push_str(&mask_word(word));
        } else {
            masked.push_str(word);
        }
        masked.push_str(&piece[word.len()..]);
    }
    masked
}

fn mask_word(word: &str) -> Cow<'_, str> {
    if opaque(word.trim_matches(|c: char| c.is_ascii_punctuation())).is_some() {
        return Cow::Borrowed("{token}");
    }
    let mut masked = String::with_capacity(word.len());
    let mut in_number = false;
    for c in word.chars() {
        if c.is_ascii_digit() {
            if !in_number {
                masked.push_str("{n}");
            }
            in_number = true;
        } else {
            in_number = false;
            masked.push(c);
        }
    }
    Cow::Owned(masked)
}

/// A path with its segments masked, without its query: the route that a link leads to.
pub(crate) fn mask_path(path: &str) -> String {
    let end = path.find(['?', '#']).unwrap_or(path.len());
    let mut masked = String::with_capacity(end);
    for (number, segment) in path[..end].split('/').enumerate() {
        if number > 0 {
            masked.push('/');
        }
        masked.push_str(&mask_name(segment));
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_tokens_in_names_are_masked_and_words_are_not() {
        for (name, masked) in [
            ("issue-1407", "issue-{n}"),
            ("1407", "{n}"),
            ("utf8", "utf8"),
            ("line1", "line1"),
            ("row_3", "row_{n}"),
            ("user_email", "user_email"),
            ("2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b", "{uuid}"),
            ("9e107d9d372bb6826bd81d3542a419d6", "{hex}"),
            ("2024-03-05", "{date}"),
            ("order[items][0]", "order[items][{n}]"),
        ] {
            assert_eq!(mask_name(name), masked);
        }
    }

    #[test]
    fn two_texts_that_differ_in_data_only_have_one_masked_hash() {
        let first = masked_hash("Bob added 3 files on 2024-03-05 14:22");
        assert_eq!(first, masked_hash("Bob added 14 files on 2023-11-25 04:02"));
        assert_ne!(
            first,
            masked_hash("Bob removed 3 files on 2024-03-05 14:22")
        );
    }

    #[test]
    fn a_path_becomes_its_route() {
        assert_eq!(mask_path("/issues/1407/edit?a=1"), "/issues/{n}/edit");
        assert_eq!(mask_path("/"), "/");
    }
}
