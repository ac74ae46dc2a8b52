//! Puts each request and its answer together: in a file they stand apart, and others between them.

use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
};

use super::{
    super::{Answered, Input, Record, Troubles},
    decode::Decoder,
};
use crate::http::digits;

/// Reads the exchanges of one file, in the order of their requests.
pub(crate) struct Joiner {
    decoder: Decoder,
    /// Requests whose answer may still come.
    waiting: VecDeque<Exchange>,
    /// The number of the request with an id, among all that there were.
    by_id: HashMap<Vec<u8>, u64>,
    /// The number of the first that waits.
    first: u64,
    held: usize,
    ended: bool,
    current: Exchange,
    spare: Vec<Exchange>,
}

#[derive(Debug, Default)]
struct Exchange {
    id: Vec<u8>,
    time: u64,
    request: Vec<u8>,
    status: Option<u16>,
    after: u64,
    answer: Vec<u8>,
}

/// Limits of the requests that wait for their answer, and of their bytes.
const WAITING: usize = 1024;
const HELD: usize = 16 << 20;

impl Joiner {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self {
            decoder: Decoder::new(path),
            waiting: VecDeque::new(),
            by_id: HashMap::new(),
            first: 0,
            held: 0,
            ended: false,
            current: Exchange::default(),
            spare: Vec::new(),
        }
    }

    pub(crate) fn troubles(&mut self) -> &mut Troubles {
        &mut self.decoder.troubles
    }

    /// Goes to the next exchange; false at the end.
    pub(crate) fn advance(&mut self, input: &mut Input) -> bool {
        loop {
            let is_ready = self.waiting.front().is_some_and(|front| {
                front.status.is_some()
                    || self.ended
                    || self.waiting.len() >= WAITING
                    || self.held > HELD
            });
            if is_ready && let Some(next) = self.waiting.pop_front() {
                self.held -= next.request.len() + next.answer.len();
                if self.by_id.get(&next.id) == Some(&self.first) {
                    self.by_id.remove(&next.id);
                }
                self.first += 1;
                self.spare.push(std::mem::replace(&mut self.current, next));
                return true;
            }
            if self.ended {
                return false;
            }
            if self.decoder.advance(input) {
                self.take(input);
            } else {
                self.ended = true;
            }
        }
    }

    fn take(&mut self, input: &Input) {
        let (message, bytes) = (self.decoder.current(), input.bytes());
        let (id, payload) = (&bytes[message.id.clone()], &bytes[message.payload.clone()]);
        match message.kind {
            b'1' => {
                let mut exchange = self.spare.pop().unwrap_or_default();
                exchange.fill(id, message.time, payload);
                self.held += payload.len();
                self.by_id
                    .insert(id.to_vec(), self.first + self.waiting.len() as u64);
                self.waiting.push_back(exchange);
            }
            b'2' => {
                let number = self.by_id.get(id);
                let place = number.and_then(|number| number.checked_sub(self.first));
                let place = place.and_then(|place| usize::try_from(place).ok());
                if let Some(exchange) = place.and_then(|place| self.waiting.get_mut(place))
                    && exchange.status.is_none()
                {
                    exchange.status = Some(status(payload));
                    // The message's own latency is how long it took by itself.
                    exchange.after = message.time.saturating_sub(exchange.time);
                    exchange.answer.extend_from_slice(payload);
                    self.held += payload.len();
                }
            }
            // The answers of a replay say nothing of production.
            _ => {}
        }
    }

    /// The record that [`Joiner::advance`] went to.
    pub(crate) fn record(&self) -> Record<'_> {
        let current = &self.current;
        Record {
            time: current.time,
            id: &current.id,
            client: b"",
            request: &current.request,
            answer: current.status.map(|status| Answered {
                status,
                after: current.after,
                message: &current.answer,
                cut: false,
            }),
        }
    }
}

impl Exchange {
    fn fill(&mut self, id: &[u8], time: u64, request: &[u8]) {
        for (into, from) in [(&mut self.id, id), (&mut self.request, request)] {
            into.clear();
            into.extend_from_slice(from);
        }
        self.time = time;
        self.status = None;
        self.answer.clear();
    }
}

/// The status of an answer; 0 where it has none.
fn status(answer: &[u8]) -> u16 {
    let number = answer.get(9..12).and_then(digits);
    number
        .and_then(|number| u16::try_from(number).ok())
        .unwrap_or(0)
}
