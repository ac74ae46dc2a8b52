//! Takes hop-by-hop headers off, and says who the client is where no nginx in front did.

use http::{
    HeaderMap, HeaderName, HeaderValue, Response,
    header::{FORWARDED, HOST, VIA},
};
use tower::layer::{Layer, layer_fn};

use super::{
    body::ClientBody,
    call::{Call, Handle, Path, Peer},
};
use crate::http::{asks_for_upgrade, strip_request};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Makes a client's header that of the next hop.
pub(crate) struct AddForwarded<H> {
    inner: H,
    add: bool,
}

impl<H> AddForwarded<H> {
    pub(super) fn layer(path: &Path) -> impl Layer<H, Service = Self> + use<H> {
        let add = path.add_forwarded;
        layer_fn(move |inner| Self { inner, add })
    }
}

impl<H: Handle<Call>> Handle<Call> for AddForwarded<H> {
    type Error = H::Error;

    async fn handle(&self, mut call: Call) -> Result<Response<ClientBody>, H::Error> {
        let headers = &mut call.head.headers;
        let upgrade = asks_for_upgrade(headers);
        strip_request(headers, upgrade);
        if self.add {
            add(headers, call.peer);
        }
        self.inner.handle(call).await
    }
}

/// `X-Forwarded-*`, `Forwarded` (RFC 7239) and `Via` (RFC 9110, 7.6.3), behind what is there already.
fn add(headers: &mut HeaderMap, peer: Peer) {
    let proto = if peer.tls { "https" } else { "http" };
    let address = peer
        .address
        .map_or_else(|| "unknown".into(), |ip| ip.to_string());
    let node = if address.contains(':') {
        format!("\"[{address}]\"")
    } else {
        address.clone()
    };
    let mut forwarded = format!("for={node};proto={proto}");
    if let Some(host) = headers.get(HOST).cloned() {
        if let Ok(text) = host.to_str() {
            forwarded.push_str(";host=\"");
            forwarded.push_str(text);
            forwarded.push('"');
        }
        headers.entry(X_FORWARDED_HOST).or_insert(host);
    }
    headers
        .entry(X_FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static(proto));
    append_to_list(headers, X_FORWARDED_FOR, &address);
    append_to_list(headers, FORWARDED, &forwarded);
    append_to_list(headers, VIA, "1.1 shadowtee");
}

fn append_to_list(headers: &mut HeaderMap, name: HeaderName, element: &str) {
    let mut list: Vec<u8> = headers
        .get_all(&name)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect::<Vec<_>>()
        .join(&b", "[..]);
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element.as_bytes());
    if let Ok(value) = HeaderValue::from_bytes(&list) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_added_behind_those_before_it() {
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static("shop.example"));
        headers.insert(X_FORWARDED_FOR, HeaderValue::from_static("192.0.2.1"));
        add(
            &mut headers,
            Peer {
                address: Some("::1".parse().unwrap()),
                tls: true,
            },
        );
        assert_eq!(headers["x-forwarded-for"], "192.0.2.1, ::1");
        assert_eq!(headers["x-forwarded-proto"], "https");
        assert_eq!(headers["x-forwarded-host"], "shop.example");
        assert_eq!(
            headers["forwarded"],
            "for=\"[::1]\";proto=https;host=\"shop.example\""
        );
        assert_eq!(headers["via"], "1.1 shadowtee");
    }
}
