//! What is scraped at one time, and the text that Prometheus reads of it.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, MetricEncoder, text::encode_registry},
    metrics::MetricType,
    registry::Registry,
};

use super::{Kind, Metric};
use crate::telemetry::sharded::Latency;

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
    Number(u64),
    Histogram(f64, u64, Vec<(f64, u64)>),
}

impl Samples {
    pub(crate) fn counter(&mut self, metric: &'static Metric, labels: &[&str], count: u64) {
        self.put(metric, labels, Value::Number(count));
    }

    pub(crate) fn gauge(&mut self, metric: &'static Metric, labels: &[&str], now: u64) {
        self.put(metric, labels, Value::Number(now));
    }

    pub(super) fn histogram(
        &mut self,
        metric: &'static Metric,
        labels: &[&str],
        latency: &Latency,
    ) {
        let (sum, count, buckets) = latency.snapshot();
        self.put(metric, labels, Value::Histogram(sum, count, buckets));
    }

    fn put(&mut self, metric: &'static Metric, labels: &[&str], value: Value) {
        debug_assert_eq!(metric.labels.len(), labels.len(), "{}", metric.name);
        let labels = labels.iter().map(ToString::to_string);
        let labels = metric.labels.iter().copied().zip(labels).collect();
        let mut families = self.0.iter_mut();
        match families.find(|family| std::ptr::eq(family.metric, metric)) {
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
        let _ = encode_registry(&mut text, &registry);
        text
    }
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
            // A counter, too: as one, `OpenMetrics` would give its samples a name that its family has not.
            Self::Number(n) => sample.encode_gauge(n),
            Self::Histogram(sum, count, buckets) => {
                sample.encode_histogram::<NoLabels>(*sum, *count, buckets, None)
            }
        }
    }
}

/// Exemplars have labels; there are none here.
type NoLabels = [(&'static str, &'static str); 0];
