//! What production's threads tell at once of a response that sets cookies: a client may come with them on another
//! connection before the response is known on the shadow side.

use parking_lot::{Mutex, RwLock};

use super::{SessionId, cookies::pair_of, values::Key};
use crate::http::Headers;

/// The last cookies that were given out, and to which exchange; and the sessions of the last exchanges. Newer ones take the
/// places of older ones.
#[derive(Debug)]
pub(crate) struct Given {
    key: RwLock<Key>,
    cookies: Mutex<Box<[Entry]>>,
    sessions: Mutex<Box<[Entry]>>,
}

/// The hash of a cookie with an exchange's number, or such a number with a session's.
type Entry = (u64, u64);

/// Entries of each kind, 16 bytes each.
const ENTRIES: usize = 1 << 16;

impl Given {
    pub(super) fn new(key: Key) -> Self {
        let entries = || Mutex::new(vec![Entry::default(); ENTRIES].into());
        Self {
            key: RwLock::new(key),
            cookies: entries(),
            sessions: entries(),
        }
    }

    /// Production gives out cookies in the response to the exchange with this number. On production's threads: an insert
    /// for each.
    pub(crate) fn note(&self, exchange: u64, headers: &Headers) {
        let key = *self.key.read();
        for line in headers.named(b"set-cookie") {
            if let Some((name, value)) = pair_of(line) {
                let cookie = key.of_bytes(&[b"cookie", name, value]);
                put(&mut self.cookies.lock(), cookie, exchange);
            }
        }
    }

    /// Hashes with another key from now on; what was told before is lost.
    pub(super) fn set_key(&self, key: Key) {
        *self.key.write() = key;
    }

    /// Whose the exchange with this number is.
    pub(super) fn decide(&self, exchange: u64, session: SessionId) {
        put(&mut self.sessions.lock(), exchange, session);
    }

    /// The exchange in whose response a cookie was given out.
    pub(super) fn exchange(&self, cookie: u64) -> Option<u64> {
        find(&self.cookies.lock(), cookie)
    }

    /// Whose an exchange is, where that is known.
    pub(super) fn session(&self, exchange: u64) -> Option<SessionId> {
        find(&self.sessions.lock(), exchange)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a place among a few")]
fn place(key: u64) -> usize {
    key as usize % ENTRIES
}

fn put(entries: &mut [Entry], key: u64, value: u64) {
    entries[place(key)] = (key, value);
}

fn find(entries: &[Entry], key: u64) -> Option<u64> {
    let (known, value) = entries[place(key)];
    (known == key && value != 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_leads_to_the_session_of_the_request_that_it_was_given_for() {
        let key = Key::random();
        let given = Given::new(key);
        let mut headers = Headers::default();
        headers.append(b"Set-Cookie", b"sid=one; Path=/; HttpOnly");
        headers.append(b"Set-Cookie", b"other=two");
        given.note(41, &headers);
        let cookie = |name: &str, value: &str| key.of(&["cookie", name, value]);
        assert_eq!(given.exchange(cookie("sid", "one")), Some(41));
        assert_eq!(given.exchange(cookie("other", "two")), Some(41));
        assert_eq!(given.exchange(cookie("sid", "two")), None);
        assert_eq!(given.session(41), None);
        given.decide(41, 7);
        assert_eq!(given.session(41), Some(7));
    }
}
