//! Why a replay can't begin.

use std::{io, path::PathBuf};

use super::fitness::Unfit;
use crate::net::TlsError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("can't read {0}")]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("{0} is not a file and can be read only once, so that there is nothing to loop over")]
    Once(PathBuf),
    #[error("TLS to the target")]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Unfit(#[from] Unfit),
    #[error("the thread that compares responses ended early: there is no report of causes")]
    Uncompared,
    #[error("the system refuses what a replay needs")]
    System(#[from] io::Error),
}
