//! Headers that belong to one connection and not to the message (RFC 9110, 7.6.1).

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{CONNECTION, CONTENT_LENGTH, PROXY_AUTHENTICATE, TE, TRANSFER_ENCODING, UPGRADE},
};

const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Whether a request asks for another protocol on its connection (RFC 9110, 7.8).
pub(crate) fn asks_for_upgrade(headers: &HeaderMap) -> bool {
    headers.contains_key(UPGRADE)
        && connection_options(headers).any(|o| o.eq_ignore_ascii_case("upgrade"))
}

/// Takes the hop-by-hop headers off a request. `TE: trailers` stays, since trailers are passed on; an
/// upgrade stays where `upgrade` says so. `Transfer-Encoding` is left to the framing of the next hop.
pub(crate) fn strip_request(headers: &mut HeaderMap, upgrade: bool) {
    let wants_trailers = headers.contains_key(TE)
        && headers
            .get_all(TE)
            .iter()
            .any(|value| tokens(value).any(|t| t.eq_ignore_ascii_case("trailers")));
    strip(headers, upgrade);
    if wants_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
    }
    if upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

/// Takes the hop-by-hop headers off an answer; an agreed upgrade stays where `upgrade` says so. A length
/// beside chunks goes, too: it is not that of the message (RFC 9112, 6.3).
pub(crate) fn strip_answer(headers: &mut HeaderMap, upgrade: bool) {
    strip(headers, upgrade);
    if headers.contains_key(TRANSFER_ENCODING) && headers.contains_key(CONTENT_LENGTH) {
        *headers = without(std::mem::take(headers), &[CONTENT_LENGTH]);
    }
    if upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
}

fn strip(headers: &mut HeaderMap, upgrade: bool) {
    let mut gone: Vec<HeaderName> = Vec::new();
    if headers.contains_key(CONNECTION) {
        // Framing, routing and authentication are no options of a connection, whoever says so: taking
        // them off would make another message of this one.
        let untouchable = [
            TRANSFER_ENCODING,
            CONTENT_LENGTH,
            http::header::HOST,
            PROXY_AUTHENTICATE,
        ];
        gone.extend(
            connection_options(headers)
                .filter_map(|option| option.parse().ok())
                .filter(|name| !untouchable.contains(name)),
        );
        gone.push(CONNECTION);
    }
    for name in [KEEP_ALIVE, PROXY_CONNECTION, TE, UPGRADE] {
        if headers.contains_key(&name) && !gone.contains(&name) {
            gone.push(name);
        }
    }
    if upgrade {
        gone.retain(|name| name != UPGRADE);
    }
    if !gone.is_empty() {
        *headers = without(std::mem::take(headers), &gone);
    }
}

/// The headers less those named, in their order; `HeaderMap::remove` would move the last one up.
pub(crate) fn without(headers: HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len());
    let mut current = None;
    for (name, value) in headers {
        if name.is_some() {
            current = name;
        }
        if let Some(name) = current.as_ref().filter(|name| !names.contains(name)) {
            kept.append(name, value);
        }
    }
    kept
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(CONNECTION).into_iter().flat_map(tokens)
}

fn tokens(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value
        .to_str()
        .unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    fn shown(headers: &HeaderMap) -> Vec<(&str, &str)> {
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect()
    }

    #[test]
    fn headers_named_by_connection_go_with_it_and_the_order_stays() {
        let mut headers = map(&[
            ("host", "a"),
            ("connection", "close, X-Private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("accept", "1"),
            ("accept", "2"),
            ("cookie", "c"),
        ]);
        strip_request(&mut headers, false);
        assert_eq!(
            shown(&headers),
            [
                ("host", "a"),
                ("accept", "1"),
                ("accept", "2"),
                ("cookie", "c")
            ]
        );
    }

    #[test]
    fn connection_cannot_take_off_the_framing() {
        let mut headers = map(&[
            ("content-length", "5"),
            ("connection", "content-length, host"),
            ("host", "a"),
        ]);
        strip_request(&mut headers, false);
        assert_eq!(shown(&headers), [("content-length", "5"), ("host", "a")]);
    }

    #[test]
    fn the_wish_for_trailers_is_passed_on() {
        let mut headers = map(&[("te", "gzip, trailers"), ("connection", "te")]);
        strip_request(&mut headers, false);
        assert_eq!(shown(&headers), [("te", "trailers")]);
    }

    #[test]
    fn an_upgrade_needs_both_headers() {
        assert!(asks_for_upgrade(&map(&[
            ("upgrade", "websocket"),
            ("connection", "keep-alive, Upgrade")
        ])));
        assert!(!asks_for_upgrade(&map(&[("upgrade", "h2c")])));
        assert!(!asks_for_upgrade(&map(&[("connection", "upgrade")])));
    }
}
