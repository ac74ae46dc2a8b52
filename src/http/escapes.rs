//! What is percent-encoded in targets and forms, made plain.

use std::borrow::Cow;

use percent_encoding::percent_decode;

/// Without its escapes; what is no escape stays as it is. `plus`: a plus sign is a space, as in queries and forms.
pub(crate) fn decoded(text: &[u8], plus: bool) -> Cow<'_, [u8]> {
    if plus && text.contains(&b'+') {
        // Before the escapes: `%2B` is a plus sign.
        let space = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
        let spaced: Vec<_> = text.iter().map(space).collect();
        return Cow::Owned(percent_decode(&spaced).collect());
    }
    percent_decode(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_once_and_what_is_none_stays() {
        for (text, plain) in [
            ("a+b%20c%2", "a b c%2"),
            ("%", "%"),
            ("%%41", "%A"),
            ("%zz%4", "%zz%4"),
            ("%4g%g4", "%4g%g4"),
            ("%+1%-1", "% 1%-1"),
            ("%2+41", "%2 41"),
            ("%2b%2B", "++"),
            ("%2541", "%41"),
            ("%c3%A9", "é"),
        ] {
            assert_eq!(*decoded(text.as_bytes(), true), *plain.as_bytes(), "{text}");
        }
        assert_eq!(*decoded(b"a+b%2b%ff%00", false), *b"a+b+\xff\0");
    }

    #[test]
    fn nothing_is_allocated_where_nothing_is_escaped() {
        for text in ["", "/a/b", "/50%/%zz"] {
            assert!(matches!(decoded(text.as_bytes(), true), Cow::Borrowed(_)));
        }
    }
}
