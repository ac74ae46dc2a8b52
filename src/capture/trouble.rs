//! What is wrong in a file: reported by offset, counted, and skipped.

use std::{fmt, path::PathBuf};

use super::Input;

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) file: PathBuf,
    /// Of the file as it was before it was compressed.
    pub(crate) offset: u64,
    pub(crate) what: String,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, offset, what } = self;
        write!(f, "{}, at byte {offset}: {what}", file.display())
    }
}

/// What was wrong in one file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubles {
    file: PathBuf,
    /// How often something was wrong.
    pub(crate) count: u64,
    /// Bytes that were skipped for it.
    pub(crate) skipped: u64,
    /// Not taken yet.
    unreported: Vec<Trouble>,
}

/// The number that are reported in full; further ones are only counted.
const REPORTED: u64 = 20;

impl Troubles {
    pub(crate) fn of(file: PathBuf) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, offset: u64, what: impl Into<String>) {
        self.count += 1;
        if self.count <= REPORTED {
            self.unreported.push(Trouble {
                file: self.file.clone(),
                offset,
                what: what.into(),
            });
        }
    }

    /// Tells something of the file that is no damage.
    pub(super) fn remark(&mut self, offset: u64, what: &str) {
        self.unreported.push(Trouble {
            file: self.file.clone(),
            offset,
            what: what.into(),
        });
    }

    /// Notes an error that ended the input before its end, and returns whether there was one.
    pub(super) fn note_error(&mut self, input: &mut Input) -> bool {
        let error = input.take_error();
        if let Some(error) = &error {
            let what = format!("it can't be read further: {error}");
            self.note(input.offset(), what);
        }
        error.is_some()
    }

    /// Skips bytes of the window that are no record.
    pub(super) fn skip(&mut self, input: &mut Input, length: usize) {
        self.skipped += length as u64;
        input.skip(length);
    }

    /// Those that were not taken before.
    pub(crate) fn take(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.unreported)
    }
}
