//! Waits for what a process does, on all its descriptors at once.

use std::{
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use smallvec::SmallVec;

use super::{
    super::{child::Child, pending::due, process::Gate},
    Serving,
};

/// How often a process that has not taken anything yet is checked.
const LOOK: Duration = Duration::from_millis(20);

impl Serving<'_> {
    /// Until there is something to do.
    pub(super) fn sleep(&mut self) {
        let now = Instant::now();
        let oldest = self.echoes.pending.oldest();
        let next = [
            oldest.map(|oldest| match self.ready {
                Some(ready) => due(oldest, ready, self.common.settings.timeout.0),
                None => now + LOOK,
            }),
            self.hangs_at,
            self.errors_rest,
        ];
        let next = next.into_iter().flatten().min();
        // A little later than due, so that it is due then.
        let left = next.map(|at| at.saturating_duration_since(now) + Duration::from_millis(1));
        self.poll(Some(self.gate), left);
    }

    /// Waits until the process has ended or has taken everything, and reads what it writes meanwhile.
    pub(super) fn wait(&mut self, until: Instant) -> bool {
        while !self.child.has_ended() {
            if self.child.stdin.is_some() {
                let broken = self.write().is_err();
                if broken || self.out.is_empty() && self.backlog.is_empty() {
                    return true;
                }
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            if self.read() {
                self.child.stdout = None;
            }
            self.read_errors();
            self.poll(None, Some(left.min(LOOK)));
        }
        true
    }

    /// Waits for the process and, where given, for the gate. Which of them is ready does not matter: all are checked then.
    fn poll(&self, gate: Option<&Gate>, left: Option<Duration>) {
        let Child {
            stdin,
            stdout,
            stderr,
            ..
        } = &self.child;
        let stdin = stdin.as_ref().filter(|_| !self.out.is_empty());
        let stderr = stderr.as_ref().filter(|_| self.errors_rest.is_none());
        let readable = [
            gate.map(Gate::descriptor),
            Some(self.child.descriptor()),
            stdout.as_ref().map(AsFd::as_fd),
            stderr.map(AsFd::as_fd),
        ];
        let readable = readable.into_iter().flatten();
        let mut fds: SmallVec<[_; 5]> = readable
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        fds.extend(stdin.map(|stdin| PollFd::new(stdin, PollFlags::OUT)));
        let left = left.and_then(|left| Timespec::try_from(left).ok());
        let _ = poll(&mut fds, left.as_ref());
    }
}
