//! Writes records in either format, into memory: where they go is a destination's business.

use serde_json::Value;

use super::{
    Format, Record,
    gor::{self, Unwritable},
    native,
};

/// What the bytes of a file, or of any other stream of records, are made by.
pub(crate) enum Encoder {
    Native(native::Encoder),
    Gor,
}

impl Encoder {
    /// Begins a stream, whose head says `about`, where its format has one.
    pub(crate) fn begin(format: Format, about: &Value, out: &mut Vec<u8>) -> Self {
        match format {
            Format::Native => Self::Native(native::Encoder::begin(out, about)),
            Format::Gor => Self::Gor,
        }
    }

    /// Writes a record.
    ///
    /// # Errors
    /// Where the format can't say it; nothing is written then.
    pub(crate) fn write(&self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        match self {
            Self::Native(encoder) => encoder.write(record, out),
            Self::Gor => gor::write(record, out)?,
        }
        Ok(())
    }
}
