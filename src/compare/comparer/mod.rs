//! Takes pairs, learns from them, and reports causes: what the rest of the program uses of all this.

mod baseline;
mod explain;
mod findings;
mod messages;
mod pair;
mod probe;
mod resend;
mod rules;
mod side_by_side;
mod store;
#[cfg(test)]
mod tests;

use super::{
    answer::{Answer, PairIn},
    cause,
    counts::Counts,
    difference::Differences,
    extract::Limits,
    learn::{Learned, features::FeatureId, recent::Recents, sessions::Sessions},
    report::{Kept, Report},
    route::{Pattern, Routes},
    rules::{Hidden, InForce, Rules},
    secrets::Secrets,
};
use baseline::Joins;
use messages::{Key, Messages};
use pair::is_safe;
use probe::Probes;
use resend::HeldRequests;

#[cfg(test)]
pub(crate) use messages::Responses;
pub(crate) use messages::{NoExample, WholeExample};
pub(crate) use probe::Probe;
pub(crate) use resend::{NotResent, Now, Replayed, Resend, Resent, ResentBody};
pub(crate) use rules::KnownCause;
#[cfg(test)]
pub(crate) use side_by_side::SideBySide;
pub(crate) use side_by_side::{LeftOut, Line, Mark, Row, Segment, inner};

/// How a comparer works.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The shadow's name.
    pub(crate) shadow: String,
    pub(crate) limits: Limits,
    /// For all that is learned.
    pub(crate) bytes: usize,
    /// Wait for a baseline's answer to each request.
    pub(crate) has_baseline: bool,
    pub(crate) may_probe: bool,
    /// Both sides had about the same to do at the time, so that how long they took can be compared.
    pub(crate) has_times: bool,
    /// Whether a value of production's only stands for one, which its capture left out.
    pub(crate) is_redacted: fn(&str) -> bool,
    /// Those of the file.
    pub(crate) rules: Rules,
    /// Where rules are kept that stand in no file.
    pub(crate) own_rules: Kept,
    /// What is never shown.
    pub(crate) secrets: Secrets,
    /// For whole messages of examples; `None`: they are not kept.
    pub(crate) example_bytes: Option<usize>,
    /// The user's routes, which come before learned ones.
    pub(crate) patterns: Vec<Pattern>,
    /// The application's own list of routes.
    pub(crate) inventory: Vec<Pattern>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            shadow: "shadow".to_owned(),
            limits: Limits::default(),
            bytes: 64 << 20,
            has_baseline: false,
            may_probe: true,
            has_times: true,
            is_redacted: |_| false,
            rules: Rules::default(),
            own_rules: Kept::Memory,
            secrets: Secrets::default(),
            example_bytes: None,
            patterns: Vec::new(),
            inventory: Vec::new(),
        }
    }
}

/// What became of a pair. What is recorded as different may turn out to be noise later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Identical,
    /// Different for a reason that is known.
    Explained,
    Recorded,
    /// With the reason.
    NotCompared(&'static str),
    /// It waits for the baseline's answer.
    Waiting,
}

/// What a pair led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) outcome: Outcome,
    /// A copy that the shadow should get once more.
    pub(crate) probe: Option<Probe>,
    /// What is different for certain in a way that was never seen before, for the log.
    pub(crate) news: Option<String>,
    /// What is shown of a cell is of this pair from now on: what its request is held by.
    pub(crate) example: Option<Key>,
}

impl From<Outcome> for Taken {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            probe: None,
            news: None,
            example: None,
        }
    }
}

/// Compares the answers of one shadow.
#[derive(Debug)]
pub(crate) struct Comparer {
    settings: Settings,
    /// Those of the settings, and those that were added here.
    rules: InForce,
    routes: Routes,
    learned: Learned,
    counts: Counts,
    /// That came to be compared.
    pairs: u64,
    hidden: Hidden,
    sessions: Sessions,
    recents: Recents,
    probes: Probes,
    joins: Joins,
    messages: Messages,
    held: HeldRequests,
}

impl Comparer {
    pub(crate) fn new(settings: Settings) -> Self {
        let mut routes = Routes::default();
        routes.set_patterns(settings.patterns.clone(), settings.inventory.clone());
        Self {
            rules: InForce::new(&settings.rules, &Rules::default()),
            routes,
            learned: Learned::default(),
            counts: Counts::default(),
            pairs: 0,
            hidden: Hidden::default(),
            sessions: Sessions::default(),
            recents: Recents::new(settings.bytes / 4),
            probes: Probes::default(),
            joins: Joins::new(settings.bytes / 8),
            messages: Messages::default(),
            held: HeldRequests::new(settings.bytes / 16),
            settings,
        }
    }

