//! An exchange of a batch as it goes into a file: what is left out left out, bodies framed again.

use std::io::Write as _;

use super::{
    Redact,
    batch::{Batch, Message, Raw},
    redact,
};
use crate::config::ClientKey;

/// The parts of a record, whose memory is used again.
#[derive(Debug, Default)]
pub(super) struct Assembled {
    pub(super) client: Vec<u8>,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
    body: Vec<u8>,
    redacted: Vec<u8>,
}

/// More memory than this is not kept for the next record.
const KEPT: usize = 1 << 20;

impl Assembled {
    /// Gives back what only a large record needed.
    pub(super) fn shrink(&mut self) {
        for buf in [
            &mut self.request,
            &mut self.answer,
            &mut self.body,
            &mut self.redacted,
        ] {
            if buf.capacity() > KEPT {
                *buf = Vec::new();
            }
        }
    }
}

/// Puts the parts of a record together.
pub(super) fn assemble(
    batch: &Batch,
    raw: &Raw,
    redact: &Redact,
    client: &ClientKey,
    into: &mut Assembled,
) {
    let Assembled {
        client: key,
        request,
        answer,
        body,
        redacted,
    } = into;
    message(batch, &raw.request, redact, request, (body, redacted));
    answer.clear();
    if let Some(stored) = raw
        .answer
        .as_ref()
        .and_then(|answer| answer.message.as_ref())
    {
        message(batch, stored, redact, answer, (body, redacted));
    }
    key.clear();
    // Of the head as it is stored: a cookie that is left out is not let in here.
    let (head, _) = super::split_head(request);
    match client {
        ClientKey::Address => {
            if let Some(peer) = raw.peer {
                // Writing to memory can't fail.
                let _ = write!(key, "{peer}");
            }
        }
        ClientKey::Header(name) => {
            key.extend_from_slice(redact::field(head, name.spelling()).unwrap_or_default());
        }
        ClientKey::Cookie(name) => {
            key.extend_from_slice(redact::cookie(head, name).unwrap_or_default());
        }
    }
}

fn message(
    batch: &Batch,
    message: &Message,
    redact: &Redact,
    out: &mut Vec<u8>,
    (body, redacted): (&mut Vec<u8>, &mut Vec<u8>),
) {
    let head = &batch.text[message.head.clone()];
    let text = &batch.text[message.body.clone()];
    let pieces = &batch.pieces[message.pieces.clone()];
    let parts = || std::iter::once(text).chain(pieces.iter().map(|piece| &piece[..]));
    let trailers = &batch.text[message.trailers.clone()];
    let trailers = message.chunked.then_some(trailers);
    out.clear();
    if redact.is_nothing() {
        out.extend_from_slice(head);
        return frame(parts(), trailers, out);
    }
    body.clear();
    parts().for_each(|part| body.extend_from_slice(part));
    redacted.clear();
    redact.message(head, body, out, redacted);
    let trailers = trailers.map(|trailers| {
        body.clear();
        redact.trailers(trailers, body);
        &body[..]
    });
    frame(std::iter::once(&redacted[..]), trailers, out);
}

/// Writes a body behind its head: in one chunk, with its trailers, where it has some.
fn frame<'a>(
    parts: impl Iterator<Item = &'a [u8]> + Clone,
    trailers: Option<&[u8]>,
    out: &mut Vec<u8>,
) {
    let length: usize = parts.clone().map(<[u8]>::len).sum();
    out.reserve(length + trailers.map_or(0, <[u8]>::len) + 32);
    if trailers.is_some() && length > 0 {
        // Writing to memory can't fail.
        let _ = write!(out, "{length:x}\r\n");
    }
    parts.for_each(|part| out.extend_from_slice(part));
    let Some(trailers) = trailers else { return };
    if length > 0 {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\n");
    out.extend_from_slice(trailers);
    out.extend_from_slice(b"\r\n");
}
