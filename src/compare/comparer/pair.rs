//! What is done with one pair, from its route to what is learned from it.

use std::cell::OnceCell;

use super::{
    Comparer, Differences, FeatureId, Outcome, PairIn, Taken, baseline::OwnedAsked, explain,
    probe::Probed,
};
use crate::compare::{
    answer::{Answer, Asked},
    cause::{example_of, headline, lost_title},
    difference::{Change, Difference, differences},
    extract::{
        Extract, NotCompared, digest, extract,
        hash::{hash_of, mix},
    },
    learn::{
        Observed, by_key,
        cell::{Cell, CellId},
        lost::is_refused,
        recent::{OwnedAnswer, RecentPair},
        sessions::SessionId,
        verdict::Verdict,
    },
    route::{Located, RouteId, Skeleton, path_of},
    secrets::Known,
};

/// A pair with all that is known before its bodies are looked at.
struct Turn<'a> {
    pair: &'a PairIn<'a>,
    /// What the shadow is compared with: the baseline's answer, else the primary's.
    base: &'a Answer<'a>,
    has_baseline: bool,
    route: RouteId,
    located: Located,
    session: SessionId,
    target: u64,
    number: u64,
    base_digest: u64,
    shadow_digest: u64,
    /// The pair before of the same request, where nothing was changed since.
    previous: Option<RecentPair>,
}

/// What both sides did when the request came again.
#[derive(Default)]
struct Varied {
    primary: Differences,
    shadow: Differences,
}

impl Comparer {
    pub(super) fn compare(&mut self, pair: &PairIn<'_>, baseline: Option<&Answer<'_>>) -> Taken {
        let taken = self.compare_one(pair, baseline);
        if !matches!(taken.outcome, Outcome::NotCompared(_)) {
            self.learned.timeline.compared(pair.primary.at);
        }
        taken
    }

    fn compare_one(&mut self, pair: &PairIn<'_>, baseline: Option<&Answer<'_>>) -> Taken {
        self.count(pair);
        let located = self.routes.locate(&pair.asked);
        let route = located.route;
        let whose = self.sessions.of(&pair.asked, &pair.primary);
        if let Some(begun) = whose.begins {
            self.learned.lost.begin(begun, route);
        }
        let base = baseline.unwrap_or(&pair.primary);
        let state = self.learned.route(route);
        let size = state.bytes();
        state.requests = state.requests.saturating_add(1);
        state.last_used = pair.primary.at;
        if baseline.is_some_and(|baseline| is_refused(&pair.primary, baseline)) {
            state.not_judged = state.not_judged.saturating_add(1);
            return self.give_up("baseline_lost_session");
        }
        let refused = is_refused(base, &pair.shadow);
        let is_good = base.status == pair.shadow.status && base.status < 400;
        let at = pair.primary.at;
        let lost_before = self.learned.lost.count();
        if self
            .learned
            .lost
            .note(whose.session, route, refused, is_good, at)
        {
            let state = self.learned.route(route);
            state.not_judged = state.not_judged.saturating_add(1);
            self.counts.lost += 1;
            self.learned.timeline.lost(at);
            return Taken {
                news: self.lost_news(lost_before),
                ..Outcome::Recorded.into()
            };
        }
        let turn = Turn {
            base,
            has_baseline: baseline.is_some(),
            route,
            session: whose.session,
            target: hash(&[path_of(&String::from_utf8_lossy(pair.asked.target)).as_bytes()]),
            number: self.counts.answered,
            base_digest: digest(base),
            shadow_digest: digest(&pair.shadow),
            previous: self.previous(pair, base, whose.session, route),
            located,
            pair,
        };
        let taken = if turn.base_digest == turn.shadow_digest {
            self.identical(&turn)
        } else {
            self.different(&turn)
        };
        self.remember(turn);
        self.probes.earn();
        self.learned.remeasure(route, size);
        self.keep_within_bounds();
        taken
    }

    /// A line for the log, where one more session is lost: for each of the first ones, then less and less often.
    fn lost_news(&self, before: u32) -> Option<String> {
        let count = self.learned.lost.count();
        let is_due = count != before && (count <= 8 || count.is_power_of_two());
        let lost = self.learned.lost.report().filter(|_| is_due)?;
        Some(lost_title(&lost, &self.routes.names()))
    }

