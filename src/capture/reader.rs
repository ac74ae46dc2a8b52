//! Reads a file of either format; its first bytes say which it is.

use std::{io, path::Path};

use super::{Input, Record, Troubles, gor, native};

/// A file of records, read one by one.
pub(crate) struct Reader {
    input: Input,
    decoder: Decoder,
}

enum Decoder {
    Native(native::Decoder),
    Gor(Box<gor::Joiner>),
}

impl Reader {
    /// Opens a file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self::new(path, Input::open(path)?))
    }

    pub(super) fn new(path: &Path, mut input: Input) -> Self {
        input.has(native::MAGIC.len());
        let is_named_so =
            super::Format::of(path).is_some_and(|(format, _)| format == super::Format::Gor);
        // A native file whose beginning is damaged still has its name.
        let is_gor = is_named_so || matches!(input.bytes(), [b'1'..=b'3', b' ', ..]);
        let is_native = input.bytes().starts_with(native::MAGIC);
        let decoder = if is_gor && !is_native {
            Decoder::Gor(Box::new(gor::Joiner::new(path.into())))
        } else {
            Decoder::Native(native::Decoder::new(path.into()))
        };
        Self { input, decoder }
    }

    /// Goes to the next record; false at the end. What is damaged is skipped and noted.
    pub(crate) fn advance(&mut self) -> bool {
        match &mut self.decoder {
            Decoder::Native(decoder) => decoder.advance(&mut self.input),
            Decoder::Gor(joiner) => joiner.advance(&mut self.input),
        }
    }

    /// The record that [`Reader::advance`] went to.
    pub(crate) fn record(&self) -> Record<'_> {
        match &self.decoder {
            Decoder::Native(decoder) => decoder.record(&self.input),
            Decoder::Gor(joiner) => joiner.record(),
        }
    }

    /// Where in the file it is, in bytes as they were before compression.
    pub(crate) fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// Bytes read so far of the file as it is stored, which may be compressed.
    pub(crate) fn stored(&self) -> u64 {
        self.input.stored()
    }

    pub(crate) fn troubles(&mut self) -> &mut Troubles {
        match &mut self.decoder {
            Decoder::Native(decoder) => decoder.troubles(),
            Decoder::Gor(joiner) => joiner.troubles(),
        }
    }
}
