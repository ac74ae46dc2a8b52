//! The whole program: built from a configuration (sockets are bound early), then run until it is stopped.

mod administration;
mod build;
mod comparing;
mod control;
mod edit;
mod explain;
mod files;
mod generation;
mod history;
mod live;
mod reload;
mod rules;
mod shared;
mod takeover;
mod watchdog;
mod worker;

use std::io;

use crate::{
    capture::CaptureError,
    net::{BindError, InheritError, TlsError},
    shadow::ShadowError,
};

/// What a running program shows to whoever started it.
pub(crate) use crate::ledger::Ledger;
pub(crate) use build::App;
pub(crate) use comparing::compare_settings;
pub(crate) use edit::{Edited, editor};
pub(crate) use explain::{Asked, KnownSessions, explain};
pub(crate) use files::check_files;

pub use explain::selection;

/// Why the program can't start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AppError {
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error(transparent)]
    Inherit(#[from] InheritError),
    #[error("can't take over from the process at takeover.socket {0}")]
    Takeover(String, #[source] io::Error),
    #[error("TLS of listener {0}")]
    ListenTls(String, #[source] TlsError),
    #[error("TLS to the primary")]
    PrimaryTls(#[source] TlsError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error(transparent)]
    Shadow(#[from] ShadowError),
    #[error("{0}: {1}")]
    Compare(&'static str, String),
    #[error("the system refuses what a worker thread needs")]
    System(#[from] io::Error),
}
