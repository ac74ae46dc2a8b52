//! How a test tells a scripted server, or is told by it, that it may go on.

use std::sync::{Arc, Condvar, Mutex};

use super::PATIENCE;

/// Lets through as many as it was opened for.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<usize>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        self.open_for(1);
    }

    pub(crate) fn open_for(&self, many: usize) {
        let mut free = self.0.0.lock().unwrap();
        *free = free.saturating_add(many);
        self.0.1.notify_all();
    }

    #[track_caller]
    pub(crate) fn pass(&self) {
        let free = self.0.0.lock().unwrap();
        let (mut free, late) = self
            .0
            .1
            .wait_timeout_while(free, PATIENCE, |free| *free == 0)
            .unwrap();
        assert!(!late.timed_out(), "nobody opened the gate");
        *free -= 1;
    }
}
