//! Finds the parts in which two texts differ where they are otherwise the same: times, numbers and tokens in a sentence.

use std::ops::Range;

use crate::compare::extract::{Looks, Scalar, Value};

/// Where two texts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) left: Range<usize>,
    pub(crate) right: Range<usize>,
}

/// Texts longer than this are compared as a whole.
const LONGEST: usize = 16 * 1024;
const MOST: usize = 50;

/// The parts in which two texts differ, if all of them are data of one sort on both sides.
pub(crate) fn spans(left: &str, right: &str) -> Option<Vec<Span>> {
    if left.len() > LONGEST || right.len() > LONGEST {
        return None;
    }
    if let Some(span) = middle(left, right).and_then(|span| widened(&span, left, right)) {
        let is_all = span.left.len() == left.len() && span.right.len() == right.len();
        return (!is_all).then(|| vec![span]);
    }
    each(left, right)
}

/// What is between the words that both begin and end with.
fn middle(left: &str, right: &str) -> Option<Span> {
    let same = |(one, other): &((usize, char), (usize, char))| one.1 == other.1;
    let both = left.char_indices().zip(right.char_indices());
    let begin = both
        .take_while(same)
        .last()
        .map_or(0, |((at, c), _)| at + c.len_utf8());
    let begin = left[..begin].rfind(is_break).map_or(0, |at| at + 1);
    let most = left.len().min(right.len()) - begin;
    let ends = left.chars().rev().zip(right.chars().rev());
    let end: usize = ends
        .take_while(|(one, other)| one == other)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let end = end.min(most);
    let tail = left.get(left.len() - end..)?;
    let end = tail.find(is_break).map_or(0, |at| tail.len() - at);
    let span = Span {
        left: begin..left.len() - end,
        right: begin..right.len() - end,
    };
    let fits = left.is_char_boundary(span.left.end) && right.is_char_boundary(span.right.end);
    fits.then_some(span)
}

/// The span itself where it is data, else with as many words around it as make it a time: of two times only the hours may
/// differ.
fn widened(span: &Span, left: &str, right: &str) -> Option<Span> {
    const BEFORE: usize = 5;
    const BEHIND: usize = 3;
    if is_data(&left[span.left.clone()], &right[span.right.clone()]) {
        return Some(span.clone());
    }
    let mut begin = span.left.start;
    for _ in 0..=BEFORE {
        let mut longer = Span {
            left: begin..span.left.end,
            right: begin..span.right.end,
        };
        let mut longest = None;
        for _ in 0..=BEHIND {
            if is_time(&left[longer.left.clone()]) && is_time(&right[longer.right.clone()]) {
                longest = Some(longer.clone());
            }
            let rest = &left[longer.left.end..];
            let Some(next) = rest.char_indices().skip(1).find(|(_, c)| is_break(*c)) else {
                longer.left.end = left.len();
                longer.right.end = right.len();
                continue;
            };
            longer.left.end += next.0;
            longer.right.end += next.0;
        }
        if longest.is_some() {
            return longest;
        }
        let Some(before) = begin.checked_sub(1) else {
            break;
        };
        begin = left[..before].rfind(is_break).map_or(0, |at| at + 1);
    }
    None
}

fn is_time(text: &str) -> bool {
    matches!(Value::of(Scalar::Text, text).looks, Looks::Time { .. })
}

fn is_break(c: char) -> bool {
    c == ' '
        || matches!(
            c,
            '(' | ')' | ',' | ';' | '"' | '\'' | '=' | '#' | '<' | '>' | '\n' | '\t'
        )
}

/// Words that differ, one by one.
fn each(left: &str, right: &str) -> Option<Vec<Span>> {
    let mut found = Vec::new();
    let (mut lefts, mut rights) = (words(left), words(right));
    loop {
        match (lefts.next(), rights.next()) {
            (None, None) => break,
            (Some(one), Some(other)) => {
                if left[one.clone()] == right[other.clone()] {
                    continue;
                }
                if found.len() == MOST || !is_data(&left[one.clone()], &right[other.clone()]) {
                    return None;
                }
                found.push(Span {
                    left: one,
                    right: other,
                });
            }
            _ => return None,
        }
    }
    (!found.is_empty()).then_some(found)
}

/// The words of a text, and the characters between them.
fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = match rest.find(is_break) {
            // All characters that break a text are one byte long.
            Some(0) => 1,
            Some(length) => length,
            None => rest.len(),
        };
        at += length;
        Some(at - length..at)
    })
}

fn is_data(left: &str, right: &str) -> bool {
    let looks = |text| Value::of(Scalar::Text, text).looks;
    matches!(
        (looks(left), looks(right)),
        (Looks::Time { .. }, Looks::Time { .. })
            | (Looks::Number, Looks::Number)
            | (Looks::Opaque { .. }, Looks::Opaque { .. })
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(left: &'a str, right: &'a str) -> Option<Vec<(&'a str, &'a str)>> {
        let spans = spans(left, right)?;
        let both = |span: Span| (&left[span.left], &right[span.right]);
        Some(spans.into_iter().map(both).collect())
    }

    #[test]
    fn data_in_a_sentence_is_told_apart_from_it() {
        assert_eq!(
            parts("Due 2024-03-05 14:22 by Bob", "Due 2024-03-05 16:22 by Bob"),
            Some(vec![("2024-03-05 14:22", "2024-03-05 16:22")])
        );
        assert_eq!(
            parts("Added (3) of 17 files", "Added (4) of 18 files"),
            Some(vec![("3", "4"), ("17", "18")])
        );
        assert_eq!(parts("Hello Bob", "Hello Alice"), None);
        assert_eq!(parts("3 files", "3 files and more"), None);
    }

    #[test]
    fn texts_of_any_characters_are_cut_between_characters() {
        for (left, right) in [
            ("é 1 é", "è 1 è"),
            ("", "é"),
            ("aé", "éa"),
            ("ééé", "éé"),
            ("a", "aa"),
        ] {
            let _ = spans(left, right);
        }
    }
}
