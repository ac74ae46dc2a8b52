//! Splits what a process writes into lines. What is no line within the limit is never kept.

use std::sync::Arc;

use crate::tee::{Budget, Held};

/// A line that is not whole yet.
pub(super) struct Lines {
    start: Vec<u8>,
    limit: usize,
    /// The rest of a line that was too long is passed over.
    skips: bool,
    budget: Arc<Budget>,
    held: Option<Held>,
}

/// A line, or the start of one that was too long.
pub(super) enum Line<'a> {
    Whole(&'a [u8]),
    TooLong(&'a [u8]),
}

/// The length up to which a line is not counted in the budget: each process has that.
const FREE: usize = 64 * 1024;

impl Lines {
    pub(super) fn new(limit: usize, budget: &Arc<Budget>) -> Self {
        Self {
            start: Vec::new(),
            limit,
            skips: false,
            budget: Arc::clone(budget),
            held: None,
        }
    }

    /// Passes on each line that ends in what came.
    pub(super) fn take(&mut self, mut came: &[u8], mut each: impl FnMut(Line<'_>)) {
        while let Some(end) = memchr::memchr(b'\n', came) {
            let line = &came[..end];
            came = &came[end + 1..];
            if std::mem::take(&mut self.skips) {
                continue;
            }
            if self.start.is_empty() && line.len() <= self.limit {
                each(Line::Whole(line));
            } else if self.keep(line, &mut each) {
                each(Line::Whole(&self.start));
            } else {
                self.skips = false;
            }
            self.clear();
        }
        if !came.is_empty() && !self.skips {
            self.keep(came, &mut each);
        }
    }

    /// Adds to the line; false where it is too long now, which is reported to `each`.
    fn keep(&mut self, part: &[u8], each: &mut impl FnMut(Line<'_>)) -> bool {
        let length = self.start.len() + part.len();
        let fits = length <= self.limit && (length <= FREE || self.hold(length));
        if !fits {
            let start = if self.start.is_empty() {
                part
            } else {
                &self.start
            };
            each(Line::TooLong(start));
            self.clear();
            self.skips = true;
            return false;
        }
        self.start.extend_from_slice(part);
        true
    }

    fn hold(&mut self, length: usize) -> bool {
        match &self.held {
            Some(held) if held.bytes() >= length => true,
            // Twice as much each time: as memory grows.
            Some(held) => held.grow(held.bytes()),
            None => {
                self.held = self.budget.hold(2 * length);
                self.held.is_some()
            }
        }
    }

    fn clear(&mut self) {
        if self.start.capacity() > FREE {
            self.start = Vec::new();
        }
        self.start.clear();
        self.held = None;
    }

    /// What was written behind the last line's end.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(limit: usize, came: &[&str]) -> Vec<String> {
        let (mut lines, mut taken) = (Lines::new(limit, &Budget::new(1 << 20)), Vec::new());
        for came in came {
            lines.take(came.as_bytes(), |line| {
                taken.push(match line {
                    Line::Whole(line) => String::from_utf8_lossy(line).into_owned(),
                    Line::TooLong(start) => format!("{}…", String::from_utf8_lossy(start)),
                });
            });
        }
        taken
    }

    #[test]
    fn lines_are_whole_however_they_come() {
        assert_eq!(taken(9, &["a\n\nb", "c\n", "d"]), ["a", "", "bc"]);
        assert_eq!(taken(9, &["a", "b", "c", "\nd\n"]), ["abc", "d"]);
    }

    #[test]
    fn a_line_that_is_too_long_is_told_once_and_passed_over() {
        assert_eq!(taken(3, &["abcd\ne\n"]), ["abcd…", "e"]);
        assert_eq!(taken(3, &["ab", "cd", "ef", "gh\ni\n"]), ["ab…", "i"]);
        assert_eq!(taken(3, &["ab", "cd\ni\n"]), ["ab…", "i"]);
    }

    #[test]
    fn half_a_line_is_kept_within_the_budget() {
        let budget = Budget::new(300_000);
        let (mut lines, mut long) = (Lines::new(1 << 30, &budget), 0);
        for _ in 0..100 {
            lines.take(&[b'0'; 10_000], |line| {
                long += u32::from(matches!(line, Line::TooLong(_)));
            });
        }
        assert_eq!((long, budget.used()), (1, 0));
        assert!(budget.peak() >= 100_000);
    }
}