    fn count(&mut self, pair: &PairIn<'_>) {
        self.counts.answered += 1;
        self.counts.since.get_or_insert(pair.primary.at);
        self.counts.until = self.counts.until.max(pair.primary.at);
    }

    fn give_up(&mut self, reason: &'static str) -> Taken {
        *self
            .counts
            .not_compared
            .entry(reason.to_owned())
            .or_default() += 1;
        Outcome::NotCompared(reason).into()
    }

    /// The pair before of the same request by the same session, if nothing was changed by it since.
    fn previous(
        &mut self,
        pair: &PairIn<'_>,
        base: &Answer<'_>,
        session: SessionId,
        route: RouteId,
    ) -> Option<RecentPair> {
        if !is_safe(&pair.asked) {
            return None;
        }
        let previous = self
            .recents
            .take(request_key(&pair.asked, session), base.at)?;
        if previous.primary.at <= self.sessions.unsafe_at(session) {
            return None;
        }
        // Once a route's noise is known well, some of its repeats tell enough.
        let state = self.learned.route(route);
        state.asked_again = state.asked_again.saturating_add(1);
        let is_due = state.asked_again <= 256 || state.asked_again.is_multiple_of(8);
        is_due.then_some(previous)
    }

    /// Keeps the answers for when the request comes again.
    fn remember(&mut self, turn: Turn<'_>) {
        let (asked, base) = (&turn.pair.asked, turn.base);
        if !is_safe(asked) {
            self.sessions.note_unsafe(turn.session, base.at);
            return;
        }
        let before = turn.previous.and_then(|previous| {
            if previous.primary.digest == turn.base_digest {
                previous.before
            } else {
                Some(previous.primary)
            }
        });
        let shadow = (turn.base_digest != turn.shadow_digest)
            .then(|| OwnedAnswer::of(&turn.pair.shadow, turn.shadow_digest));
        let recent = RecentPair {
            primary: OwnedAnswer::of(base, turn.base_digest),
            shadow,
            before,
        };
        self.recents.put(request_key(asked, turn.session), recent);
    }

    fn identical(&mut self, turn: &Turn<'_>) -> Taken {
        let sample = self.note_route(turn, true);
        let features = match sample {
            Some(times) => {
                let base = extract(&turn.pair.asked, turn.base, &self.settings.limits);
                self.note_base(turn, &base);
                self.features(turn, Some(&base), times)
            }
            None => self.features(turn, None, 1),
        };
        let varied = self.varied(turn, None, None);
        self.note_varied(turn, &varied, &features);
        if !turn.base.is_whole || !turn.pair.shadow.is_whole {
            // What is missing may differ.
            return self.give_up(name_of(NotCompared::Truncated));
        }
        self.counts.identical += 1;
        Outcome::Identical.into()
    }

    fn different(&mut self, turn: &Turn<'_>) -> Taken {
        let limits = self.settings.limits;
        let base = extract(&turn.pair.asked, turn.base, &limits);
        let shadow = extract(&turn.pair.asked, &turn.pair.shadow, &limits);
        let mut differences = self.between(turn, &base, &shadow);
        self.counts.left_out += differences.left_out as u64;
        let sample = self.note_route(turn, base.status == shadow.status);
        if sample.is_some() {
            self.note_base(turn, &base);
        }
        let features = self.features(turn, Some(&base), 1);
        let varied = self.varied(turn, Some(&base), Some(&shadow));
        self.note_varied(turn, &varied, &features);
        if turn.has_baseline {
            self.judge_by_primary(turn, &base, &shadow, &mut differences, &features);
        }
        let known = differences.explained.len()
            + self.explain(turn, &base, &shadow, &mut differences.found);
        if differences.is_empty() {
            return self.nothing_left(known, &base, &shadow);
        }
        self.counts.recorded += 1;
        self.record(turn, &differences, &varied, &features)
    }

    /// What two answers to the request differ in. Where an error's text says a secret of the request again, a mark stands in
    /// its place.
    fn between(&self, turn: &Turn<'_>, one: &Extract, other: &Extract) -> Differences {
        let mut differences = differences(one, other);
        let has_error =
            |difference: &Difference| matches!(difference.change, Change::ErrorPage { .. });
        if differences.found.iter().any(has_error) {
            let secrets = &self.settings.secrets;
            let known = Known::of_asked(secrets, &turn.pair.asked);
            for difference in &mut differences.found {
                if let Change::ErrorPage { fingerprint } = &mut difference.change {
                    *fingerprint = secrets.text(fingerprint, &known);
                }
            }
        }
        differences
    }

