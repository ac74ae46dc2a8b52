//! Every metric with its labels, declared once; what is counted, and the text that Prometheus reads.

mod capture;
mod proxy;
mod samples;
mod script;
mod shadow;

pub(crate) use capture::{CaptureMetrics, CaptureOutcome};
pub(crate) use proxy::{ProxyCount, ProxyMetrics, Reason};
pub(crate) use samples::Samples;
pub(crate) use script::{ScriptLine, ScriptMetrics};
pub(crate) use shadow::{PoolCount, PoolMetrics, ShadowMetrics};

/// A metric: its name as scraped and what it says.
#[derive(Debug)]
pub(crate) struct Metric {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) labels: &'static [&'static str],
    pub(crate) help: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its name ends in `_total`.
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
    LOG_LEFT_OUT Counter "log_lines_left_out_total" [] "Log lines that were not taken in time";
    REQUESTS Counter "requests_total" [] "Requests received";
    ANSWERS Counter "answers_total" ["class"] "Answers sent to clients by status class, the primary's and shadowtee's own";
    ERRORS Counter "errors_total" ["reason"] "Answers that shadowtee made itself, by reason";
    PRIMARY_SECONDS Histogram "primary_seconds" [] "From a request's arrival to the header of the primary's answer";
    OWN_SECONDS Histogram "own_seconds" [] "What shadowtee itself adds to a request's time, of one request in 64 that waits for no network meanwhile";
    EXCHANGES Gauge "exchanges_in_flight" [] "Requests whose answer is not sent to its end yet";
    CLIENTS Gauge "client_connections" [] "Client connections open";
    CLIENTS_ACCEPTED Counter "client_connections_accepted_total" [] "Client connections accepted";
    CLIENTS_REFUSED Counter "client_connections_refused_total" [] "Client connections refused at limits.connections";
    REQUEST_BYTES Counter "request_body_bytes_total" [] "Bytes of request bodies passed to the primary";
    ANSWER_BYTES Counter "answer_body_bytes_total" [] "Bytes of answer bodies passed to clients";
    CONNECTIONS_OPENED Counter "connections_opened_total" ["target"] "Connections opened to the primary and each shadow";
    CONNECTIONS_IDLE Gauge "connections_idle" ["target"] "Idle connections kept to the primary and each shadow";
    BUDGET_USED Gauge "shadow_memory_used_bytes" [] "Memory held for shadows";
    BUDGET_PEAK Gauge "shadow_memory_peak_bytes" [] "The most memory that was ever held for shadows";
    BUDGET_LIMIT Gauge "shadow_memory_limit_bytes" [] "Memory that may be held for shadows";
    COPIES Counter "copies_total" ["shadow", "outcome"] "Copies by their outcome; for each shadow they and those in flight add up to the requests";
    COPIES_IN_FLIGHT Gauge "copies_in_flight" ["shadow"] "Copies whose outcome is not known yet";
    COPIES_QUEUED Gauge "copies_queued" ["shadow"] "Copies that wait for a place among those on their way";
    SHADOW_SECONDS Histogram "shadow_seconds" ["shadow"] "From sending a copy to the header of its answer";
    STREAMS Counter "streams_total" ["shadow"] "Answers of the shadow without an end, that were read for a while";
    PAIRS Counter "answer_pairs_total" ["shadow", "primary", "answer"] "Answers by the primary's status class and the shadow's";
    COMPARED Counter "responses_compared_total" ["shadow", "result"] "Responses that were compared with production's, by what came of it";
    NOT_COMPARED Counter "responses_not_compared_total" ["shadow", "reason"] "Copies that were answered and not compared, by reason; with those compared they add up to the answered ones";
    RESENT Counter "examples_replayed_total" ["shadow", "result"] "Requests of examples that were to be sent to the shadow once more over the administration; they are no copies";
    CAUSES Gauge "response_causes" ["shadow", "status"] "Causes for which responses differ from production's";
    COMPARE_BYTES Gauge "compare_memory_bytes" ["shadow"] "Memory held by what comparing learned";
    CAPTURED Counter "capture_records_total" ["outcome"] "Exchanges by what became of them in the capture; they add up to the requests that went to the primary";
    CAPTURE_BYTES Counter "capture_bytes_total" [] "Bytes written to capture files";
    CAPTURE_QUEUED Gauge "capture_queued_bytes" [] "Memory held by exchanges that wait for the capture's writer";
    BREAKER Gauge "breaker_state" ["shadow"] "0 closed, copies are sent; 1 open, they are not; 2 one copy tries";
    PAUSED Gauge "shadow_paused" ["shadow"] "1 while copies to the shadow are paused";
    LOW_PRIORITY Gauge "shadow_low_priority" ["shadow"] "1 while the shadow takes more processor time than production, and gets what is left over";
    SCRIPT_UP Gauge "script_processes_up" ["script"] "Processes of the script that run";
    SCRIPT_STARTS Counter "script_starts_total" ["script"] "Processes of the script that were started, at first and again";
    SCRIPT_WAITING Gauge "script_waiting" ["script"] "Requests that the script was given, or is to be given, and has not echoed";
    SCRIPT_QUEUED Gauge "script_queued_bytes" ["script"] "Messages that no process of the script was given yet";
    SCRIPT_LINES Counter "script_lines_total" ["script", "line"] "Lines that the script wrote, by what they are";
    SCRIPT_SECONDS Histogram "script_seconds" ["script"] "From giving a request to the script to its echo";
    ORDER_LAG Histogram "copy_lag_seconds" ["shadow"] "From a request's arrival to the sending of its copy, where copies keep an order";
    SESSIONS Gauge "sessions" ["shadow"] "Sessions of production that are followed";
    SESSIONS_ENDED Gauge "sessions_by_end" ["shadow", "end"] "Sessions by whether their last copy ended as production's request did";
    SESSION_VALUES Gauge "session_values" ["shadow"] "Cookies, tokens, ids and ETags of production's whose counterpart on the shadow is known, or that there is none";
    SESSION_PAIRS Counter "session_pairs_total" ["shadow", "result"] "Pairs of responses by whether anything could be learned from them";
    SESSION_WAITS Counter "session_waits_given_up_total" ["shadow"] "Copies behind which the next of the session went before both responses were known";
    SUBSTITUTIONS Counter "substitutions_total" ["shadow", "kind"] "Values of production's in whose place copies have the shadow's";
    SESSION_CONFLICTS Counter "session_conflicts_total" ["shadow"] "Values that were given out for different things";
    SESSION_EVICTIONS Counter "session_evictions_total" ["shadow"] "Sessions and values that were forgotten for want of memory";
    SAMPLE Gauge "shadow_sample_millionths" ["shadow"] "The share of the selected requests that is copied, in millionths";
}

