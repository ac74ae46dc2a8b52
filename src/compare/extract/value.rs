//! A leaf's value, with what it looks like. It is compared by all of it and kept by its first 200 characters.

use super::{
    hash::{hash_of, mix},
    opaque::{Opaque, Shape, named, opaque},
    place::cut,
    time::{Time, TimeForm, epoch_of, time_of},
};

/// What a leaf was in its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Scalar {
    Text = 1,
    Number,
    Bool,
    Null,
    /// A token by its place: a CSRF field, a session's cookie.
    Token,
    Url,
    /// The text of what isn't looked into: length and hash.
    Digest,
    /// Seconds from the response's own time.
    Seconds,
    /// A list whose order says nothing, sorted.
    List,
}

/// What a value looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Looks {
    Text,
    Number,
    Bool,
    Null,
    Time {
        unix_ms: i64,
        format: TimeForm,
    },
    /// A token: at most so many bits of entropy, of this alphabet and length class.
    Opaque {
        bits: u16,
        shape: Shape,
    },
    Url,
    Digest {
        length: u64,
        hash: u64,
    },
    /// A number of seconds from the response's time.
    Seconds(i64),
    /// A list whose order says nothing.
    List,
    /// How many things there are.
    Items(usize),
    /// A part with more than one leaf; the text is how it begins.
    Part,
}

/// A value of one side.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) looks: Looks,
    pub(crate) scalar: Scalar,
    text: Box<str>,
    hash: u64,
    length: usize,
}

/// Characters that are kept.
const KEPT: usize = 200;

impl Value {
    pub(crate) fn of(scalar: Scalar, text: &str) -> Self {
        Self::new(scalar, looks(scalar, text), text)
    }

    fn new(scalar: Scalar, looks: Looks, text: &str) -> Self {
        Self {
            looks,
            scalar,
            text: cut(text, KEPT).into(),
            hash: mix(hash_of(text.as_bytes()), scalar as u64),
            length: text.len(),
        }
    }

    /// A list that is compared by its length, with the first element that the other side hasn't.
    pub(crate) fn of_items(count: usize, only_here: &str, hash: u64) -> Self {
        let text = match only_here {
            "" => count.to_string(),
            first => format!("{count}, only here: {first}"),
        };
        Self {
            hash,
            ..Self::new(Scalar::List, Looks::Items(count), &text)
        }
    }

    /// A part that is there on one side only, shown by its first texts.
    pub(crate) fn of_part(text: &str, hash: u64) -> Self {
        Self {
            hash,
            ..Self::new(Scalar::Text, Looks::Part, text)
        }
    }

    /// At most 200 characters of it.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.text.len() < self.length
    }

    /// Of all of it.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Bytes of all of it.
    pub(crate) fn length(&self) -> usize {
        self.length
    }

    pub(crate) fn time(&self) -> Option<Time> {
        match self.looks {
            Looks::Time { unix_ms, format } => Some(Time {
                unix_ms,
                form: format,
            }),
            _ => None,
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.length == other.length
    }
}

impl Eq for Value {}

fn looks(scalar: Scalar, text: &str) -> Looks {
    let of_time = |time: Time| Looks::Time {
        unix_ms: time.unix_ms,
        format: time.form,
    };
    let of_token = |token: Opaque| Looks::Opaque {
        bits: token.bits,
        shape: token.shape,
    };
    match scalar {
        Scalar::Number => epoch_of(text).map_or(Looks::Number, of_time),
        Scalar::Bool => Looks::Bool,
        Scalar::Null => Looks::Null,
        Scalar::Token => of_token(named(text)),
        Scalar::Url => Looks::Url,
        Scalar::List => Looks::List,
        Scalar::Seconds => Looks::Seconds(text.parse().unwrap_or_default()),
        Scalar::Digest => digest_looks(text),
        Scalar::Text => {
            if let Some(time) = time_of(text) {
                of_time(time)
            } else if is_number(text) {
                epoch_of(text).map_or(Looks::Number, of_time)
            } else if is_url(text) {
                Looks::Url
            } else {
                opaque(text).map_or(Looks::Text, of_token)
            }
        }
    }
}

/// How the length and hash of what isn't looked into are written as a leaf's text.
pub(crate) fn digest_text(length: u64, hash: u64) -> String {
    format!("{length} bytes {hash:016x}")
}

fn digest_looks(text: &str) -> Looks {
    let mut words = text.split(' ');
    let length = words.next().and_then(|word| word.parse().ok());
    let hash = words
        .nth(1)
        .and_then(|word| u64::from_str_radix(word, 16).ok());
    Looks::Digest {
        length: length.unwrap_or_default(),
        hash: hash.unwrap_or_default(),
    }
}

/// Whether all of a text is a decimal number.
pub(crate) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|c| c.is_ascii_digit());
    text.len() <= 40 && all_digits(whole) && all_digits(fraction)
}

fn is_url(text: &str) -> bool {
    let has_scheme = text.split_once("://").is_some_and(|(scheme, _)| {
        (2..=12).contains(&scheme.len()) && scheme.bytes().all(|c| c.is_ascii_alphanumeric())
    });
    let is_path = text.len() > 1 && text.starts_with('/') && !text.starts_with("//=");
    (has_scheme || is_path) && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks_of(text: &str) -> Looks {
        Value::of(Scalar::Text, text).looks
    }

    #[test]
    fn texts_are_recognised_by_what_they_look_like() {
        assert!(matches!(
            looks_of("2024-03-05T14:22:07Z"),
            Looks::Time { .. }
        ));
        assert!(matches!(looks_of("-12.5"), Looks::Number));
        assert!(matches!(looks_of("https://a.example/b?c=1"), Looks::Url));
        assert!(matches!(looks_of("/issues/1407"), Looks::Url));
        assert!(matches!(
            looks_of("9e107d9d372bb6826bd81d3542a419d6"),
            Looks::Opaque { bits: 128, .. }
        ));
        assert!(matches!(looks_of("Hello, world"), Looks::Text));
        assert!(matches!(looks_of(""), Looks::Text));
    }

    #[test]
    fn a_value_is_kept_by_its_beginning_and_compared_by_all_of_it() {
        let first = Value::of(Scalar::Text, &format!("{}a", "é".repeat(1000)));
        let second = Value::of(Scalar::Text, &format!("{}b", "é".repeat(1000)));
        assert_eq!(first.text(), second.text());
        assert_eq!(first.text().chars().count(), KEPT);
        assert!(first.is_cut());
        assert_ne!(first, second);
    }

    #[test]
    fn a_digest_is_read_as_it_was_written() {
        let value = Value::of(Scalar::Digest, &digest_text(77, 0xabc));
        assert_eq!(
            value.looks,
            Looks::Digest {
                length: 77,
                hash: 0xabc
            }
        );
    }
}
