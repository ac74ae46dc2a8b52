//! What it costs to find out that no shadow wants a request: with 0, 10 and 200 rules, and in which share of time.
//!
//! `cargo bench --bench selection` times the selection alone, in one thread, on the head of a request as nginx passes
//! it on. `cargo bench --bench versus` has the whole program with 10 rules beside the one without any shadow.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

const HEAD: &[u8] = b"GET /shop/articles/4711?page=2&sort=price HTTP/1.1\r\n\
Host: shop.example\r\nX-Request-Id: 0123456789abcdef0123456789abcdef\r\n\
X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\nX-Real-IP: 192.0.2.7\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0\r\n\
Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en\r\n\
Accept-Encoding: gzip, deflate, br\r\nReferer: https://shop.example/\r\n\
Cookie: _session=0123456789abcdef; theme=dark\r\n\r\n";

/// So long each is measured, so often; the best one counts, since others are disturbed.
const TIME: Duration = Duration::from_millis(200);
const ROUNDS: usize = 7;

/// Rules of every kind in turn, none of which matches.
fn rules(many: usize) -> String {
    let mut text = String::new();
    for n in 0..many {
        let rule = match n % 8 {
            0 => format!("method = [\"PUT\", \"DELETE\"]\npath = \"prefix:/a{n}/\""),
            1 => format!("path = \"prefix:/payments/{n}/\""),
            2 => format!("path = [\"/orders/{n}\", \"/carts/{n}\"]"),
            3 => format!("header = {{ X-Preview-{n} = true }}"),
            4 => format!("path = \"glob:/users/*/{n}\""),
            5 => format!("host = \"n{n}.example\""),
            6 => format!("path = \"regex:^/v[0-9]+/items/{n}$\""),
            _ => format!("query = {{ preview = \"{n}\" }}"),
        };
        // Writing to a string does not fail.
        let _ = writeln!(text, "[[shadow.select.allow]]\n{rule}");
    }
    text
}

fn main() {
    let dir = tempfile::tempdir().expect("a folder");
    println!("rules  ns for a request that none of them selects");
    for many in [0, 10, 200] {
        let file = dir.path().join("selection.toml");
        let toml = format!(
            "listen = [\"127.0.0.1:1\"]\n[primary]\naddress = \"127.0.0.1:2\"\n\
             [[shadow]]\nname = \"next\"\naddress = \"127.0.0.1:3\"\n{}",
            rules(many)
        );
        std::fs::write(&file, toml).expect("writing the rules");
        let selects = shadowtee::selection(&file, HEAD).expect("rules and a request");
        assert_eq!(selects(), many == 0, "{many} rules");
        println!("{many:>5}  {:>8.1}", best(&selects));
    }
}

/// Nanoseconds for a call.
fn best(selects: &dyn Fn() -> bool) -> f64 {
    (0..ROUNDS).map(|_| once(selects)).fold(f64::MAX, f64::min)
}

fn once(selects: &dyn Fn() -> bool) -> f64 {
    let (begin, mut calls) = (Instant::now(), 0_u32);
    while begin.elapsed() < TIME {
        for _ in 0..100 {
            black_box(selects());
        }
        calls += 100;
    }
    begin.elapsed().as_secs_f64() * 1e9 / f64::from(calls)
}
