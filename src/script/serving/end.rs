//! The end of a process: of one that ended, and of one that is to.

use std::{
    process::ExitStatus,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{End, Serving, say};
use crate::script::{lines::Line, pending::Pending};

impl Serving<'_> {
    /// Ends what is left of it, once all that it wrote is read.
    ///
    /// Returns how it ended, where it did by itself.
    pub(in crate::script) fn bury(&mut self, end: End) -> Option<ExitStatus> {
        if end == End::Closed {
            self.child.stdin = None;
            // Most that close their output are about to end.
            self.wait(Instant::now() + Duration::from_secs(1));
        }
        let by_itself = self.child.has_ended();
        let status = self.child.bury().filter(|_| by_itself);
        if matches!(end, End::Exited | End::Closed) {
            self.read();
        }
        self.read_errors();
        let rest = self.errors.rest();
        if !rest.is_empty() {
            say(self.common, &Line::Whole(&rest));
        }
        status
    }

    /// Ends it in order: it gets what waits, its input ends, then it is asked to, then it has to.
    pub(in crate::script) fn stop(&mut self) {
        let (now, limit) = (Instant::now(), self.common.settings.stop_timeout.0);
        self.wait(now + limit / 4);
        self.child.stdin = None;
        if !self.wait(now + limit / 2) {
            self.child.signal(Signal::TERM);
            self.wait(now + limit);
        }
        self.bury(End::Asked);
        self.echoes.pending = Pending::default();
        self.show();
    }
}
