//! Pairs a second on one core, with all that is learned from them.

use std::time::{Duration, Instant};

use crate::compare::{Answer, Asked, Comparer, PairIn, Settings};

fn measure(name: &str, content_type: &str, make: impl Fn(usize, bool) -> String) {
    let mut comparer = Comparer::new(Settings::default());
    let bodies: Vec<(String, String)> = (0..64)
        .map(|at| (make(at, false), make(at, true)))
        .collect();
    let (begin, mut pairs) = (Instant::now(), 0_usize);
    while begin.elapsed() < Duration::from_secs(2) {
        let (primary, shadow) = &bodies[pairs % bodies.len()];
        let target = format!("/orders/{}", pairs % 5_000);
        let at = 1_790_000_000_000 + pairs as i64;
        let answer = |body: &'static str| body;
        let _ = answer;
        let make = |body: &str| -> (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>) {
            (
                vec![(b"Content-Type".to_vec(), content_type.as_bytes().to_vec())],
                body.as_bytes().to_vec(),
            )
        };
        let (first, second) = (make(primary), make(shadow));
        let as_answer = |side: &'_ (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>)| Answer {
            status: 200,
            headers: vec![],
            body: &[],
            length: side.1.len() as u64,
            is_whole: true,
            at,
            took: Duration::from_millis(3),
        };
        let mut one = as_answer(&first);
        one.headers = first
            .0
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        one.body = &first.1;
        let mut other = as_answer(&second);
        other.headers = second
            .0
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        other.body = &second.1;
        comparer.take(&PairIn {
            request_id: "r",
            asked: Asked {
                method: b"GET",
                target: target.as_bytes(),
                headers: vec![(b"Host", b"a.example")],
                body: None,
            },
            primary: one,
            shadow: other,
            counterparts: &[],
        });
        pairs += 1;
    }
    let size = bodies[0].0.len();
    println!(
        "{name}: {size} bytes, {:.0} pairs a second, {} KiB held",
        pairs as f64 / begin.elapsed().as_secs_f64(),
        comparer.bytes() / 1024
    );
}

fn json(at: usize, is_shadow: bool) -> String {
    let items: Vec<String> = (0..45)
        .map(|item| {
            let token = (at * 1_000 + item) * if is_shadow { 7_919 } else { 104_729 };
            format!(
                r#"{{"id":{item},"sku":"SKU-{:05}","name":"Product number {item}","price":{}.{:02},"in_stock":true,"tags":["a","b"],"updated_at":"2024-03-05T14:{:02}:07.123Z","token":"{:032x}"}}"#,
                item * 37 % 99_999, item * 13 % 500, item % 100, item % 60, (token as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834)
            )
        })
        .collect();
    format!(
        r#"{{"total":{},"items":[{}]}}"#,
        items.len(),
        items.join(",")
    )
}

fn page(at: usize, is_shadow: bool) -> String {
    let rows: String = (0..170)
        .map(|row| format!("<tr class=\"odd\"><td><a href=\"/issues/{row}\">Issue {row}</a></td><td>Subject of row {row} is this</td><td>{}</td></tr>", row * at % 7))
        .collect();
    let token = (at + 1) * if is_shadow { 7_919 } else { 104_729 };
    format!(
        "<!DOCTYPE html><html><head><title>Issues</title></head><body><form action=\"/a\"><input type=\"hidden\" name=\"authenticity_token\" value=\"{:064x}\"></form><table>{rows}</table><p>{}</p></body></html>",
        (token as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834),
        "text ".repeat(1800)
    )
}

pub(crate) fn speed() {
    measure("identical JSON", "application/json", |at, _| {
        json(at, false)
    });
    measure("JSON whose tokens differ", "application/json", json);
    measure("identical pages", "text/html", |at, _| page(at, false));
    measure("pages whose token differs", "text/html", page);
}
