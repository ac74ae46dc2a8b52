//! Requests of examples that can be sent to the shadow once more, and what came of it. They are whole, secrets among them, and
//! are held in memory alone: neither shown nor written, within a share of the comparer's bytes.

use std::{cmp::Reverse, collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Comparer, explain, inner, is_safe, messages::Key, side_by_side::Line};
use crate::{
    compare::{
        answer::{Answer, Asked},
        difference::{Difference, Kind, differences},
        extract::{Class, Extract, Value, extract},
        learn::{
            Learned,
            cell::{Cell, CellKey},
            recent::OwnedAnswer,
            verdict::Verdict,
        },
        report::{Cause, Report},
        secrets::Known,
    },
    http::RequestHead,
};

/// What a request and the map around it take beside their bytes.
const ENTRY: usize = 400;

/// A request as its copy was sent, before it is rewritten and marked for the shadow.
#[derive(Debug)]
pub(crate) struct Resent {
    pub(crate) head: RequestHead,
    pub(crate) body: ResentBody,
}

/// The body of a request that may be sent once more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ResentBody {
    None,
    Whole(Bytes),
    /// There was more of it than is kept.
    Cut,
}

impl Resent {
    fn asked(&self) -> Asked<'_> {
        Asked {
            method: self.head.method(),
            target: self.head.target(),
            headers: self.head.headers.iter().collect(),
            body: match &self.body {
                ResentBody::Whole(body) => Some(body),
                ResentBody::None | ResentBody::Cut => None,
            },
        }
    }

    fn bytes(&self) -> usize {
        let body = match &self.body {
            ResentBody::Whole(body) => body.len(),
            ResentBody::None | ResentBody::Cut => 0,
        };
        self.head.size() + body
    }
}

/// What is kept of an example's pair.
#[derive(Debug)]
struct Held {
    request: Resent,
    /// What production answered.
    primary: OwnedAnswer,
}

impl Held {
    fn bytes(&self) -> usize {
        self.request.bytes() + self.primary.bytes() + ENTRY
    }
}

/// Requests by the pair that they are of.
#[derive(Debug)]
pub(super) struct HeldRequests {
    by_pair: HashMap<Key, Arc<Held>>,
    bytes: usize,
    limit: usize,
}

impl HeldRequests {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            by_pair: HashMap::new(),
            bytes: 0,
            limit,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn put(&mut self, key: Key, held: Held, learned: &Learned) {
        // One huge answer is not worth the others.
        if held.bytes() > self.limit / 4 {
            return;
        }
        self.bytes += held.bytes();
        if let Some(old) = self.by_pair.insert(key, Arc::new(held)) {
            self.bytes -= old.bytes();
        }
        if self.bytes > self.limit {
            self.make_room(learned);
        }
    }

    /// Leaves out what no cell shows, then what is least certain, then what is largest, until a tenth of the limit is free.
    fn make_room(&mut self, learned: &Learned) {
        let mut worth: HashMap<Key, Verdict> = HashMap::new();
        for cell in learned.cells.values() {
            let known = worth.entry(Key::of(&cell.example));
            let known = known.or_insert(Verdict::Noise);
            *known = (*known).max(cell.verdict);
        }
        let held = self.by_pair.iter();
        let mut order: Vec<_> = held
            .map(|(key, held)| (worth.get(key).copied(), Reverse(held.bytes()), key.clone()))
            .collect();
        order.sort();
        for (verdict, _, key) in order {
            if verdict.is_some() && self.bytes <= self.limit / 10 * 9 {
                break;
            }
            if let Some(held) = self.by_pair.remove(&key) {
                self.bytes -= held.bytes();
            }
        }
    }
}

/// Why a request is not sent once more, or nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotResent {
    #[error("no such shadow is compared; set compare = true in a [[shadow]]")]
    NotCompared,
    #[error("there is no cause of this id; ?cause=ID, as the report has it")]
    UnknownCause,
    #[error(
        "the request of this cause's example is not kept any more: it is held in memory only, and goes with a restart or \
         for want of room"
    )]
    NotKept,
    #[error(
        "the body of this cause's example is too large to be kept, so that it can't be sent once more"
    )]
    TooLarge,
    #[error(
        "{0} may change data on the shadow; it is sent only with {{\"unsafe\": true}} in the body"
    )]
    Unsafe(String),
    #[error("the shadow takes no requests now: it was removed, or is being set up")]
    Removed,
    #[error("the shadow is paused; resume it, and try again")]
    Paused,
    #[error("the shadow fails, and its breaker is open; try again when it answers")]
    BreakerOpen,
    #[error("the shadow has enough to do with copies: no lane is free; try again later")]
    NoLane,
    #[error("the request's session is not known on the shadow any more")]
    Unpaired,
    #[error("no connection to the shadow can be made: {0}")]
    NoConnection(String),
    #[error("the shadow has not answered within {}", humantime::format_duration(*.0))]
    NoAnswer(Duration),
    #[error("the shadow has not answered: {0}")]
    Broken(String),
    #[error("the process is stopping")]
    Stopping,
}

