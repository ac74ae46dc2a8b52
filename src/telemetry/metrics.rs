//! Every metric with its labels, declared once, and the text that Prometheus reads.

use std::{
    fmt,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, text::encode},
    metrics::MetricType,
    registry::Registry,
};

use super::sharded::{Counters, Latency};

/// A metric: its name as scraped, less the suffix that its kind adds, and what it says.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Scraped with `_total` behind its name.
    Counter,
    Gauge,
    Histogram,
}

macro_rules! metrics {
    ($($const:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)*) => {
        $(pub(crate) const $const: Metric = Metric {
            name: concat!("shadowtee_", $name),
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
        };)*

        /// Every metric there is.
        #[cfg(test)]
        pub(crate) const ALL: &[&Metric] = &[$(&$const),*];
    };
}

metrics! {
    BUILD_INFO Gauge "build_info" ["version"] "Always 1; the version that runs";
    START_TIME Gauge "start_time_seconds" [] "When the process started, in seconds since 1970";
    WORKERS Gauge "workers" [] "Worker threads";
    REQUESTS Counter "requests" [] "Requests received";
    ANSWERS Counter "answers" ["class"] "Answers sent to clients by status class, the primary's and shadowtee's own";
    ERRORS Counter "errors" ["reason"] "Answers that shadowtee made itself, by reason";
    PRIMARY_SECONDS Histogram "primary_seconds" [] "From a request's arrival to the header of the primary's answer";
    EXCHANGES Gauge "exchanges_in_flight" [] "Requests whose answer is not sent to its end yet";
    CLIENTS Gauge "client_connections" [] "Client connections open";
    CLIENTS_ACCEPTED Counter "client_connections_accepted" [] "Client connections accepted";
    CLIENTS_REFUSED Counter "client_connections_refused" [] "Client connections refused at limits.connections";
    REQUEST_BYTES Counter "request_body_bytes" [] "Bytes of request bodies passed to the primary";
    ANSWER_BYTES Counter "answer_body_bytes" [] "Bytes of answer bodies passed to clients";
    CONNECTIONS_OPENED Counter "connections_opened" ["target"] "Connections opened to the primary and each shadow";
    CONNECTIONS_IDLE Gauge "connections_idle" ["target"] "Idle connections kept to the primary and each shadow";
    BUDGET_USED Gauge "shadow_memory_used_bytes" [] "Memory held for shadows";
    BUDGET_PEAK Gauge "shadow_memory_peak_bytes" [] "The most memory that was ever held for shadows";
    BUDGET_LIMIT Gauge "shadow_memory_limit_bytes" [] "Memory that may be held for shadows";
    COPIES Counter "copies" ["shadow", "outcome"] "Copies by their outcome; for each shadow they and those in flight add up to the requests";
    COPIES_IN_FLIGHT Gauge "copies_in_flight" ["shadow"] "Copies whose outcome is not known yet";
    COPIES_QUEUED Gauge "copies_queued" ["shadow"] "Copies that wait for a place among those on their way";
    SHADOW_SECONDS Histogram "shadow_seconds" ["shadow"] "From sending a copy to the header of its answer";
    PAIRS Counter "answer_pairs" ["shadow", "primary", "answer"] "Answers by the primary's status class and the shadow's";
    CAPTURED Counter "capture_records" ["outcome"] "Exchanges by what became of them in the capture; they add up to the requests that went to the primary";
    CAPTURE_BYTES Counter "capture_bytes" [] "Bytes written to capture files";
    CAPTURE_QUEUED Gauge "capture_queued_bytes" [] "Memory held by exchanges that wait for the capture's writer";
    BREAKER Gauge "breaker_state" ["shadow"] "0 closed, copies are sent; 1 open, they are not; 2 one copy tries";
    PAUSED Gauge "shadow_paused" ["shadow"] "1 while copies to the shadow are paused";
    SCRIPT_UP Gauge "script_processes_up" ["script"] "Processes of the script that run";
    SCRIPT_STARTS Counter "script_starts" ["script"] "Processes of the script that were started, at first and again";
    SCRIPT_WAITING Gauge "script_waiting" ["script"] "Requests that the script was given, or is to be given, and has not echoed";
    SCRIPT_QUEUED Gauge "script_queued_bytes" ["script"] "Messages that no process of the script was given yet";
    SCRIPT_LINES Counter "script_lines" ["script", "line"] "Lines that the script wrote, by what they are";
    SCRIPT_SECONDS Histogram "script_seconds" ["script"] "From giving a request to the script to its echo";
    SAMPLE Gauge "shadow_sample_millionths" ["shadow"] "The share of the selected requests that is copied, in millionths";
}

