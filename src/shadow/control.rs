//! What can be changed of a shadow while it runs, and what was.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed},
    time::SystemTime,
};

use parking_lot::Mutex;

use crate::config::Percent;

/// The switches of one shadow, read by all workers without locks.
#[derive(Debug)]
pub(crate) struct Control {
    paused: AtomicBool,
    /// In millionths.
    sample: AtomicU32,
    changes: Mutex<VecDeque<Change>>,
}

/// Something that was changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) at: SystemTime,
    pub(crate) what: String,
}

/// How many changes are remembered.
const REMEMBERED: usize = 32;

impl Control {
    pub(super) fn new(sample: Percent) -> Self {
        Self {
            paused: AtomicBool::new(false),
            sample: AtomicU32::new(sample.millionths()),
            changes: Mutex::default(),
        }
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Relaxed)
    }

    /// The share of requests that is copied.
    pub(crate) fn sample(&self) -> Percent {
        Percent::of_millionths(self.sample.load(Relaxed))
    }

    /// Pauses or resumes; returns what changed, if anything did.
    pub(crate) fn pause(&self, paused: bool) -> Option<String> {
        let mut changes = self.changes.lock();
        let was = self.paused.swap(paused, Relaxed);
        let what = if paused { "paused" } else { "resumed" };
        (was != paused).then(|| Self::remember(&mut changes, what.into()))
    }

    /// Sets the share; returns what changed, if anything did.
    pub(crate) fn set_sample(&self, sample: Percent) -> Option<String> {
        let mut changes = self.changes.lock();
        let was = Percent::of_millionths(self.sample.swap(sample.millionths(), Relaxed));
        let what = format!("sample {was} -> {sample}");
        (was != sample).then(|| Self::remember(&mut changes, what))
    }

    fn remember(changes: &mut VecDeque<Change>, what: String) -> String {
        if changes.len() == REMEMBERED {
            changes.pop_front();
        }
        changes.push_back(Change {
            at: SystemTime::now(),
            what: what.clone(),
        });
        what
    }

    /// What was changed, the last one last.
    pub(crate) fn history(&self) -> Vec<Change> {
        self.changes.lock().iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_is_remembered_and_not_for_ever() {
        let control = Control::new(Percent::ALL);
        assert_eq!(control.pause(true).as_deref(), Some("paused"));
        assert_eq!(control.pause(true), None);
        let half = "50%".parse().unwrap();
        let changed = control.set_sample(half);
        assert_eq!(changed.as_deref(), Some("sample 100% -> 50%"));
        assert_eq!((control.is_paused(), control.sample()), (true, half));
        assert_eq!(control.history().len(), 2);
        for n in 0..100 {
            control.pause(n % 2 == 0);
        }
        assert_eq!(control.history().len(), REMEMBERED);
    }
}
