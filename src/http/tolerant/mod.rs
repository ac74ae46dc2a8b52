//! Heads that break a rule without being two messages at once: repaired or passed, as nginx and HAProxy do. What two
//! readers could take for different messages is refused. This is slower than `usual`, and runs only for what that leaves.
//!
//! docs/malformed-messages.md has a row for each rule here.

mod request;
mod response;

use std::fmt;

use memchr::memchr;

use super::{fields::Known, usual::IN_TOKENS};

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

/// The name of a header's line as it may be logged: cut, escaped, and never with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineName(Box<[u8]>);

/// Longer ones are cut.
const LONGEST_NAME: usize = 40;

impl LineName {
    /// Of a line; nothing where it has no colon, since all of it may be a value.
    fn of(line: &[u8]) -> Self {
        let end = memchr(b':', line).unwrap_or(0);
        Self(line[..end.min(LONGEST_NAME)].into())
    }
}

impl fmt::Display for LineName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            [] => Ok(()),
            name if name.len() == LONGEST_NAME => write!(f, " ({}…)", name.escape_ascii()),
            name => write!(f, " ({})", name.escape_ascii()),
        }
    }
}
