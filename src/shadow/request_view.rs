//! A request as rules and keys look at it: its path made plain, its values decoded, the client behind a proxy.
//!
//! Nothing is allocated for requests as browsers send them; what is escaped is decoded into memory of its own.

use std::{borrow::Cow, net::IpAddr};

use base64::{
    Engine as _, alphabet,
    engine::{GeneralPurpose, general_purpose::PAD_INDIFFERENT},
};

use crate::{
    config::ClientAddress,
    http::{Known, RequestHead, decoded},
};

/// A request as rules and keys look at it.
#[derive(Clone, Copy)]
pub(super) struct RequestView<'a> {
    pub(super) head: &'a RequestHead,
    pub(super) peer: Option<IpAddr>,
    pub(super) client_address: &'a ClientAddress,
}

impl<'a> RequestView<'a> {
    /// The path as an application reads it: decoded, without `.`, `..` and empty segments.
    pub(super) fn path(&self) -> Cow<'a, [u8]> {
        plain_path(self.head.path())
    }

    /// What `then` makes of a segment of the path; the first is 1.
    pub(super) fn segment<T>(&self, number: usize, then: impl FnOnce(&[u8]) -> T) -> Option<T> {
        let path = self.path();
        path.split(|byte| *byte == b'/').nth(number).map(then)
    }

    /// The host without its port and without a dot that may end it (RFC 3986, 3.2.2), or several.
    pub(super) fn host(&self) -> Option<&'a [u8]> {
        let host = self.head.headers.get(Known::Host)?;
        let end = match host {
            [b'[', ..] => host.iter().position(|byte| *byte == b']').map(|at| at + 1),
            _ => host.iter().position(|byte| *byte == b':'),
        };
        let host = &host[..end.unwrap_or(host.len())];
        let end = host.iter().rposition(|byte| *byte != b'.');
        Some(&host[..end.map_or(0, |end| end + 1)])
    }

    /// The media type without its parameters.
    pub(super) fn content_type(&self) -> Option<&'a [u8]> {
        let value = self.head.headers.named(b"content-type").next()?;
        let kind = value.split(|byte| *byte == b';').next()?;
        Some(kind.trim_ascii())
    }

    /// How long the body is; one that comes in chunks is longer than any other, since nobody knows.
    pub(super) fn body(&self) -> u64 {
        let headers = &self.head.headers;
        if headers.has(Known::TransferEncoding) {
            return u64::MAX;
        }
        let length = headers.get(Known::ContentLength);
        let digits = length.and_then(|length| std::str::from_utf8(length).ok());
        digits
            .and_then(|digits| digits.parse().ok())
            .unwrap_or_default()
    }

    /// The values of a parameter of the query.
    pub(super) fn query(&self, name: &'a str) -> impl Iterator<Item = Cow<'a, [u8]>> {
        pairs(self.head.query().unwrap_or_default())
            .filter(move |(of, _)| *decoded(of, true) == *name.as_bytes())
            .map(|(_, value)| decoded(value, true))
    }

    /// A cookie's value.
    pub(super) fn cookie(&self, name: &str) -> Option<&'a [u8]> {
        let headers = self.head.headers.named(b"cookie");
        headers.flat_map(cookies).find_map(|pair| {
            let (of, value) = split_at(pair, b'=')?;
            (of == name.as_bytes()).then_some(value)
        })
    }

    /// The name that the client gives in Basic authentication (RFC 7617), where it fits into `room`.
    pub(super) fn user<'b>(&self, room: &'b mut UserRoom) -> Option<&'b [u8]> {
        let value = self.head.headers.named(b"authorization").next()?;
        let (scheme, token) = split_at(value, b' ')?;
        if !scheme.eq_ignore_ascii_case(b"basic") {
            return None;
        }
        user_of(token.trim_ascii(), room)
    }

    /// The client's address: that of the connection, or what those say who are trusted.
    pub(super) fn client(&self) -> Option<IpAddr> {
        let Some(header) = &self.client_address.header else {
            return self.peer;
        };
        if !self.client_address.trusts(self.peer) {
            return self.peer;
        }
        // Each proxy adds behind the others whom it saw: the last that is none of ours is the client, or else
        // the first of all.
        let (mut first, mut last) = (None, None);
        let lines = self.head.headers.named(header.spelling().as_bytes());
        for element in lines.flat_map(|line| line.split(|byte| *byte == b',')) {
            let text = element.trim_ascii();
            if text.is_empty() || text == b"unknown" || text == b"unix:" {
                continue;
            }
            let address = address(text);
            first = first.or(Some(address));
            if address.is_none_or(|address| !self.client_address.trusts(Some(address))) {
                last = Some(address);
            }
        }
        last.or(first).unwrap_or(self.peer)
    }
}

/// An address, perhaps with a port behind it.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?;
    let inner = text
        .strip_prefix('[')
        .and_then(|rest| rest.split(']').next());
    let with_port = || text.parse().map(|socket: std::net::SocketAddr| socket.ip());
    let address = inner.unwrap_or(text).parse().or_else(|_| with_port());
    address.ok().map(|address| address.to_canonical())
}

/// The parts of a query, split at `&` and at the first `=`.
pub(super) fn pairs(query: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    query
        .split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| split_at(pair, b'=').unwrap_or((pair, b"")))
}

/// The pairs of a Cookie header (RFC 6265, 4.2.1).
pub(super) fn cookies(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|byte| *byte == b';')
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}

pub(super) fn split_at(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    Some((&text[..place], &text[place + 1..]))
}

