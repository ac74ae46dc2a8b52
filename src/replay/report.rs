//! What a replay came to, for people and for programs.

use std::{collections::BTreeMap, fmt, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{feed::Fed, job::Unsent, routes::Route, sessions::Sums, tally::Tally};

/// What a replay came to.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// It was ended before everything was sent.
    pub(crate) interrupted: bool,
    /// Requests that were read and not left out.
    pub(crate) requests: u64,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) seconds: f64,
    /// Answers in a second.
    pub(crate) rate: f64,
    /// Bytes of the answers' bodies.
    pub(crate) received_bytes: u64,
    /// How long it takes at this speed, as far as it was read.
    pub(crate) span_seconds: f64,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) errors: BTreeMap<&'static str, u64>,
    /// Records that were not sent, by reason.
    pub(crate) left_out: BTreeMap<&'static str, u64>,
    /// In milliseconds, from when a request was due.
    pub(crate) latency_ms: Percentiles,
    /// In milliseconds, from when it was sent.
    pub(crate) service_ms: Percentiles,
    pub(crate) late: Late,
    pub(crate) captured: Captured,
    /// Where sessions were kept alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) identity: Option<Kept>,
    pub(crate) damage: Damage,
    #[serde(skip)]
    latency: Histogram<u64>,
}

/// Times in milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Percentiles {
    mean: f64,
    p50: f64,
    p90: f64,
    p99: f64,
    #[serde(rename = "p99.9")]
    p999: f64,
    max: f64,
}

/// Requests that went more than 10 ms after they were due.
#[derive(Debug, Serialize)]
pub(crate) struct Late {
    /// Every connection waited for an answer: the target could not keep up.
    by_target: u64,
    /// The sender could not keep up.
    by_sender: u64,
    most_ms: f64,
}

/// The answers beside those of production.
#[derive(Debug, Serialize)]
pub(crate) struct Captured {
    /// Answers whose request has a status in the capture.
    pub(crate) compared: u64,
    /// Those that are of another class.
    pub(crate) differing: u64,
    /// By both classes, such as `2xx to 5xx`.
    pairs: BTreeMap<String, u64>,
    /// The routes that differ most.
    routes: Vec<Route>,
}

/// Sessions that were kept alive on the target.
#[derive(Debug, Serialize)]
pub(crate) struct Kept {
    #[serde(flatten)]
    sums: Sums,
    /// What the capture could not teach.
    notes: Vec<String>,
}

/// What was wrong in the files.
#[derive(Debug, Serialize)]
pub(crate) struct Damage {
    places: u64,
    skipped_bytes: u64,
    lines: Vec<String>,
}

/// Limit of the routes that are reported.
const ROUTES: usize = 10;

impl Report {
    pub(super) fn new(tally: &Tally, fed: &Fed, took: Duration, interrupted: bool) -> Self {
        let seconds = took.as_secs_f64();
        let mut left_out = tally.left_out.clone();
        for (why, count) in Unsent::ALL.iter().zip(fed.left_out) {
            if count > 0 {
                *left_out.entry(why.as_str()).or_default() += count;
            }
        }
        let pairs = tally.pairs.iter();
        let pairs = pairs.map(|((was, now), count)| (format!("{was}xx to {now}xx"), *count));
        Self {
            interrupted,
            requests: fed.requests,
            sent: tally.sent,
            answered: tally.answered,
            seconds,
            rate: ratio(tally.answered, seconds),
            received_bytes: tally.received,
            span_seconds: fed.span.as_secs_f64(),
            statuses: tally.statuses.clone(),
            errors: tally.errors.clone(),
            left_out,
            latency_ms: Percentiles::of(&tally.latency.0),
            service_ms: Percentiles::of(&tally.service.0),
            late: Late {
                by_target: tally.late_by_target,
                by_sender: tally.late_by_sender,
                most_ms: tally.most_late.as_secs_f64() * 1e3,
            },
            captured: Captured {
                compared: tally.compared,
                differing: tally.differing,
                pairs: pairs.collect(),
                routes: tally.routes.top(ROUTES),
            },
            identity: fed.fitness.as_ref().map(|fitness| Kept {
                sums: Sums::default(),
                notes: fitness.lines(),
            }),
            damage: Damage {
                places: fed.damaged,
                skipped_bytes: fed.skipped,
                lines: fed.troubles.clone(),
            },
            latency: tally.latency.0.clone(),
        }
    }

    /// What was learned of sessions, and put in, where they were kept alive.
    pub(super) fn with_sessions(mut self, sums: Option<Sums>) -> Self {
        if let (Some(identity), Some(sums)) = (&mut self.identity, sums) {
            identity.sums = sums;
        }
        self
    }

    /// Requests that name what the target has no partner for.
    pub(crate) fn unpaired(&self) -> u64 {
        self.left_out.get("unpaired").copied().unwrap_or_default()
    }

