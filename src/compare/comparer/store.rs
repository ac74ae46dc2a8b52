//! What was learned, as bytes for a file: versioned, compressed, bounded.

use std::io::Read;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{Comparer, Counts};
use crate::compare::{
    extract::hash::hash_of,
    learn::Learned,
    route::Routes,
    rules::{Hidden, InForce, Rules},
};

/// Begins each store; the number changes with what stands in it.
const MAGIC: &[u8; 8] = b"TEELRN05";
/// Larger ones are no stores of this program.
const MOST: u64 = 512 << 20;
const LEVEL: i32 = 3;

/// Why stored bytes can't be used.
#[derive(Debug, Error)]
pub(crate) enum StoreError {
    #[error("not what this version stores: what was learned begins anew")]
    OtherVersion,
    #[error("larger than {} MiB", MOST >> 20)]
    TooLarge,
    #[error("damaged: {0}")]
    Damaged(String),
}

#[derive(Serialize)]
struct Saved<'a> {
    routes: &'a Routes,
    learned: &'a Learned,
    counts: &'a Counts,
    hidden: &'a Hidden,
    next_session: u64,
}

#[derive(Deserialize)]
struct Restored {
    routes: Routes,
    learned: Learned,
    counts: Counts,
    hidden: Hidden,
    next_session: u64,
}

impl Comparer {
    /// What was learned, for `restore`.
    pub(crate) fn save(&self) -> Vec<u8> {
        let saved = Saved {
            routes: &self.routes,
            learned: &self.learned,
            counts: &self.counts,
            hidden: &self.hidden,
            next_session: self.sessions.next(),
        };
        let mut bytes = MAGIC.to_vec();
        // Writing to memory fails for no type that stands above; what is empty is refused when it is restored.
        let mut plain = postcard::to_stdvec(&saved).unwrap_or_default();
        // Stores of earlier versions end here, and those versions read no further.
        plain.extend(self.rules.own().toml().into_bytes());
        bytes.extend(hash_of(&plain).to_le_bytes());
        bytes.extend(zstd::encode_all(&*plain, LEVEL).unwrap_or_default());
        bytes
    }

    /// Takes up what was saved. Nothing changes where it can't be used.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        let checked = bytes.strip_prefix(MAGIC).ok_or(StoreError::OtherVersion)?;
        let damaged = |error: &dyn ToString| StoreError::Damaged(error.to_string());
        let Some((hash, packed)) = checked.split_first_chunk() else {
            return Err(damaged(&"it ends too early"));
        };
        let decoder = zstd::Decoder::new(packed).map_err(|error| damaged(&error))?;
        let mut plain = Vec::new();
        let read = decoder
            .take(MOST + 1)
            .read_to_end(&mut plain)
            .map_err(|error| damaged(&error))?;
        if read as u64 > MOST {
            return Err(StoreError::TooLarge);
        }
        if hash_of(&plain) != u64::from_le_bytes(*hash) {
            return Err(damaged(&"it is not as it was written"));
        }
        let (restored, rules): (Restored, _) =
            postcard::take_from_bytes(&plain).map_err(|error| damaged(&error))?;
        let rules = std::str::from_utf8(rules).map_err(|error| damaged(&error))?;
        let rules = Rules::parse(rules).map_err(|error| damaged(&error))?;
        self.reset();
        self.rules = InForce::new(&self.settings.rules, &rules);
        self.routes = restored.routes;
        let (patterns, inventory) = (&self.settings.patterns, &self.settings.inventory);
        self.routes
            .set_patterns(patterns.clone(), inventory.clone());
        self.learned = restored.learned;
        self.learned.keep_within(self.settings.bytes / 2);
        self.counts = restored.counts;
        self.hidden = restored.hidden;
        self.sessions.continue_from(restored.next_session);
        Ok(())
    }
}
