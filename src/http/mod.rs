//! What HTTP/1 asks of a proxy, without any connection: heads, bodies and their framing, fields of one hop, the
//! mark.
//!
//! A message stays the bytes that came. That keeps it as it was sent, and costs less than to take it apart and
//! to put it together again: see docs/performance. Only what breaks a rule is written anew (`tolerant`).

mod alarm;
mod body;
mod characters;
mod escapes;
mod fast_path;
mod framing;
mod head;
mod head_scan;
mod headers;
mod hop_by_hop;
mod line_name;
mod mark;
mod outbox;
mod same_name;
mod tap;
mod tolerant;
mod validate;
mod whole;
mod wire;

pub(crate) use alarm::{Alarm, now};
pub(crate) use body::{BadBody, BodyReader, Parsed};
pub(crate) use escapes::decoded;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use fast_path::compare;
pub(crate) use framing::{BadFraming, Framing, digits, settle};
pub(crate) use head::{BadHead, RequestHead, ResponseHead, Version, authority_of, is_idempotent};
pub(crate) use head_scan::HeadScan;
pub(crate) use headers::{Edit, Headers, Known};
pub(crate) use hop_by_hop::{
    asks_for_upgrade, has_option, strip_answer, strip_request, strip_trailers,
};
pub(crate) use mark::Marks;
pub(crate) use outbox::{OutPiece, Outbox};
pub(crate) use same_name::is_same_name;
pub(crate) use tap::{Tap, show};
pub(crate) use validate::{Unclear, vet};
pub(crate) use whole::{Chunks, MOST_FIELDS, unchunked, whole_response};
pub(crate) use wire::{Buffer, Transport, Turn, Wire, later};
