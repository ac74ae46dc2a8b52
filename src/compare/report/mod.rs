//! What is told to people and programs: few causes, each with its condition and its smallest example. The JSON form is
//! kept stable; its number is `schema`.

mod html;
mod junit;
mod markdown;
mod sessions;
mod since;
mod text;
pub(crate) mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use junit::junit;
pub(crate) use sessions::{Break, FollowsSessions, NeedsHelp, PutIn, SessionsReport};
pub(crate) use since::Since;
pub(crate) use text::{Style, text};
pub(crate) use {html::html, markdown::markdown};

/// The version of the JSON form.
pub(crate) const SCHEMA: u32 = 1;

/// All that is known of one shadow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) shadow: String,
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) requests: Requests,
    /// When they were compared.
    #[serde(default)]
    pub(crate) timeline: Timeline,
    /// Where production's sessions are kept alive on the shadow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sessions: Option<SessionsReport>,
    /// By reason.
    pub(crate) not_compared: BTreeMap<String, u64>,
    pub(crate) causes: Vec<Cause>,
    #[serde(default)]
    pub(crate) speed: Speed,
    pub(crate) slower: Vec<Slower>,
    /// How long each route with enough pairs takes.
    #[serde(default)]
    pub(crate) times: Vec<RouteTime>,
    /// The upper bound of each bucket of `times` but the last, which has none, in milliseconds.
    #[serde(default)]
    pub(crate) time_bounds: Vec<f64>,
    pub(crate) coverage: Vec<Coverage>,
    /// Routes of the application's own list that no request was for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) never_seen: Vec<String>,
    pub(crate) rules: Vec<RuleUse>,
    pub(crate) learned: Memory,
}

/// Pairs by what came of them: identical, explained, different and unconfirmed add up to compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Requests {
    pub(crate) answered: u64,
    pub(crate) compared: u64,
    pub(crate) identical: u64,
    pub(crate) explained: u64,
    pub(crate) different: u64,
    pub(crate) unconfirmed: u64,
}

/// Pairs by their time, oldest first, also where there were none; the last span is not over yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timeline {
    /// A slot a minute: 60.
    pub(crate) hour: Vec<Slot>,
    /// A slot every ten minutes: 144.
    pub(crate) day: Vec<Slot>,
}

/// Pairs of one span of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Slot {
    /// When it begins, in UTC.
    pub(crate) at: String,
    pub(crate) compared: u64,
    pub(crate) different: u64,
    pub(crate) unconfirmed: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Confirmed,
    Unconfirmed,
}

/// What many differences have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) status: Status,
    pub(crate) severity: u32,
    pub(crate) kind: String,
    pub(crate) place: String,
    pub(crate) transformation: String,
    pub(crate) routes: Vec<RouteCount>,
    pub(crate) sessions: u64,
    pub(crate) when: Vec<When>,
    pub(crate) first_seen: String,
    pub(crate) last_seen: String,
    /// Pairs that show it, a count a minute for the last hour, oldest first: those of `timeline.hour`.
    #[serde(default)]
    pub(crate) last_hour: Vec<u64>,
    pub(crate) evidence: String,
    pub(crate) example: Example,
    /// Other places and changes that come with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) parts: Vec<String>,
    /// Parts beyond the limit of one cause.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) parts_left_out: u64,
    /// The same, elsewhere or in another way, of which too little is known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_certain: Vec<String>,
    /// What else a reader should know: it may be data, what to do.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    pub(crate) rank: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RouteCount {
    pub(crate) route: String,
    pub(crate) different: u64,
    pub(crate) of: u64,
}

/// A condition: how many pairs that meet it differ, and how many that don't.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct When {
    pub(crate) feature: String,
    pub(crate) hit: [u64; 2],
    pub(crate) miss: [u64; 2],
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Example {
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) primary: Option<String>,
    pub(crate) shadow: Option<String>,
    pub(crate) curl: String,
}

