//! Capture files as the description of `.gor` has them, written and read without the program under test.

use std::fs;
use std::path::{Path, PathBuf};

use super::tee::shadowtee;

/// What stands between two messages.
pub(crate) const SEPARATOR: &str = "\n\u{1f435}\u{1f648}\u{1f649}\n";

/// A message in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    /// 1 a request, 2 its answer.
    pub(crate) kind: u8,
    pub(crate) id: String,
    pub(crate) time: u64,
    pub(crate) message: Vec<u8>,
}

impl Stored {
    pub(crate) fn text(&self) -> String {
        super::latin1(&self.message)
    }
}

/// The record of a request that came so many milliseconds after the first.
pub(crate) fn gor_request(number: usize, after: u64, message: impl AsRef<[u8]>) -> Vec<u8> {
    record(1, number, after, message)
}

/// The record of its answer.
pub(crate) fn gor_answer(number: usize, after: u64, message: impl AsRef<[u8]>) -> Vec<u8> {
    record(2, number, after, message)
}

fn record(kind: u8, number: usize, after: u64, message: impl AsRef<[u8]>) -> Vec<u8> {
    let time = 1_700_000_000_000_000_000 + after * 1_000_000;
    let mut record = format!("{kind} {number:024x} {time} 1000\n").into_bytes();
    record.extend_from_slice(message.as_ref());
    record.extend_from_slice(SEPARATOR.as_bytes());
    record
}

/// All messages of a native or `.gor` file, by way of `shadowtee convert`.
#[track_caller]
pub(crate) fn stored(file: &Path) -> Vec<Stored> {
    let dir = tempfile::tempdir().unwrap();
    let gor = dir.path().join("converted.gor");
    let output = shadowtee(&["convert", file.to_str().unwrap(), gor.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    messages(&fs::read(gor).unwrap())
}

fn messages(mut bytes: &[u8]) -> Vec<Stored> {
    let mut messages = Vec::new();
    let separator = SEPARATOR.as_bytes();
    while !bytes.is_empty() {
        let end = bytes
            .windows(separator.len())
            .position(|window| window == separator)
            .expect("a separator");
        let line = bytes.iter().position(|byte| *byte == b'\n').unwrap();
        let words = String::from_utf8(bytes[..line].to_vec()).unwrap();
        let words: Vec<_> = words.split(' ').collect();
        messages.push(Stored {
            kind: words[0].parse().unwrap(),
            id: words[1].to_owned(),
            time: words[2].parse().unwrap(),
            message: bytes[line + 1..end].to_vec(),
        });
        bytes = &bytes[end + separator.len()..];
    }
    messages
}

/// The files of a folder whose names have this ending, the oldest name first.
pub(crate) fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .collect();
    files.sort();
    files
}
