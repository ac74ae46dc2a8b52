//! Whose a request is. A session is a lineage: each cookie and token that production gives to it in place of the one before
//! is one more name of it.

use std::collections::HashMap;

use lru::LruCache;
use serde::{Deserialize, Serialize};

use crate::compare::Break;

/// A session's number.
pub(crate) type SessionId = u64;

/// What is known of one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Session {
    /// Its names, those that were given or sent last at the end.
    aliases: Vec<u64>,
    /// It began with a name that production was not seen to give: that may turn out to be another's.
    is_guess: bool,
    /// The shadow's latest token for each field that carries one, by the hash of the field's name.
    pub(super) newest: Vec<(u64, Box<str>)>,
    /// Cookies that the shadow alone sets.
    pub(super) extras: Vec<(Box<str>, Box<str>)>,
    /// Whether its last copy ended as production's request did, where one ended.
    is_alive: Option<bool>,
    /// The request whose copy was the first to end otherwise, where none that changes anything ended alike since.
    #[serde(skip)]
    broke_at: Option<Box<str>>,
}

/// Names of one session that are remembered; fields with tokens; cookies.
const ALIASES: usize = 16;
const TOKENS: usize = 16;
const EXTRAS: usize = 8;
/// Bytes of a session beside its texts.
const SESSION: usize = 256;
const ALIAS: usize = 48;

impl Session {
    fn bytes(&self) -> usize {
        let texts = self.newest.iter().map(|(_, token)| token.len() + 24);
        let extras = self.extras.iter().map(|(a, b)| a.len() + b.len() + 32);
        let broke_at = self.broke_at.as_ref().map_or(0, |route| route.len());
        SESSION
            + self.aliases.len() * ALIAS
            + texts.sum::<usize>()
            + extras.sum::<usize>()
            + broke_at
    }

    /// The shadow's latest token for a field.
    pub(super) fn token(&self, field: u64) -> Option<&str> {
        let mut known = self.newest.iter();
        let (_, token) = known.find(|(known, _)| *known == field)?;
        Some(token)
    }

    pub(super) fn note_token(&mut self, field: u64, token: &str) {
        self.newest.retain(|(known, _)| *known != field);
        if self.newest.len() == TOKENS {
            self.newest.remove(0);
        }
        self.newest.push((field, token.into()));
    }

    /// A cookie that the shadow alone sets; none where it deletes it.
    pub(super) fn note_extra(&mut self, name: &str, value: Option<&str>) {
        self.extras.retain(|(known, _)| **known != *name);
        if let Some(value) = value
            && self.extras.len() < EXTRAS
        {
            self.extras.push((name.into(), value.into()));
        }
    }
}

/// What is remembered of all sessions, within a number of bytes.
#[derive(Debug)]
pub(super) struct Sessions {
    known: LruCache<SessionId, Session>,
    by_alias: HashMap<u64, Owner>,
    /// Names that many have.
    shared: usize,
    next: SessionId,
    bytes: usize,
    most: usize,
    pub(super) ends: Ends,
    pub(super) evicted: u64,
}

/// How many sessions ended so with their last copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) alive: usize,
    pub(crate) lost: usize,
}

