//! The names of capture files: a pattern with time, instance and number.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
    time::SystemTime,
};

use regex::Regex;
use serde_with::SerializeDisplay;

use super::{Compression, Format};

/// How the files of a capture are called.
#[derive(Clone, Debug, SerializeDisplay, PartialEq, Eq)]
pub(crate) struct FilePattern {
    folder: PathBuf,
    parts: Vec<Part>,
    /// What is behind them, from the format's ending on.
    ending: String,
    pub(crate) format: (Format, Compression),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// `20261124T144725Z`.
    Time,
    /// Eight hex digits.
    Instance,
    Number,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPattern {
    #[error("names no file")]
    NoFile,
    #[error("has to end in {}", super::file_format::ENDINGS)]
    Ending,
    #[error("has {{{0}}} in its name, but {{time}}, {{instance}} and {{n}} are what there is")]
    Unknown(String),
    #[error(
        "has %{0} in its name, which would stand there as it is; {{time}} is the time of a file, as in app-{{time}}.tee.zst"
    )]
    Strftime(char),
    #[error("has {{…}} in the name of a folder; only the file's own name may have them")]
    Folder,
}

impl FilePattern {
    pub(crate) fn parse(path: &Path) -> Result<Self, BadPattern> {
        let name = path.file_name().and_then(OsStr::to_str);
        let name = name.ok_or(BadPattern::NoFile)?;
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        if folder.to_string_lossy().contains('{') {
            return Err(BadPattern::Folder);
        }
        if let Some(letter) = strftime(&path.to_string_lossy()) {
            return Err(BadPattern::Strftime(letter));
        }
        let format = Format::of(path).ok_or(BadPattern::Ending)?;
        let (plain, _) = Compression::strip(name);
        let stem = plain.rsplit_once('.').map_or(plain, |(stem, _)| stem);
        let (mut parts, mut rest) = (Vec::new(), stem);
        while let Some((text, after)) = rest.split_once('{') {
            if !text.is_empty() {
                parts.push(Part::Text(text.into()));
            }
            let (word, after) = after.split_once('}').unwrap_or((after, ""));
            parts.push(match word {
                "time" => Part::Time,
                "instance" => Part::Instance,
                "n" => Part::Number,
                unknown => return Err(BadPattern::Unknown(unknown.into())),
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        if parts.is_empty() {
            return Err(BadPattern::NoFile);
        }
        Ok(Self {
            folder,
            parts,
            ending: name[stem.len()..].into(),
            format,
        })
    }

    /// The name of a file; `attempt` sets it apart from those that exist.
    pub(crate) fn name(
        &self,
        time: SystemTime,
        instance: &str,
        number: u64,
        attempt: u32,
    ) -> PathBuf {
        let mut name = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => name.push_str(text),
                Part::Time => name.push_str(&stamp(time)),
                Part::Instance => name.push_str(instance),
                Part::Number => name.push_str(&number.to_string()),
            }
        }
        if attempt > 0 {
            name.push('-');
            name.push_str(&attempt.to_string());
        }
        name.push_str(&self.ending);
        self.folder.join(name)
    }

    /// Whether a file of this name may be one of this capture's.
    pub(crate) fn matcher(&self) -> impl Fn(&str) -> bool + use<> {
        let mut regex = String::from("^");
        for part in &self.parts {
            match part {
                Part::Text(text) => regex.push_str(&regex::escape(text)),
                Part::Time => regex.push_str("[0-9]{8}T[0-9]{6}Z"),
                Part::Instance => regex.push_str("[0-9a-fA-F]{8}"),
                Part::Number => regex.push_str("[0-9]+"),
            }
        }
        regex.push_str("(-[0-9]+)?");
        regex.push_str(&regex::escape(&self.ending));
        regex.push('$');
        // Texts are escaped; compiling fails only where they are too long for any file's name.
        let regex = Regex::new(&regex).ok();
        move |name| regex.as_ref().is_some_and(|regex| regex.is_match(name))
    }

    /// The folder that the files are in.
    pub(crate) fn folder(&self) -> &Path {
        if self.folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            &self.folder
        }
    }
}

impl fmt::Display for FilePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut name = String::new();
        for part in &self.parts {
            name.push_str(match part {
                Part::Text(text) => text,
                Part::Time => "{time}",
                Part::Instance => "{instance}",
                Part::Number => "{n}",
            });
        }
        write!(f, "{}", self.folder.join(name + &self.ending).display())
    }
}

/// The letter of a first `%Y`, `%m` and the like, which other tools replace by a part of the time.
fn strftime(path: &str) -> Option<char> {
    let mut after = path.split('%').skip(1);
    after.find_map(|after| after.chars().next().filter(char::is_ascii_alphabetic))
}

/// A time in UTC, without what file systems dislike.
fn stamp(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace(['-', ':'], "")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn pattern(text: &str) -> Result<FilePattern, BadPattern> {
        FilePattern::parse(Path::new(text))
    }

    #[test]
    fn a_name_is_made_of_its_pattern_and_known_again() {
        let pattern = pattern("/var/c/app-{time}-{instance}-{n}.tee.zst").unwrap();
        let time = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        for (attempt, expected) in [
            (0, "app-20231114T221320Z-0123abcd-7.tee.zst"),
            (3, "app-20231114T221320Z-0123abcd-7-3.tee.zst"),
        ] {
            let name = pattern.name(time, "0123abcd", 7, attempt);
            assert_eq!(name, Path::new("/var/c").join(expected));
            assert!(pattern.matcher()(expected));
        }
        for other in [
            "app-20231114T221320Z-0123abcd-7.tee",
            "app-x-0123abcd-7.tee.zst",
            "app-20231114T221320Z-0123abcd-7-.tee.zst",
        ] {
            assert!(!pattern.matcher()(other), "{other}");
        }
        assert_eq!(
            pattern.to_string(),
            "/var/c/app-{time}-{instance}-{n}.tee.zst"
        );
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        assert_eq!(pattern("/a/b.txt"), Err(BadPattern::Ending));
        assert_eq!(
            pattern("/a/b-{day}.tee"),
            Err(BadPattern::Unknown("day".into()))
        );
        let strftime = pattern("/a/b-%Y-%m-%d.tee");
        assert_eq!(strftime, Err(BadPattern::Strftime('Y')));
        assert_eq!(pattern("/a-{time}/b.tee"), Err(BadPattern::Folder));
        assert_eq!(pattern("/a/.tee"), Err(BadPattern::NoFile));
        assert_eq!(pattern("/"), Err(BadPattern::NoFile));
    }
}
