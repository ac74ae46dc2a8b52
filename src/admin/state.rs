//! What the interface shows of the running program, as JSON.

use std::time::SystemTime;

use serde::{Serialize, Serializer};

use crate::config::{Percent, ShadowRole, as_map};

/// A shadow as it is now.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a field of the JSON by itself"
)]
pub(crate) struct ShadowState {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) role: ShadowRole,
    /// Its responses are compared.
    pub(crate) compare: bool,
    /// Sessions are kept alive on it.
    pub(crate) identity: bool,
    /// The build that it runs, where that is known.
    pub(crate) build: Option<String>,
    pub(crate) paused: bool,
    pub(crate) sample: SampleState,
    pub(crate) breaker: &'static str,
    /// When the breaker opened or closed last, where it did.
    #[serde(serialize_with = "as_text_where_known")]
    pub(crate) breaker_changed: Option<SystemTime>,
    /// It takes more processor time than production, and gets what is left over.
    pub(crate) low_priority: bool,
    pub(crate) queued: usize,
    /// The last ones, the newest last.
    pub(crate) changes: Vec<Change>,
}

/// Which share of the requests a shadow gets now, and after a restart.
#[derive(Debug, Serialize)]
pub(crate) struct SampleState {
    pub(crate) percent: Percent,
    pub(crate) configured: Percent,
    pub(crate) by: String,
}

/// What was changed over this interface, and when.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    #[serde(serialize_with = "as_text")]
    pub(crate) at: SystemTime,
    pub(crate) what: String,
}

/// The process: what it is, and where.
#[derive(Debug, Serialize)]
pub(crate) struct About {
    pub(crate) version: &'static str,
    #[serde(serialize_with = "as_text")]
    pub(crate) started: SystemTime,
    /// Where clients connect.
    pub(crate) listen: Vec<String>,
    pub(crate) primary: String,
}

/// A capture, and how far it is.
#[derive(Debug, Serialize)]
pub(crate) struct CaptureState {
    /// As it is configured.
    pub(crate) pattern: String,
    /// The file that is written; `None` while none can be.
    pub(crate) file: Option<String>,
    /// To all files since the start.
    pub(crate) bytes: u64,
    /// By outcome.
    #[serde(serialize_with = "as_map")]
    pub(crate) records: Vec<(&'static str, u64)>,
    /// Bytes that wait for the writer.
    pub(crate) queued_bytes: usize,
    /// Why it can't be written now.
    pub(crate) trouble: Option<String>,
}

fn as_text<S: Serializer>(at: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&humantime::format_rfc3339_millis(*at))
}

#[expect(clippy::ref_option, reason = "serde calls it so")]
fn as_text_where_known<S: Serializer>(
    at: &Option<SystemTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => as_text(at, serializer),
        None => serializer.serialize_none(),
    }
}
