//! What is wrong in a file: told by offset, counted, and skipped.

use std::{fmt, path::PathBuf};

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
    untold: Vec<Trouble>,
}

/// So many are told in full; the others are counted.
const TOLD: u64 = 20;

impl Troubles {
    pub(crate) fn of(file: PathBuf) -> Self {
        Self {
            file,
            ..Self::default()
        }
    }

    pub(crate) fn note(&mut self, offset: u64, what: impl Into<String>) {
        self.count += 1;
        if self.count <= TOLD {
            self.untold.push(Trouble {
                file: self.file.clone(),
                offset,
                what: what.into(),
            });
        }
    }

    /// Those that nobody was told yet.
    pub(crate) fn take(&mut self) -> Vec<Trouble> {
        std::mem::take(&mut self.untold)
    }
}
