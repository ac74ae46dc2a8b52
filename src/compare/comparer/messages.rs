//! Whole messages of examples, where they are to be kept: without secrets, compressed, within a limit of their own.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
    time::Instant,
};

use serde::{Deserialize, Serialize};

use super::{
    Comparer, PairIn,
    side_by_side::{Findings, SideBySide, side_by_side},
};
use crate::compare::{
    learn::{
        Learned,
        cell::{CellId, Example},
        verdict::Verdict,
    },
    report,
    secrets::Known,
};

/// Begins each file; the number changes with what stands in it.
const MAGIC: &[u8; 8] = b"TEEEXM01";
const LEVEL: i32 = 3;
/// No pair's messages are larger.
const LARGEST: usize = 64 << 20;
const ENTRY: usize = 200;

/// A cause's example, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WholeExample {
    /// The cause's id and its title.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) shadow: String,
    pub(crate) request_id: String,
    pub(crate) request: String,
    pub(crate) responses: Responses,
    /// The responses in lines, with what is known of each difference.
    #[serde(default)]
    pub(crate) side_by_side: SideBySide,
}

/// Both responses, as text without secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Responses {
    pub(crate) primary: String,
    pub(crate) shadow: String,
}

impl WholeExample {
    /// Lays out both responses beside each other.
    pub(crate) fn lay_out(&mut self, findings: &Findings, deadline: Instant) {
        self.side_by_side = side_by_side(&self.responses, findings, deadline);
    }
}

/// Why there is no whole example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoExample {
    /// `compare.examples` is off.
    Off,
    UnknownCause,
    /// The cause was seen when they were not kept, there was no room, or it has none.
    NotKept,
}

/// The messages of a pair. An id may come twice, an id for the same target means the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Key {
    request_id: String,
    target: String,
}

/// The texts of one pair.
pub(super) struct Kept {
    pub(super) request: String,
    pub(super) primary: String,
    pub(super) shadow: String,
}

impl Key {
    pub(super) fn of(example: &Example) -> Self {
        Self {
            request_id: example.request_id.clone(),
            target: example.target.clone(),
        }
    }

    pub(super) fn of_reported(example: &report::Example) -> Self {
        Self {
            request_id: example.request_id.clone(),
            target: example.target.clone(),
        }
    }
}

/// Messages by the pair that they are of.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Messages {
    /// A request and two responses each, compressed.
    packed: BTreeMap<Key, Box<[u8]>>,
    bytes: usize,
    #[serde(skip)]
    is_changed: bool,
}

impl Messages {
    fn put(&mut self, key: Key, texts: &[String; 3]) {
        // Writing to memory fails for no text.
        let plain = postcard::to_stdvec(texts).unwrap_or_default();
        let packed = zstd::encode_all(&*plain, LEVEL).unwrap_or_default();
        self.bytes += packed.len() + ENTRY;
        if let Some(old) = self.packed.insert(key, packed.into()) {
            self.bytes -= old.len() + ENTRY;
        }
        self.is_changed = true;
    }

    /// Nothing is here any more, which is to be saved.
    pub(super) fn forget(&mut self) {
        *self = Self {
            is_changed: true,
            ..Self::default()
        };
    }

    fn find(&self, key: &Key) -> Option<[String; 3]> {
        let packed = self.packed.get(key)?;
        let plain = zstd::bulk::decompress(packed, LARGEST).ok()?;
        postcard::from_bytes(&plain).ok()
    }

    /// Leaves out what no cell shows, then what is least certain, then what is largest, until a tenth of the limit is free.
    fn keep_within(&mut self, limit: usize, learned: &Learned) {
        type Worth = (Option<Verdict>, Reverse<usize>, Key);
        if self.bytes <= limit {
            return;
        }
        let mut worth: HashMap<Key, Verdict> = HashMap::new();
        for cell in learned.cells.values() {
            let known = worth
                .entry(Key::of(&cell.example))
                .or_insert(Verdict::Noise);
            *known = (*known).max(cell.verdict);
        }
        let mut order: Vec<Worth> = self
            .packed
            .iter()
            .map(|(key, packed)| {
                let verdict = worth.get(key).copied();
                (verdict, Reverse(packed.len()), key.clone())
            })
            .collect();
        order.sort();
        for (verdict, _, key) in order {
            if verdict.is_some() && self.bytes <= limit / 10 * 9 {
                break;
            }
            if let Some(packed) = self.packed.remove(&key) {
                self.bytes -= packed.len() + ENTRY;
            }
        }
        self.is_changed = true;
    }
}

