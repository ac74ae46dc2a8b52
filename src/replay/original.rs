//! The exchange as it was captured, kept until the target has answered.

use std::time::Duration;

use bytes::Bytes;

use crate::{
    capture::Record,
    compare::{asked_part, shorten},
};

/// What is compared with the target's response: the exchange as it was captured.
#[derive(Debug)]
pub(super) struct Original {
    pub(super) id: Bytes,
    pub(super) request: Bytes,
    pub(super) answer: Option<OriginalAnswer>,
}

#[derive(Debug)]
pub(super) struct OriginalAnswer {
    pub(super) message: Bytes,
    /// Bytes of its body, where not all of them are kept.
    pub(super) length: Option<u64>,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    pub(super) after: Duration,
    pub(super) is_cut: bool,
}

impl Original {
    /// Keeps so many bytes of its response's body at most.
    pub(super) fn of(record: &Record<'_>, most: usize) -> Self {
        let millis = |nanos: u64| i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX);
        Self {
            id: Bytes::copy_from_slice(record.id),
            request: Bytes::copy_from_slice(asked_part(record.request)),
            answer: record.answer.map(|answer| {
                let (message, length) = match shorten(answer.message, most) {
                    Some((message, length)) => (message.into(), Some(length)),
                    None => (Bytes::copy_from_slice(answer.message), None),
                };
                OriginalAnswer {
                    message,
                    length,
                    at: millis(record.time.saturating_add(answer.after)),
                    after: Duration::from_nanos(answer.after),
                    is_cut: answer.cut,
                }
            }),
        }
    }

    /// Bytes that it holds.
    pub(super) fn size(&self) -> usize {
        let answer = self
            .answer
            .as_ref()
            .map_or(0, |answer| answer.message.len());
        self.id.len() + self.request.len() + answer + size_of::<Self>()
    }
}
