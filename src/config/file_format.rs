//! Which format and which compression a file has, as its name says.

use std::path::Path;

/// What is in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Native,
    /// `GoReplay`'s.
    Gor,
}

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Gzip,
    Zstd,
}

/// The endings that a name may have.
pub(crate) const ENDINGS: &str = ".tee or .gor, and behind it .gz or .zst to compress it";

impl Format {
    /// What a file of this name is to hold; `None` where the name does not say.
    pub(crate) fn of(path: &Path) -> Option<(Self, Compression)> {
        let name = path.file_name()?.to_str()?;
        let (name, compression) = Compression::strip(name);
        match name.rsplit_once('.')?.1 {
            "tee" => Some((Self::Native, compression)),
            "gor" => Some((Self::Gor, compression)),
            _ => None,
        }
    }
}

impl Compression {
    /// The name without the ending that says how it is compressed.
    pub(crate) fn strip(name: &str) -> (&str, Self) {
        for (ending, compression) in [(".gz", Self::Gzip), (".zst", Self::Zstd)] {
            if let Some(name) = name.strip_suffix(ending) {
                return (name, compression);
            }
        }
        (name, Self::None)
    }
}
