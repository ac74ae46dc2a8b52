//! How the sessions of production are kept alive on a shadow.

use std::path::PathBuf;

use serde::Serialize;

use super::{
    reader::Table,
    units::{Size, Span},
};

/// `[shadow.identity]`; `identity = true` is one with all as it is by default.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Identity {
    /// How long the next copy of a session waits for both responses to the one before, from when that one was answered.
    pub(crate) wait: Span,
    /// Memory for what is known of sessions and of what was given out.
    pub(crate) memory: Size,
    /// Bytes of a request's body up to which it is looked into.
    pub(crate) body_bytes: Size,
    /// The folder where what is known is kept over a restart.
    pub(crate) state: Option<PathBuf>,
}

impl Default for Identity {
    fn default() -> Self {
        Self {
            wait: Span::seconds(5),
            memory: Size::mib(64),
            body_bytes: Size::mib(1),
            state: None,
        }
    }
}

impl Identity {
    /// The shadow's `identity`, where it is on.
    pub(super) fn read(table: &mut Table<'_>) -> Option<Self> {
        if !table.has("identity") {
            table.table("identity").finish();
            return None;
        }
        let mut own = table.table_or("identity", "enabled");
        let is_on = own.value("enabled", true);
        let known = Self::default();
        let identity = own.whole(|table| Self {
            wait: table.time("wait", known.wait),
            memory: table.checked(
                "memory",
                known.memory,
                |size| *size >= Size::mib(1),
                "has to be 1MiB at least",
            ),
            body_bytes: table.value("body_bytes", known.body_bytes),
            state: table.path("state"),
        });
        is_on.then_some(identity)
    }
}
