//! What is known of one kind of difference at one place of one route.

use serde::{Deserialize, Serialize};

use super::{
    counts::{Distinct, Top},
    features::FeatureCounts,
    runs::Runs,
    sessions::{ANONYMOUS, SessionId},
    verdict::Verdict,
};
use crate::compare::{
    difference::{Change, Difference, Kind},
    extract::{Class, Looks, Value, hash::mix, mask::mask_path, opaque::opaque},
    route::RouteId,
};

/// The number of a cell; never used again.
pub(crate) type CellId = u32;

/// What tells a cell from others of its route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct CellKey {
    pub(crate) place: u64,
    pub(crate) kind: Kind,
    /// The text of the transformation.
    pub(crate) change: String,
}

impl CellKey {
    pub(crate) fn of(difference: &Difference) -> Self {
        Self {
            place: difference.place.hash(),
            kind: difference.kind,
            change: change_of(difference),
        }
    }
}

impl CellKey {
    /// The key of the change the other way round, where there is one: its own for what has no direction.
    pub(crate) fn inverse(&self) -> Option<Self> {
        const PAIRS: [(&str, &str); 12] = [
            (NEW_VALUE, NEW_VALUE_OF_PRIMARY),
            (TOKEN_AGAIN, TOKEN_AGAIN_OF_PRIMARY),
            ("gone", "added"),
            ("null to empty", "empty to null"),
            ("number to text", "text to number"),
            ("precision lost", "precision gained"),
            ("entity-escaped", "entities decoded"),
            ("prefix added", "prefix gone"),
            ("suffix added", "suffix gone"),
            ("fewer items", "more items"),
            ("emptied", "filled"),
            ("factor 1/", "factor "),
        ];
        let kind = match self.kind {
            Kind::Missing => Kind::Extra,
            Kind::Extra => Kind::Missing,
            kind => kind,
        };
        let change = if self.kind == Kind::Status {
            let (from, rest) = self.change.split_once(" to ")?;
            let to = rest.split(' ').next().unwrap_or(rest);
            format!("{to} to {from}")
        } else if let Some(minutes) = self.change.strip_prefix("time shifted by minutes: ") {
            let minutes: i32 = minutes.parse().ok()?;
            format!("time shifted by minutes: {:+}", -minutes)
        } else {
            PAIRS.iter().find_map(|(one, other)| {
                let swap = |from: &str, to: &str| {
                    self.change
                        .strip_prefix(from)
                        .map(|rest| format!("{to}{rest}"))
                };
                swap(one, other).or_else(|| swap(other, one))
            })?
        };
        Some(Self {
            place: self.place,
            kind,
            change,
        })
    }
}

/// The transformation, for another status with both.
fn change_of(difference: &Difference) -> String {
    let text = |value: &Option<Value>| value.as_ref().map_or("", Value::text).to_owned();
    match (&difference.kind, &difference.change) {
        (Kind::Status, change @ Change::ErrorPage { .. }) => {
            format!(
                "{} to {} {change}",
                text(&difference.primary),
                text(&difference.shadow)
            )
        }
        (Kind::Status, _) => {
            format!(
                "{} to {}",
                text(&difference.primary),
                text(&difference.shadow)
            )
        }
        // A parameter holds a value; the path is what says where it leads to.
        (_, Change::Other)
            if difference.class == Class::Redirect && !difference.place.as_str().contains('?') =>
        {
            let route = |value: &Option<Value>| mask_path(text(value).as_str());
            if route(&difference.primary) == route(&difference.shadow) {
                Change::Other.to_string()
            } else {
                OTHER_ROUTE.to_owned()
            }
        }
        (_, change) => change.to_string(),
    }
}

/// A redirect that leads to something else, not only to another thing of the same kind.
pub(crate) const OTHER_ROUTE: &str = "other route";

/// A value that production never gives here, though it gives several; and the other way round.
pub(crate) const NEW_VALUE: &str = "new value";
pub(crate) const NEW_VALUE_OF_PRIMARY: &str = "production's new value";
/// A token that somebody else was given before, where the other side's is a new one; and the other way round.
pub(crate) const TOKEN_AGAIN: &str = "same token again";
pub(crate) const TOKEN_AGAIN_OF_PRIMARY: &str = "production's same token again";

