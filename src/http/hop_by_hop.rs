//! Headers that belong to one connection and not to the message (RFC 9110, 7.6.1).

use super::{
    headers::{Headers, Known, elements},
    same_name::is_same_name,
};

/// Whether a request asks for another protocol on its connection (RFC 9110, 7.8), and may be answered in one.
///
/// One with a body may not: a server that switches at once, or one that does not know the protocol and takes the body for
/// the next request, answers a request that was not sent. Nor may one that offers HTTP/2 alone: that is what some clients send with
/// every request, HTTP/2 has no such switch any more (RFC 9113, 3.1), and without the offer it is an ordinary request.
pub(crate) fn asks_for_upgrade(headers: &Headers) -> bool {
    headers.has(Known::Upgrade)
        && has_option(headers, b"upgrade")
        && headers
            .all(Known::Upgrade)
            .flat_map(elements)
            .any(|protocol| !protocol.is_empty() && !protocol.eq_ignore_ascii_case(b"h2c"))
        && !has_body(headers)
}

fn has_body(headers: &Headers) -> bool {
    let is_none = |length: &[u8]| !length.is_empty() && length.iter().all(|digit| *digit == b'0');
    let mut lengths = headers.all(Known::ContentLength);
    headers.has(Known::TransferEncoding) || lengths.any(|length| !is_none(length))
}

/// Whether `Connection` names this option.
pub(crate) fn has_option(headers: &Headers, option: &[u8]) -> bool {
    let mut lines = headers.all(Known::Connection);
    lines.any(|value| names(value, option))
}

/// What most messages say, and nothing else.
const USUAL: &[u8] = b"keep-alive";

fn names(value: &[u8], option: &[u8]) -> bool {
    if value == USUAL {
        return option == USUAL;
    }
    elements(value).any(|named| named.eq_ignore_ascii_case(option))
}

/// Takes the fields of one hop off a request. `TE: trailers` stays, since trailers are passed on; an upgrade
/// stays where `upgrade` says so. `Transfer-Encoding` stays, since the next hop gets the same framing.
pub(crate) fn strip_request(headers: &mut Headers, upgrade: bool) {
    let mut codings = headers.all(Known::Te).flat_map(elements);
    let wants_trailers = codings.any(|coding| coding.eq_ignore_ascii_case(b"trailers"));
    drop(codings);
    strip(headers, upgrade);
    if wants_trailers {
        headers.append(b"TE", b"trailers");
    }
    if upgrade {
        headers.append(b"Connection", b"upgrade");
    }
}

/// Takes the fields of one hop off an answer; an agreed upgrade stays where `upgrade` says so.
pub(crate) fn strip_answer(headers: &mut Headers, upgrade: bool) {
    strip(headers, upgrade);
    if upgrade {
        headers.append(b"Connection", b"upgrade");
    }
}

/// Takes off trailers what has no place behind a body: framing, routing, authentication, and what belongs to one hop
/// (RFC 9110, 6.5.1).
pub(crate) fn strip_trailers(headers: &mut Headers) {
    let authenticates = |name: &[u8]| AUTHENTICATION.iter().any(|other| is_same_name(name, other));
    headers.remove_named(|name| Known::of(name) != Known::Other || authenticates(name));
}

/// Credentials belong in the header.
const AUTHENTICATION: [&[u8]; 6] = [
    b"Authorization",
    b"Proxy-Authorization",
    b"Cookie",
    b"Set-Cookie",
    b"WWW-Authenticate",
    b"Proxy-Authenticate",
];

fn strip(headers: &mut Headers, upgrade: bool) {
    strip_named(headers);
    headers.remove(Known::Connection);
    headers.remove(Known::KeepAlive);
    headers.remove(Known::ProxyConnection);
    headers.remove(Known::Te);
    if !upgrade && headers.has(Known::Upgrade) {
        headers.remove(Known::Upgrade);
        // Part of the offer of HTTP/2 (RFC 7540, 3.2.1), whether `Connection` names it or not.
        headers.remove_named(|name| name.eq_ignore_ascii_case(b"HTTP2-Settings"));
    }
}

