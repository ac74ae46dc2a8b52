//! Lists of `name=value`: queries, forms, cookies.

use crate::http::decoded;

/// What stands between the pairs of a query or a form; older applications split at a semicolon, too.
pub(super) const QUERY: &[u8] = b"&;";

/// Writes pairs, with the values of those that `is_named` names replaced.
pub(super) fn replace(
    text: &[u8],
    between: &[u8],
    is_named: impl Fn(&[u8]) -> bool,
    mut with: impl FnMut(&[u8]) -> String,
    out: &mut Vec<u8>,
) {
    for pair in text.split_inclusive(|byte| between.contains(byte)) {
        let end = pair.last().filter(|last| between.contains(last));
        let (pair, end) = pair.split_at(pair.len() - usize::from(end.is_some()));
        let equals = pair.iter().position(|byte| *byte == b'=');
        let Some(equals) = equals.filter(|equals| is_named(pair[..*equals].trim_ascii())) else {
            out.extend_from_slice(pair);
            out.extend_from_slice(end);
            continue;
        };
        out.extend_from_slice(&pair[..=equals]);
        out.extend_from_slice(with(&pair[equals + 1..]).as_bytes());
        out.extend_from_slice(end);
    }
}

/// Whether it is one of the names, or has one of them in it as `user[password]` has `password`.
pub(super) fn is_named(name: &[u8], names: &[String]) -> bool {
    let name = decoded(name, true);
    let is = |part: &[u8]| names.iter().any(|name| name.as_bytes() == part);
    let mut parts = name.split(|byte| matches!(byte, b'[' | b']'));
    is(&name) || (name.contains(&b'[') && parts.any(is))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_disguise_is_known() {
        let mut out = Vec::new();
        replace(
            b"%74oken=1&to+ken=2&%zz=3",
            QUERY,
            |name| is_named(name, &["token".into(), "to ken".into()]),
            |_| "-".into(),
            &mut out,
        );
        assert_eq!(out, b"%74oken=-&to+ken=-&%zz=3");
    }

    #[test]
    fn a_name_in_brackets_is_known_and_pairs_end_at_a_semicolon_too() {
        let mut out = Vec::new();
        replace(
            b"a[token]=1&a%5Btoken%5D[]=2;token=3&tokens[a]=4&token[a]=5&=6;",
            QUERY,
            |name| is_named(name, &["token".into()]),
            |_| "-".into(),
            &mut out,
        );
        assert_eq!(
            out,
            b"a[token]=-&a%5Btoken%5D[]=-;token=-&tokens[a]=4&token[a]=-&=6;"
        );
    }
}
