//! Secrets in texts: `password=...`, `"token": "..."`, `Authorization: Bearer ...`, and tokens that stand alone.

use super::{Secrets, beginning, is_token};
use crate::capture::MARK;

/// A name has at most so many bytes.
const NAME: usize = 64;
/// What ends a value that stands in no quotes.
const ENDS: &[char] = &['&', ';', ',', '"', '\'', '<', '>', ')', '}', ']', '|'];

impl Secrets {
    /// A text without the values that stand behind names of secrets.
    pub(super) fn without_assignments(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(['=', ':']) {
            let (before, after) = rest.split_at(at + 1);
            out.push_str(before);
            rest = after;
            if !self.names_value(name_before(&before[..at])) {
                continue;
            }
            let (begin, end) = value_in(after);
            out.push_str(&after[..begin]);
            if end > begin {
                out.push_str(MARK);
            }
            rest = &after[end..];
        }
        out.push_str(rest);
        without_bearers(&out)
    }

    /// A page without the values of its fields and metas that are secret by their names.
    pub(super) fn without_fields(&self, page: &str) -> String {
        let mut out = String::with_capacity(page.len());
        let mut rest = page;
        while let Some(at) = rest.find('<') {
            out.push_str(&rest[..at]);
            rest = &rest[at..];
            let length = rest.find('>').map_or(rest.len(), |end| end + 1);
            let tag = &rest[..length];
            rest = &rest[length..];
            let named = ["name", "id", "property"].iter();
            let mut named = named.filter_map(|name| attribute(tag, name));
            let is_password = attribute(tag, "type")
                .is_some_and(|range| tag[range.0..range.1].eq_ignore_ascii_case("password"));
            if is_password || named.any(|(from, to)| self.names_value(&tag[from..to])) {
                out.push_str(&without_value(tag));
            } else {
                out.push_str(tag);
            }
        }
        out.push_str(rest);
        out
    }
}

/// The name that a text ends with.
fn name_before(text: &str) -> &str {
    let text = text.trim_end_matches([' ', '"', '\'', '\\']);
    let is_part =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '[' | ']' | '%');
    let begin = text
        .char_indices()
        .rev()
        .take(NAME)
        .take_while(|(_, c)| is_part(*c))
        .last();
    begin.map_or("", |(at, _)| &text[at..])
}

/// From where to where the value is that a text begins with.
fn value_in(text: &str) -> (usize, usize) {
    let blank = text.len() - text.trim_start_matches([' ', '\\']).len();
    let rest = &text[blank..];
    if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        let inner = &rest[1..];
        let is_escaped = text[..blank].ends_with('\\');
        let length = quoted_length(inner, quote, is_escaped);
        return (blank + 1, blank + 1 + length);
    }
    let mut begin = blank;
    for scheme in ["Bearer ", "Basic ", "Token "] {
        let is_it = |start: &str| start.eq_ignore_ascii_case(scheme);
        if rest.get(..scheme.len()).is_some_and(is_it) {
            begin += scheme.len();
        }
    }
    let is_end = |c: char| c.is_whitespace() || ENDS.contains(&c);
    let mut end = begin;
    while let Some(at) = text[end..].find(is_end) {
        end += at;
        // What stands in place of digits ends nothing.
        if !(text[..end].ends_with("{n") && text[end..].starts_with('}')) {
            return (begin, end);
        }
        end += 1;
    }
    (begin, text.len())
}

/// How long a text in quotes is, behind the first one. `is_escaped`: a backslash stands before the quotes themselves.
fn quoted_length(inner: &str, quote: char, is_escaped: bool) -> usize {
    let mut before = None;
    for (at, c) in inner.char_indices() {
        let follows_backslash = before == Some('\\');
        if c == quote && follows_backslash == is_escaped {
            return at - usize::from(is_escaped);
        }
        // Two of them are one, which escapes nothing.
        before = if follows_backslash && c == '\\' {
            None
        } else {
            Some(c)
        };
    }
    inner.len()
}

