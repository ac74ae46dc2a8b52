//! Where the records of a capture go: files are one kind of place, a socket or a store would be another.
//!
//! Another kind is a file beside `files.rs` and a line in [`destination`]; what it sends, [`Encoder`] makes. All of it is
//! called from the capture's own thread, which nobody waits for.
//!
//! [`Encoder`]: super::encoder::Encoder

mod file;
mod files;
mod prune;

use std::io;

use serde::Serialize;

use super::{CaptureError, Record, gor::Unwritable};
use crate::config;

pub(crate) use file::{CaptureFile, private_file};

/// Where a capture goes that is configured so.
pub(crate) fn destination(settings: &config::Capture) -> Box<dyn Destination> {
    Box::new(files::Files::new(settings))
}

/// Where a capture goes: to one sink after the other, such as files or connections.
pub(crate) trait Destination: Send {
    /// Opens the next sink. `about` is what its head says of the capture.
    ///
    /// # Errors
    /// Where it can't be opened: the capture tries again later.
    fn open(&mut self, about: &About) -> Result<Box<dyn Sink>, CaptureError>;
}

/// Takes records, and keeps them for good. Once it has failed it is dropped, and another is opened.
pub(crate) trait Sink: Send {
    /// What it is called, for messages.
    fn name(&self) -> String;

    /// Adds a record; it may be kept only after the next [`Sink::flush`].
    ///
    /// # Errors
    /// Where the format can't say it, or what was collected can't be written.
    fn add(&mut self, record: &Record<'_>) -> Result<(), NotAdded>;

    /// Whether so much is collected that it should be kept now.
    fn wants_flush(&self) -> bool {
        false
    }

    /// Keeps all that was added, whatever becomes of this process.
    ///
    /// # Errors
    /// Where it could not be written, and is lost.
    fn flush(&mut self) -> io::Result<()>;

    /// Bytes that are kept.
    fn len(&self) -> u64;

    /// Whether the next sink is to take its place, as it is large or old.
    fn is_done(&self) -> bool {
        false
    }

    /// Ends it.
    ///
    /// # Errors
    /// As [`Sink::flush`].
    fn finish(self: Box<Self>) -> io::Result<()>;

    /// Gives it up without a record in it: nothing of it is to be left.
    fn discard(self: Box<Self>) {}
}

/// What a sink's head says of the capture.
#[derive(Debug, Serialize)]
pub(crate) struct About {
    pub(crate) software: &'static str,
    /// Who writes, as it stands in file names, too.
    pub(crate) instance: String,
    pub(crate) created: String,
    pub(crate) answers: config::CapturedResponses,
    pub(crate) redacted: bool,
}

/// A record was not added.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAdded {
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
    #[error(transparent)]
    Failed(#[from] io::Error),
}