fn plain_path(path: &[u8]) -> Cow<'_, [u8]> {
    let is_plain =
        !path.contains(&b'%') && !path.windows(2).any(|two| two == b"//" || two == b"/.");
    if is_plain {
        return Cow::Borrowed(path);
    }
    let path = decoded(path, false);
    let mut plain: Vec<&[u8]> = Vec::new();
    let mut ends_in_folder = false;
    for segment in path.split(|byte| *byte == b'/') {
        ends_in_folder = matches!(segment, b"" | b"." | b"..");
        match segment {
            b"" | b"." => {}
            b".." => {
                plain.pop();
            }
            segment => plain.push(segment),
        }
    }
    let mut out = Vec::with_capacity(path.len());
    for segment in plain {
        out.push(b'/');
        out.extend_from_slice(segment);
    }
    if ends_in_folder || out.is_empty() {
        out.push(b'/');
    }
    Cow::Owned(out)
}

/// The longest user of Basic that is looked at.
const USER: usize = 256;

/// Room for the longest user and the colon behind it, in whole groups of three bytes.
pub(super) type UserRoom = [u8; (USER + 1).next_multiple_of(3)];

/// As lenient as applications are: padding may be missing, and what the last digit says too much is ignored.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    PAD_INDIFFERENT.with_decode_allow_trailing_bits(true),
);

/// What stands before the colon in base 64 (RFC 7617, 2).
fn user_of<'b>(token: &[u8], room: &'b mut UserRoom) -> Option<&'b [u8]> {
    // Every four digits are three bytes by themselves: a long password is left where it is.
    let beginning = &token[..token.len().min(room.len() / 3 * 4)];
    let length = LENIENT.decode_slice(beginning, room).ok()?;
    let (user, _) = split_at(&room[..length], b':')?;
    (user.len() <= USER).then_some(user)
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn client(header: &str, trusted: &str, peer: Option<&str>, headers: &str) -> Option<String> {
        let toml = format!("header = \"{header}\"\ntrusted = [{trusted}]");
        let parsed: toml::Table = toml.parse().unwrap();
        let trusted = parsed["trusted"].clone().try_into().unwrap();
        let header = parsed["header"].clone().try_into().unwrap();
        let mut head = RequestHead::default();
        let text = format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        head.parse(text.as_bytes(), 20).unwrap().unwrap();
        let seen = RequestView {
            head: &head,
            peer: peer.map(|peer| peer.parse().unwrap()),
            client_address: &ClientAddress {
                header: Some(header),
                trusted,
            },
        };
        seen.client().map(|address| address.to_string())
    }

    #[test]
    fn the_client_is_the_last_that_is_not_trusted() {
        let forwarded = "X-Forwarded-For: 6.6.6.6, 192.0.2.1, 10.0.0.9\r\n";
        let of = |trusted, peer, headers| client("X-Forwarded-For", trusted, peer, headers);
        let ours = "\"unix\", \"10.0.0.0/8\"";
        assert_eq!(of(ours, None, forwarded).as_deref(), Some("192.0.2.1"));
        assert_eq!(
            of(ours, Some("10.0.0.1"), forwarded).as_deref(),
            Some("192.0.2.1")
        );
        // Somebody else can write there what they like.
        assert_eq!(
            of(ours, Some("9.9.9.9"), forwarded).as_deref(),
            Some("9.9.9.9")
        );
        assert_eq!(of("\"10.0.0.0/8\"", None, forwarded), None);
        let two = "X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: [2001:db8::1]:99\r\n";
        assert_eq!(of(ours, None, two).as_deref(), Some("2001:db8::1"));
        assert_eq!(of(ours, None, "X-Forwarded-For: nonsense\r\n"), None);
        assert_eq!(of(ours, None, ""), None);
    }

    #[test]
    fn a_path_is_read_as_an_application_reads_it() {
        for (path, plain) in [
            ("/a/b", "/a/b"),
            ("/%61dmin", "/admin"),
            ("//a///b/", "/a/b/"),
            ("/x/../a/./b", "/a/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/../..", "/"),
            ("/a/.", "/a/"),
            ("/.well-known/x", "/.well-known/x"),
            ("/50%", "/50%"),
            ("/%zz%4", "/%zz%4"),
        ] {
            assert_eq!(*plain_path(path.as_bytes()), *plain.as_bytes(), "{path}");
        }
    }

    #[test]
    fn the_user_of_basic_is_what_stands_before_the_colon() {
        let user = |token: &[u8]| {
            let mut room = [0; _];
            user_of(token, &mut room).map(<[u8]>::to_vec)
        };
        for (token, wanted) in [
            ("YWxpY2U6c2VjcmV0", Some("alice")),
            ("OnNlY3JldA==", Some("")),
            // Without padding, with too much in the last digit.
            ("YTpi", Some("a")),
            ("YTo", Some("a")),
            ("YTp", Some("a")),
            ("YWxpY2U=", None),
            ("YTo$", None),
            ("Y$", None),
            ("Y", None),
            ("", None),
        ] {
            let wanted = wanted.map(|user| user.as_bytes().to_vec());
            assert_eq!(user(token.as_bytes()), wanted, "{token}");
        }
        for (length, fits) in [(255, true), (256, true), (257, false), (2000, false)] {
            let name = "n".repeat(length);
            let token = BASE64_STANDARD.encode(format!("{name}:{}", "p".repeat(1000)));
            let wanted = fits.then(|| name.into_bytes());
            assert_eq!(user(token.as_bytes()), wanted, "{length}");
        }
    }

    #[test]
    fn a_query_is_split_at_ampersands_and_the_first_equals_sign() {
        let parts: Vec<_> = pairs(b"a=1&b&&c=d=e").collect();
        assert_eq!(parts, [(&b"a"[..], &b"1"[..]), (b"b", b""), (b"c", b"d=e")]);
    }
}
