//! How responses are compared, and what for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{reader::Table, units::Size};

/// What a shadow runs, as far as comparing goes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ShadowRole {
    /// The new version.
    #[default]
    Upgrade,
    /// The old version: what differs there is noise, or drift of the data.
    Baseline,
}

/// `[compare]`.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compare {
    /// A file of rules on differences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rules: Option<PathBuf>,
    /// The folder in which what is learned is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) state: Option<PathBuf>,
    /// A file with the application's routes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) inventory: Option<PathBuf>,
    /// Routes, such as `GET /orders/{id}`, that come before those that are learned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) routes: Vec<String>,
    /// Bytes of each response's body that are compared, before and after decompression.
    pub(crate) body_bytes: Size,
    /// Memory for what is learned of each shadow.
    pub(crate) memory: Size,
    /// Whether whole messages of examples are kept.
    pub(crate) examples: bool,
    /// For these, of each shadow.
    pub(crate) example_bytes: Size,
    /// Whether GETs whose differences are unclear may be sent to the shadow once more.
    pub(crate) probe: bool,
}

impl Default for Compare {
    fn default() -> Self {
        Self {
            rules: None,
            state: None,
            inventory: None,
            routes: Vec::new(),
            body_bytes: Size::kib(256),
            memory: Size::mib(64),
            examples: false,
            example_bytes: Size::mib(64),
            probe: true,
        }
    }
}

impl Compare {
    pub(super) fn read(table: Table<'_>) -> Self {
        let usual = Self::default();
        table.whole(|table| Self {
            rules: table.path("rules"),
            state: table.path("state"),
            inventory: table.path("inventory"),
            routes: table.value("routes", usual.routes),
            body_bytes: table.value("body_bytes", usual.body_bytes),
            memory: table.value("memory", usual.memory),
            examples: table.value("examples", usual.examples),
            example_bytes: table.within(
                "example_bytes",
                usual.example_bytes,
                Size::kib(64)..=Size::mib(256),
            ),
            probe: table.value("probe", usual.probe),
        })
    }
}
