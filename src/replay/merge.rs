//! Several files as one, in the order in which the requests came.
//!
//! In a file, exchanges stand in the order in which they ended; a heap of some thousand puts them in the order
//! in which they began.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
    io,
    path::{Path, PathBuf},
};

use super::job::{Job, Maker, Unsent};
use crate::capture::{Reader, Troubles};

/// So many requests are looked at to find the one that came first, and so many bytes of them.
const AHEAD: usize = 4096;
const AHEAD_BYTES: usize = 32 << 20;

/// Several files, read as one.
pub(super) struct Merge {
    files: Vec<Source>,
}

/// One file.
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
    /// # Errors
    /// Where a file can't be opened.
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let open = |path: &PathBuf| {
            let reader = Reader::open(path).map_err(|error| (path.clone(), error))?;
            Ok(Source {
                reader,
                ahead: Ahead::default(),
                ended: false,
            })
        };
        let files = files.iter().map(open).collect::<Result<_, _>>()?;
        Ok(Self { files })
    }

    /// The next request and its time; only those in `window` are looked at.
    pub(super) fn next(
        &mut self,
        maker: &mut Maker,
        window: (u64, u64),
        left_out: &mut LeftOut,
    ) -> Option<(u64, Job)> {
        for source in &mut self.files {
            source.fill(maker, window, left_out);
        }
        let first = self
            .files
            .iter_mut()
            .filter(|source| !source.ahead.heap.is_empty());
        let first = first
            .min_by_key(|source| source.ahead.heap.peek().map_or(u64::MAX, |first| first.0.0))?;
        first.ahead.pop()
    }

    /// What was wrong in each file.
    pub(super) fn troubles(&mut self) -> impl Iterator<Item = &mut Troubles> {
        self.files.iter_mut().map(|source| source.reader.troubles())
    }

    /// Bytes read so far, as they were before compression, less what was only looked ahead at.
    pub(super) fn position(&self) -> u64 {
        let of = |source: &Source| {
            let ahead = source.ahead.bytes as u64;
            source.reader.offset().saturating_sub(ahead)
        };
        self.files.iter().map(of).sum()
    }
}

impl Source {
    fn fill(&mut self, maker: &mut Maker, (from, until): (u64, u64), left_out: &mut LeftOut) {
        while !self.ended && self.ahead.heap.len() < AHEAD && self.ahead.bytes < AHEAD_BYTES {
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

/// How many bytes the files have, for a progress bar; compressed ones tell less than they hold.
pub(super) fn total(files: &[PathBuf]) -> Option<u64> {
    let is_plain = |file: &Path| {
        file.extension()
            .is_some_and(|ending| ending == "tee" || ending == "gor")
    };
    let lengths = files
        .iter()
        .map(|file| is_plain(file).then(|| file.metadata().ok())?);
    lengths.map(|about| about.map(|about| about.len())).sum()
}
