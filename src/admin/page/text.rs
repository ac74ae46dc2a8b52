//! Text that strangers sent: cut where it is long, and with nothing in it that can't be seen or that turns the writing round.

use std::borrow::Cow;

/// Characters of a name, a title or an address that are shown.
const LONGEST: usize = 300;

/// A text that is as long as a reader may want, or its beginning.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    cut(text, LONGEST)
}

/// As that, with another limit.
pub(super) fn cut(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// A first letter in upper case and a full stop.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!(
        "{}{}.",
        first.unwrap_or_default(),
        letters.as_str().trim_end_matches('.')
    )
}

/// A whole page with escapes for what can't be seen: control characters, and marks of direction, which would have all behind
/// them read backwards (Unicode Standard Annex 9, 2). Markup has none of them, so that only text is changed.
pub(super) fn visible(page: String) -> String {
    if !page.contains(is_hidden) {
        return page;
    }
    let mut seen = String::with_capacity(page.len() + 64);
    for character in page.chars() {
        if is_hidden(character) {
            seen.extend(character.escape_unicode());
        } else {
            seen.push(character);
        }
    }
    seen
}

fn is_hidden(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{200b}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{61c}'
        | '\u{feff}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_seen_is_shown() {
        assert_eq!(
            visible("a\u{202e}b\0\r\n\tc".to_owned()),
            "a\\u{202e}b\\u{0}\\u{d}\n\tc"
        );
        let usual = "naïve café e\u{301} 🙂 العربية";
        assert_eq!(visible(usual.to_owned()), usual);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("äöü", 2), "äö…");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
