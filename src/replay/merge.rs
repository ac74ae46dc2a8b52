//! Several files as one, in the order in which the requests came.
//!
//! In a file, exchanges stand in the order in which they ended; a few thousand are read ahead to put them in the order in
//! which they began.

use std::{cmp::Reverse, collections::BTreeMap, io, mem, ops::Range, path::PathBuf};

use super::job::{Job, Maker, Unsent};
use crate::capture::{Reader, Troubles};

/// Limits of what is read ahead to find the request that came first: requests of one file, bytes of all open files, and
/// bytes that each open file may have in any case.
const AHEAD: usize = 4096;
const AHEAD_BYTES: usize = 32 << 20;
const LEAST_BYTES: usize = 1 << 20;
/// The number of records that are read to know when a file begins.
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

/// Jobs by their times, each with a number that keeps those of the same time in order.
#[derive(Default)]
struct Ahead {
    jobs: BTreeMap<(u64, u64), Job>,
    bytes: usize,
    number: u64,
}

/// Makes jobs of records, and counts those left out.
pub(super) struct Intake {
    pub(super) maker: Maker,
    /// Only what was captured in this time is looked at.
    pub(super) window: Range<u64>,
    pub(super) left_out: LeftOut,
}

/// The number of records left out, by reason.
pub(super) type LeftOut = [u64; Unsent::ALL.len()];

impl Merge {
    pub(super) fn open(files: &[PathBuf]) -> Result<Self, (PathBuf, io::Error)> {
        let (mut waiting, mut open) = (Vec::new(), Vec::new());
        for path in files {
            let failed = |error| (path.clone(), error);
            let mut reader = Reader::open(path).map_err(failed)?;
            // What is not a file can't be opened again.
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

    /// The next request and its time.
    pub(super) fn next(&mut self, intake: &mut Intake) -> Option<(u64, Job)> {
        let first = self.look_ahead(intake)?;
        self.open[first].ahead.pop()
    }

    /// Reads what it takes to know which request comes next, and returns the index of its file.
    pub(super) fn look_ahead(&mut self, intake: &mut Intake) -> Option<usize> {
        loop {
            let share = (AHEAD_BYTES / self.open.len().max(1)).max(LEAST_BYTES);
            for source in &mut self.open {
                source.fill(share, intake);
            }
            self.close();
            let heads = self.open.iter().enumerate().filter_map(|(index, source)| {
                let ((time, _), _) = source.ahead.jobs.first_key_value()?;
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
        let is_done = |source: &Source| source.ended && source.ahead.jobs.is_empty();
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

    fn fill(&mut self, share: usize, intake: &mut Intake) {
        while !self.ended
            && self.ahead.jobs.len() < AHEAD
            && (self.ahead.bytes < share || self.ahead.jobs.is_empty())
        {
            if !self.reader.advance() {
                self.ended = true;
                return;
            }
            let record = self.reader.record();
            if !intake.window.contains(&record.time) {
                continue;
            }
            match intake.maker.make(&record) {
                Ok(job) => self.ahead.push(record.time, job),
                Err(why) => intake.left_out[why as usize] += 1,
            }
        }
    }
}

impl Ahead {
    fn push(&mut self, time: u64, job: Job) {
        self.bytes += job.size();
        self.jobs.insert((time, self.number), job);
        self.number += 1;
    }

    fn pop(&mut self) -> Option<(u64, Job)> {
        let ((time, _), job) = self.jobs.pop_first()?;
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
