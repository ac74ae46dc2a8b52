//! Reads messages one by one. What is no message is skipped up to the next one.

use std::{ops::Range, path::PathBuf};

use super::{
    super::{Input, LARGEST_RECORD, Troubles},
    SEPARATOR,
    framing::{self, End},
};
use crate::http::digits;

/// Reads the messages of one file.
pub(super) struct Decoder {
    pub(super) troubles: Troubles,
    /// Bytes of the window that the current message takes; what stands behind it is looked at next.
    taken: usize,
    /// Something was wrong here, and no message came since.
    lost: bool,
    /// An editor gave it Windows line ends.
    is_windows: bool,
    current: Message,
}

/// A message in the window.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) kind: u8,
    pub(super) id: Range<usize>,
    pub(super) time: u64,
    pub(super) payload: Range<usize>,
}

/// The first line is never longer.
const LONGEST_LINE: usize = 256;
/// What is looked at to tell whether a message begins: its line, and the start of its payload.
pub(crate) const BEGINNING: usize = LONGEST_LINE + 32;

impl Decoder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            troubles: Troubles::of(path),
            taken: 0,
            lost: false,
            is_windows: false,
            current: Message::default(),
        }
    }

    pub(super) fn current(&self) -> &Message {
        &self.current
    }

    /// Goes to the next message; false at the end. Every byte is one of a message, of a separator, or reported.
    pub(super) fn advance(&mut self, input: &mut Input) -> bool {
        input.skip(std::mem::take(&mut self.taken));
        loop {
            let is_separated = separators(input) || input.offset() == 0;
            if !input.has(1) {
                self.troubles.note_error(input);
                return false;
            }
            input.has(BEGINNING);
            let begun = first_line(input.bytes());
            let Some((message, line)) = begun.filter(|_| is_separated || begins(input.bytes()))
            else {
                let what = if is_separated {
                    "no record begins here"
                } else {
                    "bytes between the end of a message and the separator"
                };
                self.trouble(input, what);
                self.seek(input);
                continue;
            };
            if !is_separated {
                self.trouble(input, "no separator stands before this record");
            }
            self.look_at_line_end(input, line);
            match self.find_end(input, line, message.kind) {
                Found::At(end) => {
                    self.current = Message {
                        payload: line..end,
                        ..message
                    };
                    self.taken = end;
                    self.lost = false;
                    return true;
                }
                Found::Cut => {
                    self.trouble(input, "the record is not whole");
                    let rest = input.bytes().len();
                    self.troubles.skip(input, rest);
                }
                Found::TooLarge => {
                    self.trouble(input, "a record that is too large to be read");
                    self.seek(input);
                }
            }
        }
    }

    /// Notes what is wrong here, once for all that is wrong up to the next message.
    fn trouble(&mut self, input: &Input, what: &str) {
        if !self.lost {
            self.troubles.note(input.offset(), what);
        }
        self.lost = true;
    }

    fn look_at_line_end(&mut self, input: &Input, line: usize) {
        if !self.is_windows && input.bytes()[..line].ends_with(b"\r\n") {
            self.is_windows = true;
            self.troubles.remark(
                input.offset(),
                "lines end as on Windows: they are read, but a body that was changed so is longer than it was",
            );
        }
    }

    /// Where the payload that begins at `start` ends.
    fn find_end(&self, input: &mut Input, start: usize, kind: u8) -> Found {
        let is_request = kind == b'1';
        let own = own_end(input, start, is_request).filter(|end| end - start <= LARGEST_RECORD);
        if let Some(end) = own
            && (input.has(end + BEGINNING) || input.bytes().len() >= end)
        {
            let rest = &input.bytes()[end..];
            if rest.is_empty() || separator(rest).is_some() || begins(rest) {
                return Found::At(end);
            }
        }
        // Answers may be without the body that they announce; only a request's own end is relied on.
        let own = own.filter(|_| is_request);
        let mut from = start;
        loop {
            let Some(end) = self.boundary(input, from, start) else {
                let length = input.bytes().len();
                return match own {
                    _ if length - start > LARGEST_RECORD => Found::TooLarge,
                    Some(own) if own <= length => Found::At(own),
                    None if !is_request => Found::At(length),
                    _ => Found::Cut,
                };
            };
            match own {
                Some(own) if own <= end => return Found::At(own),
                None => return Found::At(end),
                // A separator that no record follows may be one of the body.
                Some(_) if is_followed(input, end) => return Found::At(end),
                Some(_) => from = end + 2,
            }
        }
    }

    /// Where the next separator or record begins; `None` where there is none up to the end, or too far from `start`.
    fn boundary(&self, input: &mut Input, mut from: usize, start: usize) -> Option<usize> {
        let mut is_all = false;
        loop {
            match self.look(input.bytes(), from, is_all) {
                Ok(place) => return Some(place),
                Err(next) => from = next,
            }
            if is_all || input.bytes().len() - start > LARGEST_RECORD {
                return None;
            }
            is_all = !input.more();
        }
    }

    /// A place where a separator or record begins, or up to where there is none. The last bytes decide only where
    /// they are those of the file.
    fn look(&self, bytes: &[u8], from: usize, is_all: bool) -> Result<usize, usize> {
        let kept = if is_all { 0 } else { BEGINNING };
        let sure = bytes.len().saturating_sub(kept).max(from);
        let newlines = memchr::memchr_iter(b'\n', bytes.get(from..sure).unwrap_or_default());
        let mut places = newlines.filter_map(|at| self.boundary_at(bytes, from + at));
        places.next().ok_or(sure)
    }

    /// The separator or record that begins with, or behind, the newline at `at`.
    fn boundary_at(&self, bytes: &[u8], at: usize) -> Option<usize> {
        let behind = &bytes[at + 1..];
        match behind.first()? {
            0xf0 if self.is_windows && separator(behind).is_some() => {
                let has_return = at > 0 && bytes[at - 1] == b'\r';
                Some(at - usize::from(has_return))
            }
            0xf0 => separator(behind)
                .is_some_and(|length| !behind[..length].ends_with(b"\r\n"))
                .then_some(at),
            b'1'..=b'3' => begins(behind).then_some(at + 1),
            _ => None,
        }
    }

    /// Skips at least a byte, up to the next separator or to what is surely a record.
    fn seek(&mut self, input: &mut Input) {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        if input.offset() == 0 && input.bytes().starts_with(MARK) {
            // What follows the mark is at the start of the file.
            self.troubles.skip(input, MARK.len());
            if begins(input.bytes()) || separator(input.bytes()).is_some() {
                return;
            }
        }
        let mut is_all = false;
        loop {
            match self.look(input.bytes(), 0, is_all) {
                Ok(place) => return self.troubles.skip(input, place),
                Err(sure) => self.troubles.skip(input, sure),
            }
            if is_all {
                return;
            }
            is_all = !input.more();
        }
    }
}

