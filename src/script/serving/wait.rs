//! Waits for what a process does, on all its descriptors at once.

use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{
    super::{child::Child, pending::due},
    Serving,
};

/// How often a process is looked at that has not taken anything yet.
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
        let Child {
            stdin,
            stdout,
            stderr,
            ..
        } = &self.child;
        let mut fds = Vec::with_capacity(5);
        fds.push(PollFd::from_borrowed_fd(
            self.gate.descriptor(),
            PollFlags::IN,
        ));
        fds.push(PollFd::from_borrowed_fd(
            self.child.descriptor(),
            PollFlags::IN,
        ));
        if let Some(stdin) = stdin.as_ref().filter(|_| !self.out.is_empty()) {
            fds.push(PollFd::new(stdin, PollFlags::OUT));
        }
        if let Some(stdout) = stdout {
            fds.push(PollFd::new(stdout, PollFlags::IN));
        }
        if let Some(stderr) = stderr.as_ref().filter(|_| self.errors_rest.is_none()) {
            fds.push(PollFd::new(stderr, PollFlags::IN));
        }
        // Whatever wakes it, it looks at everything.
        let _ = poll(&mut fds, left.map(timespec).as_ref());
    }

    /// Waits for its end, or until it has all that waits for it, and reads meanwhile what it writes.
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
            let Child {
                stdin,
                stdout,
                stderr,
                ..
            } = &self.child;
            let mut fds = Vec::with_capacity(4);
            fds.push(PollFd::from_borrowed_fd(
                self.child.descriptor(),
                PollFlags::IN,
            ));
            fds.extend(
                stdin
                    .as_ref()
                    .map(|stdin| PollFd::new(stdin, PollFlags::OUT)),
            );
            fds.extend(stdout.as_ref().map(|out| PollFd::new(out, PollFlags::IN)));
            let stderr = stderr.as_ref().filter(|_| self.errors_rest.is_none());
            fds.extend(stderr.map(|err| PollFd::new(err, PollFlags::IN)));
            let _ = poll(&mut fds, Some(&timespec(left.min(LOOK))));
        }
        true
    }
}

/// A time for poll(2).
pub(in crate::script) fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(time.subsec_nanos()),
    }
}
