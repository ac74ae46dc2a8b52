//! What shows that a request is allowed: the token in a header, or in a browser the cookie that it was exchanged for; and
//! the key by which a page of this process is known.
//!
//! The cookie is a MAC under the token, so that it tells nothing of it, ends when another token is set, and outlives a
//! restart. The key of forms is of this process alone.

use std::sync::OnceLock;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, COOKIE},
};
use ring::{
    digest::{SHA256, digest},
    hmac,
    rand::{SecureRandom, SystemRandom},
};
use subtle::ConstantTimeEq;

use crate::config::Secret;

/// Whether `Authorization` has the token (RFC 6750, 2.1).
pub(super) fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let said = headers
        .get(AUTHORIZATION)
        .map_or(&[][..], HeaderValue::as_bytes);
    is_same(said, format!("Bearer {}", token.reveal()).as_bytes())
}

/// Whether this is the token.
pub(super) fn is_token(said: &str, token: &Secret) -> bool {
    is_same(said.as_bytes(), token.reveal().as_bytes())
}

fn is_same(said: &[u8], wanted: &[u8]) -> bool {
    // Digests are of one length, so that the comparison tells nothing of the token's. Only the time that its digest
    // takes does, in steps of 64 bytes.
    let [said, wanted] = [said, wanted].map(|text| digest(&SHA256, text));
    said.as_ref().ct_eq(wanted.as_ref()).into()
}

/// The cookie that a browser gets for the token: its name and its value. A browser has one set of cookies for all ports of
/// a host, so that the name has to differ between two instances of different tokens.
pub(super) fn cookie(token: &Secret) -> (String, String) {
    let key = hmac::Key::new(hmac::HMAC_SHA256, token.reveal().as_bytes());
    let of = |what: &[u8]| URL_SAFE_NO_PAD.encode(hmac::sign(&key, what));
    let name = of(b"shadowtee: the name of the cookie");
    let value = of(b"shadowtee: whoever has this cookie knew the token");
    (format!("shadowtee_{}", &name[..8]), value)
}

/// Whether a browser has exchanged the token for a cookie before.
pub(super) fn has_signed_in(headers: &HeaderMap, token: &Secret) -> bool {
    let (name, value) = cookie(token);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(said, its)| said == name && is_same(its.as_bytes(), value.as_bytes()))
}

/// What a form of a page of this process sends along. No other site can read it.
pub(super) fn form_key() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let mut random = [0; 16];
        // Where the system has no random numbers, TLS and all else would fail as well.
        SystemRandom::new()
            .fill(&mut random)
            .expect("the system's random numbers");
        URL_SAFE_NO_PAD.encode(random)
    })
}

/// Whether a form has the key of this process.
pub(super) fn is_form_key(said: &str) -> bool {
    is_same(said.as_bytes(), form_key().as_bytes())
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::{
        super::guard::{Guard, Refused, check},
        *,
    };

    fn token(text: &str) -> Secret {
        serde_json::from_value(text.into()).unwrap()
    }

    #[test]
    fn only_the_whole_token_opens() {
        let token = token("s3cret-token");
        let status = |authorization: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = authorization {
                headers.insert(AUTHORIZATION, value.parse().unwrap());
            }
            let checked = check(&headers, true, Guard::Trusted, Some(&token));
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
    fn the_cookie_opens_until_there_is_another_token() {
        let (one, other) = (token("one"), token("other"));
        let (name, value) = cookie(&one);
        let opens = |line: &str, token: &Secret| {
            let mut headers = HeaderMap::new();
            headers.insert(COOKIE, line.parse().unwrap());
            has_signed_in(&headers, token)
        };
        assert!(opens(&format!("a=b; {name}={value}"), &one));
        assert!(!opens(&format!("{name}={value}"), &other));
        assert!(!opens(&format!("{name}={value}x"), &one));
        assert!(!opens(&format!("x{name}={value}"), &one));
        assert!(!opens(&format!("{name}="), &one));
        assert!(!value.contains("one") && cookie(&other).0 != name);
    }

    #[test]
    fn a_form_of_another_process_is_not_of_this_one() {
        assert!(is_form_key(form_key()));
        assert!(!is_form_key("") && !is_form_key("AAAAAAAAAAAAAAAAAAAAAA"));
    }
}
