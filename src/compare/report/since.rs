//! Two reports side by side: which causes are new, and which are gone.

use super::{Cause, Report, Status};

/// What changed since an older report.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Since<'a> {
    /// Confirmed now, and not there or not certain before.
    pub(crate) new: Vec<&'a Cause>,
    /// Confirmed before, and not there any more.
    pub(crate) gone: Vec<&'a Cause>,
}

impl<'a> Since<'a> {
    /// Causes are the same by their id.
    pub(crate) fn of(report: &'a Report, older: &'a Report) -> Self {
        let has = |report: &Report, cause: &Cause| {
            report
                .causes
                .iter()
                .any(|known| known.id == cause.id && known.status == Status::Confirmed)
        };
        Self {
            new: report
                .confirmed()
                .filter(|cause| !has(older, cause))
                .collect(),
            gone: older
                .confirmed()
                .filter(|cause| !report.causes.iter().any(|known| known.id == cause.id))
                .collect(),
        }
    }
}
