//! Access control: the token, and protection against requests that a web page has a browser send.
//!
//! A page of another site can send requests to its visitor's loopback, and with DNS rebinding it can even
//! read the answers. Its requests bear the page's origin, or a name in `Host` that is not this machine's.

use http::{
    HeaderMap, HeaderName, HeaderValue, StatusCode,
    header::{CONTENT_TYPE, HOST, ORIGIN},
};

use super::credentials::{bears, has_signed_in};
use crate::config::Secret;

/// What is asked of a request before it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Guard {
    /// That it is none of another site's page: what is here tells nothing of the traffic.
    Open,
    /// That it bears the token or, where none is set, names this machine.
    Trusted,
    /// As that; but a link of another site's page may lead here, as its reader sees it and the other page doesn't.
    Page,
    /// As `Trusted`, and that a form of a page of this process sent it.
    Form,
    /// As `Trusted`, and that it is such as no page of another site can send; with these methods.
    Change(&'static str),
}

impl Guard {
    pub(super) fn methods(self) -> &'static str {
        match self {
            Self::Open | Self::Trusted | Self::Page => "GET, HEAD",
            Self::Form => "POST",
            Self::Change(methods) => methods,
        }
    }
}

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refused(pub(super) StatusCode, pub(super) &'static str);

/// Looks at a request before anything is done. `is_tcp`: what comes over a unix socket comes from no browser.
pub(super) fn check(
    headers: &HeaderMap,
    is_tcp: bool,
    guard: Guard,
    token: Option<&Secret>,
) -> Result<(), Refused> {
    let follows_link = guard == Guard::Page && is_followed_link(headers);
    if is_cross_site(headers) && !follows_link {
        return Err(Refused(
            StatusCode::FORBIDDEN,
            "requests of other sites' pages are not served here\n",
        ));
    }
    if guard == Guard::Open {
        return Ok(());
    }
    match token {
        Some(token) if !bears(headers, token) && !has_signed_in(headers, token) => Err(Refused(
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

const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a browser says that the request comes from a page of another site.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    if let Some(site) = headers.get(FETCH_SITE)
        && site != "same-origin"
        && site != "none"
    {
        return true;
    }
    let host = headers.get(HOST).map_or(&[][..], HeaderValue::as_bytes);
    headers.get_all(ORIGIN).iter().any(|origin| {
        let origin = origin.as_bytes();
        // A proxy in front may speak TLS.
        let authority = ["http://", "https://"]
            .iter()
            .find_map(|scheme| origin.strip_prefix(scheme.as_bytes()));
        authority.is_none_or(|authority| !authority.eq_ignore_ascii_case(host))
    })
}

/// Whether a browser says that it opens this as a page of its own, and not within another one (Fetch Metadata Request
/// Headers, 2.1 and 2.2).
fn is_followed_link(headers: &HeaderMap) -> bool {
    let says = |name: &'static str, value: &str| {
        headers
            .get(HeaderName::from_static(name))
            .is_some_and(|said| said == value)
    };
    !headers.contains_key(ORIGIN)
        && says("sec-fetch-mode", "navigate")
        && says("sec-fetch-dest", "document")
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

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(headers: &[(&'static str, &str)], is_tcp: bool) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        check(&map, is_tcp, Guard::Trusted, None).is_ok()
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
            ("origin", "https://127.0.0.1:9900"),
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-site", "none"),
        ] {
            assert!(checked(&[here, (name, value)], true), "{name}: {value}");
        }
    }

    #[test]
    fn a_link_of_another_site_may_lead_to_a_page_and_to_nothing_else() {
        let link = [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        let passes = |guard, changed: Option<(&str, &str)>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:9900"));
            for (name, value) in link {
                headers.insert(name, HeaderValue::from_static(value));
            }
            if let Some((name, value)) = changed {
                let name: HeaderName = name.parse().unwrap();
                headers.insert(name, value.parse().unwrap());
            }
            check(&headers, true, guard, None).is_ok()
        };
        assert!(passes(Guard::Page, None));
        for guard in [
            Guard::Trusted,
            Guard::Open,
            Guard::Form,
            Guard::Change("POST"),
        ] {
            assert!(!passes(guard, None), "{guard:?}");
        }
        for changed in [
            ("sec-fetch-dest", "iframe"),
            ("sec-fetch-mode", "no-cors"),
            ("origin", "https://evil.example"),
            ("host", "evil.example"),
        ] {
            assert!(!passes(Guard::Page, Some(changed)), "{changed:?}");
        }
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
