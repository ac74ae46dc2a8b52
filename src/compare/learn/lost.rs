//! Sessions that the shadow has lost: it sends the client to a login, or refuses it, where production answers. What such
//! a session sees on the shadow says nothing about the new version.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use super::sessions::{ANONYMOUS, SessionId};
use crate::compare::{
    answer::Answer,
    route::{RouteId, path_of},
};

/// Sessions that are remembered.
const MOST: usize = 20_000;
/// Routes that have to be refused before a session counts as lost: one alone may be that route's own fault.
const ROUTES: usize = 2;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Seen {
    refused: BTreeSet<RouteId>,
    pairs: u32,
    is_lost: bool,
    was_lost: bool,
    /// What it last asked for while both sides knew it.
    last_good: Option<RouteId>,
    first_refused: i64,
    last_refused: i64,
}

/// What is known of each session on the shadow.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LostSessions {
    sessions: HashMap<SessionId, Seen>,
    /// Sessions that were lost, each counted once.
    count: u32,
    pub(crate) forgotten: u32,
}

/// All that is to be told of lost sessions.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LostReport {
    pub(crate) lost: usize,
    pub(crate) of: usize,
    pub(crate) pairs: u32,
    /// What most of them last asked for while both sides knew them.
    pub(crate) after: Option<RouteId>,
    pub(crate) routes: Vec<(RouteId, u32)>,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: i64,
}

impl LostSessions {
    /// Notes a session's pair. True where the session is lost, so that nothing is learned from the pair.
    pub(crate) fn note(
        &mut self,
        session: SessionId,
        route: RouteId,
        is_refused: bool,
        is_good: bool,
        at: i64,
    ) -> bool {
        if session == ANONYMOUS {
            return false;
        }
        if self.sessions.len() >= MOST && !self.sessions.contains_key(&session) {
            self.sessions.retain(|_, seen| seen.was_lost);
            if self.sessions.len() >= MOST {
                self.forgotten += 1;
                return false;
            }
        }
        let seen = self.sessions.entry(session).or_default();
        if is_refused {
            if seen.refused.is_empty() {
                seen.first_refused = at;
            }
            seen.last_refused = at;
            if seen.refused.len() < 64 {
                seen.refused.insert(route);
            }
            if seen.refused.len() >= ROUTES {
                self.count += u32::from(!seen.was_lost);
                seen.is_lost = true;
                seen.was_lost = true;
            }
        } else if is_good && seen.refused.contains(&route) {
            seen.refused.clear();
            seen.is_lost = false;
        } else if is_good && seen.refused.is_empty() {
            seen.last_good = Some(route);
        }
        if is_refused || seen.is_lost {
            seen.pairs += 1;
        }
        seen.is_lost
    }

    /// Notes that a session begins with a request's answer.
    pub(crate) fn begin(&mut self, session: SessionId, route: RouteId) {
        if self.sessions.len() < MOST {
            let seen = self.sessions.entry(session).or_default();
            if seen.refused.is_empty() {
                seen.last_good = Some(route);
            }
        }
    }

    /// How many sessions were lost.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn was_lost(&self, session: SessionId) -> bool {
        self.sessions
            .get(&session)
            .is_some_and(|seen| seen.was_lost)
    }

    pub(crate) fn report(&self) -> Option<LostReport> {
        let lost: Vec<&Seen> = self
            .sessions
            .values()
            .filter(|seen| seen.was_lost)
            .collect();
        if lost.is_empty() {
            return None;
        }
        let mut after: HashMap<RouteId, usize> = HashMap::new();
        let mut routes: HashMap<RouteId, u32> = HashMap::new();
        for seen in &lost {
            if let Some(route) = seen.last_good {
                *after.entry(route).or_default() += 1;
            }
            for route in &seen.refused {
                *routes.entry(*route).or_default() += 1;
            }
        }
        let mut routes: Vec<(RouteId, u32)> = routes.into_iter().collect();
        routes.sort_unstable_by_key(|(route, count)| (std::cmp::Reverse(*count), *route));
        Some(LostReport {
            lost: lost.len(),
            of: self.sessions.len(),
            pairs: lost.iter().map(|seen| seen.pairs).sum(),
            after: after
                .into_iter()
                .max_by_key(|(route, count)| (*count, std::cmp::Reverse(*route)))
                .map(|(route, _)| route),
            routes,
            first_seen: lost
                .iter()
                .map(|seen| seen.first_refused)
                .min()
                .unwrap_or_default(),
            last_seen: lost
                .iter()
                .map(|seen| seen.last_refused)
                .max()
                .unwrap_or_default(),
        })
    }

    pub(crate) fn bytes(&self) -> usize {
        const SEEN: usize = 160;
        self.sessions.len() * SEEN
    }
}

/// Whether the shadow refuses what production answers: a login, or 401 and 403.
pub(crate) fn is_refused(primary: &Answer<'_>, shadow: &Answer<'_>) -> bool {
    if matches!(shadow.status, 401 | 403 | 419 | 440) {
        return primary.status < 400;
    }
    leads_to_login(shadow) && primary.status < 400 && !leads_to_login(primary)
}

fn leads_to_login(answer: &Answer<'_>) -> bool {
    if !(300..400).contains(&answer.status) {
        return false;
    }
    let Some(location) = answer.header("location") else {
        return false;
    };
    let location = String::from_utf8_lossy(location).to_ascii_lowercase();
    let path = path_of(&location);
    let words = [
        "login", "signin", "sign_in", "sign-in", "log_in", "log-in", "logon", "sso",
    ];
    let is_word = path.split(['/', '.']).any(|part| words.contains(&part));
    is_word || path.ends_with("session/new") || path.ends_with("sessions/new")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn answer(status: u16, location: Option<&'static str>) -> Answer<'static> {
        Answer {
            status,
            headers: location
                .map(|location| (b"Location" as &[u8], location.as_bytes()))
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
    fn a_login_and_a_refusal_are_told_from_ordinary_redirects() {
        let good = answer(200, None);
        let login = answer(302, Some("https://a.example/users/sign_in?back=%2F"));
        assert!(is_refused(&good, &login));
        assert!(is_refused(&good, &answer(401, None)));
        assert!(is_refused(&answer(302, Some("/orders/7")), &login));
        assert!(!is_refused(&login, &login));
        assert!(!is_refused(&answer(403, None), &answer(401, None)));
        assert!(!is_refused(&good, &answer(302, Some("/catalogin/7"))));
        assert!(!is_refused(&good, &answer(404, None)));
    }

    #[test]
    fn a_session_is_lost_when_two_routes_refuse_it_and_found_when_one_answers() {
        let mut lost = LostSessions::default();
        let (home, orders, login) = (RouteId(1), RouteId(2), RouteId(3));
        lost.begin(7, login);
        assert!(!lost.note(7, home, true, false, 10));
        assert!(lost.report().is_none());
        assert!(lost.note(7, orders, true, false, 11));
        let report = lost.report().unwrap();
        assert_eq!((report.lost, report.of, report.pairs), (1, 1, 2));
        assert_eq!(report.after, Some(login));
        assert!(!lost.note(7, home, false, true, 12));
        assert!(!lost.note(ANONYMOUS, home, true, false, 13));
    }

    #[test]
    fn one_route_that_refuses_everybody_has_lost_nobody() {
        let mut lost = LostSessions::default();
        for session in 1..10 {
            assert!(!lost.note(session, RouteId(1), true, false, 0));
            assert!(!lost.note(session, RouteId(2), false, true, 0));
        }
        assert!(lost.report().is_none());
    }
}
