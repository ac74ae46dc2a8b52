//! Whose request it is. A session is a lineage, not a cookie: where an answer gives the client a new cookie for an old one,
//! both name the same session. Cookies and tokens are known by keyed hashes only.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use crate::compare::answer::{Answer, Asked};

/// The number of a session. Zero is whoever shows neither a cookie nor a token.
pub(crate) type SessionId = u64;
pub(crate) const ANONYMOUS: SessionId = 0;

/// Whose a request is, and whether its answer begins a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) session: SessionId,
    pub(crate) begins: Option<SessionId>,
}

/// Names of a session that are remembered; the older half goes when there are more.
const MOST: usize = 50_000;

#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_token: HashMap<u64, SessionId>,
    older: HashMap<u64, SessionId>,
    key: RandomState,
    next: SessionId,
    unsafe_at: HashMap<SessionId, i64>,
}

impl Sessions {
    /// Whose request this is. It is learned from the primary's answer which cookies will name the session from now on.
    pub(crate) fn of(&mut self, asked: &Asked<'_>, primary: &Answer<'_>) -> Whose {
        let shown: Vec<u64> = self.shown(asked);
        let given: Vec<u64> = self.given(primary);
        let known = shown.iter().find_map(|token| self.find(*token));
        let session = match known {
            Some(session) => session,
            None if shown.is_empty() => ANONYMOUS,
            None => self.new_session(),
        };
        for token in shown {
            self.insert(token, session);
        }
        let mut begins = None;
        if !given.is_empty() {
            // A login of somebody unknown begins a session; its request is still anonymous.
            let named = if session == ANONYMOUS {
                *begins.insert(self.new_session())
            } else {
                session
            };
            for token in given {
                self.insert(token, named);
            }
        }
        Whose { session, begins }
    }

    /// The last number that was given to a session.
    pub(crate) fn next(&self) -> SessionId {
        self.next
    }

    /// Gives later numbers than these, which are known from an earlier run.
    pub(crate) fn continue_from(&mut self, next: SessionId) {
        self.next = self.next.max(next);
    }

    fn new_session(&mut self) -> SessionId {
        self.next += 1;
        self.next
    }

    fn find(&self, token: u64) -> Option<SessionId> {
        let found = self.by_token.get(&token).or_else(|| self.older.get(&token));
        found.copied()
    }

    fn insert(&mut self, token: u64, session: SessionId) {
        if self.by_token.len() >= MOST {
            self.older = std::mem::take(&mut self.by_token);
        }
        self.by_token.insert(token, session);
    }

    /// Tokens of the request, the bearer's first.
    fn shown(&self, asked: &Asked<'_>) -> Vec<u64> {
        let mut tokens = Vec::new();
        if let Some(value) = asked.header("authorization") {
            tokens.push(self.hash("authorization", value));
        }
        for (name, value) in &asked.headers {
            if !name.eq_ignore_ascii_case(b"cookie") {
                continue;
            }
            for cookie in value.split(|byte| *byte == b';').take(MOST_COOKIES) {
                let (name, value) = split_cookie(cookie);
                if is_session_like(name, value) {
                    tokens.push(self.hash(name, value));
                }
            }
        }
        tokens
    }

    fn given(&self, primary: &Answer<'_>) -> Vec<u64> {
        let cookies = primary
            .headers
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(b"set-cookie"));
        cookies
            .take(MOST_COOKIES)
            .filter_map(|(_, value)| {
                let cookie = value.split(|byte| *byte == b';').next()?;
                let (name, value) = split_cookie(cookie);
                is_session_like(name, value).then(|| self.hash(name, value))
            })
            .collect()
    }

    fn hash(&self, name: &str, value: &[u8]) -> u64 {
        self.key.hash_one((name, value))
    }

    /// Notes a request that may change something for its session.
    pub(crate) fn note_unsafe(&mut self, session: SessionId, at: i64) {
        if self.unsafe_at.len() >= MOST {
            self.unsafe_at.clear();
        }
        self.unsafe_at.insert(session, at);
    }

    /// When the session last changed something.
    pub(crate) fn unsafe_at(&self, session: SessionId) -> i64 {
        self.unsafe_at.get(&session).copied().unwrap_or(i64::MIN)
    }

    pub(crate) fn bytes(&self) -> usize {
        const ENTRY: usize = 24;
        (self.by_token.len() + self.older.len() + self.unsafe_at.len()) * ENTRY
    }
}

