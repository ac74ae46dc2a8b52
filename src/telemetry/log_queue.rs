//! What is logged on its way to a writer that may be slow: a queue that is bounded in bytes, and a thread that empties it.

use std::{
    cell::Cell,
    collections::VecDeque,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tracing_subscriber::fmt::MakeWriter;

/// Bytes of lines that wait. A burst fits, and a reader that is gone costs no more.
const LIMIT: usize = 4 * 1024 * 1024;
/// How long the end waits for the last lines to be taken.
const LAST: Duration = Duration::from_secs(1);

/// Lines that were left out, of the whole process.
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// It is the thread that writes: what it says itself is about the log.
    static TELLS: Cell<bool> = const { Cell::new(false) };
}

/// How many lines were left out since the start.
pub(crate) fn left_out() -> u64 {
    LEFT_OUT.load(Relaxed)
}

/// Takes lines, and never waits for their writer.
#[derive(Clone)]
pub(super) struct LogQueue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: VecDeque<Vec<u8>>,
    /// Of those, and of the one that is being written.
    bytes: usize,
    is_ended: bool,
    is_written: bool,
}

/// Keeps the thread; dropped, it waits for the last lines, but not for ever.
pub(crate) struct LogGuard(LogQueue);

impl LogQueue {
    /// Starts the thread, which calls `tell` with how many lines were left out once it writes again.
    pub(super) fn start(
        into: impl Write + Send + 'static,
        tell: fn(u64),
    ) -> io::Result<(Self, LogGuard)> {
        let queue = Self(Arc::default());
        let (its, guard) = (queue.clone(), LogGuard(queue.clone()));
        let told = left_out();
        let run = move || its.empty(into, tell, told);
        thread::Builder::new().name("log".into()).spawn(run)?;
        Ok((queue, guard))
    }

    fn push(&self, line: &[u8]) {
        let mut waiting = self.0.waiting.lock();
        // What tells of lines that were left out is never one of them.
        if waiting.bytes + line.len() > LIMIT && !TELLS.get() {
            LEFT_OUT.fetch_add(1, Relaxed);
            return;
        }
        waiting.bytes += line.len();
        waiting.lines.push_back(line.to_vec());
        drop(waiting);
        self.0.changed.notify_all();
    }

    /// `told`: the number of lines left out that were reported already.
    fn empty(&self, mut into: impl Write, tell: fn(u64), mut told: u64) {
        TELLS.set(true);
        let mut tell_rest = || {
            let rest = left_out() - told;
            told += rest;
            if rest > 0 {
                tell(rest);
            }
            rest > 0
        };
        loop {
            while let Some(line) = self.next() {
                // There is nowhere to report a log that can't be written.
                let _ = into.write_all(&line);
                let mut waiting = self.0.waiting.lock();
                waiting.bytes -= line.len();
                let flows = waiting.bytes < LIMIT / 2;
                drop(waiting);
                // Otherwise it would be reported with every line while more is left out.
                if flows {
                    tell_rest();
                }
            }
            if !tell_rest() {
                break;
            }
        }
        self.0.waiting.lock().is_written = true;
        self.0.changed.notify_all();
    }

    /// The next line; `None` at the end.
    fn next(&self) -> Option<Vec<u8>> {
        let mut waiting = self.0.waiting.lock();
        loop {
            if let Some(line) = waiting.lines.pop_front() {
                return Some(line);
            }
            if waiting.is_ended {
                return None;
            }
            self.0.changed.wait(&mut waiting);
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let Shared { waiting, changed } = &*self.0.0;
        let mut waiting = waiting.lock();
        waiting.is_ended = true;
        changed.notify_all();
        // Lines that are left after that are lost.
        changed.wait_while_for(&mut waiting, |waiting| !waiting.is_written, LAST);
    }
}

impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for LogQueue {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes a line whenever it is told to.
    struct Slow(mpsc::Receiver<()>, mpsc::Sender<Vec<u8>>);

    impl Write for Slow {
        fn write(&mut self, line: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            self.1.send(line.to_vec()).map_err(io::Error::other)?;
            Ok(line.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_writer_that_takes_nothing_costs_no_more_than_the_limit_and_is_told_what_it_missed() {
        static TOLD: AtomicU64 = AtomicU64::new(0);
        let ((go, gate), (written, lines)) = (mpsc::channel(), mpsc::channel());
        let (mut queue, guard) = LogQueue::start(Slow(gate, written), |lines| {
            TOLD.fetch_add(lines, Relaxed);
        })
        .unwrap();
        let line = vec![b'x'; LIMIT / 10];
        for _ in 0..30 {
            queue.write_all(&line).unwrap();
        }
        assert!(queue.0.waiting.lock().bytes <= LIMIT);
        for _ in 0..10 {
            go.send(()).unwrap();
            assert_eq!(lines.recv().unwrap().len(), line.len());
        }
        drop(guard);
        assert_eq!(TOLD.load(Relaxed), 20);
        assert_eq!(queue.0.waiting.lock().bytes, 0);
    }
}