/// A request that is to be sent once more, and what is looked for in the response.
#[derive(Clone, Debug)]
pub(crate) struct Resend {
    held: Arc<Held>,
    cause: Told,
    places: Vec<(String, CellKey)>,
}

/// What is told of the cause.
#[derive(Clone, Debug)]
struct Told {
    id: String,
    title: String,
    shadow: String,
    request_id: String,
    method: String,
    target: String,
    place: String,
    before: Option<String>,
}

impl Resend {
    pub(crate) fn request(&self) -> &Resent {
        &self.held.request
    }

    pub(crate) fn request_id(&self) -> &str {
        &self.cause.request_id
    }
}

/// What came of a request that was sent to the shadow once more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Replayed {
    /// The cause's id and its title.
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) shadow: String,
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) difference: Now,
    /// The same in words.
    pub(crate) says: String,
    pub(crate) status: u16,
    /// Production's, as it was recorded.
    pub(crate) primary_status: u16,
    /// From the request to the head of the response.
    pub(crate) milliseconds: f64,
    pub(crate) place: String,
    /// What production had there, what the shadow had when it was compared, and what it has now; without secrets.
    pub(crate) primary: Option<String>,
    pub(crate) before: Option<String>,
    pub(crate) now: Option<String>,
    /// Production's and the shadow's now in parts, where there are both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) values: Option<[Line; 2]>,
}

/// What became of the difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Now {
    Again,
    Gone,
    /// The response differs otherwise now, so that its place can't be looked at.
    Unclear,
}

impl Comparer {
    /// Holds the request of a pair that is an example.
    pub(crate) fn hold_request(&mut self, key: Key, request: Resent, primary: &Answer<'_>) {
        let primary = OwnedAnswer::of(primary, 0);
        let held = Held { request, primary };
        self.held.put(key, held, &self.learned);
    }

    /// The request of the example of the cause whose id begins so. `may_change`: also one that may change data.
    ///
    /// # Errors
    /// Where there is none, or it is not to be sent.
    pub(crate) fn resend(
        &mut self,
        id: &str,
        may_change: bool,
        now: i64,
    ) -> Result<Resend, NotResent> {
        let report = self.report(now);
        let mut causes = report.causes.iter();
        let cause = causes.find(|cause| !id.is_empty() && cause.id.starts_with(id));
        let cause = cause.ok_or(NotResent::UnknownCause)?;
        let key = Key::of_reported(&cause.example);
        let held = self.held.by_pair.get(&key).ok_or(NotResent::NotKept)?;
        if held.request.body == ResentBody::Cut {
            return Err(NotResent::TooLarge);
        }
        if !may_change && !is_safe(&held.request.asked()) {
            return Err(NotResent::Unsafe(cause.example.method.clone()));
        }
        Ok(Resend {
            held: Arc::clone(held),
            cause: told(&report, cause),
            places: self.places(cause, &key),
        })
    }

    /// Where a cause's example differs: at the place that the cause is called by, or at another of its places.
    fn places(&self, cause: &Cause, key: &Key) -> Vec<(String, CellKey)> {
        let is_shown = |cell: &&Cell| {
            Key::of(&cell.example) == *key
                && cell.example.primary == cause.example.primary
                && cell.example.shadow == cause.example.shadow
        };
        let cells = self.learned.cells.values().filter(is_shown);
        let mut places: Vec<(String, CellKey)> = cells
            .map(|cell| (cell.place.clone(), cell.key.clone()))
            .collect();
        // That of the cause first.
        places.sort_by_key(|(place, key)| {
            (
                *place != cause.place,
                key.kind.as_str() != cause.kind,
                place.clone(),
            )
        });
        places
    }

