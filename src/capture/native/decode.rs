//! Reads the native format. What is damaged is skipped up to the next record that is whole.

use std::{ops::Range, path::PathBuf};

use crc32c::crc32c;

use super::{
    super::{Answered, Input, LARGEST_RECORD, Record, Troubles},
    HEADER, Kind, MAGIC, MARKER, part,
};

/// Reads the records of one file.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// The id that every record of this file bears, once it is known.
    file: Option<[u8; 4]>,
    troubles: Troubles,
    /// Something was wrong here, and no good record came since.
    lost: bool,
    /// How much of the window the current record takes.
    taken: usize,
    current: Parts,
}

/// Where the parts of a record stand in the window.
#[derive(Clone, Debug, Default)]
struct Parts {
    time: u64,
    id: Range<usize>,
    client: Range<usize>,
    request: Range<usize>,
    status: Option<u16>,
    after: u64,
    answer: Range<usize>,
    cut: bool,
}

/// A record's header, whose own checksum is right.
#[derive(Clone, Copy, Debug)]
struct Header {
    file: [u8; 4],
    kind: u8,
    length: usize,
    sum: u32,
}

impl Header {
    fn parse(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER] = bytes.first_chunk()?;
        let word = |at: usize| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
        let number = |at| u32::from_le_bytes(word(at));
        if word(0) != MARKER || number(20) != crc32c(&bytes[..20]) {
            return None;
        }
        Some(Self {
            file: word(4),
            kind: bytes[8],
            length: number(12) as usize,
            sum: number(16),
        })
    }
}

impl Decoder {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            file: None,
            troubles: Troubles::of(path),
            lost: false,
            taken: 0,
            current: Parts::default(),
        }
    }

    pub(crate) fn troubles(&mut self) -> &mut Troubles {
        &mut self.troubles
    }

    /// Goes to the next record; false at the end.
    pub(crate) fn advance(&mut self, input: &mut Input) -> bool {
        input.skip(std::mem::take(&mut self.taken));
        loop {
            if !input.has(HEADER) {
                self.end(input);
                return false;
            }
            if input.bytes().starts_with(MAGIC) {
                input.skip(MAGIC.len());
                self.file = None;
                continue;
            }
            let Some(header) = self.header(input.bytes()) else {
                self.trouble(input, "no record begins here");
                Self::seek(input, &mut self.troubles);
                continue;
            };
            if header.length > LARGEST_RECORD {
                let what = format!("a record of {} bytes, too large to be read", header.length);
                self.trouble(input, what);
                self.troubles.skipped += (HEADER + header.length) as u64;
                if !input.skip_far((HEADER + header.length) as u64) {
                    return false;
                }
                self.lost = false;
                continue;
            }
            let whole = HEADER + header.length;
            if !input.has(whole) {
                self.trouble(input, "the record is not whole");
                Self::seek(input, &mut self.troubles);
                continue;
            }
            if crc32c(&input.bytes()[HEADER..whole]) != header.sum {
                self.trouble(input, "the record's checksum is wrong");
                // Where the next record follows, only bytes of this one are wrong, and none is missing.
                let followed = input.has(whole + HEADER)
                    && self.header(&input.bytes()[whole..]).is_some()
                    || input.bytes().len() == whole;
                if followed {
                    self.troubles.skip(input, whole);
                    self.lost = false;
                } else {
                    Self::seek(input, &mut self.troubles);
                }
                continue;
            }
            self.file = Some(header.file);
            self.lost = false;
            let exchange = header.kind == Kind::Exchange as u8;
            match parts(input.bytes(), HEADER..whole) {
                Some(parts) if exchange => {
                    self.current = parts;
                    self.taken = whole;
                    return true;
                }
                None if exchange => {
                    self.trouble(input, "the record has no request");
                    self.lost = false;
                }
                // What a later version may write.
                _ => {}
            }
            input.skip(whole);
        }
    }

    /// The record that [`Decoder::advance`] went to.
    pub(crate) fn record<'a>(&self, input: &'a Input) -> Record<'a> {
        let (parts, bytes) = (&self.current, input.bytes());
        Record {
            time: parts.time,
            id: &bytes[parts.id.clone()],
            client: &bytes[parts.client.clone()],
            request: &bytes[parts.request.clone()],
            answer: parts.status.map(|status| Answered {
                status,
                after: parts.after,
                message: &bytes[parts.answer.clone()],
                cut: parts.cut,
            }),
        }
    }

    /// A header at the start of `bytes` that is one of this file.
    fn header(&self, bytes: &[u8]) -> Option<Header> {
        Header::parse(bytes).filter(|header| self.file.is_none_or(|file| file == header.file))
    }

    fn trouble(&mut self, input: &Input, what: impl Into<String>) {
        if !self.lost {
            self.troubles.note(input.offset(), what);
        }
        self.lost = true;
    }

    /// Leaves one byte at least behind, up to what may be a record or a file.
    fn seek(input: &mut Input, troubles: &mut Troubles) {
        let bytes = input.bytes();
        let rest = bytes.get(1..).unwrap_or_default();
        let next = [&MARKER[..], &MAGIC[..]]
            .iter()
            .filter_map(|start| memchr::memmem::find(rest, start))
            .min();
        // The beginning of one may stand at the window's end.
        let far = rest.len().saturating_sub(MAGIC.len() - 1);
        let length = (1 + next.unwrap_or(far)).min(bytes.len());
        troubles.skip(input, length);
    }

    fn end(&mut self, input: &mut Input) {
        if !self.troubles.note_error(input) && !input.bytes().is_empty() {
            self.trouble(input, "the record is not whole");
        }
        let rest = input.bytes().len();
        self.troubles.skip(input, rest);
    }
}

/// Where a record begins whose header is right.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    let mut places = memchr::memmem::find_iter(bytes, &MARKER);
    places.find(|at| Header::parse(&bytes[*at..]).is_some())
}

/// The parts of an exchange; `None` where it has no time or no request, or the parts do not add up.
fn parts(bytes: &[u8], payload: Range<usize>) -> Option<Parts> {
    let mut parts = Parts::default();
    let (mut at, mut has_time, mut has_request) = (payload.start, false, false);
    while at < payload.end {
        let head: &[u8; 5] = bytes[at..payload.end].first_chunk()?;
        let [_, length @ ..] = *head;
        let start = at + 5;
        let end = start.checked_add(u32::from_le_bytes(length) as usize)?;
        let value = bytes[..payload.end].get(start..end)?;
        let number = || Some(u64::from_le_bytes(*value.first_chunk()?));
        match head[0] {
            part::TIME => {
                parts.time = number()?;
                has_time = true;
            }
            part::ID => parts.id = start..end,
            part::CLIENT => parts.client = start..end,
            part::REQUEST => {
                parts.request = start..end;
                has_request = true;
            }
            part::STATUS => parts.status = Some(u16::from_le_bytes(*value.first_chunk()?)),
            part::AFTER => parts.after = number()?,
            part::ANSWER => parts.answer = start..end,
            part::CUT => parts.cut = true,
            // What a later version may write.
            _ => {}
        }
        at = end;
    }
    (has_time && has_request).then_some(parts)
}
