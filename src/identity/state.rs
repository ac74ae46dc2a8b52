//! What is known, as bytes for a file: versioned, bounded. They hold the shadow's cookies and tokens as they are.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::{
    Identity, SessionId,
    ids::{IdEntry, Ids, ScopeEntry},
    partners::{Partner, Partners},
    sessions::Session,
    values::Key,
};

/// Begins each state; the number changes with what stands in it.
const MAGIC: &[u8; 8] = b"TEEIDN01";

/// Why stored bytes can't be used.
#[derive(Debug, Error)]
pub(crate) enum StateError {
    #[error("not what this version stores: sessions begin anew")]
    OtherVersion,
    #[error("damaged: {0}")]
    Damaged(#[from] postcard::Error),
}

#[derive(Serialize, Deserialize)]
struct State {
    key: Key,
    next: SessionId,
    sessions: Vec<(SessionId, Session)>,
    shared: Vec<u64>,
    tokens: Vec<(u64, Partner)>,
    cookies: Vec<(u64, Partner)>,
    etags: Vec<(u64, Partner)>,
    scopes: Vec<ScopeEntry>,
    ids: Vec<IdEntry>,
}

fn entries(partners: &Partners) -> Vec<(u64, Partner)> {
    let entries = partners.iter();
    entries
        .map(|(hash, partner)| (hash, partner.clone()))
        .collect()
}

fn refill(partners: &mut Partners, entries: Vec<(u64, Partner)>) {
    for (hash, partner) in entries {
        partners.set(hash, partner);
    }
}

impl Identity {
    /// All that is known, for `restore`.
    pub(crate) fn save(&self) -> Vec<u8> {
        let (next, sessions, shared) = self.sessions.entries();
        let (scopes, ids) = self.ids.entries();
        let state = State {
            key: self.key,
            next,
            sessions,
            shared,
            tokens: entries(&self.tokens),
            cookies: entries(&self.cookies),
            etags: entries(&self.etags),
            scopes,
            ids,
        };
        let mut bytes = MAGIC.to_vec();
        // Writing to memory fails for no type that stands above; what is empty is refused when it is restored.
        bytes.extend(postcard::to_stdvec(&state).unwrap_or_default());
        bytes
    }

    /// Takes up what was saved, within the memory that there is now.
    ///
    /// # Errors
    /// Where the bytes can't be used; nothing changes then.
    pub(crate) fn restore(&mut self, bytes: &[u8]) -> Result<(), StateError> {
        let plain = bytes.strip_prefix(MAGIC).ok_or(StateError::OtherVersion)?;
        let state: State = postcard::from_bytes(plain)?;
        let mut new = Self::with(state.key, self.most);
        new.sessions
            .refill(state.next, state.sessions, &state.shared);
        refill(&mut new.tokens, state.tokens);
        refill(&mut new.cookies, state.cookies);
        refill(&mut new.etags, state.etags);
        new.ids = Ids::refilled(new.ids, state.scopes, state.ids);
        new.counts = self.counts;
        // Production's threads hold it.
        new.given = Arc::clone(&self.given);
        new.given.set_key(state.key);
        *self = new;
        Ok(())
    }
}
