//! The files of a capture: one after the other, each with a name that no file has, all together within a limit.

use std::{io, time::SystemTime};

use serde_json::json;

use super::{
    super::CaptureError,
    About, Destination, Sink,
    file::{CaptureFile, Rotation},
    prune::prune,
};
use crate::config::{self, FilePattern};

/// The files of a capture.
pub(super) struct Files {
    pattern: FilePattern,
    rotation: Rotation,
    /// Counts the files.
    number: u64,
    /// Bytes of all files together, but for the one that is written.
    limit: Option<u64>,
}

/// How many names are tried until one is free.
const ATTEMPTS: u32 = 10_000;

impl Files {
    pub(super) fn new(settings: &config::Capture) -> Self {
        Self {
            pattern: settings.file.clone(),
            rotation: Rotation {
                bytes: settings.rotate_bytes.0,
                age: settings.rotate_after.0,
            },
            number: 0,
            // The one that is written may become as large as one may be.
            limit: settings
                .total_bytes
                .map(|limit| limit.0.saturating_sub(settings.rotate_bytes.0)),
        }
    }
}

impl Destination for Files {
    fn open(&mut self, about: &About) -> Result<Box<dyn Sink>, CaptureError> {
        self.number += 1;
        let mut attempt = 0;
        let file = loop {
            let (now, number) = (SystemTime::now(), self.number);
            let path = self.pattern.name(now, &about.instance, number, attempt);
            match CaptureFile::create(&path, self.pattern.format, &json!(about)) {
                Ok(file) => break file,
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && attempt < ATTEMPTS =>
                {
                    attempt += 1;
                }
                Err(error) => {
                    return Err(CaptureError(path.display().to_string(), error));
                }
            }
        };
        if let Some(limit) = self.limit {
            tell(prune(&self.pattern, limit, &file.path));
        }
        Ok(Box::new(file.rotating(self.rotation)))
    }
}

fn tell(pruned: io::Result<u64>) {
    match pruned {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed the oldest files of the capture"),
        Err(error) => tracing::warn!(%error, "old files of the capture can't be removed"),
    }
}
