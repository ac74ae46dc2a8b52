//! What is told of sessions in a report.

use super::{Identity, address::Address};
use crate::{
    compare::{NeedsHelp, PutIn, SessionsReport},
    http::RequestHead,
};

/// A route's name is no longer.
const LONGEST: usize = 100;

impl Identity {
    /// What became of sessions.
    pub(crate) fn report(&self) -> SessionsReport {
        let (ends, counts) = (self.ends(), self.counts);
        SessionsReport {
            known: self.sessions() as u64,
            alive: ends.alive as u64,
            lost: ends.lost as u64,
            breaks: self.sessions.breaks(),
            held_back: counts.unpaired,
            put_in: PutIn {
                cookies: counts.cookies,
                tokens: counts.tokens + counts.newest,
                ids: counts.ids,
                conditions: counts.conditions,
            },
            needs_help: NeedsHelp {
                one_time_codes: counts.one_time_codes,
                captchas: counts.captchas,
                earlier_cookies: counts.earlier_cookies,
            },
        }
    }
}

/// What a request is for, without its ids: `POST /orders/{n}`.
pub(super) fn route(head: &RequestHead, target: &str) -> String {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    let skeleton = Address::of(path).skeleton.replace("{}", "{n}");
    let method = String::from_utf8_lossy(head.method());
    format!("{method} {skeleton}")
        .chars()
        .take(LONGEST)
        .collect()
}