/// A text without credentials as they stand behind `Authorization`.
fn without_bearers(text: &str) -> String {
    const SHORTEST: usize = 6;
    let mut out = String::with_capacity(text.len());
    let mut masks_next = false;
    for piece in text.split_inclusive(char::is_whitespace) {
        let word = piece.trim_end();
        if masks_next && word.len() >= SHORTEST && word != MARK {
            out.push_str(MARK);
            out.push_str(&piece[word.len()..]);
        } else {
            out.push_str(piece);
        }
        let scheme = word.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
        masks_next = ["bearer", "basic"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
    }
    out
}

/// A text in which tokens that stand alone are told by their beginning.
pub(super) fn without_tokens(text: &str) -> String {
    let is_end = |c: char| c.is_whitespace() || "\"'<>(){}[],;&?=/".contains(c);
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(is_end) {
        let word = piece.strip_suffix(is_end).unwrap_or(piece);
        if is_token(word) {
            out.push_str(&beginning(word, word.len()));
        } else {
            out.push_str(word);
        }
        out.push_str(&piece[word.len()..]);
    }
    out
}

/// From where to where the value of an attribute is.
fn attribute(tag: &str, name: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = find_ignoring_case(&tag[from..], name) {
        let begin = from + at;
        let end = begin + name.len();
        from = end;
        let is_alone = tag[..begin].ends_with(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let rest = &tag[end..];
        let Some(value) = rest.trim_start().strip_prefix('=').filter(|_| is_alone) else {
            continue;
        };
        let at = tag.len() - value.len();
        let (start, stop) = value_in(value);
        return Some((at + start, at + stop));
    }
    None
}

fn find_ignoring_case(text: &str, name: &str) -> Option<usize> {
    let windows = text.as_bytes().windows(name.len());
    windows
        .into_iter()
        .position(|window| window.eq_ignore_ascii_case(name.as_bytes()))
}

fn without_value(tag: &str) -> String {
    let mut tag = tag.to_owned();
    for name in ["value", "content"] {
        if let Some((from, to)) = attribute(&tag, name)
            && to > from
        {
            tag.replace_range(from..to, MARK);
        }
    }
    tag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::compare::secrets::Known;

    #[test]
    fn values_behind_names_of_secrets_are_masked_and_others_are_not() {
        let secrets = Secrets::default();
        for (text, shown) in [
            (
                "user=u&password=hunter2&x=1",
                "user=u&password=redacted&x=1",
            ),
            (
                r#"{"token": "abc", "n": 1}"#,
                r#"{"token": "redacted", "n": 1}"#,
            ),
            (
                "Authorization: Bearer abcdef-1",
                "Authorization: Bearer redacted",
            ),
            ("sent Bearer abcdef-1.", "sent Bearer redacted"),
            ("password: swordfish, sorry", "password: redacted, sorry"),
            ("total=3; author: me", "total=3; author: me"),
            (r#"\"secret\":\"x\""#, r#"\"secret\":\"redacted\""#),
            (
                "key 9e107d9d372bb6826bd81d3542a419d6 is",
                "key 9e10… (32 characters) is",
            ),
            (
                r#"{"password":"a\"b","n":1}"#,
                r#"{"password":"redacted","n":1}"#,
            ),
            (
                r#"{"password":"a\\","n":1}"#,
                r#"{"password":"redacted","n":1}"#,
            ),
            ("token=ab{n}cd{n}&x", "token=redacted&x"),
            ("token=", "token="),
        ] {
            assert_eq!(secrets.text(text, &Known::default()), shown);
        }
    }

    #[test]
    fn fields_of_pages_are_masked_by_their_names() {
        let secrets = Secrets::default();
        for (page, shown) in [
            (
                r#"<input type="text" name="pin" value="4711">"#,
                r#"<input type="text" name="pin" value="redacted">"#,
            ),
            (
                "<INPUT VALUE=hush TYPE='password' name=p><b>",
                "<INPUT VALUE=redacted TYPE='password' name=p><b>",
            ),
            (
                r#"<meta name="csrf-token" content="x y">"#,
                r#"<meta name="csrf-token" content="redacted">"#,
            ),
            (
                r#"<input name="q" value="a">"#,
                r#"<input name="q" value="a">"#,
            ),
            ("a < b", "a < b"),
        ] {
            assert_eq!(secrets.without_fields(page), shown);
        }
    }

    proptest! {
        #[test]
        fn whatever_the_text_nothing_breaks(text in r#"([<>=:"' é\\&;,]|token|name|value|Bearer |a){0,40}"#) {
            let secrets = Secrets::default();
            secrets.text(&text, &Known::default());
            secrets.without_fields(&text);
        }
    }
}