impl Comparer {
    /// What a pair is known by, where one of these cells has its example from it.
    pub(super) fn key_of_example(&self, pair: &PairIn<'_>, cells: &[CellId]) -> Option<Key> {
        let of_cell = |id: &CellId| self.learned.cells.get(id).map(|cell| &cell.example);
        let mut examples = cells.iter().filter_map(of_cell);
        let is_here = |example: &&Example| {
            !example.request_id.is_empty() && pair.request_id.starts_with(&example.request_id)
        };
        examples.find(is_here).map(Key::of)
    }

    /// Keeps the messages of a pair that is an example.
    pub(super) fn keep_messages(&mut self, pair: &PairIn<'_>, key: &Key, known: Option<Known>) {
        let (Some(limit), Some(known)) = (self.settings.example_bytes, known) else {
            return;
        };
        let (secrets, limits) = (&self.settings.secrets, &self.settings.limits);
        let texts = [
            secrets.request(&pair.asked, &known),
            secrets.response(&pair.primary, &known, limits),
            secrets.response(&pair.shadow, &known, limits),
        ];
        self.messages.put(key.clone(), &texts);
        self.messages.keep_within(limit, &self.learned);
    }

    /// The whole example of the cause whose id begins so, and what its responses differ in; they are not laid out yet.
    pub(crate) fn whole_example(
        &mut self,
        id: &str,
        now: i64,
    ) -> Result<(WholeExample, Findings), NoExample> {
        if self.settings.example_bytes.is_none() {
            return Err(NoExample::Off);
        }
        let report = self.report(now);
        let mut causes = report.causes.iter();
        let cause = causes.find(|cause| !id.is_empty() && cause.id.starts_with(id));
        let cause = cause.ok_or(NoExample::UnknownCause)?;
        let key = Key::of_reported(&cause.example);
        let [request, primary, shadow] = self.messages.find(&key).ok_or(NoExample::NotKept)?;
        let kept = Kept {
            request,
            primary,
            shadow,
        };
        let findings = self.findings(&key, &kept, &report, now);
        let example = WholeExample {
            id: cause.id.clone(),
            title: cause.title.clone(),
            shadow: report.shadow.clone(),
            request_id: key.request_id,
            request: kept.request,
            responses: Responses {
                primary: kept.primary,
                shadow: kept.shadow,
            },
            side_by_side: SideBySide::default(),
        };
        Ok((example, findings))
    }

    /// The messages as bytes for a file, where they changed since it was asked last.
    pub(crate) fn changed_messages(&mut self) -> Option<Vec<u8>> {
        if !std::mem::take(&mut self.messages.is_changed) || self.settings.example_bytes.is_none() {
            return None;
        }
        let mut bytes = MAGIC.to_vec();
        // Writing to memory fails for no type that stands above; what is empty is refused when it is read.
        bytes.extend(postcard::to_stdvec(&self.messages).unwrap_or_default());
        Some(bytes)
    }

    /// They were not written.
    pub(crate) fn messages_not_saved(&mut self) {
        self.messages.is_changed = true;
    }

    /// Takes up messages that were saved; false where they can't be used.
    pub(crate) fn restore_messages(&mut self, bytes: &[u8]) -> bool {
        let Some(limit) = self.settings.example_bytes else {
            return true;
        };
        let restored = bytes.strip_prefix(MAGIC);
        let restored = restored.and_then(|bytes| postcard::from_bytes::<Messages>(bytes).ok());
        let Some(mut messages) = restored else {
            return false;
        };
        let of_each = messages.packed.values().map(|packed| packed.len() + ENTRY);
        messages.bytes = of_each.sum();
        messages.keep_within(limit, &self.learned);
        self.messages = messages;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_nobody_shows_go_first_and_the_rest_is_within_the_limit() {
        let mut messages = Messages::default();
        let key = |number: usize| Key {
            request_id: number.to_string(),
            target: "/".to_owned(),
        };
        for number in 0..50 {
            let texts = ["a", "b", "c"].map(|text| format!("{text}{number}"));
            messages.put(key(number), &texts);
            messages.put(key(number), &texts);
        }
        assert_eq!(messages.find(&key(7)).unwrap()[2], "c7");
        messages.keep_within(messages.bytes, &Learned::default());
        assert_eq!(messages.packed.len(), 50);
        messages.keep_within(messages.bytes - 1, &Learned::default());
        assert_eq!((messages.packed.len(), messages.bytes), (0, 0));
    }
}
