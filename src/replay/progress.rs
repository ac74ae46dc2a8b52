//! How far a replay is.

use std::time::Duration;

/// How far a replay is at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) answered: u64,
    pub(crate) errors: u64,
    /// How late the last request went.
    pub(crate) lag: Duration,
    pub(crate) elapsed: Duration,
    /// Bytes read, and of how many; 0: that is unknown.
    pub(crate) position: u64,
    pub(crate) total: u64,
}
