//! Where the writer puts records: files are one kind of place, and a stream or a store would be another.

use std::io;

use super::{Record, gor::Unwritable};

/// Where a capture goes: to one sink after the other.
pub(super) trait Destination: Send {
    /// Opens the next sink. `about` is what it says of the capture at its head.
    ///
    /// # Errors
    /// Where it can't be opened.
    fn open(&mut self, about: &serde_json::Value) -> Result<Box<dyn Sink>, SinkError>;
}

/// Takes records, and keeps them for good.
pub(crate) trait Sink: Send {
    /// What it is called, for messages.
    fn name(&self) -> String;

    /// Adds a record to what is to be written.
    ///
    /// # Errors
    /// Where the format can't say it.
    fn add(&mut self, record: &Record<'_>) -> Result<(), Unwritable>;

    /// Whether so much is collected that it should be written.
    fn is_full(&self) -> bool;

    /// Whether all that is written is kept for sure at once, without [`Sink::flush`].
    fn is_plain(&self) -> bool;

    /// Writes what is collected.
    ///
    /// # Errors
    /// Where it could not be written, and is lost.
    fn write(&mut self) -> io::Result<()>;

    /// Sees to it that all records are kept, whatever becomes of this process.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn flush(&mut self) -> io::Result<()>;

    /// Bytes that are kept, as far as they were written.
    fn len(&self) -> u64;

    /// Ends it.
    ///
    /// # Errors
    /// As [`Sink::write`].
    fn finish(self: Box<Self>) -> io::Result<()>;

    /// Gives it up without a record in it: nothing of it is to be left.
    fn discard(self: Box<Self>);
}

/// A sink can't be opened.
#[derive(Debug)]
pub(super) struct SinkError {
    pub(super) name: String,
    pub(super) error: io::Error,
}
