//! How fast pairs are compared: `cargo test --release speed_of -- --ignored --nocapture`. Times are printed, not asserted.

use std::time::Duration;

use cpu_time::ThreadTime;

use super::kit::{Response, between, html, json, of_type};

/// Pairs a second of processor time, both sides extracted and compared.
fn pairs_per_second(primary: &Response, shadow: &Response) -> u64 {
    const AT_LEAST: Duration = Duration::from_millis(1500);
    let (begin, mut pairs) = (ThreadTime::now(), 0_u64);
    while begin.elapsed() < AT_LEAST {
        for _ in 0..10 {
            assert!(!between(primary, shadow).is_empty());
            pairs += 1;
        }
    }
    pairs * 1000 / u64::try_from(begin.elapsed().as_millis()).unwrap()
}

pub(super) fn orders(bytes: usize) -> String {
    let mut items = Vec::new();
    let mut length = 0;
    while length < bytes {
        let n = items.len();
        items.push(format!(
            r#"{{"id":{n},"sku":"SKU-{:05}","name":"Product number {n}","price":{}.{:02},"in_stock":{},"tags":["a","b{n}"],"updated_at":"2024-03-05T14:{:02}:07.123Z","token":"{:032x}"}}"#,
            n * 37 % 99_999,
            n * 13 % 500,
            n % 100,
            n % 3 == 0,
            n % 60,
            u128::try_from(n).unwrap() * 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834
        ));
        length += items[n].len();
    }
    format!(
        r#"{{"total":{},"items":[{}]}}"#,
        items.len(),
        items.join(",")
    )
}

fn page(bytes: usize) -> String {
    let page = include_str!("fixtures/rails.html");
    let begin = page.find("<tr id=\"issue-1403\"").unwrap();
    let length = page[begin..].find("</tr>").unwrap() + 6;
    let (row, mut rows, mut n) = (&page[begin..begin + length], String::new(), 2000);
    while page.len() + rows.len() < bytes {
        rows.push_str(
            &row.replace("1403", &n.to_string())
                .replace("gift", &format!("gift {n}")),
        );
        n += 1;
    }
    page.replace(row, &rows)
}

fn measure(pairs: &[(&str, Response, Response)]) {
    for (name, primary, shadow) in pairs {
        println!("{:>8} pairs/s  {name}", pairs_per_second(primary, shadow));
    }
}

#[test]
#[ignore = "measures"]
fn speed_of_json() {
    let orders = orders(8 << 10);
    let with = |from: &str, to: &str| json(&orders.replace(from, to));
    let one = || json(&orders);
    measure(&[
        (
            "json 8 KiB, one value",
            one(),
            with("Product number 3\"", "Product\""),
        ),
        ("json 8 KiB, every time", one(), with(".123Z", "Z")),
        (
            "json 8 KiB, an item is another",
            one(),
            with(r#"{"id":7,"#, r#"{"id":7000,"#),
        ),
    ]);
}

#[test]
#[ignore = "measures"]
fn speed_of_pages() {
    let shop = page(30 << 10);
    let with = |from: &str, to: &str| html(&shop.replace(from, to));
    let one = || html(&shop);
    measure(&[
        ("html 30 KiB, one value", one(), with("17.50", "17.51")),
        (
            "html 30 KiB, all classes",
            one(),
            with("class=\"", "class=\"x "),
        ),
        (
            "html 30 KiB, every time",
            one(),
            with("2024-03-04 09", "2024-03-04 11"),
        ),
    ]);
}

#[test]
#[ignore = "measures"]
fn speed_of_tables() {
    let row = |n| format!("{n},Name {n},{}.5,2024-03-05\n", n * 7);
    let table = format!("id,name,sum,on\n{}", (0..330).map(row).collect::<String>());
    measure(&[(
        "csv 8 KiB, one value",
        of_type("text/csv", &table),
        of_type("text/csv", table.replace("Name 7,", "Name,")),
    )]);
}
