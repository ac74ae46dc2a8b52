//! The files of a capture: one after the other, each with a name that no file has, all together within a limit.

use std::{io, time::SystemTime};

use super::{
    file::{CaptureFile, Created},
    prune::prune,
    sink::{Destination, Sink, SinkError},
};
use crate::config::{self, FilePattern};

/// The files of a capture.
pub(super) struct Files {
    pattern: FilePattern,
    /// Who writes, as it stands in file names.
    instance: String,
    /// Counts the files.
    number: u64,
    /// Bytes of all files together, but for the one that is written.
    limit: Option<u64>,
}

/// How many names are tried until one is free.
const ATTEMPTS: u32 = 10_000;

impl Files {
    pub(super) fn new(settings: &config::Capture, instance: &str) -> Self {
        Self {
            pattern: settings.file.clone(),
            instance: instance.into(),
            number: 0,
            // The one that is written may become as large as one may be.
            limit: settings
                .total_bytes
                .map(|limit| limit.0.saturating_sub(settings.rotate_bytes.0)),
        }
    }
}

impl Destination for Files {
    fn open(&mut self, about: &serde_json::Value) -> Result<Box<dyn Sink>, SinkError> {
        self.number += 1;
        let mut attempt = 0;
        let file = loop {
            let (now, number) = (SystemTime::now(), self.number);
            let path = self.pattern.name(now, &self.instance, number, attempt);
            match CaptureFile::create(&path, self.pattern.format, about) {
                Ok(file) => break file,
                Err(Created::Exists) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => {
                    return Err(SinkError {
                        name: path.display().to_string(),
                        error: error.into(),
                    });
                }
            }
        };
        if let Some(limit) = self.limit {
            tell(prune(&self.pattern, limit, &file.path));
        }
        Ok(Box::new(file))
    }
}

fn tell(pruned: io::Result<u64>) {
    match pruned {
        Ok(0) => {}
        Ok(files) => tracing::info!(files, "removed the oldest files of the capture"),
        Err(error) => tracing::warn!(%error, "old files of the capture can't be removed"),
    }
}