/// A pair that shows it, as small as there was one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Example {
    pub(crate) request_id: String,
    pub(crate) method: String,
    pub(crate) target: String,
    /// Names of headers that a copy by hand needs, with their values unless these are secret.
    pub(crate) headers: Vec<(String, Option<String>)>,
    pub(crate) has_body: bool,
    pub(crate) primary: Option<String>,
    pub(crate) shadow: Option<String>,
}

impl Example {
    pub(crate) fn size(&self) -> usize {
        let values = [&self.primary, &self.shadow];
        let values: usize = values
            .iter()
            .map(|text| text.as_ref().map_or(0, String::len))
            .sum();
        values + self.target.len()
    }
}

/// How two times, or two numbers of seconds, stood to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Distances {
    pub(crate) count: u32,
    /// The shadow's less the primary's, in milliseconds.
    pub(crate) least: i64,
    pub(crate) greatest: i64,
    /// How often the shadow's was the earlier one by more than two clocks are apart.
    pub(crate) earlier: u32,
}

/// How far two clocks may be apart, in milliseconds.
const JITTER: i64 = 2_500;

impl Distances {
    pub(crate) fn add(&mut self, distance: i64) {
        if self.count == 0 {
            (self.least, self.greatest) = (distance, distance);
        }
        self.count = self.count.saturating_add(1);
        self.earlier = self.earlier.saturating_add(u32::from(distance < -JITTER));
        self.least = self.least.min(distance);
        self.greatest = self.greatest.max(distance);
    }
}

/// Values that look like tokens, and whether they came for more than one session.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Tokens {
    recent: Vec<(u64, SessionId)>,
    pub(crate) recurred: u32,
}

impl Tokens {
    fn add(&mut self, hash: u64, session: SessionId) {
        if self.is_of_another(hash, session) {
            self.recurred = self.recurred.saturating_add(1);
        }
        self.touch(hash, session);
    }

    /// Whether somebody else was given it lately. Without sessions, every answer is for somebody else.
    pub(crate) fn is_of_another(&self, hash: u64, session: SessionId) -> bool {
        let known = self.recent.iter().find(|(known, _)| *known == hash);
        known.is_some_and(|(_, owner)| *owner != session || session == ANONYMOUS)
    }

    /// Makes it the latest one. What comes again stays, however many come once.
    pub(crate) fn touch(&mut self, hash: u64, session: SessionId) {
        const MOST: usize = 48;
        if let Some(at) = self.recent.iter().position(|(known, _)| *known == hash) {
            let known = self.recent.remove(at);
            self.recent.push(known);
            return;
        }
        if self.recent.len() >= MOST {
            self.recent.remove(0);
        }
        self.recent.push((hash, session));
    }
}

/// One kind of difference at one place of one route.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) route: RouteId,
    pub(crate) key: CellKey,
    pub(crate) place: String,
    pub(crate) class: Class,
    /// Pairs that differ so.
    pub(crate) differing: u32,
    /// How often one side itself varied so, in either direction, when a request came again.
    pub(crate) primary_varied: u32,
    pub(crate) shadow_varied: u32,
    /// Repeats in which neither side had varied and the difference was there again, or it had gone or changed.
    pub(crate) held: u32,
    pub(crate) wavered: u32,
    /// Probes at which the shadow gave its differing value again, or another one.
    pub(crate) probed_same: u32,
    pub(crate) probed_other: u32,
    pub(crate) shadow_larger: u32,
    pub(crate) primary_larger: u32,
    pub(crate) primary: Top,
    pub(crate) shadow: Top,
    pub(crate) primary_values: Distinct,
    /// Whether both values stay for a while, for a session, for a thing.
    pub(crate) in_time: Runs,
    pub(crate) by_session: Runs,
    pub(crate) by_target: Runs,
    pub(crate) distances: Distances,
    /// Pairs in which both sides had a token of the same shape.
    pub(crate) both_opaque: u32,
    /// Pairs in which the shadow's value is one that production has here, too.
    pub(crate) shadow_known: u32,
    pub(crate) primary_tokens: Tokens,
    pub(crate) shadow_tokens: Tokens,
    pub(crate) sessions: Distinct,
    pub(crate) targets: Distinct,
    pub(crate) features: FeatureCounts,
    /// For how many pairs the features stand.
    pub(crate) featured: u32,
    /// The primary's status in the first of them.
    pub(crate) status: u16,
    /// That it is confirmed was told in the log.
    pub(crate) was_told: bool,
    /// The verdict when it was last looked at.
    pub(crate) verdict: Verdict,
    pub(crate) example: Example,
    pub(crate) first_seen: i64,
    pub(crate) last_seen: i64,
}