/// A status class, as in labels.
pub(crate) const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The index in [`CLASSES`].
pub(crate) fn class(status: Option<u16>) -> usize {
    status.map_or(0, |status| usize::from(status / 100).min(5))
}

/// What the proxy counts.
#[derive(Debug)]
pub(crate) struct ProxyMetrics {
    counts: Counters<{ ProxyCount::Last as usize }>,
    pub(crate) primary: Latency,
    classes: Counters<6>,
    errors: Counters<{ Reason::ALL.len() }>,
}

/// The plain counts of the proxy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ProxyCount {
    ExchangesBegun,
    ExchangesEnded,
    ClientsAccepted,
    ClientsGone,
    ClientsRefused,
    RequestBytes,
    AnswerBytes,
    Last,
}

macro_rules! reasons {
    ($($variant:ident = $name:literal,)*) => {
        /// Why shadowtee answered itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Reason { $($variant,)* }

        impl Reason {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

reasons! {
    Malformed = "malformed",
    Connect = "connect_method",
    HeaderTimeout = "header_timeout",
    BodyTimeout = "body_timeout",
    BodyTooLarge = "body_too_large",
    TargetTooLong = "target_too_long",
    HeaderTooLarge = "header_too_large",
    Unreachable = "primary_unreachable",
    Broken = "primary_broken",
    Late = "primary_late",
    Loop = "loop",
    TooManyClients = "too_many_clients",
}

impl ProxyMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            counts: Counters::new(workers),
            primary: Latency::new(workers),
            classes: Counters::new(workers),
            errors: Counters::new(workers),
        }
    }

    pub(crate) fn count(&self, what: ProxyCount, n: u64) {
        self.counts.add(what as usize, n);
    }

    pub(crate) fn sum(&self, what: ProxyCount) -> u64 {
        self.counts.sum(what as usize)
    }

    pub(crate) fn answer(&self, status: u16) {
        self.classes.add(class(Some(status)), 1);
    }

    pub(crate) fn error(&self, reason: Reason) {
        self.errors.add(reason as usize, 1);
    }

    /// Requests whose answer is not sent to its end yet.
    pub(crate) fn exchanges(&self) -> u64 {
        let ended = self.sum(ProxyCount::ExchangesEnded);
        self.sum(ProxyCount::ExchangesBegun).saturating_sub(ended)
    }

    /// Client connections open.
    pub(crate) fn clients(&self) -> u64 {
        let gone = self.sum(ProxyCount::ClientsGone);
        self.sum(ProxyCount::ClientsAccepted).saturating_sub(gone)
    }

    /// What there is to scrape.
    pub(crate) fn samples(&self, samples: &mut Samples) {
        for (class, count) in CLASSES.iter().zip(self.classes.sums()).skip(1) {
            samples.counter(&ANSWERS, &[class], count);
        }
        for reason in Reason::ALL {
            samples.counter(
                &ERRORS,
                &[reason.as_str()],
                self.errors.sum(*reason as usize),
            );
        }
        samples.histogram(&PRIMARY_SECONDS, &[], &self.primary);
        samples.gauge(&EXCHANGES, &[], self.exchanges());
        samples.gauge(&CLIENTS, &[], self.clients());
        samples.counter(
            &CLIENTS_ACCEPTED,
            &[],
            self.sum(ProxyCount::ClientsAccepted),
        );
        samples.counter(&CLIENTS_REFUSED, &[], self.sum(ProxyCount::ClientsRefused));
        samples.counter(&REQUEST_BYTES, &[], self.sum(ProxyCount::RequestBytes));
        samples.counter(&ANSWER_BYTES, &[], self.sum(ProxyCount::AnswerBytes));
    }
}

