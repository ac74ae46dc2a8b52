//! Says who the client is, where no nginx in front did.

use super::peer::Peer;
use crate::http::{Headers, Known};

/// `X-Forwarded-*`, `Forwarded` (RFC 7239) and `Via` (RFC 9110, 7.6.3), behind what is there already.
pub(super) fn add(headers: &mut Headers, peer: Peer) {
    let proto = if peer.tls { "https" } else { "http" };
    let address = peer
        .address
        .map_or_else(|| "unknown".into(), |ip| ip.to_string());
    let node = if address.contains(':') {
        format!("\"[{address}]\"")
    } else {
        address.clone()
    };
    let mut forwarded = format!("for={node};proto={proto}").into_bytes();
    if let Some(host) = headers.get(Known::Host).map(<[u8]>::to_vec) {
        forwarded.extend_from_slice(b";host=\"");
        forwarded.extend_from_slice(&host);
        forwarded.push(b'"');
        add_missing(headers, b"X-Forwarded-Host", &host);
    }
    add_missing(headers, b"X-Forwarded-Proto", proto.as_bytes());
    append_to_list(headers, b"X-Forwarded-For", address.as_bytes());
    append_to_list(headers, b"Forwarded", &forwarded);
    append_to_list(headers, b"Via", b"1.1 shadowtee");
}

fn add_missing(headers: &mut Headers, name: &[u8], value: &[u8]) {
    if headers.named(name).next().is_none() {
        headers.append(name, value);
    }
}

fn append_to_list(headers: &mut Headers, name: &[u8], element: &[u8]) {
    let mut list = headers.named(name).collect::<Vec<_>>().join(&b", "[..]);
    if !list.is_empty() {
        list.extend_from_slice(b", ");
    }
    list.extend_from_slice(element);
    headers.set(name, &list);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::RequestHead;

    #[test]
    fn the_client_is_added_behind_those_before_it() {
        let mut head = RequestHead::default();
        let text = b"GET / HTTP/1.1\r\nHost: shop.example\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n";
        head.parse(text, 10).unwrap().unwrap();
        let peer = Peer {
            address: Some("::1".parse().unwrap()),
            tls: true,
        };
        add(&mut head.headers, peer);
        for (name, expected) in [
            ("x-forwarded-for", "192.0.2.1, ::1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "shop.example"),
            (
                "forwarded",
                "for=\"[::1]\";proto=https;host=\"shop.example\"",
            ),
            ("via", "1.1 shadowtee"),
        ] {
            let values: Vec<_> = head.headers.named(name.as_bytes()).collect();
            assert_eq!(values, [expected.as_bytes()], "{name}");
        }
    }
}