impl Ends {
    fn of(&mut self, is_alive: Option<bool>) -> Option<&mut usize> {
        let count = if is_alive? {
            &mut self.alive
        } else {
            &mut self.lost
        };
        Some(count)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    One(SessionId),
    /// Production gives it to several sessions: it names none.
    Shared,
}

/// Shared names that are remembered.
const SHARED: usize = 10_000;

impl Sessions {
    pub(super) fn new(most: usize) -> Self {
        Self {
            known: LruCache::unbounded(),
            by_alias: HashMap::new(),
            shared: 0,
            next: 1,
            bytes: 0,
            most,
            ends: Ends::default(),
            evicted: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// The session that one of these names is of, the first that is known. All of its names among them are in use.
    pub(super) fn find(&mut self, aliases: &[u64]) -> Option<SessionId> {
        let id = aliases.iter().find_map(|alias| {
            let Owner::One(id) = *self.by_alias.get(alias)? else {
                return None;
            };
            self.known.contains(&id).then_some(id)
        })?;
        let session = self.known.get_mut(&id)?;
        // Those that were sent come last, each part in its order.
        session.aliases.sort_by_key(|alias| aliases.contains(alias));
        Some(id)
    }

    /// Whether a name stands for no session, as production gives it to many.
    pub(super) fn is_shared(&self, alias: u64) -> bool {
        self.by_alias.get(&alias) == Some(&Owner::Shared)
    }

    pub(super) fn get(&mut self, id: SessionId) -> Option<&mut Session> {
        self.known.get_mut(&id)
    }

    /// The number of a session that nothing is known of yet.
    pub(super) fn number(&mut self) -> SessionId {
        self.next += 1;
        self.next - 1
    }

    /// A session of which no more is known than this name, which production was not seen to give.
    pub(super) fn guess(&mut self, alias: u64) -> SessionId {
        let id = self.number();
        self.name(id, alias);
        self.change(id, |session| session.is_guess = true);
        id
    }

    /// Production gave this name to the session. Where it gave it to another one as well, it names none: what many get is
    /// no session's.
    pub(super) fn name(&mut self, id: SessionId, alias: u64) {
        match self.by_alias.get(&alias) {
            Some(Owner::One(known)) if *known == id => return,
            Some(Owner::Shared) => return,
            Some(Owner::One(known)) if self.known.contains(known) => {
                let known = *known;
                let mut is_guess = false;
                self.change(known, |session| {
                    session.aliases.retain(|name| *name != alias);
                    is_guess = session.is_guess;
                });
                if is_guess {
                    // It was this one's all the time.
                    self.by_alias.remove(&alias);
                    return self.name(id, alias);
                }
                if self.shared < SHARED {
                    self.shared += 1;
                    self.by_alias.insert(alias, Owner::Shared);
                } else {
                    self.by_alias.remove(&alias);
                }
                return;
            }
            _ => {}
        }
        if !self.known.contains(&id) {
            self.bytes += SESSION;
            self.known.put(id, Session::default());
        }
        let mut forgotten = None;
        self.change(id, |session| {
            if session.aliases.len() == ALIASES {
                forgotten = Some(session.aliases.remove(0));
            }
            session.aliases.push(alias);
        });
        if let Some(forgotten) = forgotten {
            self.by_alias.remove(&forgotten);
        }
        if self.known.contains(&id) {
            self.by_alias.insert(alias, Owner::One(id));
        }
    }

    /// Changes a session, and counts its bytes anew.
    pub(super) fn change(&mut self, id: SessionId, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.known.get_mut(&id) {
            self.bytes -= session.bytes();
            change(session);
            self.bytes += session.bytes();
            self.shrink();
        }
    }

    /// Its last copy ended as production's request did, or not so. Returns how the one before ended.
    pub(super) fn end(&mut self, id: SessionId, is_alive: bool) -> Option<bool> {
        let session = self.known.get_mut(&id)?;
        let before = session.is_alive.replace(is_alive);
        self.recount(before, Some(is_alive));
        before
    }

    /// A copy ended otherwise than production's request, and the one before did not.
    pub(super) fn note_break(&mut self, id: SessionId, route: String) {
        self.change(id, |session| {
            session.broke_at.get_or_insert(route.into());
        });
    }

    /// What changes something ended alike: the session is known to the shadow.
    pub(super) fn note_whole(&mut self, id: SessionId) {
        self.change(id, |session| session.broke_at = None);
    }

    /// Where sessions broke that are lost, the most frequent first.
    pub(super) fn breaks(&self) -> Vec<Break> {
        const COUNTED: usize = 100;
        const TOLD: usize = 3;
        let mut routes: HashMap<&str, u64> = HashMap::new();
        let sessions = self.known.iter().map(|(_, session)| session);
        for session in sessions.filter(|session| session.is_alive == Some(false)) {
            if let Some(route) = &session.broke_at
                && (routes.len() < COUNTED || routes.contains_key(&**route))
            {
                *routes.entry(route).or_default() += 1;
            }
        }
        let mut breaks: Vec<Break> = routes
            .into_iter()
            .map(|(route, sessions)| Break {
                route: route.to_owned(),
                sessions,
            })
            .collect();
        breaks
            .sort_by(|one, other| (other.sessions, &one.route).cmp(&(one.sessions, &other.route)));
        breaks.truncate(TOLD);
        breaks
    }

    /// Whether it began with a name that production was not seen to give.
    pub(super) fn is_guess(&self, id: SessionId) -> bool {
        self.known.peek(&id).is_some_and(|session| session.is_guess)
    }

    fn recount(&mut self, before: Option<bool>, now: Option<bool>) {
        if let Some(count) = self.ends.of(before) {
            *count -= 1;
        }
        if let Some(count) = self.ends.of(now) {
            *count += 1;
        }
    }

    /// The next number, all sessions, those that were not seen for longest first, and the names that many have.
    pub(super) fn entries(&self) -> (SessionId, Vec<(SessionId, Session)>, Vec<u64>) {
        let sessions = self.known.iter().rev();
        let sessions = sessions.map(|(id, session)| (*id, session.clone()));
        let owners = self.by_alias.iter();
        let shared = owners.filter(|(_, owner)| **owner == Owner::Shared);
        let shared = shared.map(|(alias, _)| *alias);
        (self.next, sessions.collect(), shared.collect())
    }

    /// Takes up what `entries` gave.
    pub(super) fn refill(
        &mut self,
        next: SessionId,
        sessions: Vec<(SessionId, Session)>,
        shared: &[u64],
    ) {
        self.next = next;
        for (id, session) in sessions {
            self.bytes += session.bytes();
            let aliases = session.aliases.iter();
            self.by_alias
                .extend(aliases.map(|alias| (*alias, Owner::One(id))));
            self.recount(None, session.is_alive);
            self.known.put(id, session);
        }
        let known = shared.iter().take(SHARED);
        self.by_alias
            .extend(known.map(|alias| (*alias, Owner::Shared)));
        self.shared = shared.len().min(SHARED);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.bytes > self.most && self.known.len() > 1 {
            let Some((_, session)) = self.known.pop_lru() else {
                return;
            };
            self.bytes -= session.bytes();
            self.recount(session.is_alive, None);
            for alias in session.aliases {
                self.by_alias.remove(&alias);
            }
            self.evicted += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_that_is_given_later_is_of_the_same_session() {
        let mut sessions = Sessions::new(100_000);
        let one = sessions.number();
        sessions.name(one, 1);
        for alias in 2..=100 {
            sessions.name(one, alias);
            assert_eq!(sessions.find(&[alias, 1]), Some(one));
        }
        assert_eq!(
            sessions.find(&[1]),
            Some(one),
            "the one that is sent each time is kept"
        );
        assert_eq!(sessions.find(&[50]), None);
        assert_eq!(sessions.find(&[50, 100]), Some(one));
    }

    #[test]
    fn what_production_gives_to_several_names_nobody() {
        let mut sessions = Sessions::new(100_000);
        let (one, other) = (sessions.number(), sessions.number());
        sessions.name(one, 7);
        sessions.name(other, 7);
        sessions.name(one, 7);
        assert_eq!(sessions.find(&[7]), None);
        assert!(sessions.is_shared(7));
    }

    #[test]
    fn a_session_that_was_guessed_from_a_name_gives_it_to_whom_it_was_given() {
        let mut sessions = Sessions::new(100_000);
        let guess = sessions.guess(7);
        assert_eq!(sessions.find(&[7]), Some(guess));
        let one = sessions.number();
        sessions.name(one, 7);
        assert_eq!(sessions.find(&[7]), Some(one));
        assert!(!sessions.is_shared(7));
    }

    #[test]
    fn those_that_were_not_seen_for_longest_are_forgotten() {
        let mut sessions = Sessions::new(3 * (SESSION + ALIAS));
        let first = sessions.number();
        sessions.name(first, 1);
        for alias in 2..=3 {
            let id = sessions.number();
            sessions.name(id, alias);
        }
        assert_eq!(sessions.find(&[1]), Some(first));
        let last = sessions.number();
        sessions.name(last, 4);
        assert_eq!(sessions.find(&[2]), None);
        assert_eq!((sessions.find(&[1]), sessions.evicted), (Some(first), 1));
        assert_eq!((sessions.len(), sessions.by_alias.len()), (3, 3));
    }
}
