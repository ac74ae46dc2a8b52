//! What is wrong with a configuration.

use std::fmt;

/// One mistake: where it was set, at which key, what is wrong and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// The file, environment or command line that set it.
    pub(crate) place: String,
    /// The key's path, such as `shadow[0].address`; empty where it concerns no key.
    pub(crate) key: String,
    /// What is wrong and what would be right.
    pub(crate) what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key.as_str() {
            "" => write!(f, "{}: {}", self.place, self.what),
            key => write!(f, "{}: {key}: {}", self.place, self.what),
        }
    }
}
