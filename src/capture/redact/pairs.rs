//! Lists of `name=value`: queries, forms, cookies.

/// Writes pairs, with the values of those that are named replaced.
pub(super) fn replace(
    text: &[u8],
    between: u8,
    names: &[String],
    with: impl Fn(&[u8]) -> String,
    out: &mut Vec<u8>,
) {
    for (index, pair) in text.split(|byte| *byte == between).enumerate() {
        if index > 0 {
            out.push(between);
        }
        let equals = pair.iter().position(|byte| *byte == b'=');
        let Some(equals) = equals.filter(|equals| is_named(pair[..*equals].trim_ascii(), names))
        else {
            out.extend_from_slice(pair);
            continue;
        };
        out.extend_from_slice(&pair[..=equals]);
        out.extend_from_slice(with(&pair[equals + 1..]).as_bytes());
    }
}

fn is_named(name: &[u8], names: &[String]) -> bool {
    names.iter().any(|other| decoded(name).eq(other.bytes()))
}

/// A name whose letters may be written as `%6e` and `+`.
fn decoded(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    let hex = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let mut at = 0;
    std::iter::from_fn(move || {
        let byte = *name.get(at)?;
        at += 1;
        Some(match (byte, name.get(at), name.get(at + 1)) {
            (b'%', Some(high), Some(low)) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    at += 2;
                    high << 4 | low
                }
                _ => byte,
            },
            (b'+', ..) => b' ',
            _ => byte,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_disguise_is_known() {
        let mut out = Vec::new();
        replace(
            b"%74oken=1&to+ken=2&%zz=3",
            b'&',
            &["token".into(), "to ken".into()],
            |_| "-".into(),
            &mut out,
        );
        assert_eq!(out, b"%74oken=-&to+ken=-&%zz=3");
    }
}
