//! Sessions that stay alive on a shadow: what production gave out, and what the shadow gave out for it, so that a copy
//! carries the shadow's cookies, tokens and ids in place of production's.
//!
//! All of it belongs to one shadow, and is used by one thread. What production gave out is kept as keyed hashes.

mod address;
mod bodies;
mod cookies;
mod found;
mod given;
mod help;
mod ids;
mod learn;
#[doc(hidden)]
pub mod measured;
mod partners;
mod report;
mod sessions;
mod state;
mod substitute;
#[cfg(test)]
mod tests;
mod values;

pub(crate) use bodies::{RESPONSE_BYTES, looks_into};
pub(crate) use cookies::sent;
pub(crate) use given::Given;
pub(crate) use learn::Learning;
pub(crate) use sessions::{Ends, SessionId};
pub(crate) use substitute::{Previewed, Substituted, Unpaired};
pub(crate) use values::names_session;

use std::{net::IpAddr, sync::Arc};

use ids::Ids;
use partners::Partners;
use sessions::Sessions;
use substitute::{Preview, is_signed};
use values::{Key, is_opaque};

use crate::{compare::Counterpart, http::RequestHead};

/// What one shadow has in place of what production gave out.
#[derive(Debug)]
pub(crate) struct Identity {
    key: Key,
    /// What production's threads tell beforehand.
    given: Arc<Given>,
    /// Bytes of all that is remembered.
    most: usize,
    sessions: Sessions,
    /// Tokens and other values that nobody else can have.
    tokens: Partners,
    /// Cookies, by name and value.
    cookies: Partners,
    /// `ETag`s, by path and value.
    etags: Partners,
    ids: Ids,
    counts: IdentityCounts,
    /// Where it is only told what would be put in.
    preview: Option<Preview>,
    /// Ids that were put into the request that is looked at.
    put_in: Vec<Counterpart>,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IdentityCounts {
    /// Pairs of answers that were learned from, and those that could not be.
    pub(crate) pairs: u64,
    pub(crate) unlearned: u64,
    /// Substitutions by kind.
    pub(crate) cookies: u64,
    pub(crate) tokens: u64,
    /// Tokens of forms that were replaced by the shadow's latest.
    pub(crate) newest: u64,
    pub(crate) ids: u64,
    pub(crate) conditions: u64,
    pub(crate) unpaired: u64,
    /// Values that nothing was put in for, as the shadow's can't be learned.
    pub(crate) one_time_codes: u64,
    pub(crate) captchas: u64,
    pub(crate) earlier_cookies: u64,
}

/// What is known of whose a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Known(SessionId),
    /// The request that it has its cookie from is on its way on another thread.
    Soon,
    /// It has a token that the body of a response under way may have given out.
    Perhaps,
    /// Production was not seen to give it a name.
    Nobody,
}

/// All that may name a request's session.
struct Aliases {
    all: Vec<u64>,
    /// One of them is a bearer token.
    has_token: bool,
}

impl Identity {
    /// `most`: bytes of all that is remembered.
    pub(crate) fn new(most: usize) -> Self {
        Self::with(Key::random(), most)
    }

    fn with(key: Key, most: usize) -> Self {
        Self {
            key,
            given: Arc::new(Given::new(key)),
            most,
            sessions: Sessions::new(most / 4),
            tokens: Partners::new(most / 4),
            cookies: Partners::new(most / 8),
            etags: Partners::new(most / 8),
            ids: Ids::new(most / 4),
            counts: IdentityCounts::default(),
            preview: None,
            put_in: Vec::new(),
        }
    }

    pub(crate) fn counts(&self) -> IdentityCounts {
        self.counts
    }

    /// Values of production's that have a partner, or are known to have none.
    pub(crate) fn known(&self) -> usize {
        self.tokens.len() + self.cookies.len() + self.etags.len() + self.ids.len()
    }

    pub(crate) fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Sessions by how their last copy ended.
    pub(crate) fn ends(&self) -> Ends {
        self.sessions.ends
    }

    /// Values with two partners, that stand for none.
    pub(crate) fn conflicts(&self) -> u64 {
        self.tokens.conflicts + self.ids.conflicts
    }