/// How long the shadow takes on all its routes together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Speed {
    pub(crate) verdict: SpeedVerdict,
    /// Routes with enough pairs to be timed.
    pub(crate) routes: u64,
    /// How many of them are slower by more than a fifth, certain or not.
    pub(crate) slower_routes: u64,
    /// How many times as long the route in the middle takes.
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The difference of the route in the middle.
    pub(crate) milliseconds: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SpeedVerdict {
    /// No route has enough pairs.
    #[default]
    Unknown,
    /// A few routes only: what slows one of them can't be told from what slows the shadow.
    FewRoutes,
    /// Most routes are not slower for certain.
    NotSlower,
    /// Most routes are slower by about as much.
    Slower,
}

/// A route that is slower, beyond what slows the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Slower {
    pub(crate) route: String,
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) pairs: u64,
    /// The middle of the differences.
    pub(crate) milliseconds: f64,
    /// How many times as much longer as the other routes, where there are enough of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) beyond_others: Option<f64>,
}

/// How long a route takes on the shadow, and on production.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RouteTime {
    pub(crate) route: String,
    pub(crate) pairs: u64,
    pub(crate) verdict: TimeVerdict,
    /// How many times as long the shadow takes.
    pub(crate) ratio: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// The middle of the differences.
    pub(crate) milliseconds: f64,
    /// Pairs by how long production took, in the buckets of `time_bounds`.
    pub(crate) primary: Vec<u32>,
    pub(crate) shadow: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TimeVerdict {
    /// By more than a fifth and a millisecond, for certain, and beyond what slows the others: it is in `slower`.
    Slower,
    /// The same the other way round.
    Faster,
    /// Slower or faster for certain, as other routes are by about as much.
    LikeOthers,
    /// For certain by a fifth at most, or by a millisecond at most.
    Same,
    /// Too little is known.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    pub(crate) route: String,
    pub(crate) requests: u64,
    pub(crate) compared: u64,
    /// Pairs that say nothing, since a session was lost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) not_judged: u64,
    pub(crate) statuses: BTreeMap<String, u64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// A rule, and what it does. Reports of earlier versions have its first fields only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RuleUse {
    /// What it is for and what it does, in words.
    pub(crate) rule: String,
    /// Pairs.
    pub(crate) hides: u64,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    /// It is over, hides nothing, or what was expected has stopped.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) note: String,
    /// What it is taken back by.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) id: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) action: String,
    /// The id of the cause that it is for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) cause: String,
    /// What that was called when the rule was made.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    /// Its last day, or moment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) until: String,
    /// When it was made, where it says so.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) since: String,
    #[serde(default)]
    pub(crate) kept: Kept,
}

/// Where a rule stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kept {
    /// In the file of rules.
    #[default]
    File,
    /// With what was learned, on disk.
    State,
    /// Until the process ends.
    Memory,
}

/// What is held, and what was forgotten for want of room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) bytes: u64,
    pub(crate) cells: u64,
    /// Cells held to be noise.
    pub(crate) noise: u64,
    pub(crate) evicted: u64,
    /// Differences beyond the limit of one pair.
    pub(crate) left_out: u64,
    /// Requests to routes beyond the limit.
    pub(crate) routes_beyond_limit: u64,
}

/// The sums of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Totals {
    pub(crate) compared: u64,
    pub(crate) different: u64,
    pub(crate) unconfirmed: u64,
    pub(crate) confirmed_causes: u64,
    pub(crate) unconfirmed_causes: u64,
}

impl Report {
    pub(crate) fn totals(&self) -> Totals {
        let requests = self.requests;
        Totals {
            compared: requests.compared,
            different: requests.different,
            unconfirmed: requests.unconfirmed,
            confirmed_causes: self.confirmed().count() as u64,
            unconfirmed_causes: self.unconfirmed().count() as u64,
        }
    }

    pub(crate) fn confirmed(&self) -> impl Iterator<Item = &Cause> {
        self.causes
            .iter()
            .filter(|cause| cause.status == Status::Confirmed)
    }

    pub(crate) fn unconfirmed(&self) -> impl Iterator<Item = &Cause> {
        self.causes
            .iter()
            .filter(|cause| cause.status == Status::Unconfirmed)
    }
}
