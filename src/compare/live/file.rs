//! Files of what was learned: private, replaced whole, and of one process at a time.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A larger file is not one that was saved here.
const LARGEST: u64 = 320 << 20;
/// Only its owner reads it.
const PRIVATE: u32 = 0o600;

/// Where the state of one shadow's comparison is kept.
pub(crate) fn state_file(folder: &Path, shadow: &str) -> PathBuf {
    folder.join(format!("{shadow}.compare"))
}

/// Reads what was saved; `None` where nothing was.
///
/// # Errors
/// Where the file is there and can't be read, or is too large.
pub(crate) fn load(path: &Path) -> io::Result<Option<Vec<u8>>> {
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

/// Puts a private file with these bytes in place of what was there. Whoever reads finds the old one or the new one.
///
/// # Errors
/// Where it can't be written; what was there stays.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    replace_with(path, bytes, PRIVATE)
}

/// As [`replace`], of a file of the user's: who may read it stays, and so does a link to it.
///
/// # Errors
/// Where it can't be written; what was there stays.
pub(crate) fn replace_users(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let mode = fs::metadata(&path).map_or(0o644, |known| known.permissions().mode() & 0o777);
    replace_with(&path, bytes, mode)
}

fn replace_with(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let beside = beside(path, "new");
    // What is left of an attempt that was broken off.
    let _ = fs::remove_file(&beside);
    let written = write(&beside, bytes, mode).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(PRIVATE)
        .open(path)?;
    file.write_all(bytes)?;
    if mode != PRIVATE {
        file.set_permissions(fs::Permissions::from_mode(mode))?;
    }
    file.sync_all()
}

/// Moves a file that can't be used out of the way, and gives where it is then.
///
/// # Errors
/// Where it can't be moved.
pub(crate) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let aside = beside(path, "unusable");
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Takes a file for this process alone, as long as what is returned lives. `None`: another one has it.
///
/// # Errors
/// Where the lock can't be made.
pub(super) fn take(path: &Path) -> io::Result<Option<File>> {
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(PRIVATE)
        .open(beside(path, "lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The same name with something behind it.
fn beside(path: &Path, what: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(what);
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, symlink};

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
        fs::write(beside(&path, "new"), "broken off").unwrap();
        replace(&path, b"three").unwrap();
        assert_eq!(load(&path).unwrap().unwrap(), b"three");
    }

    #[test]
    fn a_file_of_the_users_keeps_its_readers_and_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a.toml"), folder.path().join("b.toml"));
        // What has a similar name is somebody else's.
        let other = folder.path().join("a.new");
        fs::write(&other, "mine").unwrap();
        fs::write(&path, "one").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        symlink(&path, &link).unwrap();
        replace_users(&link, b"two").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&other).unwrap(), "mine");
    }

    #[test]
    fn a_file_that_can_not_be_written_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("next.compare");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"one").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn one_process_has_a_file_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = state_file(folder.path(), "next");
        let lock = take(&path).unwrap().unwrap();
        assert!(take(&path).unwrap().is_none());
        drop(lock);
        assert!(take(&path).unwrap().is_some());
    }
}
