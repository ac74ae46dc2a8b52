//! How long a report takes, by how much there is to tell.

use std::time::{Duration, Instant};

use crate::compare::{Answer, Asked, Comparer, PairIn, Pattern, Settings};

const BEGIN: i64 = 1_790_000_000_000;

/// A shadow with so much to tell.
struct Load {
    routes: usize,
    /// Routes of which a field of its own is gone.
    faults: usize,
    /// Pairs of each route.
    pairs: usize,
}

/// A number as a word, which a path may have without being data.
fn word(number: usize) -> String {
    let digits = format!("{number:04}");
    digits.bytes().map(|digit| char::from(digit + 49)).collect()
}

impl Load {
    fn comparer(&self) -> Comparer {
        let mut comparer = Comparer::new(Settings {
            bytes: 512 << 20,
            patterns: (0..self.routes)
                .filter_map(|route| Pattern::parse(&format!("/{}/list", word(route))))
                .collect(),
            ..Settings::default()
        });
        for pair in 0..self.pairs {
            for route in 0..self.routes {
                self.take(&mut comparer, route, pair);
            }
        }
        comparer
    }

    fn take(&self, comparer: &mut Comparer, route: usize, pair: usize) {
        let name = word(route);
        let whole = format!(r#"{{"id":7,"name":"{name}","f{name}":1}}"#);
        let is_fault = route < self.faults && pair >= self.pairs / 8;
        let less = format!(r#"{{"id":7,"name":"{name}"}}"#);
        let shadow = if is_fault { &less } else { &whole };
        let at = BEGIN + (pair * 600_000 / self.pairs.max(1)) as i64;
        let noise = (route * 31 + pair * 17) % 97;
        let answer = |body: &str, micros: usize| Answer {
            status: 200,
            headers: vec![(b"Content-Type", b"application/json")],
            body: &[],
            length: body.len() as u64,
            is_whole: true,
            at,
            took: Duration::from_micros(micros as u64),
        };
        let mut sides = [
            answer(&whole, 5_000 + noise * 10),
            answer(shadow, 5_200 + noise * 11),
        ];
        sides[0].body = whole.as_bytes();
        sides[1].body = shadow.as_bytes();
        let [primary, shadow] = sides;
        let target = format!("/{name}/list?page={pair}");
        comparer.take(&PairIn {
            request_id: "r",
            asked: Asked {
                method: b"GET",
                target: target.as_bytes(),
                headers: vec![(b"Host", b"a.example")],
                body: None,
            },
            primary,
            shadow,
            counterparts: &[],
        });
    }
}

fn measure(load: &Load) {
    let mut comparer = load.comparer();
    let now = BEGIN + 600_000;
    let time = |comparer: &mut Comparer| {
        let begin = Instant::now();
        let report = comparer.report(now);
        (begin.elapsed(), report)
    };
    let (first, report) = time(&mut comparer);
    let mut again: Vec<Duration> = (0..5).map(|_| time(&mut comparer).0).collect();
    again.sort_unstable();
    for route in 0..load.routes {
        load.take(&mut comparer, route, load.pairs - 1);
    }
    let (later, _) = time(&mut comparer);
    println!(
        "{} routes, {} causes, {} pairs: the first report {first:.1?}, the same again {:.1?}, after a pair of each route {later:.1?}; {} of {} routes timed, {} MiB held",
        load.routes,
        report.causes.len(),
        report.requests.compared,
        again[again.len() / 2],
        report.times.len(),
        report.coverage.len(),
        comparer.bytes() >> 20,
    );
}

pub(crate) fn report() {
    for (routes, faults, pairs) in [(50, 5, 300), (5_000, 300, 300)] {
        measure(&Load {
            routes,
            faults,
            pairs,
        });
    }
}
