//! The content type and the headers of a response as leaves: `header vary`, `header content-security-policy; script-src`.

use std::{borrow::Cow, fmt::Write};

use super::{
    hash::hash_of,
    header::{Case, Header},
    place::{PlaceId, Step},
    tree::{Builder, Class, NewLeaf, NodeKind},
    url::own_origin,
    value::Scalar,
};
use crate::compare::answer::{Answer, Asked};

/// Headers that are looked at, and characters of each.
const MOST: usize = 200;

/// The content type, without and then with its parameters. The first of both decides whether bodies can be compared.
pub(crate) fn content_type(builder: &mut Builder, answer: &Answer<'_>) -> u32 {
    let place = builder.root("content-type");
    let root = builder.open(NodeKind::Object, place, Class::ContentType, 0);
    if let Some(value) = answer.header("content-type") {
        let value = String::from_utf8_lossy(value).to_ascii_lowercase();
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        leaf(builder, place, Class::ContentType, Scalar::Text, essence);
        for part in parts.filter(|part| !part.is_empty()).take(8) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            // A boundary is made anew in each response.
            if name == "boundary" {
                continue;
            }
            let place = builder.below(place, Step::Part(name));
            leaf(
                builder,
                place,
                Class::Header,
                Scalar::Text,
                value.trim_matches('"'),
            );
        }
    }
    builder.close(root);
    root
}

fn leaf(builder: &mut Builder, place: PlaceId, class: Class, scalar: Scalar, text: &str) {
    let key = hash_of(builder.text_of(place).as_bytes());
    builder.leaf(NewLeaf {
        place,
        class,
        key,
        scalar,
        text,
    });
}

/// All headers that are compared as such. Several of one name are one.
pub(crate) fn headers(builder: &mut Builder, asked: &Asked<'_>, answer: &Answer<'_>) -> u32 {
    let host = asked.header("host").unwrap_or_default();
    let place = builder.root("header");
    let root = builder.open(NodeKind::Object, place, Class::Header, 0);
    let hop_by_hop = answer
        .header("connection")
        .unwrap_or_default()
        .to_ascii_lowercase();
    let of_connection = |name: &[u8]| {
        hop_by_hop
            .split(|c| *c == b',')
            .any(|part| part.trim_ascii() == name)
    };
    let mut names: Vec<Vec<u8>> = Vec::new();
    for (name, _) in answer.headers.iter().take(MOST) {
        let name = name.to_ascii_lowercase();
        if !names.contains(&name) && !of_connection(&name) {
            names.push(name);
        }
    }
    for name in &names {
        let header = Header::of_lower(&String::from_utf8_lossy(name));
        if header != Header::Elsewhere {
            one(builder, header, name, &joined(answer, name), host);
        }
    }
    // How a body is framed is between two neighbours: one in chunks has its length, too, and so has one that ends with its
    // connection.
    let length = b"content-length";
    if may_have_body(asked, answer) && !names.iter().any(|name| name == length) {
        let value = answer.length.to_string();
        one(builder, Header::Derived, length, &value, host);
    }
    builder.close(root);
    root
}

fn may_have_body(asked: &Asked<'_>, answer: &Answer<'_>) -> bool {
    asked.method != b"HEAD" && !matches!(answer.status, 100..=199 | 204 | 304)
}

/// The values of all headers of one name.
fn joined<'a>(answer: &Answer<'a>, name: &[u8]) -> Cow<'a, str> {
    let mut values = answer
        .headers
        .iter()
        .filter(|(known, _)| known.eq_ignore_ascii_case(name))
        .take(MOST)
        .map(|(_, value)| String::from_utf8_lossy(value));
    let first = values.next().unwrap_or_default();
    values.fold(first, |mut all, next| {
        let _ = write!(all.to_mut(), ", {next}");
        all
    })
}

fn one(builder: &mut Builder, header: Header, name: &[u8], value: &str, host: &[u8]) {
    let name = String::from_utf8_lossy(name);
    let above = builder.root("header");
    let place = builder.below(above, Step::Word(&name));
    let value = value.trim();
    match header {
        Header::Elsewhere => {}
        Header::Derived => leaf(builder, place, Class::DerivedHeader, Scalar::Text, value),
        Header::Plain(class) => {
            leaf(
                builder,
                place,
                class,
                Scalar::Text,
                &own_origin(value, host),
            );
        }
        Header::List { class, case } => {
            let list = sorted(split(value, ','), case);
            leaf(builder, place, class, Scalar::List, &list);
        }
        Header::Policy => {
            let key = hash_of(name.as_bytes());
            let root = builder.open(NodeKind::Object, place, Class::SecurityHeader, key);
            for directive in value.split([';', ',']).take(MOST) {
                let directive = directive.trim();
                let (name, sources) = directive.split_once(' ').unwrap_or((directive, ""));
                if name.is_empty() {
                    continue;
                }
                let place = builder.below(place, Step::Part(&name.to_ascii_lowercase()));
                let sources = sources.split_ascii_whitespace().map(without_nonce);
                let list = sorted(sources, Case::Kept);
                leaf(builder, place, Class::SecurityHeader, Scalar::List, &list);
            }
            builder.close(root);
        }
    }
}

/// A nonce is made anew in each response, by design.
fn without_nonce(source: &str) -> &str {
    if source.starts_with("'nonce-") {
        "'nonce-{token}'"
    } else {
        source
    }
}

/// The parts of a list, sorted and each once.
fn sorted<'a>(parts: impl Iterator<Item = &'a str>, case: Case) -> String {
    let mut parts: Vec<String> = parts
        .map(str::trim)
        .filter(|part| !part.is_empty())
        .take(MOST)
        .map(|part| match case {
            Case::Kept => part.to_owned(),
            Case::Lower => part.to_ascii_lowercase(),
        })
        .collect();
    parts.sort_unstable();
    parts.dedup();
    parts.join(", ")
}

/// Splits where the separator stands outside quotes and angle brackets.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut in_quotes, mut in_brackets) = (false, false);
    text.split(move |c| {
        match c {
            '"' => in_quotes = !in_quotes,
            '<' if !in_quotes => in_brackets = true,
            '>' if !in_quotes => in_brackets = false,
            _ => {}
        }
        c == separator && !in_quotes && !in_brackets
    })
}
