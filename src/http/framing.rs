//! Where a message's body ends (RFC 9112, 6): one answer, or the message is refused.

use super::headers::{Headers, Known, elements, trim};
use super::{RequestHead, ResponseHead, Version};

/// How a body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// By its length in bytes.
    Sized(u64),
    Chunked,
    /// It ends with the connection; answers only.
    Close,
}

/// Why it is unclear where a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFraming {
    #[error("Content-Length is not a number")]
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
        let headers = &head.headers;
        let length = length(headers)?;
        if !headers.has(Known::TransferEncoding) {
            return Ok(length.map_or(Self::None, Self::Sized));
        }
        match length {
            Some(_) => Err(BadFraming::Both),
            None if head.version == Version::Http10 => Err(BadFraming::TooOld),
            None if is_plain(headers) => Ok(Self::Chunked),
            None => Err(BadFraming::Encoding),
        }
    }

    /// Of an answer; `to_head`: to a request with the method HEAD. Where its head says it several times, it says it once
    /// afterwards; one that has no body is left as it is, for [`settle`].
    ///
    /// # Errors
    /// Where the head names two lengths, or none that is a number.
    pub(crate) fn of_answer(head: &mut ResponseHead, to_head: bool) -> Result<Self, BadFraming> {
        if to_head || is_bodiless(head.status) {
            return Ok(Self::None);
        }
        let headers = &head.headers;
        if !headers.has(Known::TransferEncoding)
            && let Ok(length) = length(headers)
        {
            return Ok(length.map_or(Self::Close, Self::Sized));
        }
        let (framing, is_plain) = match coding(headers)? {
            Coding::Chunked { plain } => (Self::Chunked, plain),
            Coding::None => {
                let length = equal_lengths(headers)?;
                (length.map_or(Self::Close, Self::Sized), false)
            }
        };
        if framing == Self::Chunked {
            // It does not count beside chunks (RFC 9112, 6.3).
            head.headers.remove(Known::ContentLength);
        }
        if !is_plain {
            settle(head);
        }
        Ok(framing)
    }
}

fn is_bodiless(status: u16) -> bool {
    matches!(status, 100..=199 | 204 | 304)
}

/// Makes an answer's head say in one way how its body is framed: each of both fields at most once, and sound. What says it
/// in two ways is taken off: it is beside no body, or [`Framing::of_answer`] refuses it.
#[cold]
pub(crate) fn settle(head: &mut ResponseHead) {
    let headers = &mut head.headers;
    if matches!(head.status, 100..=199 | 204) {
        // They have neither (RFC 9110, 8.6; RFC 9112, 6.1).
        headers.remove(Known::TransferEncoding);
        headers.remove(Known::ContentLength);
        return;
    }
    if headers.has(Known::TransferEncoding) {
        match coding(headers) {
            Ok(Coding::Chunked { plain: true }) => {}
            Ok(Coding::Chunked { plain: false }) => {
                let said = headers.all(Known::TransferEncoding).flat_map(elements);
                let mut codings: Vec<_> = said
                    .filter(|coding| !is_chunked(coding) && !is_identity(coding))
                    .collect();
                codings.push(b"chunked");
                let list = codings.join(&b", "[..]);
                headers.set(b"Transfer-Encoding", &list);
            }
            Ok(Coding::None) | Err(_) => headers.remove(Known::TransferEncoding),
        }
    }
    if says_one_length(headers) {
        return;
    }
    match equal_lengths(headers) {
        Ok(Some(length)) => headers.set(b"Content-Length", length.to_string().as_bytes()),
        _ => headers.remove(Known::ContentLength),
    }
}

/// Whether there is no length, or one that goes on as it is.
fn says_one_length(headers: &Headers) -> bool {
    let mut lengths = headers.all(Known::ContentLength);
    match lengths.next() {
        None => true,
        Some(first) => number(first).is_ok() && lengths.next().is_none(),
    }
}

/// How an answer's body is coded for its transfer.
enum Coding {
    /// Not at all.
    None,
    /// In chunks; `plain`: it goes on as it is said.
    Chunked { plain: bool },
}

/// What an answer's Transfer-Encoding says. Chunked said twice is chunked once, as nginx reads it: no sender codes twice
/// (RFC 9112, 7.1). Identity is what it was called before it was left out (RFC 2616, 3.6); an empty list says as little.
fn coding(headers: &Headers) -> Result<Coding, BadFraming> {
    if !headers.has(Known::TransferEncoding) {
        return Ok(Coding::None);
    }
    if is_plain(headers) {
        return Ok(Coding::Chunked { plain: true });
    }
    let codings = headers.all(Known::TransferEncoding).flat_map(elements);
    let (mut times, mut others, mut last) = (0, 0, false);
    for coding in codings.filter(|coding| !is_identity(coding)) {
        last = is_chunked(coding);
        times += u32::from(last);
        others += u32::from(!last);
    }
    match (times, others) {
        (0, 0) => Ok(Coding::None),
        (1, _) | (_, 0) if last => Ok(Coding::Chunked { plain: false }),
        _ => Err(BadFraming::Encoding),
    }
}

/// Whether chunked is the one coding, said once: of a request, two readers may differ on all else (RFC 9112, 11.2).
fn is_plain(headers: &Headers) -> bool {
    let mut lines = headers.all(Known::TransferEncoding);
    lines.next().is_some_and(is_chunked) && lines.next().is_none()
}

