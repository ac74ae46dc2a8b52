//! Several files as one, in the order in which the requests came.
//!
//! In a file, exchanges stand in the order in which they ended; a heap of some thousand puts them in the order
//! in which they began.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    io, mem,
    path::PathBuf,
};

use super::job::{Job, Maker, Unsent};
use crate::capture::{Reader, Troubles};

/// So many requests of a file are looked at to find the one that came first, and so many bytes of all that are
/// open, but of each not less than the last.
const AHEAD: usize = 4096;
const AHEAD_BYTES: usize = 32 << 20;
const LEAST_BYTES: usize = 1 << 20;
/// So many records of a file are looked at to know when it begins.
const PEEK: usize = 64;

/// Several files, read as one. Only those whose time has come are open, however many there are.
pub(super) struct Merge {
    /// Those whose time has not come, with the time of their first request; the first one is the last.
    waiting: Vec<(u64, PathBuf)>,
    open: Vec<Source>,
    /// Bytes of those that were read to their end, and what was wrong in them.
    read: u64,
    troubles: Vec<Troubles>,
}

/// A file that is open.
struct Source {
    reader: Reader,
    ahead: Ahead,
    ended: bool,
}

/// Jobs in the order of their times, each with a number that keeps those of one time in theirs.
#[derive(Default)]
struct Ahead {
    heap: BinaryHeap<Reverse<(u64, u64, usize)>>,
    slots: Vec<Option<Job>>,
    free: VecDeque<usize>,
    bytes: usize,
    number: u64,
}

/// What was left out on the way, by reason.
pub(super) type LeftOut = [u64; Unsent::ALL.len()];

impl Merge {
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let (mut waiting, mut open) = (Vec::new(), Vec::new());
        for path in files {
            let failed = |error| (path.clone(), error);
            let mut reader = Reader::open(path).map_err(failed)?;
            // What is no file can't be opened again.
            if files.len() == 1 || !path.is_file() {
                open.push(Source::of(reader));
            } else if let Some(first) = first(&mut reader) {
                waiting.push((first, path.clone()));
            } else {
                open.push(Source::of(Reader::open(path).map_err(failed)?));
            }
        }
        // Of two that begin at one time, the one that was named first is first.
        waiting.reverse();
        waiting.sort_by_key(|(first, _)| Reverse(*first));
        Ok(Self {
            waiting,
            open,
            read: 0,
            troubles: Vec::new(),
        })
    }

    /// The next request and its time; only those in `window` are looked at.
    pub(super) fn next(
        &mut self,
        maker: &mut Maker,
        window: (u64, u64),
        left_out: &mut LeftOut,
    ) -> Option<(u64, Job)> {
        let first = self.look_ahead(maker, window, left_out)?;
        self.open[first].ahead.pop()
    }

    /// Reads what it takes to know which request comes next, and returns whose it is.
    pub(super) fn look_ahead(
        &mut self,
        maker: &mut Maker,
        window: (u64, u64),
        left_out: &mut LeftOut,
    ) -> Option<usize> {
        loop {
            let share = (AHEAD_BYTES / self.open.len().max(1)).max(LEAST_BYTES);
            for source in &mut self.open {
                source.fill(share, maker, window, left_out);
            }
            self.close();
            let heads = self.open.iter().enumerate().filter_map(|(index, source)| {
                let Reverse((time, ..)) = source.ahead.heap.peek()?;
                Some((*time, index))
            });
            let earliest = heads.min();
            let due = earliest.map_or(u64::MAX, |(time, _)| time);
            if let Some((_, path)) = self.waiting.pop_if(|(first, _)| *first <= due) {
                self.add(path);
            } else {
                return Some(earliest?.1);
            }
        }
    }

    /// A file whose time has come.
    fn add(&mut self, path: PathBuf) {
        match Reader::open(&path) {
            Ok(reader) => self.open.push(Source::of(reader)),
            Err(error) => {
                let mut troubles = Troubles::of(path);
                troubles.note(0, format!("it can't be opened any more: {error}"));
                self.troubles.push(troubles);
            }
        }
    }

    /// Those that have nothing more.
    fn close(&mut self) {
        let is_done = |source: &Source| source.ended && source.ahead.heap.is_empty();
        if !self.open.iter().any(is_done) {
            return;
        }
        self.open.retain_mut(|source| {
            if is_done(source) {
                self.read += source.reader.stored();
                self.troubles.push(mem::take(source.reader.troubles()));
            }
            !is_done(source)
        });
    }

    /// What was wrong in each file.
    pub(super) fn troubles(&mut self) -> impl Iterator<Item = &mut Troubles> {
        let open = self.open.iter_mut().map(|source| source.reader.troubles());
        self.troubles.iter_mut().chain(open)
    }

    /// Bytes of the files read so far, less what was only looked ahead at.
    pub(super) fn position(&self) -> u64 {
        self.read + self.open.iter().map(Source::position).sum::<u64>()
    }
}

/// When the first request came, as far as the start of a file tells.
fn first(reader: &mut Reader) -> Option<u64> {
    let mut first = None;
    for _ in 0..PEEK {
        if !reader.advance() {
            break;
        }
        let time = reader.record().time;
        first = Some(first.map_or(time, |first: u64| first.min(time)));
    }
    first
}

impl Source {
    fn of(reader: Reader) -> Self {
        Self {
            reader,
            ahead: Ahead::default(),
            ended: false,
        }
    }

    fn position(&self) -> u64 {
        let (stored, offset) = (self.reader.stored(), self.reader.offset().max(1));
        let used = offset.saturating_sub(self.ahead.bytes as u64);
        // Compressed, what was looked ahead at takes its part of what is stored.
        let part = u128::from(stored) * u128::from(used) / u128::from(offset);
        u64::try_from(part).unwrap_or(stored)
    }

    fn fill(
        &mut self,
        share: usize,
        maker: &mut Maker,
        (from, until): (u64, u64),
        left_out: &mut LeftOut,
    ) {
        while !self.ended
            && self.ahead.heap.len() < AHEAD
            && (self.ahead.bytes < share || self.ahead.heap.is_empty())
        {
            if !self.reader.advance() {
                self.ended = true;
                return;
            }
            let record = self.reader.record();
            if record.time < from || record.time >= until {
                continue;
            }
            match maker.make(&record) {
                Ok(job) => self.ahead.push(record.time, job),
                Err(why) => left_out[why as usize] += 1,
            }
        }
    }
}

impl Ahead {
    fn push(&mut self, time: u64, job: Job) {
        self.bytes += job.size();
        let slot = if let Some(slot) = self.free.pop_front() {
            self.slots[slot] = Some(job);
            slot
        } else {
            self.slots.push(Some(job));
            self.slots.len() - 1
        };
        self.heap.push(Reverse((time, self.number, slot)));
        self.number += 1;
    }

    fn pop(&mut self) -> Option<(u64, Job)> {
        let Reverse((time, _, slot)) = self.heap.pop()?;
        let job = self.slots[slot].take()?;
        self.free.push_back(slot);
        self.bytes -= job.size();
        Some((time, job))
    }
}

/// How many bytes the files have, for a progress bar; `None` where one is a pipe.
pub(super) fn total(files: &[PathBuf]) -> Option<u64> {
    let length = |file: &PathBuf| {
        let about = file.metadata().ok()?;
        about.is_file().then_some(about.len())
    };
    files.iter().map(length).sum()
}
