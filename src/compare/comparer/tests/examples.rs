//! Whole examples, with what is known of each difference in them.

use std::time::{Duration, Instant};

use super::*;
use crate::compare::comparer::{Mark, WholeExample};

fn settings(rules: &str) -> Settings {
    Settings {
        example_bytes: Some(1 << 20),
        rules: Rules::parse(rules).unwrap(),
        ..Settings::default()
    }
}

/// An order with a number that each answer has for itself.
fn order(id: u32, total: u32, trace: u32) -> Side {
    let trace = u64::from(trace + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    json(&format!(
        r#"{{"id":{id},"total":{total},"trace":"{trace:016x}","note":"n"}}"#
    ))
}

fn with_examples(rules: &str) -> Comparer {
    let mut comparer = Comparer::new(settings(rules));
    for id in 0..60 {
        let (primary, shadow) = (
            order(id, 101 + id, id),
            order(id, (101 + id) * 100, id + 900),
        );
        let pair = get(&format!("/orders/{id}"), primary, shadow);
        take(&mut comparer, &pair.at(i64::from(id)));
    }
    comparer
}

fn example(comparer: &mut Comparer) -> WholeExample {
    let report = comparer.report(NOW);
    let cause = &report.causes[0];
    let (mut example, findings) = comparer.whole_example(&cause.id, NOW).unwrap();
    example.lay_out(&findings, Instant::now() + Duration::from_secs(60));
    example
}

/// What the shadow's line with this word is marked as.
fn mark(example: &WholeExample, word: &str) -> Mark {
    let rows = example.side_by_side.rows.iter();
    let mut lines = rows.filter_map(|row| row.shadow.as_ref());
    let line = lines
        .find(|line| line.iter().any(|segment| segment.text.contains(word)))
        .unwrap();
    let mut marks = line.iter().map(|segment| &segment.mark);
    let mark = marks.find(|mark| **mark != Mark::Same);
    mark.unwrap_or(&Mark::Same).clone()
}

#[test]
fn an_example_shows_its_cause_and_noise_beside_it() {
    let mut comparer = with_examples("");
    let example = example(&mut comparer);
    let Mark::Different {
        cause,
        id,
        confirmed,
    } = mark(&example, "total")
    else {
        panic!("{example:#?}");
    };
    assert_eq!(cause, "total is 100 times larger");
    assert_eq!((id, confirmed), (Some(example.id.clone()), true));
    let Mark::Explained { why } = mark(&example, "trace") else {
        panic!("{example:#?}");
    };
    assert!(!why.is_empty());
    assert_eq!(mark(&example, "note"), Mark::Same);
    let json = serde_json::to_string(&example).unwrap();
    assert!(json.contains(r#","mark":"explained","why":""#), "{json}");
    assert_eq!(
        serde_json::from_str::<WholeExample>(&json).unwrap(),
        example
    );
}

#[test]
fn what_a_rule_hides_is_explained_by_its_name() {
    let mut comparer = with_examples("");
    let id = comparer.report(NOW).causes[0].id.clone();
    // A rule for another place leaves the cause, and explains what it is for.
    let rule =
        "[[rule]]\nplace = \"$.trace\"\naction = \"ignore\"\nreason = \"one for each request\"\n";
    comparer.set_rules(Rules::parse(rule).unwrap());
    let example = example(&mut comparer);
    assert_eq!(example.id, id);
    assert_eq!(
        mark(&example, "trace"),
        Mark::Explained {
            why: "a rule: $.trace: ignore; one for each request".to_owned()
        }
    );
}

#[test]
fn another_status_is_what_makes_all_of_the_body_different() {
    let mut comparer = Comparer::new(settings(""));
    for id in 0..30 {
        let shadow = Side {
            status: 500,
            ..website("<h1>Sorry</h1>\n<p>it broke</p>\n")
        };
        let pair = get(&format!("/orders/{id}"), order(id, 1, id), shadow);
        take(&mut comparer, &pair.at(i64::from(id)));
    }
    let example = example(&mut comparer);
    let status = mark(&example, "500");
    assert!(
        matches!(
            status,
            Mark::Different {
                confirmed: true,
                ..
            }
        ),
        "{status:?}"
    );
    assert_eq!(mark(&example, "broke"), status);
}
