//! Where a message's body ends (RFC 9112, 6): one answer, or the message is refused.

use super::fields::{Fields, Known, elements};
use super::{AnswerHead, RequestHead, Version};

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// So many bytes.
    Sized(u64),
    Chunked,
    /// It ends with the connection; answers only.
    Close,
}

/// Why nobody can tell where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFraming {
    #[error("Content-Length is no number")]
    Length,
    #[error("there is more than one Content-Length")]
    Lengths,
    #[error("there are both Content-Length and Transfer-Encoding")]
    Both,
    #[error("Transfer-Encoding does not say chunked, once")]
    Encoding,
    #[error("HTTP/1.0 has no Transfer-Encoding")]
    TooOld,
}

impl Framing {
    /// Of a request.
    ///
    /// # Errors
    /// Where the head says it in two ways, or in one that hides the end.
    pub(crate) fn of_request(head: &RequestHead) -> Result<Self, BadFraming> {
        let fields = &head.fields;
        let length = length(fields)?;
        if !fields.has(Known::TransferEncoding) {
            return Ok(length.map_or(Self::None, Self::Sized));
        }
        match length {
            Some(_) => Err(BadFraming::Both),
            None if head.version == Version::Http10 => Err(BadFraming::TooOld),
            None if is_chunked_only(fields) => Ok(Self::Chunked),
            None => Err(BadFraming::Encoding),
        }
    }

    /// Of an answer; `to_head`: to a request with the method HEAD.
    ///
    /// # Errors
    /// Where the head names two lengths, or none that is a number.
    pub(crate) fn of_answer(head: &AnswerHead, to_head: bool) -> Result<Self, BadFraming> {
        if to_head || matches!(head.status, 100..=199 | 204 | 304) {
            return Ok(Self::None);
        }
        let fields = &head.fields;
        if !fields.has(Known::TransferEncoding) {
            return Ok(length(fields)?.map_or(Self::Close, Self::Sized));
        }
        if ends_chunked(fields) {
            return Ok(Self::Chunked);
        }
        // Identity is what it was called before it was left out (RFC 2616, 3.6).
        if fields.all(Known::TransferEncoding).all(is_identity) {
            return Ok(Self::Close);
        }
        Err(BadFraming::Encoding)
    }
}

fn is_identity(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"identity")
}

/// The one length that is named.
fn length(fields: &Fields) -> Result<Option<u64>, BadFraming> {
    let mut lengths = fields.all(Known::ContentLength);
    let Some(value) = lengths.next() else {
        return Ok(None);
    };
    if lengths.next().is_some() {
        return Err(BadFraming::Lengths);
    }
    // No sign, as a number of Rust's may have; 19 digits always fit.
    if value.is_empty() || value.len() > 19 {
        return Err(BadFraming::Length);
    }
    let mut number = 0;
    for byte in value {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Err(BadFraming::Length);
        }
        number = number * 10 + u64::from(digit);
    }
    Ok(Some(number))
}

/// Whether chunked is the one coding, said once: two readers may differ on all else (RFC 9112, 11.2).
fn is_chunked_only(fields: &Fields) -> bool {
    let mut codings = fields.all(Known::TransferEncoding);
    let first = codings.next().unwrap_or_default();
    first.eq_ignore_ascii_case(b"chunked") && codings.next().is_none()
}

/// Whether chunked is the last coding, and no other (RFC 9112, 7).
fn ends_chunked(fields: &Fields) -> bool {
    let codings = fields.all(Known::TransferEncoding).flat_map(elements);
    let is_chunked = |coding: &[u8]| coding.eq_ignore_ascii_case(b"chunked");
    let (mut times, mut last) = (0, false);
    for coding in codings {
        last = is_chunked(coding);
        times += u32::from(last);
    }
    last && times == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &str) -> Result<Framing, BadFraming> {
        let mut head = RequestHead::default();
        let text = format!("POST / HTTP/1.1\r\n{fields}\r\n");
        head.parse(text.as_bytes(), 10).unwrap().unwrap();
        Framing::of_request(&head)
    }

    #[test]
    fn a_request_says_where_it_ends_in_one_way_only() {
        assert_eq!(request(""), Ok(Framing::None));
        assert_eq!(request("Content-Length: 5\r\n"), Ok(Framing::Sized(5)));
        assert_eq!(
            request("Transfer-Encoding: Chunked\r\n"),
            Ok(Framing::Chunked)
        );
        let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
        assert_eq!(request(both), Err(BadFraming::Both));
        for lengths in [
            "5\r\nContent-Length: 5",
            "5, 5",
            "+5",
            "",
            "99999999999999999999",
        ] {
            assert!(
                request(&format!("Content-Length: {lengths}\r\n")).is_err(),
                "{lengths}"
            );
        }
        for coding in [
            "chunked, chunked",
            "gzip, chunked",
            "chunked, gzip",
            "chunked,",
            "",
        ] {
            let fields = format!("Transfer-Encoding: {coding}\r\n");
            assert_eq!(request(&fields), Err(BadFraming::Encoding), "{coding}");
        }
    }

    #[test]
    fn an_answer_without_any_length_ends_with_its_connection() {
        let answer = |text: &str, to_head| {
            let mut head = AnswerHead::default();
            head.parse(text.as_bytes(), 10).unwrap().unwrap();
            Framing::of_answer(&head, to_head)
        };
        assert_eq!(answer("HTTP/1.1 200 OK\r\n\r\n", false), Ok(Framing::Close));
        assert_eq!(answer("HTTP/1.1 200 OK\r\n\r\n", true), Ok(Framing::None));
        assert_eq!(
            answer("HTTP/1.1 204 No\r\nContent-Length: 3\r\n\r\n", false),
            Ok(Framing::None)
        );
        let both = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(answer(both, false), Ok(Framing::Chunked));
        let two = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n";
        assert_eq!(answer(two, false), Err(BadFraming::Lengths));
    }
}
