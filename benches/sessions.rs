//! What sessions that live on a shadow cost on its thread: `cargo bench --bench sessions` times, in one thread, how a copy
//! with a form of 2 KB gets the shadow's cookie, token and ids, and how a pair of pages with 60 rows is learned.

use std::hint::black_box;
use std::time::{Duration, Instant};

use shadowtee::sessions::Session;

/// So long each is measured, so often; the best one counts, since others are disturbed.
const TIME: Duration = Duration::from_millis(200);
const ROUNDS: usize = 7;

fn main() {
    let mut session = Session::default();
    println!("us     for");
    println!(
        "{:>5.1}  a copy with a form of 2 KB",
        best(|| {
            black_box(session.substitute());
        })
    );
    println!(
        "{:>5.1}  a pair of pages with 60 rows",
        best(|| session.learn())
    );
}

/// Microseconds for a call.
fn best(mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let (begin, mut calls) = (Instant::now(), 0_u32);
        while begin.elapsed() < TIME {
            for _ in 0..16 {
                call();
            }
            calls += 16;
        }
        best = best.min(begin.elapsed().as_secs_f64() * 1e6 / f64::from(calls));
    }
    best
}
