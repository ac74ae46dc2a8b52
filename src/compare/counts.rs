//! How many pairs had which outcome.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many pairs had which outcome. Those that were recorded are in the log of what was learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub(crate) answered: u64,
    pub(crate) identical: u64,
    pub(crate) explained: u64,
    pub(crate) recorded: u64,
    /// Of sessions that the shadow has lost: different, but nothing is learned from them.
    pub(crate) lost: u64,
    pub(crate) not_compared: BTreeMap<String, u64>,
    /// Differences beyond the limit of one pair.
    pub(crate) left_out: u64,
    pub(crate) since: Option<i64>,
    pub(crate) until: i64,
}