macro_rules! capture_outcomes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What became of an exchange in the capture.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum CaptureOutcome { $($(#[$doc])* $variant,)* }

        impl CaptureOutcome {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

capture_outcomes! {
    /// It is in a file.
    Written = "written",
    /// No rule selects it.
    Filtered = "filtered",
    /// The sample left it out.
    SampledOut = "sampled_out",
    /// It became another protocol.
    Upgrade = "upgrade",
    /// The request did not go to the primary to its end.
    NotWhole = "not_whole",
    /// The request's body is larger than what is kept.
    BodyLimit = "body_limit",
    /// The memory for shadows and the capture was used up.
    OverBudget = "over_budget",
    /// The writer could not keep up.
    QueueFull = "queue_full",
    /// The disk was full, or the file or its folder gone.
    WriteFailed = "write_failed",
    /// The file's format can't say it.
    Unwritable = "unwritable",
}

/// What the capture counts.
#[derive(Debug)]
pub(crate) struct CaptureMetrics {
    outcomes: Counters<{ CaptureOutcome::ALL.len() }>,
    bytes: AtomicU64,
}

impl CaptureMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            outcomes: Counters::new(workers),
            bytes: AtomicU64::new(0),
        }
    }

    pub(crate) fn count(&self, outcome: CaptureOutcome, exchanges: u64) {
        self.outcomes.add(outcome as usize, exchanges);
    }

    /// So many more bytes are in files.
    pub(crate) fn bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Relaxed);
    }

    /// How often each outcome was.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (CaptureOutcome, u64)> + '_ {
        let all = CaptureOutcome::ALL.iter();
        all.map(|outcome| (*outcome, self.outcomes.sum(*outcome as usize)))
    }

    pub(crate) fn samples(&self, queued: usize, samples: &mut Samples) {
        for (outcome, count) in self.outcomes() {
            samples.counter(&CAPTURED, &[outcome.as_str()], count);
        }
        samples.counter(&CAPTURE_BYTES, &[], self.bytes.load(Relaxed));
        samples.gauge(&CAPTURE_QUEUED, &[], queued as u64);
    }
}

