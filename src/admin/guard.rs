//! Access control: the token, and protection against requests that a web page has a browser send.
//!
//! A page of another site can send requests to its visitor's loopback, and with DNS rebinding it can even
//! read the answers. Its requests bear the page's origin, or a name in `Host` that is not this machine's.

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN},
};
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use crate::config::Secret;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) &'static str);

/// Looks at a request before anything is done. `is_tcp`: what comes over a unix socket comes from no browser. `is_open`:
/// what is asked for is for everyone.
pub(super) fn check(
    headers: &HeaderMap,
    is_tcp: bool,
    is_open: bool,
    token: Option<&Secret>,
) -> Result<(), Refused> {
    if is_cross_site(headers) {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "requests of other sites' pages are not served here\n",
        ));
    }
    if is_open {
        return Ok(());
    }
    match token {
        Some(token) if !bears(headers, token) => Err(Refused(
            StatusCode::UNAUTHORIZED,
            "Authorization: Bearer with admin.token is missing\n",
        )),
        None if is_tcp && !names_this_machine(headers) => Err(Refused(
            StatusCode::FORBIDDEN,
            "the Host header is neither localhost nor an IP address; use one of these, or set admin.token\n",
        )),
        // No page knows the token.
        Some(_) | None => Ok(()),
    }
}

/// Whether a browser says that the request comes from a page of another site.
fn is_cross_site(headers: &HeaderMap) -> bool {
    const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
    if let Some(site) = headers.get(FETCH_SITE)
        && site != "same-origin"
        && site != "none"
    {
        return true;
    }
    let host = headers.get(HOST).map_or(&[][..], HeaderValue::as_bytes);
    headers.get_all(ORIGIN).iter().any(|origin| {
        let authority = origin.as_bytes().strip_prefix(b"http://");
        authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host))
    })
}

/// An attacker's name could be made to point here; an address or localhost can't.
fn names_this_machine(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let Ok(authority) = http::uri::Authority::try_from(host.as_bytes()) else {
        return false;
    };
    let host = authority.host();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<std::net::IpAddr>().is_ok()
}

/// A page can't send this content type to another site without a CORS preflight, and no preflight is answered here.
pub(super) fn check_change(headers: &HeaderMap) -> Result<(), Refused> {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()?.split(';').next());
    if kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json")) {
        return Ok(());
    }
    Err(Refused(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "a change needs Content-Type: application/json, even without a body\n",
    ))
}

fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let said = headers
        .get(AUTHORIZATION)
        .map_or(&[][..], HeaderValue::as_bytes);
    let wanted = format!("Bearer {}", token.reveal());
    // Digests are of one length, so that the comparison tells nothing of the token's. Only the time that its digest
    // takes does, in steps of 64 bytes.
    let [said, wanted] = [said, wanted.as_bytes()].map(|text| digest(&SHA256, text));
    said.as_ref().ct_eq(wanted.as_ref()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(headers: &[(&'static str, &str)], is_tcp: bool) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check(&map, is_tcp, false, None).is_ok()
    }

    #[test]
    fn only_addresses_and_localhost_name_this_machine() {
        for host in [
            "127.0.0.1:9900",
            "localhost:9900",
            "[::1]:9900",
            "10.0.0.1",
            "LOCALHOST",
        ] {
            assert!(checked(&[("host", host)], true), "{host}");
        }
        for host in [
            "evil.example:9900",
            "127.0.0.1.evil.example",
            "localhost.evil",
            "",
            "a@127.0.0.1.x",
        ] {
            assert!(!checked(&[("host", host)], true), "{host}");
        }
        assert!(!checked(&[], true));
        assert!(!checked(
            &[("host", "localhost"), ("host", "evil.example")],
            true
        ));
        assert!(checked(&[("host", "anything")], false));
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let here = ("host", "127.0.0.1:9900");
        for (name, value) in [
            ("origin", "https://evil.example"),
            ("origin", "null"),
            ("origin", "http://127.0.0.1:3000"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!checked(&[here, (name, value)], true), "{name}: {value}");
        }
        for (name, value) in [
            ("origin", "http://127.0.0.1:9900"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
        ] {
            assert!(checked(&[here, (name, value)], true), "{name}: {value}");
        }
    }

    #[test]
    fn only_the_whole_token_opens() {
        let token: Secret = serde_json::from_value("s3cret-token".into()).unwrap();
        let status = |authorization: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = authorization {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            let checked = check(&headers, true, false, Some(&token));
            checked.map_err(|Refused(status, _)| status)
        };
        assert_eq!(status(Some("Bearer s3cret-token")), Ok(()));
        for wrong in [
            "Bearer s3cret-tokeN",
            "Bearer S3cret-token",
            "Bearer s3cret-toke",
            "Bearer s",
            "Bearer ",
            "Bearer s3cret-token2",
            "Bearer s3cret-tokens3cret-token",
            "Bearer  s3cret-token",
            "Basic s3cret-token",
            "s3cret-token",
            "",
        ] {
            assert_eq!(
                status(Some(wrong)),
                Err(StatusCode::UNAUTHORIZED),
                "{wrong}"
            );
        }
        assert_eq!(status(None), Err(StatusCode::UNAUTHORIZED));
    }

    #[test]
    fn a_change_is_nothing_that_a_form_can_send() {
        let with = |kind: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            check_change(&headers).is_ok()
        };
        assert!(with("application/json") && with("Application/JSON; charset=utf-8"));
        assert!(!with("text/plain") && !with("application/x-www-form-urlencoded"));
        assert!(check_change(&HeaderMap::new()).is_err());
    }
}
