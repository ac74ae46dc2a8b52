//! Recognises values that say nothing by themselves: uuids, hashes, random tokens. How many bits they may carry and what
//! they are made of is what can be compared of them.

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Alphabet {
    Uuid,
    Ulid,
    Hex,
    Letters,
    Base64,
    /// Parts with delimiters: signed and encrypted cookies, JWTs.
    Parts,
    /// Named as a token by its place, whatever it is made of.
    Named,
}

/// Alphabet and length class of a token. A change of it is a change of format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(crate) alphabet: Alphabet,
    /// The length where tokens of this alphabet have a fixed one, else a class of lengths half an octave wide.
    pub(crate) length: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opaque {
    /// At most, as the alphabet and the length tell.
    pub(crate) bits: u16,
    pub(crate) shape: Shape,
}

const SHORTEST: usize = 8;
const LONGEST: usize = 16 * 1024;

/// What a text is as a token, if it looks like one.
pub(crate) fn opaque(text: &str) -> Option<Opaque> {
    if text.len() < SHORTEST || text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let bytes = text.as_bytes();
    if is_uuid(bytes) {
        return Some(of(Alphabet::Uuid, bytes.len(), 122));
    }
    let counts = Counts::of(bytes)?;
    if counts.digits == 0 && counts.uppers * counts.lowers == 0 {
        return None;
    }
    if counts.is_hex() && bytes.len() >= SHORTEST {
        return Some(of(Alphabet::Hex, bytes.len(), bytes.len() * 4));
    }
    if is_ulid(bytes) {
        return Some(of(Alphabet::Ulid, 26, 80));
    }
    if !counts.looks_random(bytes.len()) {
        return None;
    }
    Some(if counts.delimiters > 0 {
        of(Alphabet::Parts, bytes.len(), counts.alphanumeric() * 6)
    } else if counts.signs > 0 {
        of(Alphabet::Base64, bytes.len(), bytes.len() * 6)
    } else if counts.uppers * counts.lowers > 0 {
        // Base64 without a sign in it is as likely as not where it is short.
        of(Alphabet::Base64, bytes.len(), bytes.len() * 6)
    } else {
        of(Alphabet::Letters, bytes.len(), bytes.len() * 5)
    })
}

/// A value that its place names as a token, whatever it looks like.
pub(crate) fn named(text: &str) -> Opaque {
    opaque(text).unwrap_or_else(|| of(Alphabet::Named, text.len(), text.len() * 5))
}

fn of(alphabet: Alphabet, length: usize, bits: usize) -> Opaque {
    let length = match alphabet {
        Alphabet::Uuid | Alphabet::Ulid | Alphabet::Hex => length,
        _ => length_class(length),
    };
    let narrow = |number| u16::try_from(number).unwrap_or(u16::MAX);
    Opaque {
        bits: narrow(bits),
        shape: Shape {
            alphabet,
            length: narrow(length),
        },
    }
}

/// The lower bound of the half octave of a length: 8, 12, 16, 24, 32, 48, …
fn length_class(length: usize) -> usize {
    let octave = length.max(1).ilog2();
    let lower = 1_usize << octave;
    if length >= lower + lower / 2 {
        lower + lower / 2
    } else {
        lower
    }
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_ulid(bytes: &[u8]) -> bool {
    bytes.len() == 26
        && (b'0'..=b'7').contains(&bytes[0])
        && bytes.iter().all(|byte| {
            byte.is_ascii_digit() || byte.is_ascii_uppercase() && !b"ILOU".contains(byte)
        })
}

/// What a text is made of.
#[derive(Default)]
struct Counts {
    digits: usize,
    lowers: usize,
    uppers: usize,
    /// `+`, `/`, `_`, `-` and `=`.
    signs: usize,
    /// `.`, `%`, `~`, `|`, `:` and `--`.
    delimiters: usize,
    beyond_hex: usize,
    /// From one kind of character to another, within words.
    turns: usize,
}

impl Counts {
    /// `None` where a character can't be part of a token.
    fn of(bytes: &[u8]) -> Option<Self> {
        let mut counts = Self::default();
        let mut last = b' ';
        for byte in bytes {
            match byte {
                b'0'..=b'9' => counts.digits += 1,
                b'a'..=b'z' => counts.lowers += 1,
                b'A'..=b'Z' => counts.uppers += 1,
                b'-' if last == b'-' => counts.delimiters += 1,
                b'+' | b'/' | b'_' | b'-' | b'=' => counts.signs += 1,
                b'.' | b'%' | b'~' | b'|' | b':' => counts.delimiters += 1,
                _ => return None,
            }
            counts.beyond_hex += usize::from(!byte.is_ascii_hexdigit());
            counts.turns += usize::from(is_turn(last, *byte));
            last = *byte;
        }
        Some(counts)
    }

    fn alphanumeric(&self) -> usize {
        self.digits + self.lowers + self.uppers
    }

    fn is_hex(&self) -> bool {
        let letters = self.lowers + self.uppers;
        self.beyond_hex == 0
            && self.digits > 0
            && letters > 0
            && self.lowers * self.uppers == 0
            && self.turns >= 2
    }

    /// Words turn seldom from letters to digits and from small ones to capitals, random text does so all the time.
    fn looks_random(&self, length: usize) -> bool {
        let alphanumeric = self.alphanumeric();
        if alphanumeric * 10 < length * 8 || self.digits == 0 && length < 20 {
            return false;
        }
        let per_mille = self.turns * 1000 / alphanumeric.max(1);
        per_mille >= if length < 16 { 340 } else { 200 }
    }
}

/// From `a` to `B`, from a letter to a digit or back. `Ab` is how words begin.
fn is_turn(from: u8, to: u8) -> bool {
    match to {
        b'0'..=b'9' => from.is_ascii_alphabetic(),
        b'a'..=b'z' => from.is_ascii_digit(),
        b'A'..=b'Z' => from.is_ascii_digit() || from.is_ascii_lowercase(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_words() {
        for token in [
            "2f1c3a52-9b1e-4c5d-8a77-0c1d2e3f4a5b",
            "9e107d9d372bb6826bd81d3542a419d6",
            "01ARZ3NDEKTSV4RRFFQ69G5FAV",
            "dGhpcyBpcyBhIHRlc3Qgb2YgYmFzZTY0",
            "Zk3v9QpLx2RtB8nW",
            "x7k2m9q4",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
            "c2Vzc2lvbg1x%2BZ9kq3--Lk2jd83Js0aQ--9fKs02mXq1A%3D%3D",
        ] {
            assert!(opaque(token).is_some(), "{token}");
        }
        for word in [
            "authenticity_token",
            "application",
            "some-long-slug-about-2024-elections",
            "iPhone12",
            "text/html",
            "InternationalizationHelper",
            "1234567890123",
            "2024-03-05T14:22:00Z",
            "/issues/1407/edit",
            "deadbeef",
            "info@example.com",
        ] {
            assert_eq!(opaque(word), None, "{word}");
        }
    }

    #[test]
    fn bits_and_shape_tell_tokens_of_one_kind_from_others() {
        let md5 = opaque("9e107d9d372bb6826bd81d3542a419d6").unwrap();
        let sha1 = opaque("2fd4e1c67a2d28fced849ee1bb76e7391b93eb12").unwrap();
        assert_eq!((md5.bits, sha1.bits), (128, 160));
        assert_ne!(md5.shape, sha1.shape);
        let other = opaque("e4d909c290d0fb1ca068ffaddf22cbd0").unwrap();
        assert_eq!(md5.shape, other.shape);
    }
}
