//! Writes exchanges as `GoReplay` does.

use std::io::Write;

use ring::digest::{SHA256, digest};

use super::{super::Record, SEPARATOR};

/// A record that can't be said in this format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unwritable {
    #[error(
        "it holds the separator of .gor, so that GoReplay would take the rest of it for another record"
    )]
    Separator,
}

/// Writes a request, and its answer where it was stored.
///
/// # Errors
/// Where `GoReplay` would read something else.
pub(crate) fn write(record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let answer = record.answer.filter(|answer| !answer.message.is_empty());
    // The line alone would end a record, also at a message's start.
    let line = &SEPARATOR[1..];
    for message in [
        record.request,
        answer.map_or(&[][..], |answer| answer.message),
    ] {
        if memchr::memmem::find(message, line).is_some() {
            return Err(Unwritable::Separator);
        }
    }
    let id = gor_id(record.id);
    put(b'1', &id, record.time, record.request, out);
    if let Some(answer) = answer {
        let time = record.time.saturating_add(answer.after);
        put(b'2', &id, time, answer.message, out);
    }
    Ok(())
}

/// Writes the line that a message begins with.
pub(crate) fn first_line(kind: u8, id: &[u8], time: u64, latency: u64, out: &mut Vec<u8>) {
    out.push(kind);
    out.push(b' ');
    out.extend_from_slice(id);
    // Writing to memory can't fail.
    let _ = writeln!(out, " {time} {latency}");
}

fn put(kind: u8, id: &[u8], time: u64, message: &[u8], out: &mut Vec<u8>) {
    out.reserve(100 + message.len());
    // How long the message took by itself is not known; the time to the answer is the difference of both times.
    first_line(kind, id, time, 0, out);
    out.extend_from_slice(message);
    out.extend_from_slice(SEPARATOR);
}

/// An id of 24 or 40 hex digits: as it is, filled up, or made of its hash. That of such an id is the same again.
pub(crate) fn gor_id(id: &[u8]) -> Vec<u8> {
    let is_hex = !id.is_empty() && id.iter().all(u8::is_ascii_hexdigit);
    match id.len() {
        24 | 40 if is_hex => id.to_vec(),
        // As nginx makes them.
        32 if is_hex => {
            let mut id = id.to_vec();
            id.resize(40, b'0');
            id
        }
        _ => {
            let mut text = Vec::with_capacity(40);
            for byte in &digest(&SHA256, id).as_ref()[..20] {
                let _ = write!(text, "{byte:02x}");
            }
            text
        }
    }
}
