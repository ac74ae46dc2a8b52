//! What is shown of two responses.

use std::time::Duration;

use proptest::prelude::*;

use super::*;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn different(cause: &str) -> Mark {
    Mark::Different {
        cause: cause.to_owned(),
        id: None,
        confirmed: true,
    }
}

fn finding(place: &str, kind: Kind, primary: Option<&str>, shadow: Option<&str>) -> Finding {
    Finding {
        place: place.to_owned(),
        kind,
        primary: primary.map(str::to_owned),
        shadow: shadow.map(str::to_owned),
        mark: different(place),
    }
}

fn noise(mut finding: Finding) -> Finding {
    finding.mark = Mark::explained("noise");
    finding
}

fn shown(primary: &str, shadow: &str, found: Vec<Finding>) -> SideBySide {
    let findings = Findings {
        found,
        of_bodies: None,
    };
    let responses = Responses {
        primary: primary.to_owned(),
        shadow: shadow.to_owned(),
    };
    side_by_side(&responses, &findings, soon())
}

/// The changed rows: `<what differs>`, `(what is explained)`.
fn changed(shown: &SideBySide) -> Vec<String> {
    let line = |line: &Option<Line>| {
        let Some(line) = line else {
            return "-".to_owned();
        };
        let parts = line.iter().map(|segment| match &segment.mark {
            Mark::Same => segment.text.clone(),
            Mark::Explained { .. } => format!("({})", segment.text),
            Mark::Different { .. } => format!("<{}>", segment.text),
        });
        parts.collect::<String>().trim().to_owned()
    };
    let is_changed = |row: &&Row| {
        let mut segments = [&row.primary, &row.shadow].into_iter().flatten().flatten();
        segments.any(|segment| segment.mark != Mark::Same)
    };
    let rows = shown.rows.iter().filter(is_changed);
    rows.map(|row| format!("{} | {}", line(&row.primary), line(&row.shadow)))
        .collect()
}

#[test]
fn values_of_json_are_marked_exactly_each_as_what_it_is_held_to_be() {
    let message = |total: &str, token: &str| {
        format!(
            "200\nContent-Type: application/json\nETag: {token}\n\n{{\"id\":1,\"total\":{total},\"token\":\"{token}\",\"n\":1}}"
        )
    };
    let shown = shown(
        &message("12.50", "abc"),
        &message("1250", "xyz"),
        vec![
            finding("$.total", Kind::Value, Some("12.50"), Some("1250")),
            noise(finding("$.token", Kind::Value, Some("abc"), Some("xyz"))),
        ],
    );
    assert_eq!(
        changed(&shown),
        [
            "ETag: (abc) | ETag: (xyz)",
            "\"total\": <12.50>, | \"total\": <1250>,",
            "\"token\": (\"abc\"), | \"token\": (\"xyz\"),",
        ]
    );
}

#[test]
fn what_one_side_has_more_is_marked_with_all_its_lines() {
    let shown = shown(
        "200\n\n{\"items\":[{\"id\":1}],\"a\":1}",
        "200\n\n{\"items\":[{\"id\":1},{\"id\":2}],\"a\":1}",
        vec![finding("$.items", Kind::Items, Some("1"), Some("2"))],
    );
    let rows = changed(&shown);
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows.contains(&"- | <\"id\": 2>".to_owned()), "{rows:?}");
}

#[test]
fn texts_of_a_page_are_marked_where_they_stand() {
    let page = |name: &str, class: &str| {
        format!("200\n\n<h1>Orders</h1>\n<p class=\"{class}\">{name} &amp; co, 1</p>\n")
    };
    let found = || finding("p", Kind::Value, Some("Tea & co, 1"), Some("Milk & co, 1"));
    let one = shown(&page("Tea", "a"), &page("Milk", "a"), vec![found()]);
    assert_eq!(
        changed(&one),
        ["<p class=\"a\"><Tea &amp; co, 1></p> | <p class=\"a\"><Milk &amp; co, 1></p>"]
    );
    let other = shown(&page("Tea", "a"), &page("Milk", "b"), vec![found()]);
    assert_eq!(
        changed(&other),
        ["<p class=\"(a)\"><Tea &amp; co, 1></p> | <p class=\"(b)\"><Milk &amp; co, 1></p>"]
    );
}