    /// Takes a pair. With a baseline it may wait for that one's answer.
    pub(crate) fn take(&mut self, pair: &PairIn<'_>) -> Taken {
        if !self.settings.has_baseline {
            return self.compare(pair, None);
        }
        if let Some(baseline) = self.joins.baseline_of(pair.request_id) {
            let baseline = baseline.as_answer();
            return self.compare(pair, Some(&baseline));
        }
        let late = self.joins.wait(pair);
        for pair in late {
            self.compare(&pair.as_pair(), None);
        }
        Outcome::Waiting.into()
    }

    /// Takes a baseline's answer to a request. Where its pair is here already, it is compared now.
    pub(crate) fn take_baseline(&mut self, request_id: &str, answer: &Answer<'_>) -> Option<Taken> {
        if let Some(pair) = self.joins.pair_of(request_id) {
            return Some(self.compare(&pair.as_pair(), Some(answer)));
        }
        for late in self.joins.keep_baseline(request_id, answer) {
            self.compare(&late.as_pair(), None);
        }
        None
    }

    /// Compares what still waits for a baseline's answer that won't come.
    pub(crate) fn finish(&mut self) {
        for pair in self.joins.all_waiting() {
            self.compare(&pair.as_pair(), None);
        }
    }

    /// Compares what has waited long enough for a baseline's answer; false where nothing has.
    pub(crate) fn take_late(&mut self, now: i64) -> bool {
        let late = self.joins.late(now);
        for pair in &late {
            self.compare(&pair.as_pair(), None);
        }
        !late.is_empty()
    }

    /// Counts a copy that was answered, but can't be compared.
    pub(crate) fn not_compared(&mut self, reason: &str) {
        self.counts.answered += 1;
        *self
            .counts
            .not_compared
            .entry(reason.to_owned())
            .or_default() += 1;
    }

    /// What is known now. Times are milliseconds since 1970.
    pub(crate) fn report(&mut self, now: i64) -> Report {
        self.report_with_pairs(now).report
    }

    /// The report, and which of the last pairs each cause is about: their numbers in the order of `take`, from one.
    pub(crate) fn report_with_pairs(&mut self, now: i64) -> cause::Reported {
        let counts = self.counts();
        cause::report(&mut cause::Known {
            shadow: &self.settings.shadow,
            rules: &self.rules,
            own_rules: self.settings.own_rules,
            hidden: &self.hidden,
            counts: &counts,
            routes: &self.routes,
            learned: &mut self.learned,
            now,
        })
    }

    /// Takes up other settings; what was learned stays.
    pub(crate) fn set(&mut self, settings: Settings) {
        self.hold(self.rules.with_file(&settings.rules));
        self.routes
            .set_patterns(settings.patterns.clone(), settings.inventory.clone());
        if settings.example_bytes.is_none() {
            self.messages = Messages::default();
        }
        self.settings = settings;
    }

    /// Forgets all that was learned and counted. Rules stay.
    pub(crate) fn reset(&mut self) {
        let rules = self.rules.clone();
        *self = Self::new(self.settings.clone());
        self.rules = rules;
        self.messages.forget();
    }

    /// How many pairs had which outcome. Those that wait for a baseline's answer are not compared yet.
    pub(crate) fn counts(&self) -> Counts {
        let mut counts = self.counts.clone();
        let waiting = self.joins.waiting();
        if waiting > 0 {
            counts.answered += waiting;
            *counts
                .not_compared
                .entry("awaits_baseline".to_owned())
                .or_default() += waiting;
        }
        counts
    }

    /// An estimate of the memory that is held.
    pub(crate) fn bytes(&self) -> usize {
        self.learned.bytes()
            + self.routes.bytes()
            + self.recents.bytes()
            + self.sessions.bytes()
            + self.probes.bytes()
            + self.joins.bytes()
            + self.held.bytes()
    }

    /// What was learned has half of all bytes, answers to compare with later ones the rest, but for a sixteenth for requests of
    /// examples.
    fn keep_within_bounds(&mut self) {
        const EVERY: u64 = 256;
        // Not the answered ones: those that are not compared come between, in any rhythm.
        self.pairs += 1;
        let limit = self.settings.bytes / 2;
        // One pair may add two thousand places: what is far over is looked at after each of them.
        let bytes = self.learned.bytes();
        let (is_over, is_far_over) = (bytes > limit / 10 * 11, bytes > 2 * limit);
        if is_far_over
            || (is_over && self.pairs.is_multiple_of(8))
            || self.pairs.is_multiple_of(EVERY)
        {
            self.learned.keep_within(limit);
        }
        if self.pairs.is_multiple_of(EVERY * 16) {
            self.learned.judge_all();
        }
    }
}
