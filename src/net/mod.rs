//! Sockets: addresses bound, accepted and connected; TLS on either side.

mod accept;
mod bind;
mod bound;
mod connect;
mod descriptors;
mod events;
mod inherit;
#[cfg(test)]
pub(crate) mod memory;
mod names;
mod socket;
mod stream;
mod takeover;
mod tls;

pub(crate) use accept::{Acceptor, Greeter, Handover, Load, Parcel, Raw};
pub(crate) use bind::{BindError, bind};
pub(crate) use bound::Bound;
pub(crate) use connect::{ConnectError, Connector};
pub(crate) use descriptors::{Descriptors, raise_limit};
pub(crate) use events::{count_waits, waits};
pub(crate) use inherit::{InheritError, Inherited};
pub(crate) use socket::Socket;
pub(crate) use stream::Stream;
pub(crate) use takeover::{Predecessor, hand_over};
pub(crate) use tls::{ClientTlsLoader, ServerTlsLoader, TlsError};