enum Found {
    At(usize),
    Cut,
    TooLarge,
}

/// Skips separators, however many; whether there was one.
fn separators(input: &mut Input) -> bool {
    let mut any = false;
    loop {
        input.has(SEPARATOR.len() + 2);
        let Some(length) = separator(input.bytes()) else {
            return any;
        };
        input.skip(length);
        any = true;
    }
}

/// The length of a separator at the start of `bytes`. Whoever deletes records by hand leaves it without its first newline.
pub(super) fn separator(bytes: &[u8]) -> Option<usize> {
    let line = SEPARATOR.trim_ascii();
    let start = match bytes {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        _ => 0,
    };
    let rest = bytes[start..].strip_prefix(line)?;
    let end = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\n', ..] => 1,
        [] => 0,
        _ => return None,
    };
    Some(start + line.len() + end)
}

/// Whether the file ends behind what stands at `end`, or a record follows.
fn is_followed(input: &mut Input, mut end: usize) -> bool {
    // More separators than this in a row are no body's.
    for _ in 0..16 {
        input.has(end + BEGINNING);
        let rest = &input.bytes()[end..];
        if rest.is_empty() || first_line(rest).is_some() {
            return true;
        }
        match separator(rest) {
            Some(length) => end += length,
            None => return false,
        }
    }
    true
}

/// Where the message that begins at `start` of the window ends by its own framing.
fn own_end(input: &mut Input, start: usize, is_request: bool) -> Option<usize> {
    loop {
        match framing::end(&input.bytes()[start..], is_request) {
            End::Needs(length) if length <= LARGEST_RECORD => {
                // By doubling, so that what is looked at again and again is not the most of it.
                let twice = (2 * input.bytes().len()).min(LARGEST_RECORD);
                if !input.has((start + length).max(twice)) && !input.has(start + length) {
                    return None;
                }
            }
            End::At(length) => return start.checked_add(usize::try_from(length).ok()?),
            End::Needs(_) | End::Unknown => return None,
        }
    }
}

/// Whether a message begins here beyond doubt, so that no separator has to stand before it.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let Some((message, line)) = first_line(bytes) else {
        return false;
    };
    let payload = &bytes[line..];
    let is_message = if message.kind == b'1' {
        let method = payload.iter().take_while(|byte| byte.is_ascii_uppercase());
        let length = method.count();
        length > 1 && payload.get(length) == Some(&b' ')
    } else {
        payload.starts_with(b"HTTP/")
    };
    is_message && message.id.len() >= 16
}

/// The line that every record begins with, and where it ends.
fn first_line(bytes: &[u8]) -> Option<(Message, usize)> {
    let end = memchr::memchr(b'\n', &bytes[..bytes.len().min(LONGEST_LINE)])?;
    let text = &bytes[..end];
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    let mut words = text.split(|byte| *byte == b' ');
    let kind = match words.next()? {
        [kind @ b'1'..=b'3'] => *kind,
        _ => return None,
    };
    let id = words.next()?;
    if id.is_empty() || !id.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let time = digits(words.next()?)?;
    // How long the message took by itself, which nothing here asks for.
    if let Some(latency) = words.next().filter(|latency| *latency != b"-1") {
        digits(latency)?;
    }
    let message = Message {
        kind,
        id: 2..2 + id.len(),
        time,
        payload: 0..0,
    };
    words.next().is_none().then_some((message, end + 1))
}

/// The kind of a message and its id, of the line that it begins with, and where that line ends.
pub(crate) fn message_line(bytes: &[u8]) -> Option<((u8, &[u8]), usize)> {
    let (message, end) = first_line(bytes)?;
    Some(((message.kind, &bytes[message.id]), end))
}
