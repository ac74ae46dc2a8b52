//! Messages that are there to their end, as captures have them: heads, and bodies without their chunks.

use bytes::BytesMut;

use super::{BodyReader, Framing, Parsed, ResponseHead};

/// What no server accepts by default.
pub(crate) const MOST_FIELDS: usize = 1000;

/// A chunked body taken apart.
pub(crate) struct Chunks<'a> {
    /// Those before its end, or before what is malformed.
    pub(crate) pieces: Vec<&'a [u8]>,
    /// Where it ends; `None` where it is not whole, or malformed.
    pub(crate) end: Option<usize>,
}

impl<'a> Chunks<'a> {
    /// `is_tolerant`: as of [`BodyReader::tolerant`].
    pub(crate) fn of(bytes: &'a [u8], is_tolerant: bool) -> Self {
        let reader = BodyReader::new(Framing::Chunked, bytes.len(), MOST_FIELDS);
        let mut reader = if is_tolerant {
            reader.tolerant()
        } else {
            reader
        };
        let (mut pieces, mut left) = (Vec::new(), BytesMut::from(bytes));
        let end = loop {
            match reader.next(&mut left) {
                Ok(Parsed::Piece(length)) => {
                    let start = bytes.len() - left.len();
                    pieces.push(&bytes[start..start + length]);
                    drop(left.split_to(length));
                }
                Ok(Parsed::Trailers(_)) => {}
                Ok(Parsed::End) => break Some(bytes.len() - left.len()),
                Ok(Parsed::More) | Err(_) => break None,
            }
        };
        Self { pieces, end }
    }
}

/// A body without chunks, where it has some; what is malformed ends it.
pub(crate) fn unchunked(is_chunked: bool, bytes: &[u8]) -> Vec<u8> {
    if is_chunked {
        Chunks::of(bytes, true).pieces.concat()
    } else {
        bytes.to_vec()
    }
}

/// A response's head, and its body without chunks; `None` where it is no response.
pub(crate) fn whole_response(message: &[u8]) -> Option<(ResponseHead, Vec<u8>)> {
    let mut head = ResponseHead::default();
    let length = head.parse(message, MOST_FIELDS).ok()??;
    let is_chunked = Framing::of_answer(&mut head, false) == Ok(Framing::Chunked);
    Some((head, unchunked(is_chunked, &message[length..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_body_is_taken_apart_up_to_its_end() {
        let whole = b"2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nT: 1\r\n\r\nrest";
        let Chunks { pieces, end } = Chunks::of(whole, false);
        assert_eq!(pieces, [&b"he"[..], b"llo"]);
        assert_eq!(end, Some(whole.len() - 4));
        for broken in ["2\r\nhe", "2\r\nhe\r\n", "2\r\nhe\r\nx\r\n"] {
            let Chunks { pieces, end } = Chunks::of(broken.as_bytes(), true);
            assert_eq!((pieces, end), (vec![&b"he"[..]], None), "{broken:?}");
        }
    }
}
