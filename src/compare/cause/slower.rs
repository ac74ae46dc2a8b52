//! Which routes are slower. What slows all of the shadow, as its machine does, is told once for all; a route is told where
//! it is slower beyond that for certain, however many routes were looked at.

use std::collections::HashMap;

use crate::compare::{
    learn::{
        Learned,
        stats::{Interval, normal_deviations},
    },
    report::{Slower, Speed, SpeedVerdict},
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
}

pub(crate) fn slower(learned: &Learned, names: &Names) -> (Speed, Vec<Slower>) {
    // Each route is one more chance to be wrong. How many can be timed doesn't depend on the interval.
    let timed = |z: f64| -> Vec<Timed> {
        let of = |(id, state): (&RouteId, &crate::compare::learn::route_state::RouteState)| {
            Some(Timed {
                route: names.get(id)?.clone(),
                log: state.speed.log_ratio(z)?,
                pairs: u64::from(state.speed.count()),
                milliseconds: f64::from(state.speed.milliseconds()),
            })
        };
        learned.routes.iter().filter_map(of).collect()
    };
    let count = learned
        .routes
        .values()
        .filter(|state| state.speed.is_enough())
        .count();
    let z = deviations(count);
    judge(&timed(z), z)
}

/// The interval that each of so many routes needs.
fn deviations(routes: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a number of routes")]
    let routes = routes.max(1) as f64;
    normal_deviations(CHANCE / routes)
}

fn judge(timed: &[Timed], z: f64) -> (Speed, Vec<Slower>) {
    let speed = overall(timed, z);
    let all = Middle::of(&timed.iter().collect::<Vec<_>>(), z);
    let mut slower: Vec<Slower> = timed
        .iter()
        .enumerate()
        .filter(|(_, route)| route.log.low > RATIO.ln() && route.milliseconds > MILLISECONDS)
        .filter_map(|(at, route)| {
            if timed.len() < FEWEST_ROUTES {
                return Some(told(route, None));
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
            is_beyond.then(|| told(route, Some(beyond.exp())))
        })
        .collect();
    slower.sort_by(|one, other| {
        other
            .ratio
            .total_cmp(&one.ratio)
            .then_with(|| one.route.cmp(&other.route))
    });
    (speed, slower)
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
        judge(&routes, deviations(count))
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
        assert_eq!(judge(&[alone], deviations(1)).1.len(), 1);
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
        assert_eq!(judge(&[], 2.6).0, Speed::default());
    }

    #[test]
    fn a_shadow_that_is_faster_makes_no_route_slower() {
        let mut ratios = vec![0.3; 10];
        ratios.push(1.1);
        assert_eq!(judged(&ratios, 0.02).1, []);
    }
}
