//! Which routes are slower, and which are faster. What slows all of the shadow, as its machine does, is told once for all; a route is told where
//! it is slower beyond that for certain, however many routes were looked at.

use std::collections::HashMap;

use crate::compare::{
    learn::{
        Learned,
        stats::{Interval, normal_deviations},
    },
    report::{RouteTime, Slower, Speed, SpeedVerdict, TimeVerdict},
    route::RouteId,
};

type Names = HashMap<RouteId, String>;

/// Less than a fifth more doesn't matter, nor do times below a millisecond.
const RATIO: f64 = 1.2;
const MILLISECONDS: f64 = 1.0;
/// With fewer routes nothing is known of the shadow as a whole.
const FEWEST_ROUTES: usize = 4;
const MANY_ROUTES: usize = 64;
/// How often chance may make a slower route out of all that were looked at, or a slower shadow.
const CHANCE: f64 = 0.005;

/// The times of a route. Ratios are logarithms.
#[derive(Clone, Debug)]
struct Timed {
    route: String,
    log: Interval,
    pairs: u64,
    milliseconds: f64,
}

impl Timed {
    /// The standard error of its ratio, by an interval of so many deviations.
    fn error(&self, z: f64) -> f64 {
        (self.log.high - self.log.low) / (2.0 * z)
    }

    /// The same with the two sides changed.
    fn turned(&self) -> Self {
        Self {
            log: Interval {
                middle: -self.log.middle,
                low: -self.log.high,
                high: -self.log.low,
            },
            milliseconds: -self.milliseconds,
            ..self.clone()
        }
    }
}

/// What is known of how long routes take.
#[derive(Debug)]
pub(super) struct Speeds {
    pub(super) overall: Speed,
    pub(super) slower: Vec<Slower>,
    pub(super) times: Vec<RouteTime>,
}

pub(super) fn speeds(learned: &mut Learned, names: &Names) -> Speeds {
    // Each route is one more chance to be wrong. How many can be timed doesn't depend on the interval.
    let count = learned
        .routes
        .values()
        .filter(|state| state.speed.is_enough())
        .count();
    let z = deviations(count);
    let (mut timed, mut samples) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (id, state) in &mut learned.routes {
        let Some((route, longer)) = names.get(id).zip(state.speed.judge(z)) else {
            continue;
        };
        timed.push(Timed {
            route: route.clone(),
            log: longer.log,
            pairs: u64::from(state.speed.count()),
            milliseconds: f64::from(longer.milliseconds),
        });
        samples.push(&state.speed);
    }
    let judged = judge(&timed, z);
    let routes = timed.iter().zip(&judged.verdicts).zip(samples);
    let mut routes: Vec<RouteTime> = routes
        .map(|((route, verdict), sample)| RouteTime {
            route: route.route.clone(),
            pairs: route.pairs,
            verdict: *verdict,
            ratio: rounded(route.log.middle.exp()),
            low: rounded(route.log.low.exp()),
            high: rounded(route.log.high.exp()),
            milliseconds: rounded(route.milliseconds),
            primary: sample.primary().counts().to_vec(),
            shadow: sample.shadow().counts().to_vec(),
        })
        .collect();
    routes.sort_by(|one, other| {
        other
            .pairs
            .cmp(&one.pairs)
            .then_with(|| one.route.cmp(&other.route))
    });
    Speeds {
        overall: judged.overall,
        slower: judged.slower,
        times: routes,
    }
}

/// The interval that each of so many routes needs.
fn deviations(routes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number of routes")]
    let routes = routes.max(1) as f64;
    normal_deviations(CHANCE / routes)
}

/// What routes are held to be.
struct Judged {
    overall: Speed,
    slower: Vec<Slower>,
    /// Of each route, in their order.
    verdicts: Vec<TimeVerdict>,
}

