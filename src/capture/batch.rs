//! Exchanges on their way from a worker to the writer, many at a time: what one costs is little more than its
//! bytes.

use std::{net::IpAddr, ops::Range};

use bytes::Bytes;

use crate::tee::{Held, Recording};

/// Exchanges of one worker, in the order in which they ended.
#[derive(Debug, Default)]
pub(super) struct Batch {
    pub(super) text: Vec<u8>,
    pub(super) pieces: Vec<Bytes>,
    pub(super) exchanges: Vec<Raw>,
    /// Their share of the budget.
    held: Vec<Held>,
    /// How much of the queue they take.
    pub(super) cost: usize,
}

/// An exchange whose bytes are in its batch.
#[derive(Debug)]
pub(super) struct Raw {
    pub(super) time: u64,
    pub(super) id: Range<usize>,
    pub(super) peer: Option<IpAddr>,
    pub(super) request: Message,
    pub(super) answer: Option<RawResponse>,
}

#[derive(Debug)]
pub(super) struct RawResponse {
    pub(super) status: u16,
    pub(super) after: u64,
    pub(super) message: Option<Message>,
    pub(super) cut: bool,
}

/// A message whose bytes are in its batch.
#[derive(Clone, Debug, Default)]
pub(super) struct Message {
    pub(super) head: Range<usize>,
    /// The body without its framing: text, then pieces.
    pub(super) body: Range<usize>,
    pub(super) pieces: Range<usize>,
    pub(super) chunked: bool,
    pub(super) trailers: Range<usize>,
}

impl Batch {
    /// Adds text that `write` writes.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Range<usize> {
        let start = self.text.len();
        write(&mut self.text);
        start..self.text.len()
    }

    /// Adds a message: its head, which `head` writes, and its body, where it has one.
    pub(super) fn message(
        &mut self,
        head: impl FnOnce(&mut Vec<u8>),
        body: Option<Box<Recording>>,
        chunked: bool,
    ) -> Message {
        let mut message = Message {
            head: self.add(head),
            chunked,
            ..Message::default()
        };
        if let Some(kept) = body.map(|body| body.into_parts()) {
            message.body = self.add(|text| text.extend_from_slice(&kept.text));
            message.trailers = self.add(|text| text.extend_from_slice(&kept.trailers));
            let start = self.pieces.len();
            self.pieces.extend(kept.pieces);
            message.pieces = start..self.pieces.len();
            self.held.extend(kept.held);
        }
        message
    }

    /// Keeps a share of the budget as long as the batch.
    pub(super) fn hold(&mut self, held: Held) {
        self.held.push(held);
    }
}
