//! Keeps web pages from changing anything: a browser sends requests for whoever asks it to.
//!
//! A page of another site can have a browser send simple requests, so a change is none: it has a content type
//! that needs leave, which nobody gives. A page whose own name is made to lead here (DNS rebinding) would need no
//! leave, so a request has to name this place by its address, as no such page can.

use std::net::IpAddr;

use http::{
    HeaderMap, StatusCode, Uri,
    header::{CONTENT_TYPE, HOST, ORIGIN},
};

use crate::config::Address;

/// Where the interface is, and whether it asks for a token.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    pub(crate) address: Address,
    pub(crate) has_token: bool,
}

impl Guard {
    /// # Errors
    /// Why a change is not made, and the status that says so.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
        let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
        let host = text(HOST).unwrap_or_default();
        if !self.is_here(host) {
            return Err((
                StatusCode::MISDIRECTED_REQUEST,
                "Host has to be this interface's address; or set admin.token\n",
            ));
        }
        let is_ours = |origin: &str| {
            let uri = origin.parse::<Uri>().ok();
            uri.and_then(|uri| uri.authority().map(|own| own.as_str() == host))
                .unwrap_or(false)
        };
        let site = text(http::HeaderName::from_static("sec-fetch-site"));
        if text(ORIGIN).is_some_and(|origin| !is_ours(origin))
            || site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
        {
            return Err((
                StatusCode::FORBIDDEN,
                "pages of other sites change nothing here\n",
            ));
        }
        let kind = text(CONTENT_TYPE).and_then(|kind| kind.split(';').next());
        if kind.is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
            return Err((
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "a change needs Content-Type: application/json, even without a body\n",
            ));
        }
        Ok(())
    }

    fn is_here(&self, host: &str) -> bool {
        // Whoever has the token is nobody's browser; and none reaches a unix socket.
        if self.has_token || matches!(self.address, Address::Unix(_)) {
            return true;
        }
        let Ok(authority) = host.parse::<http::uri::Authority>() else {
            return false;
        };
        let name = authority.host();
        let plain = name.trim_start_matches('[').trim_end_matches(']');
        let is_configured =
            matches!(&self.address, Address::Tcp { host, .. } if host.eq_ignore_ascii_case(name));
        name.eq_ignore_ascii_case("localhost") || is_configured || plain.parse::<IpAddr>().is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(address: &str, has_token: bool, headers: &[(&str, &str)]) -> Result<(), u16> {
        let guard = Guard {
            address: address.parse().unwrap(),
            has_token,
        };
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::try_from(*name).unwrap(),
                    value.parse().unwrap(),
                )
            })
            .collect();
        guard.admit(&headers).map_err(|(status, _)| status.as_u16())
    }

    #[test]
    fn a_change_is_nothing_that_a_page_of_another_site_can_send() {
        let json = ("content-type", "application/json");
        let here = ("host", "127.0.0.1:9900");
        let tcp = "127.0.0.1:9900";
        assert_eq!(admit(tcp, false, &[here, json]), Ok(()));
        assert_eq!(
            admit(tcp, false, &[("host", "localhost:9900"), json]),
            Ok(())
        );
        assert_eq!(admit(tcp, false, &[("host", "[::1]:9900"), json]), Ok(()));
        assert_eq!(admit(tcp, false, &[here]), Err(415));
        let form = ("content-type", "text/plain");
        assert_eq!(admit(tcp, false, &[here, form]), Err(415));
        let other = ("origin", "https://evil.example");
        assert_eq!(admit(tcp, false, &[here, json, other]), Err(403));
        assert_eq!(
            admit(tcp, false, &[here, json, ("origin", "null")]),
            Err(403)
        );
        let own = ("origin", "http://127.0.0.1:9900");
        assert_eq!(admit(tcp, false, &[here, json, own]), Ok(()));
        let site = ("sec-fetch-site", "same-site");
        assert_eq!(admit(tcp, false, &[here, json, site]), Err(403));
    }

    #[test]
    fn a_name_that_leads_here_is_not_this_place() {
        let json = ("content-type", "application/json");
        let rebound = ("host", "evil.example:9900");
        assert_eq!(admit("127.0.0.1:9900", false, &[rebound, json]), Err(421));
        assert_eq!(admit("127.0.0.1:9900", false, &[json]), Err(421));
        assert_eq!(admit("127.0.0.1:9900", true, &[rebound, json]), Ok(()));
        assert_eq!(
            admit(
                "tee.internal:9900",
                false,
                &[("host", "tee.internal"), json]
            ),
            Ok(())
        );
        assert_eq!(admit("unix:/a", false, &[("host", "tee"), json]), Ok(()));
    }
}