const MOST_COOKIES: usize = 50;

fn split_cookie(cookie: &[u8]) -> (&str, &[u8]) {
    let cookie = cookie.trim_ascii();
    let at = cookie
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(cookie.len());
    let name = std::str::from_utf8(&cookie[..at]).unwrap_or_default();
    (name, cookie.get(at + 1..).unwrap_or_default())
}

/// A cookie that names a session: long, or called so. Settings, consent and counters are not.
pub(crate) fn is_session_like(name: &str, value: &[u8]) -> bool {
    const LONG: usize = 16;
    let name = name.to_ascii_lowercase();
    let is_tracker =
        name.starts_with("_ga") || name.starts_with("_gid") || name.starts_with("__utm");
    let is_form_token = name.contains("csrf") || name.contains("xsrf");
    if is_tracker || is_form_token || value.len() < 4 {
        return false;
    }
    let is_named = ["sess", "sid", "auth", "token", "remember", "login", "jwt"]
        .iter()
        .any(|word| name.contains(word));
    let has_digit = value.iter().any(u8::is_ascii_digit);
    is_named || (value.len() >= LONG && has_digit && !value.contains(&b' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn asked(cookie: Option<&str>) -> Asked<'_> {
        Asked {
            method: b"GET",
            target: b"/",
            headers: cookie
                .map(|cookie| (b"Cookie" as &[u8], cookie.as_bytes()))
                .into_iter()
                .collect(),
            body: None,
        }
    }

    fn answer(set_cookie: Option<&str>) -> Answer<'_> {
        Answer {
            status: 200,
            headers: set_cookie
                .map(|cookie| (b"Set-Cookie" as &[u8], cookie.as_bytes()))
                .into_iter()
                .collect(),
            body: b"",
            length: 0,
            is_whole: true,
            at: 0,
            took: Duration::ZERO,
        }
    }

    #[test]
    fn a_cookie_that_is_renewed_in_each_answer_names_one_session() {
        let mut sessions = Sessions::default();
        let first = sessions.of(
            &asked(Some("_app_session=aaaa1")),
            &answer(Some("_app_session=aaaa2; path=/")),
        );
        let second = sessions.of(
            &asked(Some("_app_session=aaaa2")),
            &answer(Some("_app_session=aaaa3")),
        );
        let third = sessions.of(
            &asked(Some("theme=dark; _app_session=aaaa3")),
            &answer(None),
        );
        let other = sessions.of(&asked(Some("_app_session=bbbb1")), &answer(None));
        assert!(first == second && second == third && first.session != ANONYMOUS);
        assert_ne!(other.session, first.session);
    }

    #[test]
    fn a_login_begins_a_session_that_later_requests_are_of() {
        let mut sessions = Sessions::default();
        let login = sessions.of(&asked(None), &answer(Some("sid=abcdef12")));
        let next = sessions.of(&asked(Some("sid=abcdef12")), &answer(None));
        assert_eq!(login.session, ANONYMOUS);
        assert_eq!(login.begins, Some(next.session));
    }

    #[test]
    fn settings_and_trackers_name_nobody() {
        assert!(!is_session_like("theme", b"dark"));
        assert!(!is_session_like("_ga", b"GA1.2.1234567890.1234567890"));
        assert!(!is_session_like("csrftoken", b"abcdef0123456789abcdef"));
        assert!(is_session_like("PHPSESSID", b"abcdef"));
        assert!(is_session_like("x", b"0123456789abcdef0123"));
    }
}