impl Cell {
    pub(crate) fn new(route: RouteId, difference: &Difference, status: u16, at: i64) -> Self {
        Self {
            route,
            key: CellKey::of(difference),
            place: difference.place.as_str().to_owned(),
            class: difference.class,
            differing: 0,
            primary_varied: 0,
            shadow_varied: 0,
            held: 0,
            wavered: 0,
            probed_same: 0,
            probed_other: 0,
            shadow_larger: 0,
            primary_larger: 0,
            primary: Top::default(),
            shadow: Top::default(),
            primary_values: Distinct::default(),
            in_time: Runs::default(),
            by_session: Runs::default(),
            by_target: Runs::default(),
            distances: Distances::default(),
            both_opaque: 0,
            shadow_known: 0,
            primary_tokens: Tokens::default(),
            shadow_tokens: Tokens::default(),
            sessions: Distinct::default(),
            targets: Distinct::default(),
            features: FeatureCounts::default(),
            featured: 0,
            status,
            was_told: false,
            verdict: Verdict::Unconfirmed,
            example: Example::default(),
            first_seen: at,
            last_seen: at,
        }
    }

    /// Notes the values of one more pair that differs so.
    pub(crate) fn note(&mut self, difference: &Difference, session: SessionId, target: u64) {
        let (primary, shadow) = (difference.primary.as_ref(), difference.shadow.as_ref());
        if let Some(value) = primary {
            self.primary.add(value.hash());
            self.primary_values.add(value.hash());
        }
        if let Some(value) = shadow {
            self.shadow.add(value.hash());
        }
        let (Some(primary), Some(shadow)) = (primary, shadow) else {
            return;
        };
        let both = mix(primary.hash(), shadow.hash());
        self.in_time.note(0, both);
        self.by_target.note(target, both);
        if session != ANONYMOUS {
            self.by_session.note(session, both);
        }
        if let Some(distance) = distance(primary, shadow) {
            self.distances.add(distance);
        }
        if differ_by_tokens(primary, shadow) {
            self.both_opaque = self.both_opaque.saturating_add(1);
            self.primary_tokens.add(primary.hash(), session);
            self.shadow_tokens.add(shadow.hash(), session);
        }
        match (size(primary), size(shadow)) {
            (Some(one), Some(other)) if one < other => self.shadow_larger += 1,
            (Some(one), Some(other)) if one > other => self.primary_larger += 1,
            _ => {}
        }
    }

    /// Takes what another route's cell of the same key has learned.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.differing += other.differing;
        self.primary_varied += other.primary_varied;
        self.shadow_varied += other.shadow_varied;
        self.held += other.held;
        self.wavered += other.wavered;
        self.probed_same += other.probed_same;
        self.probed_other += other.probed_other;
        self.shadow_larger += other.shadow_larger;
        self.primary_larger += other.primary_larger;
        self.primary.absorb(&other.primary);
        self.shadow.absorb(&other.shadow);
        self.primary_values.absorb(&other.primary_values);
        self.in_time.absorb(&other.in_time);
        self.by_session.absorb(&other.by_session);
        self.by_target.absorb(&other.by_target);
        if other.distances.count > 0 {
            let before = self.distances;
            let count = before.count + other.distances.count;
            self.distances.add(other.distances.least);
            self.distances.add(other.distances.greatest);
            let earlier = before.earlier + other.distances.earlier;
            (self.distances.count, self.distances.earlier) = (count, earlier);
        }
        self.both_opaque += other.both_opaque;
        self.shadow_known += other.shadow_known;
        self.primary_tokens.recurred += other.primary_tokens.recurred;
        self.shadow_tokens.recurred += other.shadow_tokens.recurred;
        self.sessions.absorb(&other.sessions);
        self.targets.absorb(&other.targets);
        self.first_seen = self.first_seen.min(other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        if self.example.size() > other.example.size() {
            self.example = other.example.clone();
        }
    }