/// Takes off what `Connection` names.
fn strip_named(headers: &mut Headers) {
    let named: Vec<Vec<u8>> = headers
        .all(Known::Connection)
        .filter(|value| *value != USUAL)
        .flat_map(elements)
        .filter(|option| !is_untouchable(option) && !is_plain(option))
        .map(<[u8]>::to_vec)
        .collect();
    if !named.is_empty() {
        headers.remove_named(|name| named.iter().any(|other| other.eq_ignore_ascii_case(name)));
    }
}

/// Framing, routing and authentication are no options of a connection, whatever `Connection` says: taking them off
/// would make another message of this one.
fn is_untouchable(option: &[u8]) -> bool {
    let names: [&[u8]; 4] = [
        b"transfer-encoding",
        b"content-length",
        b"host",
        b"proxy-authenticate",
    ];
    names.iter().any(|name| option.eq_ignore_ascii_case(name))
}

/// Options that name no field, or one that is looked at anyway.
fn is_plain(option: &[u8]) -> bool {
    let names = [&b"keep-alive"[..], b"close", b"upgrade", b"te"];
    names.iter().any(|name| option.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(text: &str) -> Headers {
        Headers::parse(format!("{text}\r\n").as_bytes(), 20).unwrap()
    }

    fn shown(headers: &Headers) -> String {
        let mut out = Vec::new();
        headers.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn fields_named_by_connection_go_with_it_and_the_order_stays() {
        let mut headers = headers(
            "Host: a\r\nConnection: close, X-Private\r\nx-private: 1\r\nKeep-Alive: timeout=5\r\n\
             Accept: 1\r\nCookie: c\r\naccept: 2\r\nProxy-Connection: x\r\n",
        );
        strip_request(&mut headers, false);
        assert_eq!(
            shown(&headers),
            "Host: a\r\nAccept: 1\r\nCookie: c\r\naccept: 2\r\n"
        );
    }

    #[test]
    fn connection_cannot_take_off_the_framing() {
        let mut headers =
            headers("Content-Length: 5\r\nConnection: content-length, host\r\nHost: a\r\n");
        strip_request(&mut headers, false);
        assert_eq!(shown(&headers), "Content-Length: 5\r\nHost: a\r\n");
    }

    #[test]
    fn the_wish_for_trailers_is_passed_on() {
        let mut headers = headers("TE: gzip, trailers\r\nConnection: te\r\n");
        strip_request(&mut headers, false);
        assert_eq!(shown(&headers), "TE: trailers\r\n");
    }

    #[test]
    fn an_upgrade_needs_both_fields() {
        assert!(asks_for_upgrade(&headers(
            "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        )));
        assert!(!asks_for_upgrade(&headers("Upgrade: h2c\r\n")));
        assert!(!asks_for_upgrade(&headers("Connection: upgrade\r\n")));
        for none in [
            "Upgrade: \r\nConnection: Upgrade\r\n",
            "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk\r\n",
            "Upgrade: foo\r\nConnection: Upgrade\r\nContent-Length: 3\r\n",
            "Upgrade: foo\r\nConnection: Upgrade\r\nTransfer-Encoding: chunked\r\n",
        ] {
            let mut headers = headers(none);
            assert!(!asks_for_upgrade(&headers), "{none}");
            strip_request(&mut headers, false);
            assert!(!shown(&headers).contains("pgrade") && !shown(&headers).contains("HTTP2"));
        }
        let empty = "Upgrade: foo\r\nConnection: Upgrade\r\nContent-Length: 0\r\n";
        assert!(asks_for_upgrade(&headers(empty)));
        let mut asks = headers("Upgrade: websocket\r\nConnection: Upgrade\r\n");
        strip_request(&mut asks, true);
        assert_eq!(
            shown(&asks),
            "Upgrade: websocket\r\nConnection: upgrade\r\n"
        );
    }
}
