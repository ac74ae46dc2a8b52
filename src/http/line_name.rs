//! The name of a line of a header, for logs.

use std::fmt;

use memchr::memchr;

/// The name of a header's line as it may be logged: cut, escaped, and never with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineName(Box<[u8]>);

/// Longer ones are cut.
const LONGEST_NAME: usize = 40;

impl LineName {
    /// Of a line; nothing where it has no colon, since all of it may be a value.
    pub(super) fn of(line: &[u8]) -> Self {
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
