//! Refuses what is not one clear message (RFC 9112, 3.2 and 11.2), so that no two parties read it differently.

use std::rc::Rc;

use http::{
    HeaderMap, HeaderValue, Method, Response, Uri, Version,
    header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING},
    request::Parts,
};
use tower::layer::{Layer, layer_fn};

use super::{
    body::ClientBody,
    call::{Call, Handle, Path},
    refusal::Refusal,
};
use crate::{config::Limits, http::Marks, tee::Recipient};

/// Refuses what is not one clear message, or came back as a copy; takes forged marks off.
pub(crate) struct Vet<H> {
    inner: H,
    limits: Limits,
    marks: Rc<Marks>,
    recipients: Rc<[Rc<dyn Recipient>]>,
}

impl<H> Vet<H> {
    pub(super) fn layer(path: &Path) -> impl Layer<H, Service = Self> + use<H> {
        let (limits, marks, recipients) = (
            path.limits.clone(),
            Rc::clone(&path.marks),
            Rc::clone(&path.recipients),
        );
        layer_fn(move |inner| Self {
            inner,
            limits: limits.clone(),
            marks: Rc::clone(&marks),
            recipients: Rc::clone(&recipients),
        })
    }

    fn vet(&self, head: &mut Parts) -> Result<(), Refusal> {
        if head.method == Method::CONNECT {
            return Err(Refusal::Connect);
        }
        target_is_fine(&head.method, &head.uri, &self.limits)?;
        host_is_fine(head)?;
        if !chunked_once(&head.headers) {
            return Err(Refusal::Malformed(
                "Transfer-Encoding names chunked more than once",
            ));
        }
        if self
            .limits
            .body_bytes
            .is_some_and(|limit| declared_length(&head.headers) > limit.0)
        {
            return Err(Refusal::BodyTooLarge);
        }
        if self.marks.is_own_copy(&head.headers) {
            return Err(Refusal::Loop);
        }
        self.marks.strip(&mut head.headers);
        Ok(())
    }
}

impl<H: Handle<Call, Error = Refusal>> Handle<Call> for Vet<H> {
    type Error = Refusal;

    async fn handle(&self, mut call: Call) -> Result<Response<ClientBody>, Refusal> {
        let vetted = if call.has_fragment {
            Err(Refusal::Malformed(
                "the target has a fragment (#…), which belongs to the client alone",
            ))
        } else {
            self.vet(&mut call.head)
        };
        if let Err(refusal) = vetted {
            for recipient in &*self.recipients {
                recipient.leave_out(refusal.outcome());
            }
            return Err(refusal);
        }
        self.inner.handle(call).await
    }
}

/// A body is chunked once, and that last (RFC 9112, 6.1); that it is last hyper has seen to.
fn chunked_once(headers: &HeaderMap) -> bool {
    let codings = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings
        .filter(|coding| coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
        .count()
        <= 1
}

fn declared_length(headers: &HeaderMap) -> u64 {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    length.unwrap_or(0)
}

fn target_is_fine(method: &Method, target: &Uri, limits: &Limits) -> Result<(), Refusal> {
    let authority = target
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let path = target
        .path_and_query()
        .map_or(0, |path| path.as_str().len());
    if authority + path > limits.target_bytes.bytes() {
        return Err(Refusal::TargetTooLong);
    }
    match (target.scheme(), target.authority(), target.path()) {
        (None, Some(_), _) => Err(Refusal::Malformed(
            "the target names a host without http://; only CONNECT does that",
        )),
        (Some(_), Some(authority), _) if authority.as_str().contains('@') => Err(
            Refusal::Malformed("the target names a user; that belongs into Authorization"),
        ),
        (None, None, "*") if method != Method::OPTIONS => {
            Err(Refusal::Malformed("the target * belongs to OPTIONS alone"))
        }
        _ => Ok(()),
    }
}

/// One Host, and a sound one; an absolute target's host takes its place (RFC 9112, 3.2.2).
fn host_is_fine(head: &mut Parts) -> Result<(), Refusal> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(Refusal::Malformed("there is more than one Host"));
    }
    match host {
        None if head.version == Version::HTTP_11 => Err(Refusal::Malformed("there is no Host"))?,
        Some(host) if !is_host(host.as_bytes()) => {
            return Err(Refusal::Malformed("the Host is none"));
        }
        _ => {}
    }
    if let Some(authority) = head.uri.authority()
        && host.is_none_or(|host| {
            !host
                .as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes())
        })
    {
        let host = HeaderValue::from_str(authority.as_str())
            .map_err(|_| Refusal::Malformed("the target's host is none"))?;
        head.headers.insert(HOST, host);
    }
    Ok(())
}

/// `uri-host [ ":" port ]` (RFC 3986, 3.2.2), with the `_` that names in use have.
fn is_host(host: &[u8]) -> bool {
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+;=".contains(byte);
    let (name, port) = match host {
        [b'[', rest @ ..] => {
            let Some(end) = rest.iter().position(|byte| *byte == b']') else {
                return false;
            };
            let is_address = rest[..end]
                .iter()
                .all(|byte| is_name(byte) || *byte == b':');
            return is_address && is_port(&rest[end + 1..]);
        }
        _ => host.split_at(
            host.iter()
                .position(|byte| *byte == b':')
                .unwrap_or(host.len()),
        ),
    };
    name.iter().all(is_name) && is_port(port)
}

fn is_port(port: &[u8]) -> bool {
    match port {
        [] | [b':'] => true,
        [b':', digits @ ..] => {
            // A sign is none of a port's characters, though a number's.
            let number = std::str::from_utf8(digits)
                .ok()
                .filter(|text| !text.starts_with('+'));
            number.is_some_and(|number| number.parse::<u16>().is_ok())
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn host(target: &str, hosts: &[&str], version: Version) -> Result<Option<String>, Refusal> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.uri = target.parse().unwrap();
        head.version = version;
        for host in hosts {
            head.headers
                .append(HOST, HeaderValue::from_bytes(host.as_bytes()).unwrap());
        }
        host_is_fine(&mut head)?;
        Ok(head
            .headers
            .get(HOST)
            .map(|host| host.to_str().unwrap().to_owned()))
    }

    #[test]
    fn a_request_has_one_sound_host() {
        assert_eq!(
            host("/", &["a:80"], Version::HTTP_11).unwrap().as_deref(),
            Some("a:80")
        );
        assert_eq!(
            host("/", &["[::1]:80"], Version::HTTP_11)
                .unwrap()
                .as_deref(),
            Some("[::1]:80")
        );
        assert!(host("/", &[], Version::HTTP_11).is_err());
        assert!(host("/", &["a", "a"], Version::HTTP_11).is_err());
        for bad in [
            "a b", "a/b", "a@b", "a,b", "a#", "a:b", "a:99999", "[::1", "[::1]x", "\u{e9}",
        ] {
            assert!(host("/", &[bad], Version::HTTP_11).is_err(), "{bad}");
        }
        assert_eq!(host("/", &[], Version::HTTP_10).unwrap(), None);
    }

    #[test]
    fn the_host_of_an_absolute_target_wins() {
        let got = host("http://right/x", &["wrong"], Version::HTTP_11).unwrap();
        assert_eq!(got.as_deref(), Some("right"));
        let kept = host("http://same/x", &["SAME"], Version::HTTP_11).unwrap();
        assert_eq!(kept.as_deref(), Some("SAME"));
    }
}
