//! What is logged on its way to a writer that may be slow: a queue that is bounded in bytes, and a thread that empties it.

use std::{
    cell::Cell,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

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

struct Shared {
    /// `None` is the end of them.
    lines: Sender<Option<Vec<u8>>>,
    /// Of the lines that wait, and of the one that is being written.
    bytes: AtomicUsize,
}

/// Keeps the thread; dropped, it waits for the last lines, but not for ever.
pub(crate) struct LogGuard {
    queue: LogQueue,
    written: Receiver<()>,
}

impl LogQueue {
    /// Starts the thread, which calls `tell` with how many lines were left out once it writes again.
    pub(super) fn start(
        into: impl Write + Send + 'static,
        tell: fn(u64),
    ) -> io::Result<(Self, LogGuard)> {
        let ((lines, inbox), (done, written)) = (channel(), channel());
        let bytes = AtomicUsize::new(0);
        let queue = Self(Arc::new(Shared { lines, bytes }));
        let (its, told) = (queue.clone(), left_out());
        thread::Builder::new().name("log".into()).spawn(move || {
            its.empty(&inbox, into, tell, told);
            let _ = done.send(());
        })?;
        Ok((queue.clone(), LogGuard { queue, written }))
    }

    fn push(&self, line: &[u8]) {
        let Shared { lines, bytes } = &*self.0;
        let waiting = bytes.fetch_add(line.len(), Relaxed) + line.len();
        // What tells of lines that were left out is never one of them.
        if waiting > LIMIT && !TELLS.get() {
            bytes.fetch_sub(line.len(), Relaxed);
            LEFT_OUT.fetch_add(1, Relaxed);
            return;
        }
        // After the end there is nobody who takes it.
        let _ = lines.send(Some(line.to_vec()));
    }

    /// `told`: the number of lines left out that were reported already.
    fn empty(
        &self,
        inbox: &Receiver<Option<Vec<u8>>>,
        mut into: impl Write,
        tell: fn(u64),
        mut told: u64,
    ) {
        TELLS.set(true);
        let mut tell_rest = || {
            let rest = left_out() - told;
            told += rest;
            if rest > 0 {
                tell(rest);
            }
            rest > 0
        };
        let mut is_ended = false;
        loop {
            let next = if is_ended {
                inbox.try_recv().ok()
            } else {
                inbox.recv().ok()
            };
            match next {
                Some(Some(line)) => {
                    // There is nowhere to report a log that can't be written.
                    let _ = into.write_all(&line);
                    let waited = self.0.bytes.fetch_sub(line.len(), Relaxed);
                    // Otherwise it would be reported with every line while more is left out.
                    if waited - line.len() < LIMIT / 2 {
                        tell_rest();
                    }
                }
                Some(None) => is_ended = true,
                None if tell_rest() => {}
                None => return,
            }
        }
    }
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let _ = self.queue.0.lines.send(None);
        // Lines that are left after that are lost.
        let _ = self.written.recv_timeout(LAST);
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
        assert!(queue.0.bytes.load(Relaxed) <= LIMIT);
        for _ in 0..10 {
            go.send(()).unwrap();
            assert_eq!(lines.recv().unwrap().len(), line.len());
        }
        drop(guard);
        assert_eq!(TOLD.load(Relaxed), 20);
        assert_eq!(queue.0.bytes.load(Relaxed), 0);
    }
}
