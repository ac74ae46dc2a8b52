//! Loads a configuration: everything is read, and every mistake in it reported.

use std::path::PathBuf;

use super::{
    Config, Wrong,
    merge::{COMMAND_LINE, Flags, Merged},
    reader::Reader,
};

/// Where a configuration comes from, kept so that a reload can read it again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) file: Option<PathBuf>,
    pub(crate) flags: Flags,
}

impl Sources {
    /// Where most settings come from, for messages.
    pub(crate) fn place(&self) -> String {
        match &self.file {
            Some(file) => file.display().to_string(),
            None => COMMAND_LINE.into(),
        }
    }

    /// Reads and validates everything.
    ///
    /// # Errors
    /// All mistakes at once; nothing is half applied.
    pub(crate) fn load(&self) -> Result<Config, Wrong> {
        let merged = Merged::read(self.file.as_ref(), &self.flags);
        let merged = merged.map_err(|mistake| vec![mistake])?;
        Config::merged(&merged, self.place())
    }
}

impl Config {
    /// Of a file's text alone.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_text(text: &str) -> Result<Self, Wrong> {
        Self::merged(&Merged::of_text(text), "text".into())
    }

    fn merged(merged: &Merged, home: String) -> Result<Self, Wrong> {
        let dict = merged.data(&home)?;
        let reader = Reader::new(merged, home);
        let config = Self::read(reader.top(dict));
        let mistakes = reader.into_mistakes();
        let parts = match config {
            Ok(config) if mistakes.is_empty() => return Ok(config),
            Ok(config) => Box::new(config.parts()),
            Err(parts) => parts,
        };
        Err(Wrong { mistakes, parts })
    }
}
