//! The tests that verdicts stand on: Fisher's exact test, the binomial sign test, the G-test, and intervals that bear
//! outliers. All of them are plain functions of counts.

use std::{f64::consts::PI, ops::Range};

/// The natural logarithm of the gamma function for positive arguments (Lanczos, g = 7).
fn ln_gamma(x: f64) -> f64 {
    const FIRST: f64 = 0.999_999_999_999_809_9;
    const SERIES: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let mut sum = FIRST;
    let mut divisor = x;
    for coefficient in SERIES {
        divisor += 1.0;
        sum += coefficient / divisor;
    }
    let t = x + 7.5;
    0.5 * (2.0 * PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

fn ln_choose(n: u32, k: u32) -> f64 {
    let (n, k) = (f64::from(n), f64::from(k));
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// A number of hits among a number of tries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hits: u32,
    pub(crate) of: u32,
}

impl Share {
    pub(crate) fn new(hits: u32, of: u32) -> Self {
        Self {
            hits: hits.min(of),
            of,
        }
    }

    pub(crate) fn rate(self) -> f64 {
        if self.of == 0 {
            return 0.0;
        }
        f64::from(self.hits) / f64::from(self.of)
    }

    /// The lower end of Wilson's interval of 95 %.
    pub(crate) fn lower_bound(self) -> f64 {
        const Z: f64 = 1.96;
        if self.of == 0 {
            return 0.0;
        }
        let n = f64::from(self.of);
        let p = self.rate();
        let middle = p + Z * Z / (2.0 * n);
        let width = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        ((middle - width) / (1.0 + Z * Z / n)).max(0.0)
    }
}

/// Fisher's exact test, one-sided: how likely so many of all hits fall to `more` if both shares are of one rate.
pub(crate) fn fisher_greater(more: Share, less: Share) -> f64 {
    let all = more.of + less.of;
    let hits = more.hits + less.hits;
    if more.of == 0 || less.of == 0 {
        return 1.0;
    }
    let whole = ln_choose(all, hits);
    let most = hits.min(more.of);
    let mut sum = 0.0;
    for k in more.hits..=most {
        if hits - k > less.of {
            continue;
        }
        let term = (ln_choose(more.of, k) + ln_choose(less.of, hits - k) - whole).exp();
        sum += term;
        // What follows falls faster than geometrically once it is past the mode.
        if term < sum * 1e-12 && k > more.hits {
            break;
        }
    }
    sum.min(1.0)
}

/// How likely at least so many of all tosses of a fair coin are heads.
pub(crate) fn sign_test(heads: u32, of: u32) -> f64 {
    if heads == 0 {
        return 1.0;
    }
    let n = f64::from(of);
    if of > 2_000 {
        let z = (f64::from(heads) - 0.5 - n / 2.0) / (n / 4.0).sqrt();
        return normal_upper(z);
    }
    let half = n * 0.5_f64.ln();
    (heads..=of)
        .map(|k| (ln_choose(of, k) + half).exp())
        .sum::<f64>()
        .min(1.0)
}

/// The upper tail of the normal distribution.
fn normal_upper(z: f64) -> f64 {
    let half = 0.5 * gamma_upper(0.5, z * z / 2.0);
    if z >= 0.0 { half } else { 1.0 - half }
}

/// How many standard deviations from the middle so small an upper tail of the normal distribution begins.
pub(crate) fn normal_deviations(tail: f64) -> f64 {
    const STEPS: usize = 50;
    let (mut low, mut high) = (0.0, 10.0);
    for _ in 0..STEPS {
        let middle = f64::midpoint(low, high);
        if normal_upper(middle) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The regularised upper incomplete gamma function Q(a, x).
fn gamma_upper(a: f64, x: f64) -> f64 {
    const STEPS: usize = 500;
    const PRECISION: f64 = 1e-14;
    if x <= 0.0 {
        return 1.0;
    }
    let front = (-x + a * x.ln() - ln_gamma(a)).exp();
    if x < a + 1.0 {
        let (mut term, mut sum, mut divisor) = (1.0 / a, 1.0 / a, a);
        for _ in 0..STEPS {
            divisor += 1.0;
            term *= x / divisor;
            sum += term;
            if term < sum * PRECISION {
                break;
            }
        }
        return (1.0 - sum * front).clamp(0.0, 1.0);
    }
    // Lentz's continued fraction.
    let tiny = f64::MIN_POSITIVE / PRECISION;
    let mut base = x + 1.0 - a;
    let mut upper = 1.0 / tiny;
    let mut lower = 1.0 / base;
    let mut fraction = lower;
    let mut step = 0.0;
    for _ in 0..STEPS {
        step += 1.0;
        let numerator = -step * (step - a);
        base += 2.0;
        lower = 1.0 / not_zero(numerator * lower + base, tiny);
        upper = not_zero(base + numerator / upper, tiny);
        let factor = lower * upper;
        fraction *= factor;
        if (factor - 1.0).abs() < PRECISION {
            break;
        }
    }
    (fraction * front).clamp(0.0, 1.0)
}

fn not_zero(value: f64, tiny: f64) -> f64 {
    if value.abs() < tiny { tiny } else { value }
}

/// The upper tail of the chi-squared distribution.
pub(crate) fn chi_squared_upper(x: f64, degrees: u32) -> f64 {
    gamma_upper(f64::from(degrees) / 2.0, x / 2.0)
}

/// The G-test: how likely two rows of counts differ so much if both are drawn from one distribution. Columns whose
/// expected counts are below five are put together.
fn g_test(columns: &[(u32, u32)], inflation: f64) -> f64 {
    let (first, second) = columns.iter().fold((0.0, 0.0), |(first, second), column| {
        (first + f64::from(column.0), second + f64::from(column.1))
    });
    let all = first + second;
    if first == 0.0 || second == 0.0 {
        return 1.0;
    }
    let (mut g, mut kept, mut rest) = (0.0, 0_u32, (0.0, 0.0));
    let mut add = |a: f64, b: f64| {
        let column = a + b;
        for (seen, row) in [(a, first), (b, second)] {
            if seen > 0.0 {
                g += 2.0 * seen * (seen * all / (column * row)).ln();
            }
        }
        kept += 1;
    };
    for &(a, b) in columns {
        let (a, b) = (f64::from(a), f64::from(b));
        if (a + b) * first.min(second) / all < 5.0 {
            rest = (rest.0 + a, rest.1 + b);
        } else {
            add(a, b);
        }
    }
    if rest.0 + rest.1 > 0.0 {
        add(rest.0, rest.1);
    }
    if kept < 2 {
        return 1.0;
    }
    // Williams' correction, which keeps the test honest where counts are few.
    let correction = 1.0 + (f64::from(kept) + 1.0) / (6.0 * all);
    chi_squared_upper(g.max(0.0) / correction / inflation, kept - 1)
}

/// The G-test of pairs that differ: their two rows are no independent draws. Of two values, each side has the one that the
/// other has not, so that the second row only says the first again; of many, that one is left out says little.
pub(crate) fn g_test_of_differing(columns: &[(u32, u32)]) -> f64 {
    let count = |column: &(u32, u32)| f64::from(column.0) + f64::from(column.1);
    let all: f64 = columns.iter().map(count).sum();
    let squares: f64 = columns
        .iter()
        .map(|column| (count(column) / all.max(1.0)).powi(2))
        .sum();
    let values = squares.max(1e-9).recip().max(2.0);
    g_test(columns, values / (values - 1.0))
}

/// A middle with an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Interval {
    pub(crate) middle: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// The Hodges–Lehmann estimate of a symmetric distribution's middle, with the interval that belongs to the Wilcoxon
/// signed-rank test. None with fewer than eight values: no interval of 99 % can be given.
pub(crate) fn hodges_lehmann(values: &[f64], z: f64) -> Option<Interval> {
    const FEWEST: usize = 8;
    const MOST: usize = 400;
    if values.len() < FEWEST {
        return None;
    }
    // Pairs are quadratic in number: of more values, evenly spaced ones are taken.
    let step = values.len().div_ceil(MOST);
    let mut values: Vec<f64> = values.iter().copied().step_by(step).collect();
    values.sort_unstable_by(f64::total_cmp);
    let pairs = values.len() * (values.len() + 1) / 2;
    #[expect(clippy::cast_precision_loss, reason = "at most MOST")]
    let n = values.len() as f64;
    let centre = n * (n + 1.0) / 4.0;
    let spread = z * (n * (n + 1.0) * (2.0 * n + 1.0) / 24.0).sqrt();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and below MOST squared"
    )]
    let cut = (centre - spread).floor().max(0.0) as usize;
    let last = pairs - 1;
    let (smallest, most) = (values[0], values[values.len() - 1]);
    let below = mean_of_rank(&values, last / 2, smallest..most);
    let above = mean_of_rank(&values, last.div_ceil(2), below..most);
    Some(Interval {
        middle: f64::midpoint(below, above),
        low: mean_of_rank(&values, cut, smallest..below),
        high: mean_of_rank(&values, last - cut, above..most),
    })
}

/// The mean of two of these values, or of one with itself, that so many others are not larger than: found by halving what
/// it is between, since there are too many means to look at each.
fn mean_of_rank(sorted: &[f64], rank: usize, within: Range<f64>) -> f64 {
    /// What is told is rounded far more.
    const NEAR: f64 = 1e-5;
    const STEPS: usize = 64;
    let (mut low, mut high) = (within.start, within.end);
    if means_up_to(sorted, low) > rank {
        return low;
    }
    for _ in 0..STEPS {
        if high - low < NEAR {
            break;
        }
        let middle = f64::midpoint(low, high);
        if means_up_to(sorted, middle) > rank {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// How many means of two of these values are not larger than `most`.
fn means_up_to(sorted: &[f64], most: f64) -> usize {
    let (mut count, mut end) = (0, sorted.len());
    for (at, first) in sorted.iter().enumerate() {
        while end > at && first + sorted[end - 1] > 2.0 * most {
            end -= 1;
        }
        if end <= at {
            break;
        }
        count += end - at;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64) -> bool {
        (value - expected).abs() <= expected.abs() * 1e-4 + 1e-12
    }

    #[test]
    fn fishers_test_gives_the_values_of_the_textbook() {
        // The lady tasting tea: 4 of 4, and 3 of 4.
        let tea = |hits| fisher_greater(Share::new(hits, 4), Share::new(4 - hits, 4));
        assert!(is_near(tea(4), 1.0 / 70.0));
        assert!(is_near(tea(3), 17.0 / 70.0));
        assert!(is_near(
            fisher_greater(Share::new(20, 20), Share::new(0, 3)),
            1.0 / 1771.0
        ));
        assert!(is_near(
            fisher_greater(Share::new(0, 9), Share::new(3, 9)),
            1.0
        ));
        assert!(fisher_greater(Share::new(500, 1000), Share::new(0, 1000)) < 1e-100);
    }

    #[test]
    fn fishers_test_says_nothing_without_a_comparison() {
        assert!(is_near(
            fisher_greater(Share::new(9, 9), Share::new(0, 0)),
            1.0
        ));
    }

    #[test]
    fn the_sign_test_counts_tosses() {
        assert!(is_near(sign_test(10, 10), 1.0 / 1024.0));
        assert!(is_near(sign_test(8, 10), 56.0 / 1024.0));
        assert!(is_near(sign_test(0, 10), 1.0));
        assert!(is_near(sign_test(1_600, 3_000), 1.413_9e-4) || sign_test(1_600, 3_000) < 2e-4);
        assert!(sign_test(3_000, 3_000) < 1e-100);
    }

    #[test]
    fn tails_of_chi_squared_are_those_of_the_tables() {
        assert!(is_near(chi_squared_upper(3.841_459, 1), 0.05));
        assert!(is_near(chi_squared_upper(18.307_04, 10), 0.05));
        assert!(is_near(chi_squared_upper(0.0, 4), 1.0));
        assert!(is_near(normal_upper(1.959_964), 0.025));
        assert!(is_near(normal_upper(-1.959_964), 0.975));
    }

    #[test]
    fn the_g_test_tells_a_skew_from_chance() {
        assert!(g_test(&[(50, 50), (51, 49)], 1.0) > 0.5);
        assert!(g_test(&[(90, 50), (10, 50)], 1.0) < 1e-6);
        assert!(is_near(g_test(&[], 1.0), 1.0));
        assert!(is_near(g_test(&[(40, 0)], 1.0), 1.0));
        // Many rare values say nothing one by one.
        assert!(g_test(&[(1, 0); 40], 1.0) > 0.99);
    }

    #[test]
    fn two_values_that_exclude_each_other_are_one_row() {
        // 23 of 28 tosses: as rare as a coin says, twice over.
        let p = g_test_of_differing(&[(23, 5), (5, 23)]);
        let coin = 2.0 * sign_test(23, 28);
        assert!(p > coin / 3.0 && p < coin * 3.0, "{p} and {coin}");
        assert!(g_test(&[(23, 5), (5, 23)], 1.0) < coin / 10.0);
        // Of ten values, next to nothing is left out.
        let many = [(9, 3); 5].into_iter().chain([(3, 9); 5]);
        let many: Vec<(u32, u32)> = many.collect();
        assert!(g_test_of_differing(&many) < 5.0 * g_test(&many, 1.0));
    }

    #[test]
    fn the_middle_bears_outliers() {
        let mut values: Vec<f64> = (0..40).map(|at| 2.0 + f64::from(at % 5) / 100.0).collect();
        values.extend([1e9, -1e9]);
        let interval = hodges_lehmann(&values, 2.576).unwrap();
        assert!((interval.middle - 2.02).abs() < 0.02);
        assert!(interval.low > 1.99 && interval.high < 2.05);
        assert!(hodges_lehmann(&[1.0; 7], 2.576).is_none());
    }

    #[test]
    fn a_smaller_tail_of_the_normal_distribution_begins_further_out() {
        assert!(is_near(normal_deviations(0.005), 2.575_83));
        assert!(is_near(normal_deviations(0.005 / 28.0), 3.570_0));
        assert!(normal_deviations(0.0) <= 10.0);
    }

    #[test]
    fn the_lower_bound_of_a_share_needs_evidence() {
        assert!(Share::new(1, 1).lower_bound() < 0.25);
        assert!(Share::new(1000, 1000).lower_bound() > 0.99);
        assert!(Share::new(0, 0).lower_bound() < 1e-9);
    }

    proptest::proptest! {
        #[test]
        fn means_are_those_that_looking_at_each_of_them_gives(
            values in proptest::collection::vec(-3.0..3.0_f64, 8..60),
            z in 0.5..5.0_f64,
        ) {
            let found = hodges_lehmann(&values, z).unwrap();
            let pairs = values.iter().enumerate();
            let mut means: Vec<f64> = pairs
                .flat_map(|(at, one)| values[at..].iter().map(|other| f64::midpoint(*one, *other)))
                .collect();
            means.sort_unstable_by(f64::total_cmp);
            let is_one = |value: f64| means.iter().any(|mean| (mean - value).abs() < 1e-4);
            proptest::prop_assert!(is_one(found.low) && is_one(found.high));
            let below = means.iter().filter(|mean| **mean < found.low - 1e-4).count();
            let up_to = means.iter().filter(|mean| **mean <= found.low + 1e-4).count();
            let above = means.iter().filter(|mean| **mean > found.high + 1e-4).count();
            proptest::prop_assert!(below < up_to && above < up_to);
            let last = means.len() - 1;
            let middle = f64::midpoint(means[last / 2], means[last.div_ceil(2)]);
            proptest::prop_assert!((found.middle - middle).abs() < 1e-4);
        }
    }
}
