//! Reads messages one by one. What is no message is skipped up to the next one.

use std::{ops::Range, path::PathBuf};

use memchr::memmem::Finder;

use super::{
    super::{Input, LARGEST_RECORD, Troubles},
    SEPARATOR,
    framing::{self, End},
};
use crate::http::digits;

/// Reads the messages of one file.
pub(super) struct Decoder {
    pub(super) troubles: Troubles,
    separator: Finder<'static>,
    taken: usize,
    current: Message,
}

/// A message in the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) id: Range<usize>,
    pub(super) time: u64,
    pub(super) latency: u64,
    pub(super) payload: Range<usize>,
}

/// The first line is never longer.
const LONGEST_LINE: usize = 256;

impl Decoder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            troubles: Troubles::of(path),
            separator: Finder::new(SEPARATOR),
            taken: 0,
            current: Message::default(),
        }
    }

    pub(super) fn current(&self) -> &Message {
        &self.current
    }

    /// Goes to the next message; false at the end.
    pub(super) fn advance(&mut self, input: &mut Input) -> bool {
        input.skip(std::mem::take(&mut self.taken));
        loop {
            if !input.has(1) {
                self.troubles.note_error(input);
                return false;
            }
            input.has(LONGEST_LINE);
            let Some((message, line)) = first_line(input.bytes()) else {
                self.troubles.note(input.offset(), "no record begins here");
                self.seek(input);
                continue;
            };
            match self.find_end(input, line, message.kind) {
                Found::At(end, next) => {
                    self.current = Message {
                        payload: line..end,
                        ..message
                    };
                    self.taken = next;
                    return true;
                }
                Found::Cut => {
                    self.troubles
                        .note(input.offset(), "the record is not whole");
                    let rest = input.bytes().len();
                    self.troubles.skip(input, rest);
                }
                Found::TooLarge => {
                    self.troubles
                        .note(input.offset(), "a record that is too large to be read");
                    self.seek(input);
                }
            }
        }
    }

    /// Where the payload that begins at `start` ends, and where the next record begins.
    fn find_end(&self, input: &mut Input, start: usize, kind: u8) -> Found {
        // Answers are never sent: their end is the next separator that a record follows.
        let own = if kind == b'1' {
            own_end(input, start)
        } else {
            End::Unknown
        };
        let own = match own {
            End::At(length) => usize::try_from(length).ok().map(|length| start + length),
            End::Needs(_) | End::Unknown => None,
        };
        if let Some(end) = own.filter(|end| end - start <= LARGEST_RECORD) {
            let behind = end + SEPARATOR.len();
            if input.has(behind) {
                if input.bytes()[end..].starts_with(SEPARATOR) {
                    return Found::At(end, behind);
                }
            } else if input.bytes().len() == end {
                return Found::At(end, end);
            }
        }
        let mut from = start;
        loop {
            let found = self.separator.find(&input.bytes()[from..]);
            let Some(end) = found.map(|at| from + at) else {
                if input.bytes().len() - start > LARGEST_RECORD {
                    return Found::TooLarge;
                }
                from = from.max((input.bytes().len() + 1).saturating_sub(SEPARATOR.len()));
                if input.more() {
                    continue;
                }
                // Whatever says that it ends here did so above.
                return if own.is_none() && kind != b'1' {
                    Found::At(input.bytes().len(), input.bytes().len())
                } else {
                    Found::Cut
                };
            };
            let next = end + SEPARATOR.len();
            input.has(next + LONGEST_LINE);
            let rest = &input.bytes()[next..];
            if rest.is_empty() || first_line(rest).is_some() {
                return Found::At(end, next);
            }
            // A separator that no record follows may be one of the body; or the record behind it is damaged.
            if own.is_none_or(|own| own <= end) {
                return Found::At(end, next);
            }
            from = next;
        }
    }

    /// Goes behind the next separator that a record follows.
    fn seek(&mut self, input: &mut Input) {
        let mut behind = 1;
        loop {
            let found = self
                .separator
                .find(&input.bytes()[behind.min(input.bytes().len())..]);
            if let Some(at) = found {
                let next = behind + at + SEPARATOR.len();
                self.troubles.skip(input, next);
                input.has(LONGEST_LINE);
                if input.bytes().is_empty() || first_line(input.bytes()).is_some() {
                    return;
                }
                behind = 0;
                continue;
            }
            let length = (input.bytes().len() + 1)
                .saturating_sub(SEPARATOR.len())
                .max(1);
            self.troubles.skip(input, length.min(input.bytes().len()));
            behind = 0;
            if !input.has(SEPARATOR.len()) {
                let rest = input.bytes().len();
                return self.troubles.skip(input, rest);
            }
        }
    }
}

enum Found {
    At(usize, usize),
    Cut,
    TooLarge,
}

/// Where the request that begins at `start` of the window ends by its own framing, from there on.
fn own_end(input: &mut Input, start: usize) -> End {
    loop {
        match framing::end(&input.bytes()[start..]) {
            End::Needs(length) if length <= LARGEST_RECORD && input.has(start + length) => {}
            end => return end,
        }
    }
}

/// The line that every record begins with, and where it ends.
fn first_line(bytes: &[u8]) -> Option<(Message, usize)> {
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(LONGEST_LINE)])?;
    let mut words = bytes[..end].split(|byte| *byte == b' ');
    let kind = match words.next()? {
        [kind @ b'1'..=b'3'] => *kind,
        _ => return None,
    };
    let id = words.next()?;
    if id.is_empty() || !id.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let time = digits(words.next()?)?;
    let latency = match words.next() {
        None | Some(b"-1") => 0,
        Some(latency) => digits(latency)?,
    };
    let message = Message {
        kind,
        id: 2..2 + id.len(),
        time,
        latency,
        payload: 0..0,
    };
    words.next().is_none().then_some((message, end + 1))
}

/// The kind of a message and its id, of the line that it begins with, and where that line ends.
pub(crate) fn message_line(bytes: &[u8]) -> Option<((u8, &[u8]), usize)> {
    let (message, end) = first_line(bytes)?;
    Some(((message.kind, &bytes[message.id]), end))
}
