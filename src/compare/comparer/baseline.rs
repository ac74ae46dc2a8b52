//! Pairs that wait for the baseline's answer to the same request, and answers that wait for their pair. Bounded in bytes
//! and in time.

use std::collections::{HashMap, VecDeque};

use super::PairIn;
use crate::compare::{
    answer::{Answer, Asked},
    learn::recent::{OwnedAnswer, OwnedHeaders},
};

/// How long one waits for the other, in milliseconds.
const WAIT: i64 = 30_000;

/// A pair that is kept as it came.
#[derive(Clone, Debug)]
pub(super) struct OwnedPair {
    request_id: String,
    asked: OwnedAsked,
    primary: OwnedAnswer,
    shadow: OwnedAnswer,
}

/// A request that is kept as it came.
#[derive(Clone, Debug)]
pub(super) struct OwnedAsked {
    method: Box<[u8]>,
    target: Box<[u8]>,
    headers: OwnedHeaders,
    body: Option<Box<[u8]>>,
}

impl OwnedAsked {
    pub(super) fn of(asked: &Asked<'_>) -> Self {
        Self {
            method: asked.method.into(),
            target: asked.target.into(),
            headers: asked
                .headers
                .iter()
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect(),
            body: asked.body.map(Into::into),
        }
    }

    pub(super) fn as_asked(&self) -> Asked<'_> {
        Asked {
            method: &self.method,
            target: &self.target,
            headers: self
                .headers
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect(),
            body: self.body.as_deref(),
        }
    }

    pub(super) fn bytes(&self) -> usize {
        const HEADER: usize = 32;
        let headers: usize = self
            .headers
            .iter()
            .map(|(name, value)| name.len() + value.len() + HEADER)
            .sum();
        self.target.len() + headers + self.body.as_ref().map_or(0, |body| body.len()) + 100
    }
}

impl OwnedPair {
    fn of(pair: &PairIn<'_>) -> Self {
        Self {
            request_id: pair.request_id.to_owned(),
            asked: OwnedAsked::of(&pair.asked),
            primary: OwnedAnswer::hashed(&pair.primary),
            shadow: OwnedAnswer::hashed(&pair.shadow),
        }
    }

    pub(super) fn as_pair(&self) -> PairIn<'_> {
        PairIn {
            request_id: &self.request_id,
            asked: self.asked.as_asked(),
            primary: self.primary.as_answer(),
            shadow: self.shadow.as_answer(),
            // They are of production and the shadow; a baseline has its own.
            counterparts: &[],
        }
    }

    fn bytes(&self) -> usize {
        self.asked.bytes() + self.primary.bytes() + self.shadow.bytes() + self.request_id.len()
    }
}

#[derive(Debug)]
enum Waits {
    Pair(Box<OwnedPair>),
    Baseline(Box<OwnedAnswer>),
}

impl Waits {
    fn bytes(&self) -> usize {
        match self {
            Self::Pair(pair) => pair.bytes(),
            Self::Baseline(answer) => answer.bytes(),
        }
    }
}

/// Whatever waits for its other part, by request.
#[derive(Debug)]
pub(super) struct Joins {
    waiting: HashMap<String, Waits>,
    order: VecDeque<(String, i64)>,
    bytes: usize,
    limit: usize,
}

impl Joins {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            waiting: HashMap::new(),
            order: VecDeque::new(),
            bytes: 0,
            limit,
        }
    }

    /// Keeps a pair until the baseline answers. Gives pairs that have waited long enough, or that there is no room for.
    pub(super) fn wait(&mut self, pair: &PairIn<'_>) -> Vec<OwnedPair> {
        let owned = Waits::Pair(Box::new(OwnedPair::of(pair)));
        self.keep(pair.request_id, owned, pair.primary.at)
    }

    /// Keeps a baseline's answer until its pair comes. Gives pairs as `wait` does.
    pub(super) fn keep_baseline(
        &mut self,
        request_id: &str,
        answer: &Answer<'_>,
    ) -> Vec<OwnedPair> {
        let owned = Waits::Baseline(Box::new(OwnedAnswer::hashed(answer)));
        self.keep(request_id, owned, answer.at)
    }

    fn keep(&mut self, request_id: &str, waits: Waits, now: i64) -> Vec<OwnedPair> {
        self.bytes += waits.bytes();
        self.order.push_back((request_id.to_owned(), now));
        let mut late = Vec::new();
        if let Some(old) = self.waiting.insert(request_id.to_owned(), waits) {
            self.bytes -= old.bytes();
            // A client that gives two requests one id has both compared.
            if let Waits::Pair(pair) = old {
                late.push(*pair);
            }
        }
        late.append(&mut self.late(now));
        late
    }

    /// Pairs that have waited long enough, or that there is no room for.
    pub(super) fn late(&mut self, now: i64) -> Vec<OwnedPair> {
        let mut late = Vec::new();
        while let Some((request, at)) = self.order.front() {
            if self.bytes <= self.limit && now - at <= WAIT {
                break;
            }
            match self.remove(&request.clone()) {
                Some(Waits::Pair(pair)) => late.push(*pair),
                Some(Waits::Baseline(_)) | None => {}
            }
            self.order.pop_front();
        }
        late
    }

    fn remove(&mut self, request_id: &str) -> Option<Waits> {
        let waits = self.waiting.remove(request_id)?;
        self.bytes -= waits.bytes();
        Some(waits)
    }

    pub(super) fn baseline_of(&mut self, request_id: &str) -> Option<OwnedAnswer> {
        if !matches!(self.waiting.get(request_id), Some(Waits::Baseline(_))) {
            return None;
        }
        match self.remove(request_id) {
            Some(Waits::Baseline(answer)) => Some(*answer),
            _ => None,
        }
    }

    pub(super) fn pair_of(&mut self, request_id: &str) -> Option<OwnedPair> {
        if !matches!(self.waiting.get(request_id), Some(Waits::Pair(_))) {
            return None;
        }
        match self.remove(request_id) {
            Some(Waits::Pair(pair)) => Some(*pair),
            _ => None,
        }
    }

    /// All pairs that wait, the oldest first.
    pub(super) fn all_waiting(&mut self) -> Vec<OwnedPair> {
        let order = std::mem::take(&mut self.order);
        order
            .into_iter()
            .filter_map(|(request, _)| match self.remove(&request) {
                Some(Waits::Pair(pair)) => Some(*pair),
                _ => None,
            })
            .collect()
    }

    /// How many pairs wait.
    pub(super) fn waiting(&self) -> u64 {
        let waiting = self.waiting.values();
        waiting
            .filter(|waits| matches!(waits, Waits::Pair(_)))
            .count() as u64
    }

    pub(super) fn bytes(&self) -> usize {
        const ENTRY: usize = 100;
        self.bytes + self.order.len() * ENTRY
    }
}
