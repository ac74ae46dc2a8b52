//! Writes records in the native format, into memory: the caller decides where to.

use crc32c::{crc32c, crc32c_append};

use super::{super::Record, HEADER, Kind, MAGIC, MARKER, part};

/// Writes the records of one file.
#[derive(Debug)]
pub(crate) struct Encoder {
    /// Random, so that a body which holds a capture of its own is not taken for records of this one.
    file: [u8; 4],
}

impl Encoder {
    /// Begins a file, and describes it with `about`.
    pub(crate) fn begin(out: &mut Vec<u8>, about: &serde_json::Value) -> Self {
        let encoder = Self {
            file: fastrand::u32(..).to_le_bytes(),
        };
        out.extend_from_slice(MAGIC);
        encoder.frame(Kind::About, out, |out| {
            out.extend_from_slice(about.to_string().as_bytes());
        });
        encoder
    }

    /// Writes an exchange.
    pub(crate) fn write(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let answer = record.answer.map_or(0, |answer| answer.message.len());
        out.reserve(HEADER + 96 + record.request.len() + answer);
        self.frame(Kind::Exchange, out, |out| {
            put(part::TIME, &record.time.to_le_bytes(), out);
            for (part, bytes) in [(part::ID, record.id), (part::CLIENT, record.client)] {
                if !bytes.is_empty() {
                    put(part, bytes, out);
                }
            }
            put(part::REQUEST, record.request, out);
            let Some(answer) = record.answer else { return };
            put(part::STATUS, &answer.status.to_le_bytes(), out);
            put(part::AFTER, &answer.after.to_le_bytes(), out);
            if !answer.message.is_empty() {
                put(part::ANSWER, answer.message, out);
            }
            if answer.cut {
                put(part::CUT, &[], out);
            }
        });
    }

    fn frame(&self, kind: Kind, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
        let start = out.len();
        out.extend_from_slice(&MARKER);
        out.extend_from_slice(&self.file);
        out.extend_from_slice(&[kind as u8, 0, 0, 0]);
        out.extend_from_slice(&[0; 12]);
        payload(out);
        let (header, payload) = out[start..].split_at_mut(HEADER);
        // No record is so large: bodies have a limit far below.
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        header[12..16].copy_from_slice(&length.to_le_bytes());
        header[16..20].copy_from_slice(&crc32c(payload).to_le_bytes());
        let sum = crc32c_append(0, &header[..20]);
        header[20..].copy_from_slice(&sum.to_le_bytes());
    }
}

fn put(part: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(part);
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(bytes);
}
