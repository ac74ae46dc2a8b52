//! How fast pairs are compared: `cargo test --release speed -- --ignored --nocapture`. Times are printed, not asserted.

use std::time::{Duration, Instant};

use super::kit::{Response, between, html, json, of_type};

/// Pairs a second on one thread, both sides extracted and compared.
fn pairs_per_second(primary: &Response, shadow: &Response) -> u64 {
    const AT_LEAST: Duration = Duration::from_millis(1500);
    let (begin, mut pairs) = (Instant::now(), 0_u64);
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

#[test]
#[ignore = "measures"]
fn speed_of_pairs() {
    let orders = orders(8 << 10);
    let shop = page(30 << 10);
    let csv: String = (0..400)
        .map(|n| format!("{n},Name {n},{}.5,2024-03-05\n", n * 7))
        .collect();
    for (name, primary, shadow) in [
        (
            "json 8 KiB, one value",
            json(&orders),
            json(&orders.replacen("Product number 3", "Product", 1)),
        ),
        (
            "json 8 KiB, every time",
            json(&orders),
            json(&orders.replace(".123Z", "Z")),
        ),
        (
            "json 8 KiB, an item less",
            json(&orders),
            json(&orders.replacen(r#"{"id":7,"#, r#"{"id":7000,"#, 1)),
        ),
        (
            "html 30 KiB, one value",
            html(&shop),
            html(&shop.replacen("17.50", "17.51", 1)),
        ),
        (
            "html 30 KiB, all classes",
            html(&shop),
            html(&shop.replace("class=\"", "class=\"x ")),
        ),
        (
            "html 30 KiB, every time",
            html(&shop),
            html(&shop.replace("2024-03-04 09", "2024-03-04 11")),
        ),
        (
            "csv 8 KiB, one value",
            of_type("text/csv", format!("id,name,sum,on\n{csv}")),
            of_type(
                "text/csv",
                format!("id,name,sum,on\n{}", csv.replacen("Name 7", "Name", 1)),
            ),
        ),
    ] {
        println!("{:>8} pairs/s  {name}", pairs_per_second(&primary, &shadow));
    }
}
