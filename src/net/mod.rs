//! Sockets: addresses bound, accepted and connected; TLS on either side.

mod accept;
mod bind;
mod connect;
mod descriptors;
mod stream;
mod tls;

pub(crate) use accept::{Acceptor, Greeter, Handover, Load, Parcel, Raw};
pub(crate) use bind::{BindError, Bound, bind};
pub(crate) use connect::{ConnectError, Connector};
pub(crate) use descriptors::Descriptors;
pub(crate) use stream::Stream;
pub(crate) use tls::{ClientTlsLoader, ServerTlsLoader, TlsError};
