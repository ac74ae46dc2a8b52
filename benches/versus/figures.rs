//! What is measured, and what becomes of several measurements: a median with its spread, a ratio taken round by round.

use std::collections::BTreeMap;

/// One kind of figure.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Figure {
    /// Microseconds of processor time for one request.
    Cpu,
    /// Microseconds of it that the threads took that serve clients.
    Production,
    /// Requests answered in a second.
    Rate,
    /// Latency in microseconds.
    P50,
    P99,
    P999,
    /// The most memory held, in MiB.
    Memory,
    /// Requests that reached the shadow, for each copy that was to be sent.
    Copies,
    /// Requests that failed, of all.
    Errors,
    /// System calls for one request.
    Syscalls,
    /// KiB of memory for one idle connection.
    Idle,
}

/// What one measurement has shown.
pub(crate) type Sample = BTreeMap<Figure, f64>;

/// What a measurement is of.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Key {
    pub(crate) threads: usize,
    pub(crate) load: &'static str,
    pub(crate) contender: &'static str,
}

/// All measurements, one a round; one that failed is empty.
#[derive(Default)]
pub(crate) struct Samples(BTreeMap<Key, Vec<Sample>>);

impl Samples {
    pub(crate) fn add(&mut self, key: Key, sample: Sample) {
        self.0.entry(key).or_default().push(sample);
    }

    pub(crate) fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// A figure of each round; none of a round in which it could not be measured.
    pub(crate) fn rounds(&self, key: &Key, figure: Figure) -> Vec<Option<f64>> {
        let samples = self.0.get(key).map(Vec::as_slice).unwrap_or_default();
        let values = samples.iter().map(|sample| sample.get(&figure).copied());
        values.collect()
    }

    pub(crate) fn spread(&self, key: &Key, figure: Figure) -> Option<Spread> {
        Spread::of(self.rounds(key, figure).into_iter().flatten().collect())
    }

    /// One to the other, each round with itself: what disturbs a round disturbs both.
    pub(crate) fn ratio(&self, one: &Key, other: &Key, figure: Figure) -> Option<Spread> {
        Spread::of_ratios(self.rounds(one, figure), self.rounds(other, figure))
    }
}

/// A median, and the least and the most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Spread {
    pub(crate) fn of_ratios(ones: Vec<Option<f64>>, others: Vec<Option<f64>>) -> Option<Self> {
        let pairs = ones.into_iter().zip(others);
        let ratios =
            pairs.filter_map(|(one, other)| Some(one? / other.filter(|other| *other > 0.0)?));
        Self::of(ratios.collect())
    }

    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (&least, &most) = (values.first()?, values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self {
            median,
            least,
            most,
        })
    }

    /// As it stands in a table.
    pub(crate) fn text(&self) -> String {
        let number = |value| short(value, self.median);
        if self.least.total_cmp(&self.most).is_eq() {
            return number(self.median);
        }
        format!(
            "{} ({}–{})",
            number(self.median),
            number(self.least),
            number(self.most)
        )
    }
}

/// A number with as many places as its size deserves.
fn short(value: f64, scale: f64) -> String {
    let places = if scale >= 100.0 {
        0
    } else if scale >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.places$}")
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "no count here comes near 2^53")]
pub(crate) fn float(count: u64) -> f64 {
    count as f64
}
