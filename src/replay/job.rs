//! A request that is to be sent: vetted, so that it can't make the next one on its connection another.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};

use super::{finish::Finish, fitness::Fitness, options::OrderedBy, whose::Whose};
use crate::{
    capture::Record,
    compare::Captured,
    http::{Chunks, Framing, Known, MOST_FIELDS, RequestHead, asks_for_upgrade, strip_request},
    identity::RESPONSE_BYTES,
    script::{Ticket, write_request},
};

/// A request that is to be sent.
#[derive(Debug)]
pub(super) struct Job {
    /// From the start of the replay.
    pub(super) due: Duration,
    /// The head, without its empty line.
    pub(super) head: Bytes,
    pub(super) body: Bytes,
    /// How long the method and the target are: they begin the head.
    pub(super) method: usize,
    pub(super) target: usize,
    /// It was read too late to be sent when it is due.
    pub(super) late: bool,
    /// Those with the same key are sent one after the other.
    pub(super) key: Option<u64>,
    /// The status that production answered with; 0: none was captured.
    pub(super) status: u16,
    /// Production's answer for the script, where it wants answers.
    pub(super) answer: Bytes,
    /// As the script knows it.
    pub(super) ticket: Option<Ticket>,
    /// What the target's response is compared with, or teaches together with it.
    pub(super) original: Option<Box<Captured>>,
    pub(super) is_compared: bool,
    /// Which time it is that everything is sent.
    pub(super) round: u64,
    pub(super) client: Option<IpAddr>,
    /// Whose it is, where sessions are kept alive.
    pub(super) whose: Option<Whose>,
}

/// Why a record is not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unsent {
    /// It is no request, or could be read in two ways.
    Malformed,
    /// Its body is not as long as it says.
    NotWhole,
    /// It asks for another protocol.
    Upgrade,
    /// The selection left it out.
    Filtered,
}

impl Unsent {
    pub(super) const ALL: [Self; 4] = [
        Self::Malformed,
        Self::NotWhole,
        Self::Upgrade,
        Self::Filtered,
    ];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotWhole => "not_whole",
            Self::Upgrade => "upgrade",
            Self::Filtered => "filtered",
        }
    }
}

/// Makes jobs of records, in memory that many of them share.
pub(super) struct Maker {
    arena: BytesMut,
    head: RequestHead,
    scratch: Vec<u8>,
    finish: Arc<Finish>,
    wanted: Wanted,
    round: u64,
    /// What the capture can teach, where sessions are kept alive.
    pub(super) fitness: Option<Fitness>,
}

/// What jobs are made for.
pub(super) struct Wanted {
    pub(super) key: Option<OrderedBy>,
    /// Requests go through a script first; with production's answers, where it wants them.
    pub(super) script: Option<bool>,
    /// Responses are compared: so many bytes of the body of each captured one.
    pub(super) compares: Option<usize>,
    /// Sessions are kept alive.
    pub(super) has_sessions: bool,
}

impl Wanted {
    /// Production's answer, where somebody wants it.
    fn original(&self, record: &Record<'_>) -> Option<Box<Captured>> {
        let learned = self.has_sessions.then_some(RESPONSE_BYTES);
        let most = self.compares.max(learned)?;
        Some(Box::new(Captured::of(record, most)))
    }
}

/// Memory is taken in pieces of this.
const ARENA: usize = 256 * 1024;

impl Maker {
    pub(super) fn new(finish: Arc<Finish>, wanted: Wanted) -> Self {
        Self {
            arena: BytesMut::new(),
            head: RequestHead::default(),
            scratch: Vec::new(),
            finish,
            fitness: wanted.has_sessions.then(Fitness::default),
            wanted,
            round: 0,
        }
    }

    /// From now on requests come again: production's answer would only be the same once more.
    pub(super) fn again(&mut self) {
        self.wanted.compares = None;
        self.round += 1;
    }