    /// What the capture could not teach, where sessions were to be kept alive.
    pub(crate) fn notes(&self) -> &[String] {
        self.identity
            .as_ref()
            .map_or(&[], |identity| &identity.notes)
    }

    /// Requests that were sent and got no answer.
    pub(crate) fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Lines that say what is damaged in the files.
    pub(crate) fn damage_lines(&self) -> &[String] {
        &self.damage.lines
    }

    /// A percentile of the latency.
    pub(crate) fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.latency.value_at_percentile(percent))
    }
}

fn places(count: u64) -> String {
    match count {
        1 => "1 damaged place".to_owned(),
        count => format!("{count} damaged places"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn ratio(count: u64, all: f64) -> f64 {
    if all > 0.0 { count as f64 / all } else { 0.0 }
}

impl Percentiles {
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of an hour are far below 2^53"
    )]
    fn of(histogram: &Histogram<u64>) -> Self {
        let at = |percent| histogram.value_at_percentile(percent) as f64 / 1e3;
        Self {
            mean: (histogram.mean() / 1e3 * 1e3).round() / 1e3,
            p50: at(50.0),
            p90: at(90.0),
            p99: at(99.0),
            p999: at(99.9),
            max: histogram.max() as f64 / 1e3,
        }
    }
}

impl fmt::Display for Percentiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ms in [self.mean, self.p50, self.p90, self.p99, self.p999, self.max] {
            write!(f, " {ms:>9.2}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sums {
            sessions,
            alike,
            otherwise,
            learned,
            cookies,
            tokens,
            ids,
            conditions,
            earlier_cookies,
            ..
        } = self.sums;
        writeln!(
            f,
            "\n{sessions} sessions: the last request of {alike} ended as captured, of {otherwise} otherwise"
        )?;
        writeln!(
            f,
            "  put in: {cookies} cookies, {tokens} tokens, {ids} ids, {conditions} conditions; learned from {learned} responses"
        )?;
        if earlier_cookies > 0 {
            writeln!(
                f,
                "  {earlier_cookies} cookies went as they were: their sessions began before what was replayed"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.interrupted {
            writeln!(f, "interrupted before everything was sent")?;
        }
        let (sent, answered, seconds) = (self.sent, self.answered, self.seconds);
        write!(
            f,
            "{sent} requests sent, {answered} answered in {seconds:.2} s"
        )?;
        writeln!(f, ": {:.0} a second", self.rate)?;
        let share = |count: u64| 100.0 * ratio(count, ratio(self.sent, 1.0));
        for (status, count) in &self.statuses {
            writeln!(f, "  {status:<16} {count:>10}  {:5.1} %", share(*count))?;
        }
        for (error, count) in &self.errors {
            let share = share(*count);
            writeln!(f, "  {error:<16} {count:>10}  {share:5.1} %  no answer")?;
        }
        for (why, count) in &self.left_out {
            writeln!(f, "  {why:<16} {count:>10}           not sent")?;
        }
        if self.answered > 0 {
            let titles = ["mean", "p50", "p90", "p99", "p99.9", "max"];
            write!(f, "\n{:<22}", "latency in ms")?;
            for title in titles {
                write!(f, " {title:>9}")?;
            }
            writeln!(f, "\n{:<22}{}", "  since it was due", self.latency_ms)?;
            writeln!(f, "{:<22}{}", "  since it was sent", self.service_ms)?;
        }
        let Late {
            by_target,
            by_sender,
            most_ms,
        } = &self.late;
        if by_target + by_sender > 0 {
            writeln!(
                f,
                "\nlate by more than 10 ms: {by_target} since the target could not keep up, {by_sender} since this machine could not; at most {most_ms:.0} ms"
            )?;
        }
        if let Some(identity) = &self.identity {
            write!(f, "{identity}")?;
        }
        let captured = &self.captured;
        let Captured {
            compared,
            differing,
            ..
        } = captured;
        if *compared > 0 {
            writeln!(
                f,
                "\nof {compared} answers with a status in the capture, {differing} are of another class"
            )?;
        } else if self.answered > 0 {
            writeln!(f, "\nthe capture holds no statuses to compare with")?;
        }
        for (pair, count) in &captured.pairs {
            writeln!(f, "  {pair:<16} {count:>10}")?;
        }
        for route in &captured.routes {
            let Route { name, count, .. } = route;
            let (was, now) = (route.captured, route.replayed);
            writeln!(
                f,
                "  {count:>10}  {name}  (for example {was} before, {now} now)"
            )?;
        }
        if self.damage.places > 0 {
            let (places, skipped) = (places(self.damage.places), self.damage.skipped_bytes);
            writeln!(f, "\n{places} in the files, {skipped} bytes were skipped")?;
        }
        for line in &self.damage.lines {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