fn is_identity(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"identity")
}

fn is_chunked(coding: &[u8]) -> bool {
    coding.eq_ignore_ascii_case(b"chunked")
}

/// The one length that a request names.
fn length(headers: &Headers) -> Result<Option<u64>, BadFraming> {
    let mut lengths = headers.all(Known::ContentLength);
    let Some(value) = lengths.next() else {
        return Ok(None);
    };
    if lengths.next().is_some() {
        return Err(BadFraming::Lengths);
    }
    number(value).map(Some)
}

/// The one length that an answer names, if several times (RFC 9110, 8.6).
fn equal_lengths(headers: &Headers) -> Result<Option<u64>, BadFraming> {
    let mut known = None;
    // An empty one says nothing.
    let lines = headers.all(Known::ContentLength);
    for line in lines.filter(|line| !line.is_empty()) {
        for value in line.split(|byte| *byte == b',') {
            let length = number(trim(value))?;
            if known.is_some_and(|known| known != length) {
                return Err(BadFraming::Lengths);
            }
            known = Some(length);
        }
    }
    Ok(known)
}

fn number(value: &[u8]) -> Result<u64, BadFraming> {
    digits(value).ok_or(BadFraming::Length)
}

/// A number of up to 19 digits, which always fits. Unlike Rust's own parser, it takes no sign.
pub(crate) fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() || text.len() > 19 {
        return None;
    }
    text.iter().try_fold(0, |number, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| number * 10 + u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &str) -> Result<Framing, BadFraming> {
        let mut head = RequestHead::default();
        let text = format!("POST / HTTP/1.1\r\n{headers}\r\n");
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
            let headers = format!("Transfer-Encoding: {coding}\r\n");
            assert_eq!(request(&headers), Err(BadFraming::Encoding), "{coding}");
        }
    }

    #[test]
    fn an_answer_without_any_length_ends_with_its_connection() {
        let answer = |text: &str, to_head| {
            let mut head = ResponseHead::default();
            head.parse(text.as_bytes(), 10).unwrap().unwrap();
            Framing::of_answer(&mut head, to_head)
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

    /// How an answer with these fields is framed, and what goes on of them.
    fn settled(status: u16, headers: &str) -> (Result<Framing, BadFraming>, String) {
        let text = format!("HTTP/1.1 {status} x\r\n{headers}\r\n");
        let mut head = ResponseHead::default();
        head.parse(text.as_bytes(), 10).unwrap().unwrap();
        let framing = Framing::of_answer(&mut head, false);
        if framing == Ok(Framing::None) {
            settle(&mut head);
        }
        let mut out = Vec::new();
        head.headers.write(&mut out);
        (framing, String::from_utf8(out).unwrap())
    }

    #[test]
    fn an_answer_that_says_the_same_twice_says_it_once() {
        for lengths in [
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "Content-Length: 5\r\nX: y\r\ncontent-length: 05\r\n",
            "Content-Length: 5, 5\r\n",
        ] {
            let (framing, written) = settled(200, lengths);
            assert_eq!(framing, Ok(Framing::Sized(5)), "{lengths}");
            assert_eq!(written.replace("X: y\r\n", ""), "Content-Length: 5\r\n");
        }
        for codings in [
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: chunked, Chunked\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: chunked,\r\n",
        ] {
            let once = "Transfer-Encoding: chunked\r\n".to_owned();
            assert_eq!(settled(200, codings), (Ok(Framing::Chunked), once));
        }
        let gzip = "Transfer-Encoding: gzip, chunked\r\n";
        for codings in [
            gzip,
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(settled(200, codings), (Ok(Framing::Chunked), gzip.into()));
        }
    }

    #[test]
    fn identity_is_no_coding_and_leaves_the_length_in_force() {
        let both = "Transfer-Encoding: identity\r\nContent-Length: 5\r\n";
        let sized = (Ok(Framing::Sized(5)), "Content-Length: 5\r\n".to_owned());
        assert_eq!(settled(200, both), sized);
        for alone in [
            "Transfer-Encoding: identity\r\n",
            "Transfer-Encoding:\r\n",
            "Content-Length:\r\n",
        ] {
            assert_eq!(settled(200, alone), (Ok(Framing::Close), String::new()));
        }
    }

    #[test]
    fn an_answer_whose_end_is_in_doubt_is_refused() {
        for headers in [
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 6",
            "Content-Length: 5,",
            "Content-Length: +5",
            "Content-Length: 5\u{b}",
            "Transfer-Encoding: gzip",
            "Transfer-Encoding: chunked, gzip",
            "Transfer-Encoding: chunked, gzip, chunked",
            "Transfer-Encoding: chunked\u{c}",
        ] {
            let (framing, _) = settled(200, &format!("{headers}\r\n"));
            assert!(framing.is_err(), "{headers}: {framing:?}");
        }
    }

    #[test]
    fn an_answer_without_a_body_says_no_length_that_contradicts_itself() {
        for (status, kept) in [(304, "Content-Length: 5\r\n"), (204, ""), (103, "")] {
            let (framing, written) = settled(status, "Content-Length: 5\r\nContent-Length: 5\r\n");
            assert_eq!((framing, &written[..]), (Ok(Framing::None), kept));
        }
        let doubt = "Content-Length: 5\r\nContent-Length: 6\r\nTransfer-Encoding: x\r\n";
        assert_eq!(settled(304, doubt), (Ok(Framing::None), String::new()));
    }
}