    /// Counts a pair for its route. Gives for how many pairs production's answer stands, if it is due to be looked at.
    fn note_route(&mut self, turn: &Turn<'_>, has_bodies: bool) -> Option<u32> {
        let route = self.learned.route(turn.route);
        let sample = route.sample_is_due(turn.base.status);
        route.pairs = route.pairs.saturating_add(1);
        route.bodies = route.bodies.saturating_add(u32::from(has_bodies));
        *route.statuses.entry(turn.base.status).or_default() += 1;
        if has_bodies && self.settings.has_times {
            route.speed.add(turn.base.took, turn.pair.shadow.took);
        }
        if let Some(previous) = &turn.previous {
            route.primary_repeats = route.primary_repeats.saturating_add(1);
            route.shadow_repeats = route.shadow_repeats.saturating_add(1);
            if previous.primary.as_answer().status == turn.base.status {
                *route.steady_repeats.entry(turn.base.status).or_default() += 1;
            }
        }
        sample
    }

    /// Notes what production's answer has at each place, and whether words in the path turn out to be data.
    fn note_base(&mut self, turn: &Turn<'_>, base: &Extract) {
        self.learned
            .route(turn.route)
            .note_answer(base, turn.session);
        let skeleton = Skeleton::of(base.leaf_refs().map(|leaf| leaf.place().hash()));
        if let Some(skeleton) = skeleton {
            for merged in self.routes.learn(&turn.located, skeleton) {
                self.learned.merge(merged);
            }
        }
    }

    fn features(&mut self, turn: &Turn<'_>, base: Option<&Extract>, times: u32) -> Vec<FeatureId> {
        let secrets = &self.settings.secrets;
        let features = &mut self.learned.route(turn.route).features;
        let of_request = features.of_request(secrets, &turn.pair.asked, turn.session);
        features.count(&of_request, 1);
        let Some(base) = base else {
            return of_request;
        };
        let mut all = features.of_answer(secrets, base);
        features.count(&all, times);
        all.extend(of_request);
        all.sort_unstable();
        all.dedup();
        all
    }

    /// In which way each side itself varied since the request came before.
    fn varied(&self, turn: &Turn<'_>, base: Option<&Extract>, shadow: Option<&Extract>) -> Varied {
        let mut varied = Varied::default();
        let Some(previous) = &turn.previous else {
            return varied;
        };
        let (asked, limits) = (&turn.pair.asked, &self.settings.limits);
        if previous.primary.digest != turn.base_digest {
            let old = previous.primary.extract(asked, limits);
            let new = base
                .cloned()
                .unwrap_or_else(|| extract(asked, turn.base, limits));
            varied.primary = self.between(turn, &old, &new);
            explain::clocks(&mut varied.primary.found, &old, &new);
        }
        let old_shadow = previous.shadow.as_ref().unwrap_or(&previous.primary);
        if old_shadow.digest != turn.shadow_digest {
            let old = old_shadow.extract(asked, limits);
            let new = shadow
                .cloned()
                .unwrap_or_else(|| extract(asked, &turn.pair.shadow, limits));
            varied.shadow = self.between(turn, &old, &new);
            explain::clocks(&mut varied.shadow.found, &old, &new);
        }
        varied
    }

    fn note_varied(&mut self, turn: &Turn<'_>, varied: &Varied, features: &[FeatureId]) {
        let observed = turn.observed(features);
        self.learned
            .note_varied(&observed, &by_key(&varied.primary.found), true);
        self.learned
            .note_varied(&observed, &by_key(&varied.shadow.found), false);
    }

