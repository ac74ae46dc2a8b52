//! ADDR: where to listen and where to connect, in the spellings users know from nginx and curl.

use std::{fmt, path::PathBuf, str::FromStr};

use serde_with::{DeserializeFromStr, SerializeDisplay};

/// A place that can be listened on or connected to.
#[derive(Clone, Debug, DeserializeFromStr, SerializeDisplay, PartialEq, Eq, Hash)]
pub(crate) enum Address {
    /// A host name or IP address with a port; a name is resolved at each connect.
    Tcp {
        /// Without the brackets of an IPv6 literal.
        host: String,
        port: u16,
        /// Spelt `https://`.
        tls: bool,
    },
    /// A unix socket, spelt `unix:/path`.
    Unix(PathBuf),
}

/// The longest name of a host (RFC 1035, 2.3.4).
const MAX_HOST: usize = 253;
/// The longest path that fits into `sockaddr_un`, less the terminating NUL (unix(7)).
const MAX_UNIX_PATH: usize = 107;

#[derive(Debug, thiserror::Error)]
pub(crate) enum BadAddress {
    #[error("{0:?} is not an address; that of a unix socket is \"unix:{0}\"")]
    Path(String),
    #[error(
        "{0:?} is not an address: {1}; write for example \"127.0.0.1:8080\", \"[::1]:8080\", \
         \"http://host:8080\", \"https://host\" or \"unix:/run/app.sock\""
    )]
    Other(String, &'static str),
}

impl Address {
    /// Whether a connection to it is encrypted.
    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Self::Tcp { tls: true, .. })
    }

    /// What `Host` says when a request is addressed to this place itself (RFC 9110, 7.2).
    pub(crate) fn authority(&self) -> String {
        match self {
            Self::Tcp { host, port, tls } => {
                let host = bracketed(host);
                match (port, tls) {
                    (80, false) | (443, true) => host,
                    _ => format!("{host}:{port}"),
                }
            }
            Self::Unix(_) => "localhost".into(),
        }
    }

    /// Whether it leaves the port to the system, which only a listener can.
    pub(crate) fn has_no_port(&self) -> bool {
        matches!(self, Self::Tcp { port: 0, .. })
    }

    /// The same with the port that it got, where it left that to the system.
    pub(crate) fn at_port(&self, got: Option<u16>) -> Self {
        match (self, got) {
            (Self::Tcp { host, tls, .. }, Some(port)) => Self::Tcp {
                host: host.clone(),
                port,
                tls: *tls,
            },
            _ => self.clone(),
        }
    }

    /// Whether the two are one place, however they are spelt.
    pub(crate) fn is_same_place(&self, other: &Self) -> bool {
        let tcp = |address: &Self| match address {
            Self::Tcp { host, port, .. } => Some((host.to_ascii_lowercase(), *port)),
            Self::Unix(_) => None,
        };
        match (tcp(self), tcp(other)) {
            (None, None) => self == other,
            (Some(one), Some(two)) => one == two && !self.has_no_port(),
            _ => false,
        }
    }

    /// Whether only this machine can reach it.
    pub(crate) fn is_local(&self) -> bool {
        match self {
            Self::Unix(_) => true,
            Self::Tcp { host, .. } => {
                let is_loopback = |ip: std::net::IpAddr| ip.is_loopback();
                host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
            }
        }
    }
}

fn bracketed(host: &str) -> String {
    if host.contains(':') {
        format!("[{host}]")
    } else {
        host.into()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port, tls } => {
                let scheme = match (tls, host.as_str()) {
                    (true, _) => "https://",
                    // Without a scheme this host would be read as the beginning of a path.
                    (false, "unix") => "http://",
                    (false, _) => "",
                };
                write!(f, "{scheme}{}:{port}", bracketed(host))
            }
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        // The part before an @ may be a password, and is not shown.
        let told = text
            .rsplit_once('@')
            .map_or_else(|| text.into(), |(_, host)| format!("…@{host}"));
        let bad = |why| BadAddress::Other(told.clone(), why);
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(bad("the path is missing")),
                path if !path.starts_with('/') => Err(bad("the path has to start with /")),
                path if path.len() > MAX_UNIX_PATH => Err(bad(
                    "the path is longer than the 107 bytes that a unix socket may have",
                )),
                path => Ok(Self::Unix(path.into())),
            };
        }
        let (tls, default_port, rest) = match text.split_once("://") {
            None => (false, None, text),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, Some(443), rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, Some(80), rest),
            Some(_) => return Err(bad("only http:// and https:// are known")),
        };
        // Somebody who writes a path means a unix socket.
        if default_port.is_none() && text.starts_with('/') {
            return Err(BadAddress::Path(text.into()));
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) {
            return Err(bad("a path does not belong here"));
        }
        if rest.contains('@') {
            return Err(bad("a user and password do not belong here"));
        }
        let (host, port) = split_port(rest).ok_or_else(|| bad("the brackets do not match"))?;
        check_host(host, rest.starts_with('[')).map_err(bad)?;
        let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        let port = match (port, default_port) {
            (Some(port), _) => match port.parse() {
                Ok(number) if digits(port) => number,
                _ => return Err(bad("the port is not a number from 0 to 65535")),
            },
            (None, Some(port)) => port,
            (None, None) => return Err(bad("the port is missing")),
        };
        Ok(Self::Tcp {
            host: host.into(),
            port,
            tls,
        })
    }
}