/// A status class, as in labels.
pub(crate) const CLASSES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

/// The index in [`CLASSES`].
pub(crate) fn class(status: Option<u16>) -> usize {
    status.map_or(0, |status| usize::from(status / 100).min(5))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::telemetry::sharded::Latency;

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
        assert!(
            ALL.iter()
                .all(|metric| metric.name.ends_with("_total") == (metric.kind == Kind::Counter))
        );
    }

    #[test]
    fn a_scrape_is_what_every_prometheus_reads() {
        let latency = Latency::new(0);
        for micros in [90, 2_000_000, 40_000_000] {
            latency.record(Duration::from_micros(micros));
        }
        let mut samples = Samples::default();
        samples.counter(&COPIES, &["next", "answered"], 3);
        samples.gauge(&WORKERS, &[], 2);
        samples.histogram(&SHADOW_SECONDS, &["a\"b\\c\nd"], &latency);
        samples.counter(&COPIES, &["next", "late"], u64::MAX);
        samples.counter(&REQUESTS, &[], 7);
        let mut wanted = r#"# HELP shadowtee_copies_total Copies by their outcome; for each shadow they and those in flight add up to the requests
# TYPE shadowtee_copies_total counter
shadowtee_copies_total{shadow="next",outcome="answered"} 3
shadowtee_copies_total{shadow="next",outcome="late"} 18446744073709551615
# HELP shadowtee_workers Worker threads
# TYPE shadowtee_workers gauge
shadowtee_workers 2
# HELP shadowtee_shadow_seconds From sending a copy to the header of its answer
# TYPE shadowtee_shadow_seconds histogram
shadowtee_shadow_seconds_sum{shadow="a\"b\\c\nd"} 42.00009
shadowtee_shadow_seconds_count{shadow="a\"b\\c\nd"} 3
"#
        .to_owned();
        for (bound, count) in [
            ("0.0001", 1),
            ("0.00025", 1),
            ("0.0005", 1),
            ("0.001", 1),
            ("0.0025", 1),
            ("0.005", 1),
            ("0.01", 1),
            ("0.025", 1),
            ("0.05", 1),
            ("0.1", 1),
            ("0.25", 1),
            ("0.5", 1),
            ("1.0", 1),
            ("2.5", 2),
            ("5.0", 2),
            ("10.0", 2),
            ("30.0", 2),
            ("+Inf", 3),
        ] {
            let labels = format!(r#"le="{bound}",shadow="a\"b\\c\nd""#);
            wanted.extend([
                "shadowtee_shadow_seconds_bucket{",
                &labels,
                &format!("}} {count}\n"),
            ]);
        }
        wanted += "# HELP shadowtee_requests_total Requests received
# TYPE shadowtee_requests_total counter
shadowtee_requests_total 7
";
        assert_eq!(samples.text(), wanted);
    }
}
