//! Which lines of two responses stand for each other.

use std::time::Instant;

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::lines::{Part, Shown};

/// Two lines that stand for each other, or one that has none.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pairing<'a> {
    pub(super) primary: Option<&'a Shown>,
    pub(super) shadow: Option<&'a Shown>,
    pub(super) is_same: bool,
}

/// Pairs lines: equal ones first, then such as have the same place or begin alike.
pub(super) fn align<'a>(
    primary: &'a [Shown],
    shadow: &'a [Shown],
    deadline: Instant,
) -> Vec<Pairing<'a>> {
    let texts =
        |lines: &'a [Shown]| -> Vec<(&'a str, bool)> { lines.iter().map(same_by).collect() };
    let mut rows = Vec::with_capacity(primary.len().max(shadow.len()));
    for operation in diff(&texts(primary), &texts(shadow), deadline) {
        let (one, other) = (operation.old_range(), operation.new_range());
        let (one, other) = (&primary[one], &shadow[other]);
        if matches!(operation, DiffOp::Equal { .. }) {
            rows.extend(one.iter().zip(other).map(|(one, other)| Pairing {
                primary: Some(one),
                shadow: Some(other),
                is_same: true,
            }));
        } else {
            changed(one, other, deadline, &mut rows);
        }
    }
    rows
}

/// What makes two lines the same. A comma says that more comes behind.
fn same_by(line: &Shown) -> (&str, bool) {
    let is_head = line.part == Part::Head;
    let text = match line.value {
        Some(_) if !is_head => line.text.trim_end_matches(','),
        _ => &line.text,
    };
    (text, is_head)
}

fn diff<T: Eq + std::hash::Hash>(one: &[T], other: &[T], deadline: Instant) -> Vec<DiffOp> {
    capture_diff_slices_deadline(Algorithm::Myers, one, other, Some(deadline))
}

/// Lines none of which has an equal one.
fn changed<'a>(
    primary: &'a [Shown],
    shadow: &'a [Shown],
    deadline: Instant,
    rows: &mut Vec<Pairing<'a>>,
) {
    let keys = |lines: &'a [Shown]| -> Vec<&'a str> { lines.iter().map(key).collect() };
    let mut put = |primary, shadow| {
        rows.push(Pairing {
            primary,
            shadow,
            is_same: false,
        });
    };
    for operation in diff(&keys(primary), &keys(shadow), deadline) {
        let (one, other) = (operation.old_range(), operation.new_range());
        let (one, other) = (&primary[one], &shadow[other]);
        if matches!(operation, DiffOp::Equal { .. }) {
            for (one, other) in one.iter().zip(other) {
                put(Some(one), Some(other));
            }
        } else if one.len() == other.len() && one.iter().all(|line| line.value.is_none()) {
            // As many lines of text: each is the other's, written anew.
            for (one, other) in one.iter().zip(other) {
                put(Some(one), Some(other));
            }
        } else {
            for line in one {
                put(Some(line), None);
            }
            for line in other {
                put(None, Some(line));
            }
        }
    }
}

/// What a line is known by: its place, or how it begins.
fn key(line: &Shown) -> &str {
    if let Some(value) = &line.value {
        return &value.place;
    }
    let text = line.text.trim_start();
    let is_end = |c: char| c.is_whitespace() || matches!(c, '>' | '=' | ':');
    let end = text.find(is_end).unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::lines::lines;
    use super::*;

    fn rows(primary: &str, shadow: &str) -> Vec<String> {
        let (one, _) = lines(&format!("200\n\n{primary}"));
        let (other, _) = lines(&format!("200\n\n{shadow}"));
        let text = |line: Option<&Shown>| line.map_or("-", |line| line.text.trim()).to_owned();
        align(&one, &other, Instant::now() + Duration::from_secs(60))
            .iter()
            .filter(|row| !row.is_same)
            .map(|row| format!("{} | {}", text(row.primary), text(row.shadow)))
            .collect()
    }

    #[test]
    fn lines_of_one_place_stand_beside_each_other() {
        assert_eq!(
            rows(
                r#"{"a":1,"b":2,"gone":3,"c":4}"#,
                r#"{"a":1,"b":20,"new":5,"c":40}"#
            ),
            [
                "\"b\": 2, | \"b\": 20,",
                "\"gone\": 3, | -",
                "- | \"new\": 5,",
                "\"c\": 4 | \"c\": 40"
            ]
        );
    }

    #[test]
    fn lines_of_html_that_begin_alike_stand_beside_each_other() {
        assert_eq!(
            rows("<h1>a</h1>\n<p>x</p>\n", "<h1>a</h1>\n<i></i>\n<p>y</p>\n"),
            ["- | <i></i>", "<p>x</p> | <p>y</p>"]
        );
    }
}
