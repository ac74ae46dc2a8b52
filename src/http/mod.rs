//! What HTTP asks of a proxy, without any connection: hop-by-hop headers, the mark, bodies in time.

mod hop_by_hop;
mod idle;
mod mark;

pub(crate) use hop_by_hop::{asks_for_upgrade, strip_answer, strip_request};
pub(crate) use idle::IdleTimer;
pub(crate) use mark::Marks;

/// Any error of a body, as hyper wants it.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;