    /// Compares the shadow's new response with production's recorded one.
    pub(crate) fn resent(&self, resend: &Resend, answer: &Answer<'_>) -> Replayed {
        let Resend {
            held,
            cause,
            places,
        } = resend;
        let (asked, limits) = (held.request.asked(), &self.settings.limits);
        let primary = held.primary.extract(&asked, limits);
        let shadow = extract(&asked, answer, limits);
        let mut found = differences(&primary, &shadow);
        explain::clocks(&mut found.found, &primary, &shadow);
        let is_here = |difference: &&Difference| {
            let (place, kind) = (difference.place.as_str(), difference.kind);
            // Another wrong status is not the same: the session may have ended, or another error come.
            let is_same = |key: &CellKey| {
                key.kind == kind
                    && (kind != Kind::Status || key.change == CellKey::of(difference).change)
            };
            places
                .iter()
                .any(|(known, key)| known == place && is_same(key))
        };
        let here = found.found.iter().find(is_here);
        let is_unclear =
            || !answer.is_whole || shadow.not_compared.is_some() || found.found.iter().any(decides);
        let now = match here {
            Some(_) => Now::Again,
            None if is_unclear() => Now::Unclear,
            None => Now::Gone,
        };
        let secrets = &self.settings.secrets;
        let mut known = Known::of_asked(secrets, &asked);
        known.add_answers(secrets, [&held.primary.as_answer(), answer], limits);
        let place = here.map_or(&*cause.place, |here| here.place.as_str());
        let class = here.map_or(Class::Content, |here| here.class);
        let shown = |value: &Value| secrets.value(value, class, place, &known);
        let at_place = |side: &Extract| value_at(side, place);
        let (one, other) = match here {
            Some(here) => (here.primary.clone(), here.shadow.clone()),
            None => (at_place(&primary), at_place(&shadow)),
        };
        let (one, other) = (one.as_ref().map(shown), other.as_ref().map(shown));
        let both = one.as_deref().zip(other.as_deref());
        Replayed {
            values: both.map(|(one, other)| inner(one, other)),
            id: cause.id.clone(),
            title: cause.title.clone(),
            shadow: cause.shadow.clone(),
            request_id: cause.request_id.clone(),
            method: cause.method.clone(),
            target: cause.target.clone(),
            difference: now,
            says: words(now, primary.status, shadow.status, cause),
            status: shadow.status,
            primary_status: primary.status,
            milliseconds: answer.took.as_secs_f64() * 1000.0,
            place: place.to_owned(),
            primary: one,
            before: cause.before.clone(),
            now: other,
        }
    }
}

fn told(report: &Report, cause: &Cause) -> Told {
    Told {
        id: cause.id.clone(),
        title: cause.title.clone(),
        shadow: report.shadow.clone(),
        request_id: cause.example.request_id.clone(),
        method: cause.example.method.clone(),
        target: cause.example.target.clone(),
        place: cause.place.clone(),
        before: cause.example.shadow.clone(),
    }
}

fn words(now: Now, primary: u16, shadow: u16, cause: &Told) -> String {
    match now {
        Now::Again => "the difference is there again".to_owned(),
        Now::Gone => "the difference is gone now".to_owned(),
        Now::Unclear if primary != shadow => {
            let before = cause.before.as_ref().filter(|_| cause.place == "status");
            let before = before.map_or(String::new(), |before| {
                format!(", and it answered {before} before")
            });
            format!(
                "not the same as before, so that this can't be told: the shadow answers {shadow} now, where production answered \
                 {primary}{before}; the session of the example may have ended there"
            )
        }
        Now::Unclear => "the response differs otherwise now, so that this can't be told".to_owned(),
    }
}

/// Whether what is lower in the response was not compared for it.
fn decides(difference: &Difference) -> bool {
    matches!(
        difference.class,
        Class::Status | Class::ContentType | Class::Redirect
    )
}

fn value_at(side: &Extract, place: &str) -> Option<Value> {
    if place == "status" {
        let status = side.status.to_string();
        return Some(Value::of(crate::compare::extract::Scalar::Number, &status));
    }
    let mut leaves = side.leaf_refs();
    let leaf = leaves.find(|leaf| leaf.place().as_str() == place)?;
    Some(leaf.value())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_requests_stay_within_their_share_and_a_huge_one_is_not_held() {
        let mut held = HeldRequests::new(20_000);
        let learned = Learned::default();
        let key = |number: usize| {
            Key::of_reported(&crate::compare::report::Example {
                request_id: number.to_string(),
                ..Default::default()
            })
        };
        let with = |size: usize| Held {
            request: Resent {
                head: RequestHead::default(),
                body: ResentBody::Whole(vec![0; size].into()),
            },
            primary: OwnedAnswer::of(
                &Answer {
                    status: 200,
                    headers: Vec::new(),
                    body: b"",
                    length: 0,
                    is_whole: true,
                    at: 0,
                    took: Duration::ZERO,
                },
                0,
            ),
        };
        held.put(key(0), with(20_000), &learned);
        assert_eq!((held.by_pair.len(), held.bytes()), (0, 0));
        for number in 0..100 {
            held.put(key(number), with(1_000), &learned);
            held.put(key(number), with(1_000), &learned);
            let bytes: usize = held.by_pair.values().map(|held| held.bytes()).sum();
            assert_eq!(held.bytes(), bytes);
            assert!(held.bytes() <= 20_000);
        }
    }
}
