//! Values of JSON fields by their name, at whatever depth. What is no JSON is looked through all the same.

use std::borrow::Cow;

/// Writes a text, with the values of the named fields replaced.
pub(super) fn replace(
    text: &[u8],
    is_named: impl Fn(&str) -> bool,
    mut with: impl FnMut(&[u8]) -> String,
    out: &mut Vec<u8>,
) {
    let (mut at, mut written) = (0, 0);
    while let Some(quote) = memchr::memchr(b'"', &text[at..]) {
        let start = at + quote;
        let end = string_end(text, start);
        at = end;
        let blank = |from: usize| {
            let rest = text[from..].iter();
            from + rest.take_while(|byte| byte.is_ascii_whitespace()).count()
        };
        let colon = blank(end);
        if text.get(colon) != Some(&b':') || !is_named(&name_of(&text[start..end])) {
            continue;
        }
        let value = blank(colon + 1);
        at = value_end(text, value);
        out.extend_from_slice(&text[written..value]);
        out.push(b'"');
        out.extend_from_slice(with(unquoted(&text[value..at])).as_bytes());
        out.push(b'"');
        written = at;
    }
    out.extend_from_slice(&text[written..]);
}

/// A text in quotes without them, so that it has the hash that it has elsewhere.
fn unquoted(value: &[u8]) -> &[u8] {
    let inner = value
        .strip_prefix(b"\"")
        .and_then(|inner| inner.strip_suffix(b"\""));
    inner.unwrap_or(value)
}

/// The name that stands in quotes.
fn name_of(quoted: &[u8]) -> Cow<'_, str> {
    if quoted.contains(&b'\\')
        && let Ok(name) = serde_json::from_slice::<String>(quoted)
    {
        return Cow::Owned(name);
    }
    String::from_utf8_lossy(unquoted(quoted))
}

/// Behind the string that begins at `start`.
fn string_end(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

/// Behind the value that begins at `start`: objects and lists with all that is in them.
fn value_end(text: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' | b',' if depth == 0 => return at,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            byte if depth == 0 && byte.is_ascii_whitespace() => return at,
            _ => {}
        }
        at += 1;
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let mut out = Vec::new();
        replace(
            text.as_bytes(),
            |name| name == "p",
            |value| format!("<{}>", String::from_utf8_lossy(value)),
            &mut out,
        );
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn values_of_every_kind_are_replaced_at_every_depth() {
        for (text, expected) in [
            (r#"{"p": "a\"b", "q": 1}"#, r#"{"p": "<a\"b>", "q": 1}"#),
            (
                r#"[{"a":{"p":{"x":[1,"}"]}}}]"#,
                r#"[{"a":{"p":"<{"x":[1,"}"]}>"}}]"#,
            ),
            (
                r#"{"p":-1.5e3,"p" : null}"#,
                r#"{"p":"<-1.5e3>","p" : "<null>"}"#,
            ),
            (r#"{"\u0070":1,"x":"p"}"#, r#"{"\u0070":"<1>","x":"p"}"#),
            (r#"{"q":"\"p\":1"}"#, r#"{"q":"\"p\":1"}"#),
            (r#"{"p":"cut"#, r#"{"p":"<"cut>""#),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_nothing_breaks(text in r#"[\[\]{}",:p\\ x]{0,30}"#) {
            shown(&text);
        }
    }
}