#[test]
fn what_is_found_nowhere_marks_what_differs() {
    let shown = shown(
        "200\n\n<ul>\n<li>one\n",
        "200\n\n<ol>\n<li>one\n",
        vec![finding("markup", Kind::Value, None, None)],
    );
    // The name of the tag differs.
    assert_eq!(changed(&shown), ["<<ul>> | <<ol>>"]);
}

/// Whatever comes, shown and marked.
fn check(primary: &str, shadow: &str, found: Vec<Finding>) {
    let result = shown(primary, shadow, found);
    let sides: [fn(&Row) -> &Option<Line>; 2] = [|row| &row.primary, |row| &row.shadow];
    for (message, side) in [primary, shadow].into_iter().zip(sides) {
        let (lines, _) = lines::lines(message);
        let wanted: Vec<&str> = lines.iter().map(|line| &*line.text).collect();
        let got: Vec<String> = result
            .rows
            .iter()
            .filter_map(|row| side(row).as_ref())
            .map(|line| line.iter().map(|segment| &*segment.text).collect())
            .collect();
        assert_eq!(got, wanted);
        assert!(
            got.iter()
                .all(|line| !line.contains(['\u{202e}', '\u{1b}']))
        );
    }
}

fn words() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("{"),
        Just("}"),
        Just("["),
        Just("]"),
        Just(","),
        Just(":"),
        Just("\""),
        Just("\\"),
        Just("\"a\":"),
        Just("\"b\":"),
        Just("1.50"),
        Just("\"x y\""),
        Just("\n"),
        Just("\r"),
        Just("\t"),
        Just("<p>"),
        Just("</p>"),
        Just("é"),
        Just("\u{202e}"),
        Just("\u{1b}"),
        Just(" "),
        Just("null"),
        Just("a\u{301}"),
        Just("\0"),
        Just("\n\n"),
        Just("Vary: a"),
        Just("&amp;"),
    ];
    proptest::collection::vec(word, 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn segments_are_the_shown_text_whatever_it_is(
        primary in words(), shadow in words(), one in words(), other in words(), place in 0_usize..8,
    ) {
        let place = ["$", "$.a", "$.a.b", "$[]", "p", "status", "header vary", "$.a[]"][place];
        let kinds = [Kind::Value, Kind::Missing, Kind::Items];
        let found = kinds.map(|kind| finding(place, kind, Some(&one), Some(&other)));
        check(&format!("200\n\n{primary}"), &format!("200\n\n{shadow}"), found.to_vec());
        check(&primary, &shadow, found.to_vec());
    }

    #[test]
    fn inner_segments_are_both_values(primary in "\\PC{0,80}", shadow in "\\PC{0,80}", common in words()) {
        let (primary, shadow) = (format!("{primary}{common}"), format!("{shadow}{common}"));
        let text = |line: &Line| line.iter().map(|segment| &*segment.text).collect::<String>();
        let [one, other] = inner(&primary, &shadow);
        prop_assert_eq!(text(&one), lines::visible(&primary));
        prop_assert_eq!(text(&other), lines::visible(&shadow));
        let is_different = one.iter().chain(&other).any(|segment| segment.mark != Mark::Same);
        prop_assert_eq!(is_different, primary != shadow);
    }
}

#[test]
fn hostile_texts_take_bounded_time() {
    let many = |word: &str| format!("200\n\n{}", word.repeat((1 << 20) / word.len()));
    let mut random = 1_u64;
    let mut noise = || {
        let text: String = (0..200_000)
            .map(|_| {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                char::from(b"ab \n<{[\","[usize::try_from(random >> 60).unwrap() % 9])
            })
            .collect();
        format!("200\n\n{text}")
    };
    let texts = [
        many("["),
        many("{\"a\":"),
        many("<"),
        many("a"),
        many("<p>x"),
        many("\u{202e}"),
        noise(),
        noise(),
    ];
    let found = || {
        (0..2_000).map(|number| {
            let value = ["a", "<", "x", "b"][number % 4];
            finding(
                &format!("$.a{}", number % 100),
                Kind::Value,
                Some(value),
                Some(value),
            )
        })
    };
    for pair in texts.windows(2) {
        let begin = Instant::now();
        let responses = Responses {
            primary: pair[0].clone(),
            shadow: pair[1].clone(),
        };
        let findings = Findings {
            found: found().collect(),
            of_bodies: None,
        };
        let shown = side_by_side(
            &responses,
            &findings,
            Instant::now() + Duration::from_millis(500),
        );
        assert!(shown.rows.len() <= 2 * LINES);
        let took = begin.elapsed();
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}
