//! An exchange of a batch as it goes into a file: redacted, with its bodies framed again.

use std::io::Write as _;

use super::{
    Redact,
    batch::{Batch, Message, Raw},
    cookie, field, split_head,
};
use crate::config::ClientKey;

/// The parts of a record, whose memory is used again.
#[derive(Debug, Default)]
pub(super) struct Assembled {
    pub(super) client: Vec<u8>,
    pub(super) request: Vec<u8>,
    pub(super) answer: Vec<u8>,
    scratch: Scratch,
}

/// Memory for one message at a time.
#[derive(Debug, Default)]
struct Scratch {
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
            &mut self.scratch.body,
            &mut self.scratch.redacted,
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
        scratch,
    } = into;
    message(batch, &raw.request, redact, request, scratch);
    answer.clear();
    let stored = raw.answer.as_ref();
    if let Some(stored) = stored.and_then(|answer| answer.message.as_ref()) {
        message(batch, stored, redact, answer, scratch);
    }
    key.clear();
    if let Some(peer) = raw.peer.filter(|_| *client == ClientKey::Address) {
        // Writing to memory can't fail.
        let _ = write!(key, "{peer}");
    } else {
        // Of the request as it is stored, so that no redacted cookie comes in here.
        key.extend_from_slice(client.of(b"", request).unwrap_or_default());
    }
}

impl ClientKey {
    /// The key of a request from `client`; `None` where it has none.
    pub(crate) fn of<'a>(&self, client: &'a [u8], request: &'a [u8]) -> Option<&'a [u8]> {
        let (head, _) = split_head(request);
        let key = match self {
            Self::Address => Some(client),
            Self::Header(name) => field(head, name.spelling()),
            Self::Cookie(name) => cookie(head, name),
        };
        key.filter(|key| !key.is_empty())
    }
}

fn message(
    batch: &Batch,
    message: &Message,
    redact: &Redact,
    out: &mut Vec<u8>,
    Scratch { body, redacted }: &mut Scratch,
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
