//! Conditions under which a replay fails, for use in a pipeline.

use std::{fmt, str::FromStr, time::Duration};

use super::Report;

/// A condition under which a replay counts as failed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Condition {
    text: String,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum What {
    Errors(Limit),
    Differences(Limit),
    /// Requests that were not sent since an id in them has no partner, of all.
    Unpaired(Limit),
    /// A percentile of the latency.
    Latency(f64, Duration),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    Count(u64),
    /// A part of all.
    Share(f64),
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is not a condition; write for example \"errors>1%\", \"errors>0\", \"p99>250ms\", \"differences>0.5%\" or, with --identity, \"unpaired>0\""
            )
        };
        let (name, value) = text.split_once('>').ok_or_else(wrong)?;
        let (name, value) = (name.trim(), value.trim());
        let what = match name {
            "errors" => What::Errors(limit(value).ok_or_else(wrong)?),
            "differences" => What::Differences(limit(value).ok_or_else(wrong)?),
            "unpaired" => What::Unpaired(limit(value).ok_or_else(wrong)?),
            _ => {
                let percent = match name {
                    "max" => Some(100.0),
                    name => name
                        .strip_prefix('p')
                        .and_then(|digits| digits.parse().ok()),
                };
                let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
                let time = humantime::parse_duration(value).ok();
                What::Latency(percent.ok_or_else(wrong)?, time.ok_or_else(wrong)?)
            }
        };
        Ok(Self {
            text: text.into(),
            what,
        })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn limit(value: &str) -> Option<Limit> {
    match value.strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.trim().parse().ok()?;
            (0.0..=100.0)
                .contains(&percent)
                .then_some(Limit::Share(percent / 100.0))
        }
        None => value.parse().ok().map(Limit::Count),
    }
}

/// Those conditions that a report meets, each with what it was.
pub(crate) fn met<'a>(
    conditions: &'a [Condition],
    report: &'a Report,
) -> impl Iterator<Item = String> + 'a {
    conditions.iter().filter_map(move |condition| {
        let was = match condition.what {
            What::Errors(limit) => over(limit, report.failed(), report.sent),
            What::Differences(limit) => {
                over(limit, report.captured.differing, report.captured.compared)
            }
            What::Unpaired(limit) => over(limit, report.unpaired(), report.requests),
            What::Latency(percent, most) => {
                let was = report.percentile(percent);
                (was > most).then(|| humantime::format_duration(was).to_string())
            }
        };
        was.map(|was| format!("{condition}: {was}"))
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
fn over(limit: Limit, count: u64, all: u64) -> Option<String> {
    let is_over = match limit {
        Limit::Count(most) => count > most,
        Limit::Share(most) => count as f64 > most * all as f64,
    };
    is_over.then(|| format!("{count} of {all}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_condition_is_told() {
        for right in [
            "errors>1%",
            "errors > 0",
            "p99>250ms",
            "p99.9>1s",
            "max>2s",
            "differences>0.5%",
            "unpaired>0",
        ] {
            assert!(right.parse::<Condition>().is_ok(), "{right}");
        }
        for wrong in [
            "errors",
            "errors>",
            "errors<1",
            "errors>101%",
            "p101>1s",
            "p99>5",
            "x>1",
        ] {
            assert!(wrong.parse::<Condition>().is_err(), "{wrong}");
        }
    }
}
