//! Heads that break a rule without being two messages at once: repaired or passed, as nginx and HAProxy do. What two
//! readers could take for different messages is refused. This is slower than `fast_path`, and runs only for what that leaves.
//!
//! docs/malformed-messages.md has a row for each rule here.

mod request;
mod response;

use super::{fast_path::IN_TOKENS, headers::Known};

/// The field that a reader would take this one for if it passed over what is odd in the name.
fn looks_like(name: &[u8]) -> Known {
    let is_odd = |byte: &u8| !IN_TOKENS[usize::from(*byte)];
    if !name.iter().any(is_odd) {
        return Known::Other;
    }
    let plain: Vec<u8> = name.iter().copied().filter(|byte| !is_odd(byte)).collect();
    Known::of(&plain)
}

fn is_empty(line: &[u8]) -> bool {
    matches!(line, [] | [b'\r'])
}
