//! When each request is due.

use std::time::Duration;

use super::Speed;

/// Computes when requests are due, one after the other.
#[derive(Debug)]
pub(super) struct Pace {
    speed: Speed,
    max_gap: Option<Duration>,
    last: Option<u64>,
    /// Nanoseconds from the start, and what is cut off of one.
    due: f64,
}

impl Pace {
    pub(super) fn new(speed: Speed, max_gap: Option<Duration>) -> Self {
        Self {
            speed,
            max_gap,
            last: None,
            due: 0.0,
        }
    }

    /// Another round begins where the last one ended.
    pub(super) fn again(&mut self) {
        self.last = None;
    }

    /// When a request is due that was captured at `time`.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a gap in nanoseconds is far below 2^53, and never negative"
    )]
    pub(super) fn due(&mut self, time: u64) -> Duration {
        // One that stands behind a later one is due at once.
        let gap = self.last.map_or(0, |last| time.saturating_sub(last));
        self.last = Some(self.last.map_or(time, |last| last.max(time)));
        match self.speed {
            Speed::Max => return Duration::ZERO,
            Speed::Times(times) => {
                let gap = gap as f64 / times;
                let most = self
                    .max_gap
                    .map_or(f64::INFINITY, |most| most.as_nanos() as f64);
                self.due += gap.min(most);
            }
            Speed::Rate(rate) => {
                let due = self.due;
                self.due += 1e9 / rate;
                return Duration::from_nanos(due as u64);
            }
        }
        Duration::from_nanos(self.due as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dues(speed: Speed, max_gap: Option<u64>, times: &[u64]) -> Vec<u64> {
        let mut pace = Pace::new(speed, max_gap.map(Duration::from_nanos));
        let dues = times.iter().map(|time| pace.due(*time).as_nanos());
        dues.map(|due| u64::try_from(due).unwrap()).collect()
    }

    #[test]
    fn requests_are_due_as_they_came() {
        let times = [1000, 1100, 1050, 2000];
        assert_eq!(dues(Speed::Times(1.0), None, &times), [0, 100, 100, 1000]);
        assert_eq!(dues(Speed::Times(0.5), None, &times), [0, 200, 200, 2000]);
        assert_eq!(dues(Speed::Times(10.0), None, &times), [0, 10, 10, 100]);
        assert_eq!(
            dues(Speed::Times(1.0), Some(300), &times),
            [0, 100, 100, 400]
        );
        assert_eq!(dues(Speed::Rate(1e7), None, &times), [0, 100, 200, 300]);
        assert_eq!(dues(Speed::Max, None, &times), [0; 4]);
    }
}
