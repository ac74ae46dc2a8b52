//! A shadow's answer, kept for the script that wrote its request.

use std::{sync::Arc, time::Duration};

use crate::{
    http::ResponseHead,
    script::{Kind, Script, Ticket, write_answer},
    tee::Held,
};

/// A shadow's answer as it comes, as much of it as a script is given.
pub(super) struct RecordedShadowResponse {
    script: Arc<Script>,
    ticket: Ticket,
    head: Option<ResponseHead>,
    body: Vec<u8>,
    cut: bool,
    held: Option<Held>,
}

impl RecordedShadowResponse {
    pub(super) fn new(script: Arc<Script>, ticket: Ticket) -> Self {
        Self {
            script,
            ticket,
            head: None,
            body: Vec::new(),
            cut: false,
            held: None,
        }
    }

    pub(super) fn head(&mut self, head: &ResponseHead) {
        self.head = Some(head.clone());
    }

    /// A piece of its body: what is too much of it, or finds no room, is left out.
    pub(super) fn piece(&mut self, piece: &[u8]) {
        let limit = self.script.settings().answer_bytes.bytes();
        let piece = &piece[..piece.len().min(limit - self.body.len().min(limit))];
        if self.cut || !self.hold(piece.len()) {
            self.cut = true;
            return;
        }
        self.body.extend_from_slice(piece);
    }

    fn hold(&mut self, bytes: usize) -> bool {
        if let Some(held) = &self.held {
            return held.grow(bytes);
        }
        self.held = self.script.hold(bytes);
        self.held.is_some()
    }

    /// It has ended, so long after its request, with so many bytes read of its body; `None` where there was no head.
    pub(super) fn end(self, read: u64, took: Duration) -> Option<Ended> {
        let whole = !self.cut && read == self.body.len() as u64;
        Some(Ended {
            head: self.head?,
            script: self.script,
            ticket: self.ticket,
            body: self.body,
            whole,
            took,
            _held: self.held,
        })
    }
}

/// A shadow's answer that has ended.
pub(super) struct Ended {
    script: Arc<Script>,
    ticket: Ticket,
    head: ResponseHead,
    body: Vec<u8>,
    whole: bool,
    took: Duration,
    _held: Option<Held>,
}

impl Ended {
    /// The script gets it.
    pub(super) fn tell(self) {
        self.script
            .answer(self.ticket, Kind::Replayed, self.took, |out| {
                write_answer(&self.head, &self.body, self.whole, out);
            });
    }
}
