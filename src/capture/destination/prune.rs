//! Keeps all files of a capture together within a limit: the oldest go.

use std::{fs, io, path::Path};

use crate::config::FilePattern;

/// Removes the oldest files of a capture until all together have at most `limit` bytes; the `current` one stays.
/// Returns how many went.
pub(super) fn prune(pattern: &FilePattern, limit: u64, current: &Path) -> io::Result<u64> {
    let (mut files, is_one) = (Vec::new(), pattern.matcher());
    for entry in fs::read_dir(pattern.folder())? {
        let entry = entry?;
        // Another process may have removed it just now.
        if entry.file_name().to_str().is_some_and(&is_one)
            && let Ok(about) = entry.metadata()
            && about.is_file()
        {
            files.push((about.modified()?, entry.file_name(), about.len()));
        }
    }
    files.sort();
    let mut total: u64 = files.iter().map(|file| file.2).sum();
    let mut removed = 0;
    for (_, name, length) in files {
        if total <= limit {
            break;
        }
        if current.file_name() != Some(&name) {
            fs::remove_file(pattern.folder().join(name))?;
            total -= length;
            removed += 1;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn the_oldest_go_and_no_other_file_does() {
        let dir = tempfile::tempdir().unwrap();
        let pattern = FilePattern::parse(&dir.path().join("c-{n}.tee")).unwrap();
        let file = |name: &str, age: u64| {
            let path = dir.path().join(name);
            fs::write(&path, [0; 100]).unwrap();
            let time = SystemTime::now() - Duration::from_secs(age);
            let file = fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(time).unwrap();
            path
        };
        let (old, middle) = (file("c-1.tee", 30), file("c-2.tee", 20));
        let (new, other) = (file("c-3.tee", 10), file("mine.tee", 90));
        assert_eq!(prune(&pattern, 200, &new).unwrap(), 1);
        let left = [&old, &middle, &new, &other].map(|path| path.exists());
        assert_eq!(left, [false, true, true, true]);
        assert_eq!(prune(&pattern, 0, &new).unwrap(), 1);
        assert!(new.exists());
    }
}
