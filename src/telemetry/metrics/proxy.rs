//! What the proxy counts on the way of a request.

use super::{
    ANSWER_BYTES, ANSWERS, CLASSES, CLIENTS, CLIENTS_ACCEPTED, CLIENTS_REFUSED, ERRORS, EXCHANGES,
    OWN_SECONDS, PRIMARY_SECONDS, REQUEST_BYTES, Samples, class,
};
use crate::telemetry::{
    history::ProductionReading,
    named::named,
    sharded::{Counters, Latency},
};

/// What the proxy counts.
#[derive(Debug)]
pub(crate) struct ProxyMetrics {
    counts: Counters<{ ProxyCount::Last as usize }>,
    pub(crate) primary: Latency,
    /// What shadowtee itself adds, of a share of the requests.
    pub(crate) own: Latency,
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

named! {
    /// Why shadowtee answered itself.
    enum Reason {
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
}

impl ProxyMetrics {
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            counts: Counters::new(workers),
            primary: Latency::new(workers),
            own: Latency::fine(workers),
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

    /// What the history is made of; `requests` were received.
    pub(crate) fn reading(&self, requests: u64) -> ProductionReading {
        ProductionReading {
            requests,
            errors: self.errors.sums().iter().sum(),
            in_flight: self.exchanges(),
            primary: self.primary.buckets(),
            own: self.own.buckets(),
        }
    }

    /// What there is to scrape.
    pub(crate) fn samples(&self, samples: &mut Samples) {
        for (class, count) in CLASSES.iter().zip(self.classes.sums()).skip(1) {
            samples.counter(&ANSWERS, &[class], count);
        }
        for reason in Reason::ALL {
            let count = self.errors.sum(*reason as usize);
            samples.counter(&ERRORS, &[reason.as_str()], count);
        }
        samples.histogram(&PRIMARY_SECONDS, &[], &self.primary);
        samples.histogram(&OWN_SECONDS, &[], &self.own);
        samples.gauge(&EXCHANGES, &[], self.exchanges());
        samples.gauge(&CLIENTS, &[], self.clients());
        for (metric, count) in [
            (&CLIENTS_ACCEPTED, ProxyCount::ClientsAccepted),
            (&CLIENTS_REFUSED, ProxyCount::ClientsRefused),
            (&REQUEST_BYTES, ProxyCount::RequestBytes),
            (&ANSWER_BYTES, ProxyCount::AnswerBytes),
        ] {
            samples.counter(metric, &[], self.sum(count));
        }
    }
}
