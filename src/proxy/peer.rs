//! Who sent a request.

use std::net::IpAddr;

/// Who sent a request, as far as the connection tells.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: Option<IpAddr>,
    pub(crate) tls: bool,
}
