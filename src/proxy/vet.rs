//! Refuses what is not one clear message, or has a body that is too large.

use super::refusal::Refusal;
use crate::{
    config::Limits,
    http::{Framing, RequestHead, Unclear, vet as is_clear},
};

/// Refuses what is not one clear message.
///
/// Returns where its body ends.
pub(super) fn vet(head: &mut RequestHead, limits: &Limits) -> Result<Framing, Refusal> {
    let framing = is_clear(head, limits.target_bytes.bytes()).map_err(|why| match why {
        Unclear::Connect => Refusal::Connect,
        Unclear::TargetTooLong => Refusal::TargetTooLong,
        Unclear::Malformed(why) => Refusal::Malformed(why),
    })?;
    match (framing, limits.body_bytes) {
        (Framing::Sized(length), Some(limit)) if length > limit.0 => Err(Refusal::BodyTooLarge),
        _ => Ok(framing),
    }
}
