//! Heads as nearly all of them are: printable ASCII, one space behind each colon, CR LF at each line's end. They are
//! read in one pass; whatever differs is left to httparse (requests) and `tolerant` (responses), which have to say the same
//! of these (tests and fuzzing hold the two against each other).

use memchr::memchr;

use super::{
    RequestHead, ResponseHead, Version,
    characters::{Characters, alphanumeric_and},
    headers::{Field, Headers, Known, Span},
};

/// The characters of a method and of a field's name (RFC 9110, 5.6.2).
pub(super) static IN_TOKENS: Characters = alphanumeric_and(b"!#$%&'*+-.^_`|~");

/// How many bytes at the start of `text` are a token.
fn token(text: &[u8]) -> Option<usize> {
    let end = text.iter().position(|byte| !IN_TOKENS[usize::from(*byte)]);
    end.filter(|end| *end > 0)
}

fn version(text: &[u8]) -> Option<Version> {
    match text {
        b"HTTP/1.1" => Some(Version::Http11),
        b"HTTP/1.0" => Some(Version::Http10),
        _ => None,
    }
}

/// How many bytes are no printable ASCII, counted so that a compiler does many at a time.
fn unprintable(text: &[u8]) -> usize {
    let is_one = |byte: &u8| u8::from(byte.wrapping_sub(b' ') > b'~' - b' ');
    let count = |chunk: &[u8]| chunk.iter().fold(0, |count, byte| count + is_one(byte));
    text.chunks(255)
        .map(|chunk| usize::from(count(chunk)))
        .sum()
}

impl RequestHead {
    /// Reads a usual head with at most `most_fields` from the start of `bytes`, and returns its length; `None` where it
    /// is another one, or not whole.
    pub(super) fn read_usual(&mut self, bytes: &[u8], most_fields: usize) -> Option<usize> {
        let method = token(bytes)?;
        let target = method + 1;
        let target_end = target + memchr(b' ', &bytes[target..])?;
        let line_end = target_end + 1 + b"HTTP/1.1".len();
        let is_usual = bytes[method] == b' '
            && target_end > target
            && bytes.get(line_end..line_end + 2)? == b"\r\n";
        if !is_usual {
            return None;
        }
        self.version = version(&bytes[target_end + 1..line_end])?;
        self.method = Span::new(0, method);
        self.target = Span::new(target, target_end - target);
        self.headers.read_usual(bytes, line_end + 2, most_fields)
    }
}

impl ResponseHead {
    /// As [`RequestHead::read_usual`].
    pub(super) fn read_usual(&mut self, bytes: &[u8], most_fields: usize) -> Option<usize> {
        const REASON: usize = b"HTTP/1.1 200 ".len();
        let line_end = memchr(b'\r', bytes)?;
        let line = &bytes[..line_end];
        let &[
            b' ',
            a @ b'1'..=b'9',
            b @ b'0'..=b'9',
            c @ b'0'..=b'9',
            b' ',
            _,
            ..,
        ] = line.get(b"HTTP/1.1".len()..)?
        else {
            return None;
        };
        if bytes.get(line_end + 1) != Some(&b'\n') {
            return None;
        }
        self.version = version(&line[..b"HTTP/1.1".len()])?;
        self.status = [a, b, c]
            .iter()
            .fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
        self.reason = Span::new(REASON, line_end - REASON);
        self.headers.read_usual(bytes, line_end + 2, most_fields)
    }
}

impl Headers {
    /// Takes the fields that begin at `at`, behind the start line, in place of what was here.
    fn read_usual(&mut self, bytes: &[u8], mut at: usize, most: usize) -> Option<usize> {
        self.lines.clear();
        self.known = 0;
        loop {
            let rest = &bytes[at..];
            if rest.starts_with(b"\r\n") {
                at += 2;
                break;
            }
            let colon = token(rest)?;
            let value = colon + 2;
            if rest.get(colon..value)? != b": " {
                return None;
            }
            let end = value + memchr(b'\r', &rest[value..])?;
            let is_usual = end > value
                && rest[value] != b' '
                && rest[end - 1] != b' '
                && rest.get(end + 1) == Some(&b'\n')
                && self.lines.len() < most;
            if !is_usual {
                return None;
            }
            let known = Known::of(&rest[..colon]);
            self.known |= known.bit();
            self.lines.push(Field {
                name: Span::new(at, colon),
                value: Span::new(at + value, end - value),
                known,
                gone: false,
                neat: true,
            });
            at += end + 2;
        }
        let head = &bytes[..at];
        // The start line, the fields and the empty line end with two each: any other is one that does not belong.
        if unprintable(head) != 2 * (self.lines.len() + 2) {
            return None;
        }
        self.text.clear();
        self.text.extend_from_slice(head);
        Some(at)
    }
}