    /// With a baseline, what it and the primary differ in is noise or drift; and where the shadow is as the primary, it is
    /// the baseline that is off.
    fn judge_by_primary(
        &mut self,
        turn: &Turn<'_>,
        base: &Extract,
        shadow: &Extract,
        found: &mut Differences,
        features: &[FeatureId],
    ) {
        let primary = extract(&turn.pair.asked, &turn.pair.primary, &self.settings.limits);
        let own = self.between(turn, &primary, base);
        let route = self.learned.route(turn.route);
        route.primary_repeats += 1;
        if primary.status == base.status {
            *route.steady_repeats.entry(base.status).or_default() += 1;
        }
        let observed = turn.observed(features);
        self.learned
            .note_varied(&observed, &by_key(&own.found), true);
        let of_shadow = self.between(turn, &primary, shadow);
        if of_shadow.left_out == 0 {
            found.found.retain(|difference| {
                let is_here = |other: &Difference| other.place == difference.place;
                of_shadow.found.iter().any(is_here)
            });
        }
    }

    fn explain(
        &mut self,
        turn: &Turn<'_>,
        base: &Extract,
        shadow: &Extract,
        found: &mut Vec<Difference>,
    ) -> usize {
        let mut known = explain::clocks(found, base, shadow);
        known += explain::redacted(found, self.settings.is_redacted);
        known += explain::counterparts(found, turn.pair.counterparts);
        if let Some(previous) = &turn.previous {
            let before = previous.before.as_ref();
            let last = (previous.primary.digest != turn.base_digest).then_some(&previous.primary);
            if let Some(lately) = last.or(before) {
                let lately = lately.extract(&turn.pair.asked, &self.settings.limits);
                known += explain::stale(found, &lately, shadow);
            }
        }
        if self.rules.all().has_tolerances() {
            let names = self.routes.names();
            let route = names.get(&turn.route).map_or("", String::as_str);
            let rules = self.rules.all();
            known += explain::tolerances(found, rules, route, base.at, &mut self.hidden);
        }
        known
    }

    /// How a pair counts that has no difference, or none that isn't explained.
    fn nothing_left(&mut self, known: usize, base: &Extract, shadow: &Extract) -> Taken {
        if let Some(reason) = base.not_compared.or(shadow.not_compared)
            && base.not_compared != Some(NotCompared::OpaqueType)
        {
            return self.give_up(name_of(reason));
        }
        if known > 0 {
            self.counts.explained += 1;
            return Outcome::Explained.into();
        }
        self.counts.identical += 1;
        Outcome::Identical.into()
    }

    fn record(
        &mut self,
        turn: &Turn<'_>,
        differences: &Differences,
        varied: &Varied,
        features: &[FeatureId],
    ) -> Taken {
        let observed = turn.observed(features);
        let keyed = by_key(&differences.found);
        let (pair, settings) = (turn.pair, &self.settings);
        let known = OnceCell::new();
        let cells = self.learned.note_pair(&observed, &keyed, |difference| {
            let secrets = &settings.secrets;
            let known = known.get_or_init(|| Known::of_pair(secrets, pair, &settings.limits));
            example_of(secrets, known, pair, difference)
        });
        let example = self.key_of_example(pair, &cells);
        if let Some(key) = &example {
            self.keep_messages(pair, key, known.into_inner());
        }
        if turn.previous.is_some() {
            self.note_held(&cells, varied);
        }
        let news = self.news(&cells, turn.route);
        Taken {
            outcome: Outcome::Recorded,
            probe: self.probe(turn, &cells),
            news,
            example,
        }
    }

    /// Notes for each cell whether its place stayed as it was on both sides when the request came again.
    fn note_held(&mut self, cells: &[CellId], varied: &Varied) {
        let mut places: Vec<u64> = varied
            .primary
            .found
            .iter()
            .chain(&varied.shadow.found)
            .map(|difference| difference.place.hash())
            .collect();
        places.sort_unstable();
        for id in cells {
            if let Some(cell) = self.learned.cells.get_mut(id) {
                if places.binary_search(&cell.key.place).is_ok() {
                    cell.wavered += 1;
                } else {
                    cell.held += 1;
                }
            }
        }
    }

    /// A line for the log, where something is certain for the first time. It is looked at less and less often.
    fn news(&mut self, cells: &[CellId], route: RouteId) -> Option<String> {
        let is_due = |cell: &&Cell| !cell.was_told && cell.differing.is_power_of_two();
        let told: Vec<CellId> = cells
            .iter()
            .filter_map(|id| {
                self.learned
                    .cells
                    .get(id)
                    .filter(is_due)
                    .map(|cell| (*id, cell))
            })
            .filter(|(_, cell)| self.learned.judge(cell).verdict == Verdict::Confirmed)
            .map(|(id, _)| id)
            .collect();
        let first = self.learned.cells.get(told.first()?)?;
        let names = self.routes.names();
        let line = headline(first, names.get(&route).map_or("", String::as_str));
        for id in &told {
            if let Some(cell) = self.learned.cells.get_mut(id) {
                cell.was_told = true;
            }
        }
        Some(match told.len() {
            1 => line,
            more => format!(
                "{line}, and {} more differences of the same response",
                more - 1
            ),
        })
    }