    /// A record's job, due at the start.
    pub(super) fn make(&mut self, record: &Record<'_>) -> Result<Job, Unsent> {
        let request = record.request;
        let length = self.head.parse(request, MOST_FIELDS);
        let Ok(Some(length)) = length else {
            return Err(Unsent::Malformed);
        };
        let head = &mut self.head;
        let body = body(head, &request[length..])?;
        if asks_for_upgrade(&head.headers) {
            return Err(Unsent::Upgrade);
        }
        let status = record.answer.map(|answer| answer.status);
        self.scratch.clear();
        // Files of others hold what belongs to one hop.
        let is_clean = ![
            Known::Connection,
            Known::KeepAlive,
            Known::ProxyConnection,
            Known::Upgrade,
        ]
        .iter()
        .any(|known| head.headers.has(*known));
        if !self.finish.selects(head, status) {
            return Err(Unsent::Filtered);
        }
        let original = self.wanted.original(record);
        if let (Some(fitness), Some(original), 0) = (&mut self.fitness, &original, self.round) {
            fitness.note(head, body, original);
        }
        let (mut body, mut method, mut target) = (body, 0, 0);
        if self.wanted.script.is_some() {
            strip_request(&mut head.headers, false);
            let parts = pieces(head, body);
            let has_body = Framing::of_request(head) != Ok(Framing::None);
            write_request(head, parts.iter().copied(), has_body, &mut self.scratch);
            body = &[];
        } else {
            let is_as_it_was = is_clean && request[..length].ends_with(b"\r\n\r\n");
            if !is_as_it_was {
                strip_request(&mut head.headers, false);
            }
            let as_it_was = is_as_it_was.then_some(&request[..length - 2]);
            (method, target) = self.finish.write(head, as_it_was, &mut self.scratch);
            if !self.scratch.starts_with(head.method()) {
                return Err(Unsent::Malformed);
            }
        }
        let answer = match (self.wanted.script, record.answer) {
            (Some(true), Some(answer)) => Bytes::copy_from_slice(answer.message),
            _ => Bytes::new(),
        };
        let key = self.wanted.key.as_ref();
        let key = key.and_then(|key| key.of(record.client, request));
        let wanted = self.scratch.len() + body.len();
        if self.arena.capacity() < wanted {
            self.arena = BytesMut::with_capacity(ARENA.max(wanted));
        }
        self.arena.extend_from_slice(&self.scratch);
        let head = self.arena.split().freeze();
        self.arena.extend_from_slice(body);
        Ok(Job {
            due: Duration::ZERO,
            late: false,
            head,
            body: self.arena.split().freeze(),
            method,
            target,
            key,
            status: status.unwrap_or(0),
            answer,
            ticket: None,
            original,
            is_compared: self.wanted.compares.is_some(),
            round: self.round,
            client: str::from_utf8(record.client)
                .ok()
                .and_then(|text| text.parse().ok()),
            whose: None,
        })
    }
}

/// A body that is whole, without its chunks.
fn pieces<'a>(head: &RequestHead, body: &'a [u8]) -> Vec<&'a [u8]> {
    match Framing::of_request(head) {
        Ok(Framing::Chunked) => Chunks::of(body, false).pieces,
        _ => vec![body],
    }
}

/// The body as the head says it is; what follows it belongs to nobody.
fn body<'a>(head: &RequestHead, rest: &'a [u8]) -> Result<&'a [u8], Unsent> {
    match Framing::of_request(head) {
        Ok(Framing::None) => Ok(&[]),
        Ok(Framing::Sized(length)) => usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(..length))
            .ok_or(Unsent::NotWhole),
        Ok(Framing::Chunked) => Chunks::of(rest, false)
            .end
            .map(|end| &rest[..end])
            .ok_or(Unsent::NotWhole),
        Ok(Framing::Close) | Err(_) => Err(Unsent::Malformed),
    }
}

impl Job {
    pub(super) fn method(&self) -> &[u8] {
        &self.head[..self.method]
    }

    pub(super) fn target(&self) -> &[u8] {
        let start = self.method + 1;
        &self.head[start..start + self.target]
    }

    /// What it holds to be compared with the target's response.
    pub(super) fn compared_bytes(&self) -> usize {
        self.original.as_ref().map_or(0, |original| original.size())
    }

    /// What it holds in memory.
    pub(super) fn size(&self) -> usize {
        let whose = self.whose.as_ref().map_or(0, Whose::size);
        let sent = self.head.len() + self.body.len() + self.answer.len() + whose;
        sent + self.compared_bytes() + size_of::<Self>()
    }
}
