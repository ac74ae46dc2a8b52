//! What a report says of production's sessions on a shadow that they are kept alive on.

use serde::{Deserialize, Serialize};

/// Of the sessions that are remembered, how each one's last copy ended; and what was done so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionsReport {
    pub(crate) known: u64,
    /// Their last copy ended as production's request did.
    pub(crate) alive: u64,
    pub(crate) lost: u64,
    /// Where lost ones broke, the most frequent first.
    pub(crate) breaks: Vec<Break>,
    /// Copies that were held back, as they name what the shadow has not.
    pub(crate) held_back: u64,
    pub(crate) put_in: PutIn,
    pub(crate) needs_help: NeedsHelp,
}

/// The request whose copy was the first of a session to end otherwise than production's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Break {
    pub(crate) route: String,
    pub(crate) sessions: u64,
}

/// Values of the shadow's that were put into copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PutIn {
    pub(crate) cookies: u64,
    pub(crate) tokens: u64,
    pub(crate) ids: u64,
    pub(crate) conditions: u64,
}

/// Values that stayed production's, and that the shadow can't know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct NeedsHelp {
    pub(crate) one_time_codes: u64,
    pub(crate) captchas: u64,
    /// Cookies that production was not seen to give: they are from before the start.
    pub(crate) earlier_cookies: u64,
}

impl PutIn {
    pub(crate) fn all(self) -> u64 {
        self.cookies + self.tokens + self.ids + self.conditions
    }
}

/// Knows what becomes of sessions, at any time.
pub(crate) trait FollowsSessions: Send + Sync {
    fn sessions(&self) -> SessionsReport;
}
