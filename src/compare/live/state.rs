//! What one comparison keeps on disk: what was learned, and whole messages of examples. Whatever goes wrong with it is told
//! once, and nothing waits for it.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::file::{load, replace, set_aside, take};
use crate::compare::comparer::Comparer;

/// The files of one shadow's comparison.
pub(super) struct StateFiles {
    shadow: String,
    learned: PathBuf,
    examples: PathBuf,
    /// Held while this process is the one that writes them.
    lock: Option<File>,
    /// Why nothing could be saved when it was tried last.
    trouble: Option<String>,
    /// What is to be told once the program runs: before that there is no log.
    untold: Vec<Unusable>,
    has_log: bool,
}

/// A file that could not be used.
struct Unusable {
    file: PathBuf,
    error: String,
    kept_as: Option<PathBuf>,
}

impl StateFiles {
    /// `learned`: where what was learned is kept.
    pub(super) fn new(shadow: &str, learned: PathBuf) -> Self {
        Self {
            shadow: shadow.to_owned(),
            examples: learned.with_extension("examples"),
            learned,
            lock: None,
            trouble: None,
            untold: Vec::new(),
            has_log: false,
        }
    }

    /// Takes up what an earlier run saved. What can't be used is moved out of the way.
    pub(super) fn restore(&mut self, comparer: &mut Comparer, keeps_examples: bool) {
        self.has_lock();
        let learned = self.learned.clone();
        self.restore_one(&learned, |bytes| {
            comparer.restore(bytes).map_err(|error| error.to_string())
        });
        if !keeps_examples {
            return self.remove_examples();
        }
        let examples = self.examples.clone();
        self.restore_one(&examples, |bytes| {
            let damaged = || "damaged, or of another version".to_owned();
            comparer
                .restore_messages(bytes)
                .then_some(())
                .ok_or_else(damaged)
        });
    }

    fn restore_one(&mut self, path: &Path, mut restore: impl FnMut(&[u8]) -> Result<(), String>) {
        let error = match load(path) {
            Ok(None) => return,
            Ok(Some(bytes)) => match restore(&bytes) {
                Ok(()) => return,
                Err(error) => error,
            },
            Err(error) => error.to_string(),
        };
        let kept_as = match &self.lock {
            Some(_) => set_aside(path).ok(),
            None => None,
        };
        self.untold.push(Unusable {
            file: path.to_owned(),
            error,
            kept_as,
        });
    }

    /// The program runs: tells what was wrong until now, and from now on at once.
    pub(super) fn tell_troubles(&mut self) {
        for Unusable {
            file,
            error,
            kept_as,
        } in std::mem::take(&mut self.untold)
        {
            tracing::warn!(
                shadow = self.shadow, file = %file.display(), error,
                kept_as = kept_as.map(|path| path.display().to_string()),
                "what was learned of this shadow's responses can't be used; learning begins anew"
            );
        }
        if !self.has_log {
            self.has_log = true;
            if let Some(error) = self.trouble.take() {
                self.tell(&error);
            }
        }
    }

    /// Removes whole messages, where there are some.
    pub(super) fn remove_examples(&self) {
        match fs::remove_file(&self.examples) {
            Ok(()) => tracing::info!(
                shadow = self.shadow, file = %self.examples.display(),
                "whole examples are removed"
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::warn!(
                shadow = self.shadow, file = %self.examples.display(), %error,
                "whole examples can't be removed"
            ),
        }
    }

    /// Whether this process may write the files.
    fn has_lock(&mut self) -> bool {
        if self.lock.is_some() {
            return true;
        }
        match take(&self.learned) {
            Ok(Some(lock)) => self.lock = Some(lock),
            Ok(None) => self
                .tell("another process keeps its state there; it is saved when that one has ended"),
            Err(error) => self.tell(&error.to_string()),
        }
        self.lock.is_some()
    }

    /// Saves what was learned, and messages where they changed; false where not all of it was saved.
    pub(super) fn save(&mut self, learned: &[u8], messages: Option<&[u8]>) -> bool {
        if !self.has_lock() {
            return false;
        }
        let mut saved = replace(&self.learned, learned);
        if let (Ok(()), Some(messages)) = (&saved, messages) {
            saved = replace(&self.examples, messages);
        }
        match saved {
            Ok(()) => {
                if self.trouble.take().is_some() {
                    tracing::info!(shadow = self.shadow, "what was learned is saved again");
                }
                true
            }
            Err(error) => {
                self.tell(&error.to_string());
                false
            }
        }
    }

    /// Tells of a trouble, unless it was told already.
    fn tell(&mut self, error: &str) {
        if self.trouble.as_deref() == Some(error) {
            return;
        }
        if self.has_log {
            tracing::warn!(
                shadow = self.shadow, file = %self.learned.display(), error,
                "what was learned of this shadow's responses can't be saved"
            );
        }
        self.trouble = Some(error.to_owned());
    }
}
