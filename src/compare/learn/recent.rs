//! The last answers to each request, as they came, so that an answer can be compared with the one before it: did a side
//! itself vary? Bounded in bytes and in time.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::compare::{
    answer::{Answer, Asked},
    extract::{Extract, Limits, digest, extract},
};

/// Names and values.
pub(crate) type OwnedHeaders = Vec<(Box<[u8]>, Box<[u8]>)>;

/// An answer that is kept as it came.
#[derive(Clone, Debug)]
pub(crate) struct OwnedAnswer {
    status: u16,
    headers: OwnedHeaders,
    body: Box<[u8]>,
    length: u64,
    is_whole: bool,
    pub(crate) at: i64,
    took: Duration,
    pub(crate) digest: u64,
}

impl OwnedAnswer {
    pub(crate) fn of(answer: &Answer<'_>, digest: u64) -> Self {
        Self {
            status: answer.status,
            headers: answer
                .headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body: answer.body.into(),
            length: answer.length,
            is_whole: answer.is_whole,
            at: answer.at,
            took: answer.took,
            digest,
        }
    }

    pub(crate) fn hashed(answer: &Answer<'_>) -> Self {
        Self::of(answer, digest(answer))
    }

    pub(crate) fn as_answer(&self) -> Answer<'_> {
        Answer {
            status: self.status,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            body: &self.body,
            length: self.length,
            is_whole: self.is_whole,
            at: self.at,
            took: self.took,
        }
    }

    pub(crate) fn extract(&self, asked: &Asked<'_>, limits: &Limits) -> Extract {
        extract(asked, &self.as_answer(), limits)
    }

    pub(crate) fn bytes(&self) -> usize {
        const HEADER: usize = 48;
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + HEADER)
            .sum();
        headers + self.body.len() + 120
    }
}

/// Both answers to a request. The shadow's is left out where it was the same.
#[derive(Clone, Debug)]
pub(crate) struct RecentPair {
    pub(crate) primary: OwnedAnswer,
    pub(crate) shadow: Option<OwnedAnswer>,
    /// The primary's answer before that one, where it was another: what it gave lately.
    pub(crate) before: Option<OwnedAnswer>,
}

impl RecentPair {
    fn bytes(&self) -> usize {
        let optional = |answer: &Option<OwnedAnswer>| answer.as_ref().map_or(0, OwnedAnswer::bytes);
        self.primary.bytes() + optional(&self.shadow) + optional(&self.before)
    }
}

/// How long an answer is a recent one, in milliseconds.
const LIFE: i64 = 120_000;

/// Recent pairs by request.
#[derive(Debug)]
pub(crate) struct Recents {
    pairs: HashMap<u64, RecentPair>,
    order: VecDeque<(u64, i64)>,
    bytes: usize,
    limit: usize,
}

impl Recents {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            pairs: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// The pair of this request before, if it is recent.
    pub(crate) fn take(&mut self, request: u64, now: i64) -> Option<RecentPair> {
        let pair = self.pairs.remove(&request)?;
        self.bytes -= pair.bytes();
        (now - pair.primary.at <= LIFE).then_some(pair)
    }

    pub(crate) fn put(&mut self, request: u64, pair: RecentPair) {
        let size = pair.bytes();
        // One huge answer is not worth the others.
        if size > self.limit / 16 {
            return;
        }
        let now = pair.primary.at;
        self.order.push_back((request, now));
        self.bytes += size;
        if let Some(old) = self.pairs.insert(request, pair) {
            self.bytes -= old.bytes();
        }
        while let Some((request, at)) = self.order.front().copied() {
            let is_over =
                self.bytes > self.limit || self.order.len() > 4 * (self.pairs.len() + 1000);
            if !is_over && now - at <= LIFE {
                break;
            }
            self.order.pop_front();
            let is_latest = self
                .pairs
                .get(&request)
                .is_some_and(|pair| pair.primary.at <= at);
            if is_latest && let Some(old) = self.pairs.remove(&request) {
                self.bytes -= old.bytes();
            }
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        const ENTRY: usize = 64;
        self.bytes + self.order.len() * ENTRY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(at: i64, size: usize) -> RecentPair {
        let body = vec![b'x'; size];
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: &body,
            length: size as u64,
            is_whole: true,
            at,
            took: Duration::ZERO,
        };
        RecentPair {
            primary: OwnedAnswer::hashed(&answer),
            shadow: None,
            before: None,
        }
    }

    #[test]
    fn a_pair_is_recent_for_two_minutes() {
        let mut recents = Recents::new(1 << 20);
        recents.put(1, pair(0, 10));
        assert!(recents.take(1, LIFE).is_some());
        recents.put(1, pair(0, 10));
        assert!(recents.take(1, LIFE + 1).is_none());
        assert!(recents.take(1, 0).is_none());
    }

    #[test]
    fn bytes_are_bounded_and_the_oldest_go_first() {
        let mut recents = Recents::new(100_000);
        for request in 0..1000 {
            recents.put(request, pair(i64::try_from(request).unwrap(), 1000));
            assert!(recents.bytes <= 100_000);
        }
        assert!(recents.take(0, 0).is_none());
        assert!(recents.take(999, 999).is_some());
        recents.put(5, pair(1000, 50_000));
        assert!(recents.take(5, 1000).is_none());
    }
}