    /// What was forgotten for want of room.
    pub(crate) fn evicted(&self) -> u64 {
        let partners = self.tokens.evicted + self.cookies.evicted + self.etags.evicted;
        partners + self.ids.evicted + self.sessions.evicted
    }

    /// What production's threads tell beforehand.
    pub(crate) fn given(&self) -> Arc<Given> {
        Arc::clone(&self.given)
    }

    /// Whose a request is, as far as production was seen to name sessions. `client`: whom it is from.
    pub(crate) fn whose(&mut self, head: &RequestHead, client: Option<IpAddr>) -> Whose {
        let aliases = self.aliases(head, client);
        self.whose_of(&aliases)
    }

    fn whose_of(&mut self, aliases: &Aliases) -> Whose {
        if let Some(session) = self.sessions.find(&aliases.all) {
            return Whose::Known(session);
        }
        let own = aliases.all.iter().copied();
        let mut own = own.filter(|alias| !self.sessions.is_shared(*alias));
        let given = own.find_map(|alias| Some((alias, self.given.exchange(alias)?)));
        match given {
            Some((alias, exchange)) => match self.given.session(exchange) {
                Some(session) => {
                    self.sessions.name(session, alias);
                    Whose::Known(session)
                }
                None => Whose::Soon,
            },
            None if aliases.has_token => Whose::Perhaps,
            None => Whose::Nobody,
        }
    }

    /// The session of a request; a new one, where none is known.
    pub(crate) fn session(&mut self, head: &RequestHead, client: Option<IpAddr>) -> SessionId {
        let aliases = self.aliases(head, client);
        if let Whose::Known(session) = self.whose_of(&aliases) {
            return session;
        }
        let mut own = aliases.all.into_iter();
        match own.find(|alias| !self.sessions.is_shared(*alias)) {
            Some(alias) => self.sessions.guess(alias),
            None => self.sessions.number(),
        }
    }

    /// Whose the exchange with this number is.
    pub(crate) fn decide(&self, exchange: u64, session: SessionId) {
        self.given.decide(exchange, session);
    }

    /// All that may name a session, what is most likely to do so first.
    fn aliases(&self, head: &RequestHead, client: Option<IpAddr>) -> Aliases {
        let text = |bytes| std::str::from_utf8(bytes).ok();
        let authorization = || head.headers.named(b"authorization").filter_map(text);
        let bearer = authorization().filter_map(bearer_token);
        let mut aliases: Vec<u64> = bearer.map(|token| self.bearer_alias(token)).collect();
        let has_token = !aliases.is_empty();
        let cookies = head.headers.named(b"cookie").filter_map(text);
        let cookies: Vec<_> = cookies
            .flat_map(sent)
            .filter(|(name, value)| is_credential(name, value))
            .collect();
        for is_named in [true, false] {
            let some = cookies
                .iter()
                .filter(|(name, _)| names_session(name) == is_named);
            aliases.extend(some.map(|(name, value)| self.cookie_alias(name, value)));
        }
        if aliases.is_empty() {
            // A name and a password, which all of a site may share, so that the client's address belongs to it.
            let from = client.map(|address| address.to_string());
            let from = from.unwrap_or_default();
            aliases.extend(authorization().map(|line| self.key.of(&["login", line, &from])));
        }
        Aliases {
            all: aliases,
            has_token,
        }
    }

    fn cookie_alias(&self, name: &str, value: &str) -> u64 {
        self.key.of(&["cookie", name, value])
    }

    fn bearer_alias(&self, token: &str) -> u64 {
        self.key.of(&["bearer", token])
    }
}

/// Whether a cookie may name a session.
fn is_credential(name: &str, value: &str) -> bool {
    is_opaque(value) || names_session(name) && value.len() >= 8
}

/// The token of `Authorization: Bearer` (RFC 6750, 2.1), and of the like of it.
fn bearer_token(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    let is_bearer = ["bearer", "token", "jwt"]
        .iter()
        .any(|known| scheme.eq_ignore_ascii_case(known));
    is_bearer.then(|| {
        let token = token.trim();
        // `Token token="…"`, as Rails reads it.
        let token = token.strip_prefix("token=").unwrap_or(token);
        token.trim_matches('"')
    })
}