    fn probe(&mut self, turn: &Turn<'_>, cells: &[CellId]) -> Option<super::Probe> {
        let pair = turn.pair;
        let is_open = |id: &CellId| {
            let cell = self.learned.cells.get(id);
            cell.is_some_and(|cell| self.learned.judge(cell).verdict == Verdict::Unconfirmed)
        };
        let may =
            self.settings.may_probe && self.probes.may_ask(&pair.asked, turn.base, &pair.shadow);
        if !may || !cells.iter().any(is_open) {
            return None;
        }
        let probed = Probed {
            asked: OwnedAsked::of(&pair.asked),
            primary: OwnedAnswer::of(turn.base, turn.base_digest),
            shadow: OwnedAnswer::of(&pair.shadow, turn.shadow_digest),
            route: turn.route,
            session: turn.session,
            target: turn.target,
            cells: cells.to_vec(),
        };
        Some(self.probes.ask(pair.request_id, probed))
    }

    /// Takes the shadow's answer to a probe.
    pub(crate) fn probed(&mut self, number: u64, again: &Answer<'_>) {
        if let Some(probed) = self.probes.close(number) {
            probed.learn(again, &self.settings.limits, &mut self.learned);
        }
    }
}

impl Turn<'_> {
    fn observed<'b>(&self, features: &'b [FeatureId]) -> Observed<'b> {
        Observed {
            route: self.route,
            status: self.base.status,
            session: self.session,
            target: self.target,
            at: self.pair.primary.at,
            number: self.number,
            features,
        }
    }
}

/// Whether a request changes nothing. Queries of GraphQL are sent by POST.
pub(super) fn is_safe(asked: &Asked<'_>) -> bool {
    match asked.method {
        b"GET" | b"HEAD" | b"OPTIONS" => true,
        b"POST" => {
            let is_graphql = memchr::memmem::find(asked.target, b"graphql").is_some();
            is_graphql
                && asked
                    .body
                    .is_some_and(|body| memchr::memmem::find(body, b"mutation").is_none())
        }
        _ => false,
    }
}

/// Headers of a request that choose among answers: without the same ones it is another request.
const CHOOSING: [&str; 8] = [
    "host",
    "accept",
    "accept-language",
    "accept-encoding",
    "range",
    "if-none-match",
    "if-modified-since",
    "x-requested-with",
];

fn request_key(asked: &Asked<'_>, session: SessionId) -> u64 {
    let body = asked.body.unwrap_or_default();
    let whole = hash(&[asked.method, asked.target, body, &session.to_le_bytes()]);
    CHOOSING.iter().fold(whole, |key, name| {
        mix(key, hash_of(asked.header(name).unwrap_or_default()))
    })
}

fn hash(parts: &[&[u8]]) -> u64 {
    parts.iter().fold(0, |hash, part| mix(hash, hash_of(part)))
}

fn name_of(reason: NotCompared) -> &'static str {
    match reason {
        NotCompared::Truncated => "truncated",
        NotCompared::OverLimit => "over_limit",
        NotCompared::Expansion => "expansion",
        NotCompared::BrokenEncoding => "broken_encoding",
        NotCompared::OpaqueType => "opaque_type",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_or_a_range_makes_another_request() {
        let key = |header: Option<(&'static [u8], &'static [u8])>| {
            let asked = Asked {
                method: b"GET",
                target: b"/style.css",
                headers: header.into_iter().collect(),
                body: None,
            };
            request_key(&asked, 1)
        };
        let plain = key(None);
        assert_eq!(plain, key(None));
        assert_eq!(plain, key(Some((b"User-Agent", b"curl"))));
        assert_ne!(plain, key(Some((b"If-None-Match", b"\"1\""))));
        assert_ne!(plain, key(Some((b"Range", b"bytes=0-9"))));
    }
}