fn check_host(host: &str, in_brackets: bool) -> Result<(), &'static str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if host.is_empty() {
        return Err("the host is missing");
    }
    match (host.parse::<std::net::Ipv6Addr>().is_ok(), in_brackets) {
        (true, true) => return Ok(()),
        (true, false) => return Err("an address of IP version 6 belongs in brackets"),
        (false, true) => return Err("in brackets belongs an address of IP version 6"),
        (false, false) if host.contains(':') => {
            return Err("an address of IP version 6 belongs in brackets, and a host has one port");
        }
        (false, false) => {}
    }
    if !host.chars().all(plain) {
        return Err("the host has a character that no host name has");
    }
    let labels = host.strip_suffix('.').unwrap_or(host);
    if labels.len() > MAX_HOST {
        return Err("the host is longer than the 253 characters that a host name may have");
    }
    let is_wrong = |label: &str| label.is_empty() || label.len() > 63;
    if labels.split('.').any(is_wrong) {
        return Err("between the dots of a host name belong 1 to 63 characters");
    }
    Ok(())
}

/// Splits `host:port`, `[v6]:port`, `host` and `[v6]`; `None` where brackets don't match.
fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after {
            "" => Some((host, None)),
            after => Some((host, Some(after.strip_prefix(':')?))),
        };
    }
    match text.rsplit_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match text.parse::<Address>() {
            Ok(address) => address.to_string(),
            Err(BadAddress::Other(_, why)) => format!("error: {why}"),
            Err(error) => format!("error: {error}"),
        }
    }

    #[test]
    fn every_spelling_of_an_address_is_understood() {
        assert_eq!(shown("127.0.0.1:8080"), "127.0.0.1:8080");
        assert_eq!(shown("[::1]:8080"), "[::1]:8080");
        assert_eq!(shown("http://app.example"), "app.example:80");
        assert_eq!(shown("http://app.example:81/"), "app.example:81");
        assert_eq!(shown("https://app.example"), "https://app.example:443");
        assert_eq!(shown("https://[::1]"), "https://[::1]:443");
        assert_eq!(shown("HTTPS://app.example"), "https://app.example:443");
        assert_eq!(shown("app.example.:81"), "app.example.:81");
        assert_eq!(shown("unix:/run/app.sock"), "unix:/run/app.sock");
        assert_eq!(shown("http://unix:81"), "http://unix:81");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        assert_eq!(shown("app.example"), "error: the port is missing");
        assert_eq!(
            shown("unix:app.sock"),
            "error: the path has to start with /"
        );
        assert_eq!(
            shown("ftp://x"),
            "error: only http:// and https:// are known"
        );
        assert_eq!(shown("http://a/b"), "error: a path does not belong here");
        assert_eq!(
            shown("http://u:p@a"),
            "error: a user and password do not belong here"
        );
        assert_eq!(
            shown("a:99999"),
            "error: the port is not a number from 0 to 65535"
        );
        assert_eq!(shown("[::1:80"), "error: the brackets do not match");
        assert_eq!(shown(":80"), "error: the host is missing");
        assert_eq!(
            shown("a b:80"),
            "error: the host has a character that no host name has"
        );
        assert_eq!(
            shown("/run/app.sock"),
            "error: \"/run/app.sock\" is not an address; that of a unix socket is \"unix:/run/app.sock\""
        );
        assert!(shown(&format!("unix:/{}", "x".repeat(120))).contains("107 bytes"));
        for port in ["a:", "a:-1", "a:+80", "a:80 "] {
            assert!(shown(port).contains("not a number"), "{port}");
        }
        for host in ["::1:8080", "::1", "[a]:80", "[127.0.0.1]:80", "a:b:80"] {
            assert!(shown(host).contains("brackets"), "{host}");
        }
        for host in [
            ".:80",
            "a..b:80",
            ".a:80",
            &format!("{}:80", "a".repeat(64)),
        ] {
            assert!(shown(host).contains("between the dots"), "{host}");
        }
        assert!(shown(&format!("{}a:80", "a.".repeat(127))).contains("253"));
    }

    #[test]
    fn the_authority_leaves_out_the_default_port() {
        let authority = |text: &str| text.parse::<Address>().unwrap().authority();
        assert_eq!(authority("http://a"), "a");
        assert_eq!(authority("https://a:443"), "a");
        assert_eq!(authority("https://a:80"), "a:80");
        assert_eq!(authority("[::1]:80"), "[::1]");
    }
}
