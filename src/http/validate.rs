//! Refuses what is not one clear message (RFC 9112, 3.2 and 11.2), so that no two parties read it differently.

use super::{
    BadFraming, Framing, Known, RequestHead, Version, authority_of,
    characters::{Characters, alphanumeric_and, and_not_ascii},
};

/// Why a request is not one clear message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// It asks for a tunnel.
    Connect,
    TargetTooLong,
    Malformed(&'static str),
}

/// Refuses what is not one clear message with a target of at most `target_bytes`.
///
/// Returns where its body ends.
///
/// # Errors
/// What two parties might read differently.
pub(crate) fn vet(head: &mut RequestHead, target_bytes: usize) -> Result<Framing, Unclear> {
    if head.method() == b"CONNECT" {
        return Err(Unclear::Connect);
    }
    target_is_fine(head, target_bytes)?;
    host_is_fine(head)?;
    Framing::of_request(head).map_err(|why| {
        Unclear::Malformed(match why {
            BadFraming::Length => "the Content-Length is not a number",
            BadFraming::Lengths => "there is more than one Content-Length",
            BadFraming::Both => "there are both Content-Length and Transfer-Encoding",
            BadFraming::Encoding => "the Transfer-Encoding is not chunked, said once and alone",
            BadFraming::TooOld => "HTTP/1.0 has no Transfer-Encoding",
        })
    })
}

fn target_is_fine(head: &RequestHead, target_bytes: usize) -> Result<(), Unclear> {
    let target = head.target();
    if target.len() > target_bytes {
        return Err(Unclear::TargetTooLong);
    }
    if target.contains(&b'#') {
        return Err(Unclear::Malformed(
            "the target has a fragment (#…), which belongs to the client alone",
        ));
    }
    match target {
        [b'/', ..] => Ok(()),
        b"*" if head.method() == b"OPTIONS" => Ok(()),
        b"*" => Err(Unclear::Malformed("the target * belongs to OPTIONS alone")),
        _ => absolute_is_fine(target),
    }
}

/// `http://host/…`, which a request to a proxy has (RFC 9112, 3.2.2).
fn absolute_is_fine(target: &[u8]) -> Result<(), Unclear> {
    let has_scheme = [&b"http://"[..], b"https://"].iter().any(|scheme| {
        target
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    let authority = authority_of(target).unwrap_or_default();
    if !has_scheme {
        return Err(Unclear::Malformed(
            "the target is neither a path nor http://host/path",
        ));
    }
    if authority.contains(&b'@') {
        return Err(Unclear::Malformed(
            "the target names a user; that belongs into Authorization",
        ));
    }
    if authority.is_empty() || !is_host(authority) {
        return Err(Unclear::Malformed("the target has an invalid host"));
    }
    Ok(())
}

/// One Host, and a sound one; an absolute target's host takes its place (RFC 9112, 3.2.2).
fn host_is_fine(head: &mut RequestHead) -> Result<(), Unclear> {
    if head.headers.all(Known::Host).nth(1).is_some() {
        return Err(Unclear::Malformed("there is more than one Host"));
    }
    let host = head.headers.get(Known::Host);
    match host {
        None if head.version == Version::Http11 => Err(Unclear::Malformed("there is no Host"))?,
        Some(host) if !is_host(host) => return Err(Unclear::Malformed("invalid Host")),
        _ => {}
    }
    if !head.target().starts_with(b"/")
        && let Some(authority) = authority_of(head.target())
        && host.is_none_or(|host| !host.eq_ignore_ascii_case(authority))
    {
        let authority = authority.to_vec();
        head.headers.set(b"Host", &authority);
    }
    Ok(())
}

/// The characters of a host's name (RFC 3986, 3.2.2), and bytes above 127: names that are sent as they are typed.
static IN_NAMES: Characters = and_not_ascii(alphanumeric_and(b"-._~%!$&'()*+;="));

/// `uri-host [ ":" port ]` (RFC 3986, 3.2.2), with the `_` that names in use have.
fn is_host(host: &[u8]) -> bool {
    let is_name = |byte: &u8| IN_NAMES[usize::from(*byte)];
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
            // Rust's parser takes a sign; a port has none.
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
    use super::*;

    fn host(target: &str, hosts: &[&str], version: &str) -> Result<Option<String>, Unclear> {
        let hosts: Vec<_> = hosts
            .iter()
            .map(|host| format!("Host: {host}\r\n"))
            .collect();
        let text = format!("GET {target} {version}\r\n{}\r\n", hosts.concat());
        let mut head = RequestHead::default();
        head.parse(text.as_bytes(), 10).unwrap().unwrap();
        host_is_fine(&mut head)?;
        let host = head.headers.get(Known::Host);
        Ok(host.map(|host| String::from_utf8(host.to_vec()).unwrap()))
    }

    const NEW: &str = "HTTP/1.1";

    #[test]
    fn a_request_has_one_sound_host() {
        assert_eq!(host("/", &["a:80"], NEW).unwrap().as_deref(), Some("a:80"));
        let six = host("/", &["[::1]:80"], NEW).unwrap();
        assert_eq!(six.as_deref(), Some("[::1]:80"));
        let typed = host("/", &["b\u{fc}cher.example"], NEW).unwrap();
        assert_eq!(typed.as_deref(), Some("b\u{fc}cher.example"));
        assert!(host("/", &[], NEW).is_err());
        assert!(host("/", &["a", "a"], NEW).is_err());
        for bad in [
            "a b", "a/b", "a@b", "a,b", "a#", "a:b", "a:99999", "[::1", "[::1]x", "a\u{1}",
        ] {
            assert!(host("/", &[bad], NEW).is_err(), "{bad}");
        }
        assert_eq!(host("/", &[], "HTTP/1.0").unwrap(), None);
    }

    #[test]
    fn the_host_of_an_absolute_target_wins() {
        let got = host("http://right/x", &["wrong"], NEW).unwrap();
        assert_eq!(got.as_deref(), Some("right"));
        let kept = host("http://same/x", &["SAME"], NEW).unwrap();
        assert_eq!(kept.as_deref(), Some("SAME"));
        // What looks like a scheme in a query is not one.
        let kept = host("/?u=http://other/", &["this"], NEW).unwrap();
        assert_eq!(kept.as_deref(), Some("this"));
    }
}