macro_rules! script_lines {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What a line is that a script wrote.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum ScriptLine { $($(#[$doc])* $variant,)* }

        impl ScriptLine {
            pub(crate) const ALL: &[Self] = &[$(Self::$variant,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

script_lines! {
    /// A request that it was given, and that can be sent.
    Echo = "echo",
    /// A request that it was given, made into something that can't be sent.
    Invalid = "invalid",
    /// A request that waits for no echo: one that was echoed before, that is given up, or that never was.
    Unknown = "unknown",
    /// An answer; nothing becomes of those.
    Answer = "answer",
    /// No message.
    Garbage = "garbage",
    /// Longer than any message may be.
    TooLong = "too_long",
    /// Written to standard error.
    Error = "error",
}

/// What a script counts. Its own threads count; there is nothing on the way of a request.
#[derive(Debug)]
pub(crate) struct ScriptMetrics {
    pub(crate) up: AtomicU64,
    pub(crate) starts: AtomicU64,
    pub(crate) waiting: AtomicU64,
    pub(crate) queued: AtomicU64,
    lines: Counters<{ ScriptLine::ALL.len() }>,
    pub(crate) latency: Latency,
}

impl ScriptMetrics {
    pub(crate) fn new() -> Self {
        Self {
            up: AtomicU64::new(0),
            starts: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
            queued: AtomicU64::new(0),
            lines: Counters::new(0),
            latency: Latency::new(0),
        }
    }

    pub(crate) fn line(&self, line: ScriptLine) {
        self.lines.add(line as usize, 1);
    }

    pub(crate) fn samples(&self, name: &str, samples: &mut Samples) {
        samples.gauge(&SCRIPT_UP, &[name], self.up.load(Relaxed));
        samples.counter(&SCRIPT_STARTS, &[name], self.starts.load(Relaxed));
        samples.gauge(&SCRIPT_WAITING, &[name], self.waiting.load(Relaxed));
        samples.gauge(&SCRIPT_QUEUED, &[name], self.queued.load(Relaxed));
        for line in ScriptLine::ALL {
            let count = self.lines.sum(*line as usize);
            samples.counter(&SCRIPT_LINES, &[name, line.as_str()], count);
        }
        samples.histogram(&SCRIPT_SECONDS, &[name], &self.latency);
    }
}

/// What a pool counts.
#[derive(Debug, Default)]
pub(crate) struct PoolMetrics {
    opened: AtomicU64,
    idle: AtomicI64,
}

impl PoolMetrics {
    pub(crate) fn opened(&self) {
        self.opened.fetch_add(1, Relaxed);
    }

    pub(crate) fn idle(&self, change: i64) {
        self.idle.fetch_add(change, Relaxed);
    }

    pub(crate) fn samples(&self, target: &str, samples: &mut Samples) {
        samples.counter(&CONNECTIONS_OPENED, &[target], self.opened.load(Relaxed));
        let idle = u64::try_from(self.idle.load(Relaxed)).unwrap_or(0);
        samples.gauge(&CONNECTIONS_IDLE, &[target], idle);
    }
}

/// What a shadow's sender counts, beside the ledger.
#[derive(Debug)]
pub(crate) struct ShadowMetrics {
    pub(crate) latency: Latency,
    pairs: Counters<36>,
    pub(crate) pool: std::sync::Arc<PoolMetrics>,
}

impl ShadowMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            latency: Latency::new(workers),
            pairs: Counters::new(workers),
            pool: std::sync::Arc::default(),
        }
    }

    /// The primary answered one way and the shadow another, or the same.
    pub(crate) fn pair(&self, primary: usize, shadow: usize) {
        self.pairs.add(primary * CLASSES.len() + shadow, 1);
    }

    /// How often each pair of status classes was: the primary's, the shadow's.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        let pair = |(index, count)| {
            (
                CLASSES[index / CLASSES.len()],
                CLASSES[index % CLASSES.len()],
                count,
            )
        };
        self.pairs
            .sums()
            .into_iter()
            .enumerate()
            .map(pair)
            .filter(|(.., count)| *count > 0)
    }

    pub(crate) fn samples(&self, name: &str, samples: &mut Samples) {
        samples.histogram(&SHADOW_SECONDS, &[name], &self.latency);
        for (primary, shadow, count) in self.pairs() {
            samples.counter(&PAIRS, &[name, primary, shadow], count);
        }
        self.pool.samples(name, samples);
    }
}

/// What is scraped at one time.
#[derive(Debug, Default)]
pub(crate) struct Samples(Vec<Family>);

#[derive(Debug)]
struct Family {
    metric: &'static Metric,
    samples: Vec<(Vec<(&'static str, String)>, Value)>,
}

#[derive(Debug)]
enum Value {
    Count(u64),
    Gauge(u64),
    Histogram(f64, u64, Vec<(f64, u64)>),
}

impl Samples {
    pub(crate) fn counter(&mut self, metric: &'static Metric, labels: &[&str], count: u64) {
        self.put(metric, labels, Value::Count(count));
    }

    pub(crate) fn gauge(&mut self, metric: &'static Metric, labels: &[&str], now: u64) {
        self.put(metric, labels, Value::Gauge(now));
    }

    fn histogram(&mut self, metric: &'static Metric, labels: &[&str], latency: &Latency) {
        let (sum, count, buckets) = latency.snapshot();
        self.put(metric, labels, Value::Histogram(sum, count, buckets));
    }

    fn put(&mut self, metric: &'static Metric, labels: &[&str], value: Value) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        let labels = metric
            .labels
            .iter()
            .copied()
            .zip(labels.iter().map(ToString::to_string))
            .collect();
        match self
            .0
            .iter_mut()
            .find(|family| std::ptr::eq(family.metric, metric))
        {
            Some(family) => family.samples.push((labels, value)),
            None => self.0.push(Family {
                metric,
                samples: vec![(labels, value)],
            }),
        }
    }

    /// In the text format that every Prometheus reads, version 0.0.4.
    pub(crate) fn text(self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = encode(&mut text, &registry);
        as_prometheus(&text)
    }
}

/// What is encoded is `OpenMetrics`, where a counter's family lacks the `_total` of its samples, and the end is said.
/// The older format knows neither, and what reads it would take each counter for one without type and help.
fn as_prometheus(text: &str) -> String {
    let counter = |line: &str| {
        let name = line.strip_prefix("# TYPE ")?.strip_suffix(" counter")?;
        Some(name.to_owned())
    };
    let counters: Vec<_> = text.lines().filter_map(counter).collect();
    let mut older = String::with_capacity(text.len());
    for line in text.lines().filter(|line| *line != "# EOF") {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some(what), Some(name), Some(rest))
                if counters.iter().any(|counter| counter == name) =>
            {
                older.extend(["# ", what, " ", name, "_total ", rest]);
            }
            _ => older.push_str(line),
        }
        older.push('\n');
    }
    older
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for Family { metric, samples } in &self.0 {
            let kind = match metric.kind {
                Kind::Counter => MetricType::Counter,
                Kind::Gauge => MetricType::Gauge,
                Kind::Histogram => MetricType::Histogram,
            };
            let mut family = encoder.encode_descriptor(metric.name, metric.help, None, kind)?;
            for (labels, value) in samples {
                if labels.is_empty() {
                    value.encode(&mut family)?;
                } else {
                    value.encode(&mut family.encode_family(&labels.as_slice())?)?;
                }
            }
        }
        Ok(())
    }
}

impl Value {
    fn encode(&self, sample: &mut MetricEncoder<'_>) -> Result<(), fmt::Error> {
        match self {
            Self::Count(n) => sample.encode_counter::<NoLabels, _, u64>(n, None),
            Self::Gauge(n) => sample.encode_gauge(n),
            Self::Histogram(sum, count, buckets) => {
                sample.encode_histogram::<NoLabels>(*sum, *count, buckets, None)
            }
        }
    }
}

/// Exemplars have labels; there are none here.
type NoLabels = [(&'static str, &'static str); 0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_a_name_of_its_own_and_says_what_it_is() {
        let mut names: Vec<_> = ALL.iter().map(|metric| metric.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), ALL.len());
        assert!(
            ALL.iter()
                .all(|metric| !metric.help.is_empty() && !metric.help.ends_with('.'))
        );
    }

    #[test]
    fn a_scrape_is_what_every_prometheus_reads() {
        let mut samples = Samples::default();
        samples.counter(&COPIES, &["next", "answered"], 3);
        samples.gauge(&WORKERS, &[], 2);
        let text = samples.text();
        assert!(
            text.contains("shadowtee_copies_total{shadow=\"next\",outcome=\"answered\"} 3\n"),
            "{text}"
        );
        assert!(text.contains("shadowtee_workers 2\n"), "{text}");
        assert!(
            text.contains("# TYPE shadowtee_copies_total counter\n")
                && text.contains("# HELP shadowtee_copies_total Copies by"),
            "{text}"
        );
        assert!(text.contains("# TYPE shadowtee_workers gauge\n"), "{text}");
        assert!(!text.contains("EOF"), "{text}");
    }
}
