//! What was learned, in a file: private, and replaced whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A larger file is not one that was saved here.
const LARGEST: u64 = 256 << 20;

/// Where the state of one shadow's comparison is kept.
pub(crate) fn state_file(folder: &Path, shadow: &str) -> PathBuf {
    folder.join(format!("{shadow}.compare"))
}

/// Reads what was saved; `None` where nothing was.
///
/// # Errors
/// Where the file is there and can't be read, or is too large.
pub(super) fn load(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(Some(bytes))
}

/// Puts a file with these bytes in place of what was there. Whoever reads finds the old one or the new one.
///
/// # Errors
/// Where it can't be written; what was there stays.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    // What is left of an attempt that was broken off.
    let _ = fs::remove_file(&beside);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn what_is_saved_is_private_and_replaces_what_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = state_file(folder.path(), "next");
        assert!(load(&path).unwrap().is_none());
        for text in ["one", "two"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(load(&path).unwrap().unwrap(), text.as_bytes());
        }
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(path.with_extension("new"), "broken off").unwrap();
        replace(&path, b"three").unwrap();
        assert_eq!(load(&path).unwrap().unwrap(), b"three");
    }
}