fn judge(timed: &[Timed], z: f64) -> Judged {
    let slower = beyond_others(timed, z);
    // What is faster on the shadow is slower on production.
    let turned: Vec<Timed> = timed.iter().map(Timed::turned).collect();
    let faster = beyond_others(&turned, z);
    let mut verdicts: Vec<TimeVerdict> = timed.iter().map(alone).collect();
    for (found, verdict) in [
        (&slower, TimeVerdict::Slower),
        (&faster, TimeVerdict::Faster),
    ] {
        for beyond in found {
            verdicts[beyond.at] = verdict;
        }
    }
    let told = |beyond: &Beyond| told(&timed[beyond.at], beyond.others);
    let mut slower: Vec<Slower> = slower.iter().map(told).collect();
    slower.sort_by(|one, other| {
        other
            .ratio
            .total_cmp(&one.ratio)
            .then_with(|| one.route.cmp(&other.route))
    });
    Judged {
        overall: overall(timed, z),
        slower,
        verdicts,
    }
}

/// What is known of a route that is not beyond the others.
fn alone(route: &Timed) -> TimeVerdict {
    let log = route.log;
    let is_other = log.low > RATIO.ln() || log.high < -RATIO.ln();
    let is_same = log.low > -RATIO.ln() && log.high < RATIO.ln();
    if is_same || is_other && route.milliseconds.abs() <= MILLISECONDS {
        TimeVerdict::Same
    } else if is_other {
        TimeVerdict::LikeOthers
    } else {
        TimeVerdict::Unknown
    }
}

/// A route that is slower for certain, beyond what slows the others.
struct Beyond {
    at: usize,
    /// How many times as long as the others, where there are enough of them.
    others: Option<f64>,
}

fn beyond_others(timed: &[Timed], z: f64) -> Vec<Beyond> {
    let all = Middle::of(&timed.iter().collect::<Vec<_>>(), z);
    timed
        .iter()
        .enumerate()
        .filter(|(_, route)| route.log.low > RATIO.ln() && route.milliseconds > MILLISECONDS)
        .filter_map(|(at, route)| {
            if timed.len() < FEWEST_ROUTES {
                return Some(Beyond { at, others: None });
            }
            // One of many moves the middle by nothing.
            let middle = if timed.len() > MANY_ROUTES {
                all
            } else {
                let others = timed.iter().enumerate().filter(|(other, _)| *other != at);
                Middle::of(&others.map(|(_, other)| other).collect::<Vec<_>>(), z)
            };
            // A shadow that is faster on all other routes makes no route slower.
            let beyond = route.log.middle - middle.log.max(0.0);
            let below = route.log.middle - route.log.low;
            let spread = z * middle.error.hypot(middle.between);
            let is_beyond = beyond - below.hypot(spread) > RATIO.ln();
            is_beyond.then(|| Beyond {
                at,
                others: Some(beyond.exp()),
            })
        })
        .collect()
}

fn told(route: &Timed, beyond_others: Option<f64>) -> Slower {
    Slower {
        route: route.route.clone(),
        ratio: rounded(route.log.middle.exp()),
        low: rounded(route.log.low.exp()),
        high: rounded(route.log.high.exp()),
        pairs: route.pairs,
        milliseconds: rounded(route.milliseconds),
        beyond_others: beyond_others.map(rounded),
    }
}

/// The shadow as a whole: the route in the middle, which a few slow ones don't move.
fn overall(timed: &[Timed], z: f64) -> Speed {
    if timed.is_empty() {
        return Speed::default();
    }
    let all: Vec<&Timed> = timed.iter().collect();
    let middle = Middle::of(&all, z);
    let width = normal_deviations(CHANCE) * middle.error;
    let milliseconds = median(all.iter().map(|route| route.milliseconds).collect());
    let is_slower = middle.log - width > RATIO.ln() && milliseconds > MILLISECONDS;
    let verdict = match timed.len() {
        ..FEWEST_ROUTES => SpeedVerdict::FewRoutes,
        _ if is_slower => SpeedVerdict::Slower,
        _ => SpeedVerdict::NotSlower,
    };
    let is_above = |route: &&&Timed| route.log.middle > RATIO.ln();
    Speed {
        verdict,
        routes: timed.len() as u64,
        slower_routes: all.iter().filter(is_above).count() as u64,
        ratio: rounded(middle.log.exp()),
        low: rounded((middle.log - width).exp()),
        high: rounded((middle.log + width).exp()),
        milliseconds: rounded(milliseconds),
    }
}