    /// How often a value would be another one, if each pair had its own.
    fn change_rate(&self) -> f64 {
        self.primary.change_rate().max(self.shadow.change_rate())
    }

    /// Whether both sides keep a value for a while, and then have another for all.
    pub(crate) fn stays_for_a_while(&self) -> bool {
        self.in_time.is_sticky(self.change_rate())
    }

    /// Whether it is the moment that keeps a value, and neither the session nor the thing: these have another one when they
    /// come again.
    pub(crate) fn is_kept_in_time(&self) -> bool {
        let by_session = self.by_session.is_empty() || self.by_session.mostly_turns();
        self.stays_for_a_while() && self.by_target.mostly_turns() && by_session
    }

    /// How often independent values were drawn, where they stay for a while, for a session or for a thing. None where each
    /// pair has its own.
    pub(crate) fn draws(&self) -> Option<u32> {
        let rate = self.change_rate();
        let count = |distinct: &Distinct| u32::try_from(distinct.len()).unwrap_or(u32::MAX);
        let in_time = self.in_time.is_sticky(rate).then(|| self.in_time.draws());
        let by_session = self.by_session.is_sticky(rate);
        let by_target = self.by_target.is_sticky(rate);
        let by_session = by_session.then(|| count(&self.sessions));
        let by_target = by_target.then(|| count(&self.targets));
        [in_time, by_session, by_target].into_iter().flatten().min()
    }

    /// An estimate of its memory.
    pub(crate) fn bytes(&self) -> usize {
        const FIXED: usize = 3_400;
        const FEATURE: usize = 12;
        FIXED + self.place.len() + self.example.size() + self.features.len() * FEATURE
    }
}

/// Whether both are tokens of one shape, or addresses that differ by such tokens only.
pub(crate) fn differ_by_tokens(primary: &Value, shadow: &Value) -> bool {
    const BITS: u16 = 64;
    match (primary.looks, shadow.looks) {
        (Looks::Opaque { shape: one, .. }, Looks::Opaque { shape: other, .. }) => one == other,
        (Looks::Url, Looks::Url) => {
            let mut parts = primary.text().split('/').zip(shadow.text().split('/'));
            let lengths = [primary, shadow].map(|value| value.text().matches('/').count());
            let are_tokens = |one: &str, other: &str| match (opaque(one), opaque(other)) {
                (Some(one), Some(other)) => one.shape == other.shape && one.bits >= BITS,
                _ => false,
            };
            lengths[0] == lengths[1]
                && parts.all(|(one, other)| one == other || are_tokens(one, other))
        }
        _ => false,
    }
}

/// The shadow's time, or number of seconds, less the primary's, in milliseconds.
fn distance(primary: &Value, shadow: &Value) -> Option<i64> {
    match (primary.looks, shadow.looks) {
        (Looks::Time { unix_ms: one, .. }, Looks::Time { unix_ms: other, .. }) => {
            Some(other.saturating_sub(one))
        }
        (Looks::Seconds(one), Looks::Seconds(other)) => {
            Some(other.saturating_sub(one).saturating_mul(1000))
        }
        _ => None,
    }
}

/// What can be larger or smaller: a number, a count, a length.
fn size(value: &Value) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "only compared")]
    match value.looks {
        Looks::Number => value.text().parse().ok(),
        Looks::Items(count) => Some(count as f64),
        Looks::Digest { length, .. } => Some(length as f64),
        Looks::Seconds(seconds) => Some(seconds as f64),
        _ => None,
    }
}
