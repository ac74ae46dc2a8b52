//! Who a client is where another server stands in front: which header says it, and from whom that is believed.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::Serialize;
use serde_with::{DeserializeFromStr, SerializeDisplay};

use super::{reader::Table, units::FieldName};

/// Addresses that begin with the same bits, written `10.0.0.0/8`, or a single one.
#[derive(Clone, Copy, Debug, DeserializeFromStr, SerializeDisplay, PartialEq, Eq)]
pub(crate) struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }

    pub(super) fn covers(&self, other: &Self) -> bool {
        self.bits <= other.bits && self.contains(other.address)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is neither an address nor a network; write for example \"192.0.2.7\", \"10.0.0.0/8\" or \"fd00::/8\""
            )
        };
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits.map(str::parse) {
            None => most,
            Some(Ok(bits)) if bits <= most => bits,
            Some(_) => return Err(wrong()),
        };
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// A trusted peer: one that connects over a unix socket, or from a network.
#[derive(Clone, Copy, Debug, DeserializeFromStr, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Trusted {
    Unix,
    #[serde(untagged)]
    Network(Network),
}

impl FromStr for Trusted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "unix" => Ok(Self::Unix),
            network => network.parse().map(Self::Network),
        }
    }
}

/// `[client_address]`.
#[derive(Clone, Debug, Default, Serialize, PartialEq, Eq)]
pub(crate) struct ClientAddress {
    /// None: the address that the connection comes from.
    pub(crate) header: Option<FieldName>,
    /// Whose header is believed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) trusted: Vec<Trusted>,
}

impl ClientAddress {
    pub(super) fn read(mut table: Table<'_>) -> Self {
        let header: Option<FieldName> = table.optional("header");
        let trusted = table.any_of("trusted", "name at least one, such as \"unix\"");
        match (&header, trusted.is_empty()) {
            (Some(_), true) => table.mistake(
                "trusted",
                "is missing; name those whose header is believed, such as [\"unix\", \"127.0.0.1\"]: any other client can write anything into it",
            ),
            (None, false) => table.mistake(
                "header",
                "is missing; name the header that those who are trusted set, such as \"X-Real-IP\"",
            ),
            _ => {}
        }
        table.finish();
        Self { header, trusted }
    }

    /// Whether a header of this peer's is believed; `None` is one on a unix socket.
    pub(crate) fn trusts(&self, peer: Option<IpAddr>) -> bool {
        self.trusted.iter().any(|trusted| match (trusted, peer) {
            (Trusted::Unix, None) => true,
            (Trusted::Network(network), Some(peer)) => network.contains(peer),
            _ => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        let network: Network = "10.1.0.0/16".parse().unwrap();
        let has = |text: &str| network.contains(text.parse().unwrap());
        assert!(has("10.1.255.1") && has("::ffff:10.1.0.1"));
        assert!(!has("10.2.0.1") && !has("::1"));
        let all: Network = "::/0".parse().unwrap();
        assert!(all.contains("fd00::1".parse().unwrap()));
        assert!(all.covers(&"fd00::/8".parse().unwrap()) && !network.covers(&all));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "host", "1.2.3.4/", "1.2.3.4/-1"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