/// What the two ways to read a head make of these bytes is the same, where this one reads them at all.
///
/// # Panics
/// Where it is not.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn compare(bytes: &[u8], most_fields: usize) -> bool {
    let (mut usual, mut any) = (RequestHead::default(), RequestHead::default());
    let request = usual.read_usual(bytes, most_fields);
    if request.is_some() {
        assert_eq!(any.read_any(bytes, most_fields), Ok(request));
        assert_eq!(format!("{usual:?}"), format!("{any:?}"));
    }
    let (mut usual, mut any) = (ResponseHead::default(), ResponseHead::default());
    let answer = usual.read_usual(bytes, most_fields);
    if answer.is_some() {
        assert_eq!(any.read_any(bytes, most_fields), Ok(answer));
        assert_eq!((usual.status, usual.version), (any.status, any.version));
        assert!(usual.headers.iter().eq(any.headers.iter()));
        let written = |head: &ResponseHead| {
            let mut out = Vec::new();
            head.write(&mut out);
            out
        };
        assert_eq!(written(&usual), written(&any));
    }
    request.or(answer).is_some()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_applications_and_browsers_send_is_usual() {
        for head in [
            "GET / HTTP/1.1\r\nHost: 127.0.0.1:8480\r\n\r\n",
            "POST /a?b=%20 HTTP/1.0\r\nHost: a\r\nCookie: a=1; b=\"2\"\r\nContent-Length: 3\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 24 Nov 2026 20:00:00 GMT\r\n\r\n",
            "HTTP/1.1 404 Not Found\r\n\r\n",
        ] {
            assert!(compare(head.as_bytes(), 10), "{head}");
        }
    }

    #[test]
    fn all_else_is_left_to_the_other() {
        for head in [
            "",
            "GET / HTTP/1.1\r\nHost: a\r\n",
            "GET / HTTP/1.1\nHost: a\n\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.2\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:a\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: \r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a \r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\nb: c\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\tb\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: \u{e9}\r\n\r\n",
            "GET /\u{e9} HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n",
            "HTTP/1.1 200\r\n\r\n",
            "HTTP/1.1 200 \r\n\r\n",
            "HTTP/1.1 099 x\r\n\r\n",
            "HTTP/1.1 20 OK\r\n\r\n",
        ] {
            assert!(!compare(head.as_bytes(), 1), "{head:?}");
        }
    }

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            6 => "[A-Za-z-]{1,12}: [ -~]{0,20}\r\n",
            1 => "[ -~\\t\\r\\n\u{0}\u{7f}\u{e9}]{0,12}:[ -~\\t\\r\\n\u{0}\u{7f}\u{e9}]{0,12}\r?\n",
        ]
    }

    proptest! {
        #[test]
        fn both_ways_read_the_same(
            start in "(GET|P[!-~]{0,3}|HTTP/1.1)[ \t]{1,2}([0-9]{3} [ -~\t]{0,5}|[!-~\u{e9}]{0,9} HTTP/1.[0-2])\r?\n",
            lines in proptest::collection::vec(line(), 0..6),
            end in "(\r\n|\n|\r|)",
            place in any::<proptest::sample::Index>(),
            byte in any::<Option<u8>>(),
        ) {
            let mut head = format!("{start}{}{end}", lines.concat()).into_bytes();
            compare(&head, 4);
            if let Some(byte) = byte {
                let place = place.index(head.len());
                head[place] = byte;
                compare(&head, 4);
            }
        }
    }
}
