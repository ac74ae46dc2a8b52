//! `Set-Cookie` as leaves: a part for each name, with its value and its attributes. When a cookie expires is told from the
//! response's own time.

use super::{
    Limits,
    hash::hash_of,
    jwt,
    place::{PlaceId, Step},
    time::time_of,
    tree::{Builder, Class, NewLeaf, NodeKind},
    value::Scalar,
};
use crate::compare::answer::Answer;

const MOST: usize = 100;

/// Cookies whose values are tokens, whatever they look like.
const TOKENS: &[&str] = &[
    "session", "sess", "sid", "csrf", "xsrf", "token", "auth", "jwt", "remember",
];

/// All cookies that a response sets. Where a name comes twice the later one is what a client keeps.
pub(crate) fn cookies(builder: &mut Builder, answer: &Answer<'_>, limits: &Limits) -> u32 {
    let place = builder.root("cookie");
    let root = builder.open(NodeKind::Object, place, Class::Cookie, 0);
    let lines = answer
        .headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"set-cookie"));
    let lines: Vec<_> = lines
        .take(MOST)
        .map(|(_, line)| String::from_utf8_lossy(line))
        .collect();
    for (number, line) in lines.iter().enumerate() {
        let name = name_of(line);
        if !lines[number + 1..]
            .iter()
            .any(|later| name_of(later) == name)
        {
            one(builder, place, line, answer.at, limits);
        }
    }
    builder.close(root);
    root
}

fn name_of(line: &str) -> &str {
    let pair = line.split(';').next().unwrap_or_default();
    pair.split('=').next().unwrap_or_default().trim()
}

fn one(builder: &mut Builder, above: PlaceId, line: &str, at: i64, limits: &Limits) {
    let mut parts = line.split(';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    let (name, value) = (name.trim(), value.trim().trim_matches('"'));
    let masked = super::mask::mask_name(name);
    let place = builder.below(above, Step::Word(&masked));
    let root = builder.open(
        NodeKind::Object,
        place,
        Class::Cookie,
        hash_of(name.as_bytes()),
    );
    let value = percent_encoding::percent_decode_str(value).decode_utf8_lossy();
    if !jwt::jwt(builder, place, Class::Cookie, VALUE, &value, limits) {
        let lower = name.to_ascii_lowercase();
        let is_token = !value.is_empty() && TOKENS.iter().any(|part| lower.contains(part));
        let scalar = if is_token {
            Scalar::Token
        } else {
            Scalar::Text
        };
        add(builder, place, VALUE, scalar, &value);
    }
    for attribute in parts.take(20) {
        let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        if !name.is_empty() {
            let place = builder.below(place, Step::Part(&name));
            let key = hash_of(name.as_bytes());
            let (scalar, text) = attribute_value(&name, value, at);
            add(builder, place, key, scalar, &text);
        }
    }
    builder.close(root);
}

/// The key of the value among a cookie's parts.
const VALUE: u64 = 1;

fn add(builder: &mut Builder, place: PlaceId, key: u64, scalar: Scalar, text: &str) {
    builder.leaf(NewLeaf {
        place,
        class: Class::Cookie,
        key,
        scalar,
        text,
    });
}

/// An attribute's value; a time as seconds from the response's own.
fn attribute_value(name: &str, value: &str, at: i64) -> (Scalar, String) {
    match name {
        "expires" => match time_of(value) {
            // A time in the past deletes the cookie; which one is chosen says nothing.
            Some(time) if time.unix_ms <= at => (Scalar::Text, "past".to_owned()),
            Some(time) => (
                Scalar::Seconds,
                ((time.unix_ms - at + 500) / 1000).to_string(),
            ),
            None => (Scalar::Text, value.to_owned()),
        },
        "max-age" => match value.parse::<i64>() {
            Ok(seconds) => (Scalar::Number, seconds.to_string()),
            Err(_) => (Scalar::Text, value.to_owned()),
        },
        "domain" => (
            Scalar::Text,
            value.trim_start_matches('.').to_ascii_lowercase(),
        ),
        "samesite" => (Scalar::Text, value.to_ascii_lowercase()),
        _ => (Scalar::Text, value.to_owned()),
    }
}