/// The middle of several routes.
#[derive(Clone, Copy, Debug)]
struct Middle {
    log: f64,
    /// The standard error of that middle.
    error: f64,
    /// How far routes are apart by more than their own errors.
    between: f64,
}

impl Middle {
    fn of(routes: &[&Timed], z: f64) -> Self {
        /// Of a normal distribution: from the median of distances to the deviation, and of a median to that of a mean.
        const DEVIATION: f64 = 1.4826;
        const OF_MEDIAN: f64 = 1.2533;
        let log = median(routes.iter().map(|route| route.log.middle).collect());
        let distances = routes.iter().map(|route| (route.log.middle - log).abs());
        let apart = DEVIATION * median(distances.collect());
        let own = median(routes.iter().map(|route| route.error(z)).collect());
        #[expect(clippy::cast_precision_loss, reason = "a number of routes")]
        let count = routes.len().max(1) as f64;
        Self {
            log,
            error: OF_MEDIAN * apart.max(own) / count.sqrt(),
            between: (apart * apart - own * own).max(0.0).sqrt(),
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let (Some(one), Some(other)) = (
        values.get(values.len().saturating_sub(1) / 2),
        values.get(values.len() / 2),
    ) else {
        return 0.0;
    };
    f64::midpoint(*one, *other)
}

fn rounded(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A route whose ratio is known up to `error` (of its logarithm), where so many are looked at.
    fn timed(name: usize, ratio: f64, error: f64, routes: usize) -> Timed {
        let (log, width) = (ratio.ln(), error * deviations(routes));
        Timed {
            route: format!("GET /{name}"),
            log: Interval {
                middle: log,
                low: log - width,
                high: log + width,
            },
            pairs: 50,
            milliseconds: 20.0 * (ratio - 1.0),
        }
    }

    fn judged(ratios: &[f64], error: f64) -> (Speed, Vec<Slower>) {
        let count = ratios.len();
        let routes: Vec<Timed> = ratios
            .iter()
            .enumerate()
            .map(|(at, ratio)| timed(at, *ratio, error, count))
            .collect();
        let judged = judge(&routes, deviations(count));
        (judged.overall, judged.slower)
    }

    fn verdicts(ratios: &[f64], error: f64) -> Vec<TimeVerdict> {
        let count = ratios.len();
        let ratios = ratios.iter().enumerate();
        let routes: Vec<Timed> = ratios
            .map(|(at, ratio)| timed(at, *ratio, error, count))
            .collect();
        judge(&routes, deviations(count)).verdicts
    }

    /// Two equal applications on a machine that is busy with the next request when the copy runs.
    #[test]
    fn routes_that_are_all_slower_by_about_as_much_are_one_line_and_no_route() {
        let ratios = [
            2.82, 2.42, 2.24, 2.09, 1.97, 1.74, 1.55, 1.46, 1.4, 1.6, 1.8, 1.5, 1.3, 1.7, 1.45,
        ];
        let (speed, slower) = judged(&ratios, 0.2);
        assert_eq!(slower, []);
        assert_eq!(speed.verdict, SpeedVerdict::Slower);
        assert_eq!((speed.routes, speed.slower_routes), (15, 15));
        assert!(speed.ratio > 1.5 && speed.ratio < 2.0, "{speed:?}");
    }

    #[test]
    fn a_route_that_is_slower_than_all_others_is_told_and_the_shadow_is_not_slower() {
        for count in [1, 2, 3, 4, 28, 500] {
            let mut ratios = vec![1.02; count - 1];
            ratios.push(8.0);
            let (speed, slower) = judged(&ratios, 0.1);
            assert_eq!(slower.len(), 1, "{count} routes");
            assert_eq!(slower[0].route, format!("GET /{}", count - 1));
            assert_ne!(speed.verdict, SpeedVerdict::Slower, "{count} routes");
        }
    }

    #[test]
    fn a_route_that_is_slower_beyond_a_slow_shadow_is_told_beside_it() {
        let mut ratios = [1.7, 1.5, 1.6, 1.4, 1.8, 1.55, 1.65, 1.45].to_vec();
        ratios.push(13.0);
        let (speed, slower) = judged(&ratios, 0.1);
        assert_eq!(speed.verdict, SpeedVerdict::Slower);
        assert_eq!(slower.len(), 1);
        let beyond = slower[0].beyond_others.unwrap();
        assert!(beyond > 7.0 && beyond < 9.0, "{slower:?}");
    }

    #[test]
    fn a_version_that_is_slower_everywhere_is_one_line() {
        let (speed, slower) = judged(&[2.0; 28], 0.05);
        assert_eq!(slower, []);
        assert_eq!(speed.verdict, SpeedVerdict::Slower);
        assert!(speed.low > 1.9 && speed.high < 2.1, "{speed:?}");
    }

    #[test]
    fn half_of_the_routes_being_slower_does_not_hide_them() {
        let mut ratios = vec![1.0; 6];
        ratios.extend([3.0; 5]);
        let (speed, slower) = judged(&ratios, 0.1);
        assert_eq!(slower.len(), 5);
        assert_eq!(speed.verdict, SpeedVerdict::NotSlower);
    }

    #[test]
    fn what_would_be_certain_of_one_route_is_chance_among_many() {
        let error = 0.179;
        let alone = timed(0, 2.0, error, 1);
        assert_eq!(judge(&[alone], deviations(1)).slower.len(), 1);
        let mut ratios = vec![1.0; 99];
        ratios.push(2.0);
        assert_eq!(judged(&ratios, error).1, []);
    }

    #[test]
    fn few_routes_say_nothing_of_the_shadow() {
        let (speed, slower) = judged(&[2.0, 2.1, 2.2], 0.05);
        assert_eq!(speed.verdict, SpeedVerdict::FewRoutes);
        assert_eq!(slower.len(), 3);
        assert_eq!(slower[0].beyond_others, None);
        assert_eq!(judge(&[], 2.6).overall, Speed::default());
    }

    #[test]
    fn a_shadow_that_is_faster_makes_no_route_slower() {
        let mut ratios = vec![0.3; 10];
        ratios.push(1.1);
        assert_eq!(judged(&ratios, 0.02).1, []);
    }

    #[test]
    fn a_route_is_faster_by_what_would_make_it_slower_the_other_way_round() {
        use TimeVerdict::{Faster, Same, Slower};
        let (slow, fast) = (8.0_f64, 8.0_f64.recip());
        for count in [4, 28, 500] {
            let mut ratios = vec![1.02; count - 2];
            ratios.extend([slow, fast]);
            let found = verdicts(&ratios, 0.02);
            assert_eq!(found[count - 2..], [Slower, Faster], "{count} routes");
            assert!(found[..count - 2].iter().all(|verdict| *verdict == Same));
        }
        let mut ratios = vec![1.0; 99];
        ratios.push(0.5);
        assert!(!verdicts(&ratios, 0.179).contains(&Faster));
    }

    #[test]
    fn a_version_that_is_slower_or_faster_everywhere_has_no_route_of_its_own() {
        use TimeVerdict::{LikeOthers, Unknown};
        assert_eq!(verdicts(&[2.0; 28], 0.05), [LikeOthers; 28]);
        assert_eq!(verdicts(&[0.5; 28], 0.05), [LikeOthers; 28]);
        assert_eq!(verdicts(&[1.3; 28], 0.3), [Unknown; 28]);
    }

    #[test]
    fn what_takes_a_millisecond_more_is_the_same_whatever_its_ratio() {
        let mut short = timed(0, 3.0, 0.02, 1);
        short.milliseconds = 0.4;
        assert_eq!(judge(&[short], deviations(1)).verdicts, [TimeVerdict::Same]);
    }
}
