//! What is different within two texts that stand for each other, word by word.

use std::{ops::Range, time::Instant};

use similar::{Algorithm, DiffOp, capture_diff_slices_deadline};

use super::{Line, Mark, Segment, lines::visible};

/// Words of each text that are compared; in a longer one all between its equal ends is different.
const MOST: usize = 256;

/// Two values as they are shown, with what is different in them.
pub(crate) fn inner(primary: &str, shadow: &str) -> [Line; 2] {
    let texts = [visible(primary), visible(shadow)];
    let changed = changed(&texts[0], &texts[1], None);
    let different = Mark::Different {
        cause: String::new(),
        id: None,
        confirmed: true,
    };
    let [one, other] = changed;
    let mark = |ranges: Vec<Range<usize>>| ranges.into_iter().map(|range| (range, &different));
    [
        segments(&texts[0], mark(one)),
        segments(&texts[1], mark(other)),
    ]
}

/// A text in parts, of which these are marked: they are in order, and none overlaps another.
pub(super) fn segments<'a>(
    text: &str,
    marked: impl Iterator<Item = (Range<usize>, &'a Mark)>,
) -> Line {
    let mut line = Line::new();
    let mut put = |text: &str, mark: &Mark| {
        if text.is_empty() {
            return;
        }
        match line.last_mut() {
            Some(last) if last.mark == *mark => last.text.push_str(text),
            _ => line.push(Segment {
                text: text.to_owned(),
                mark: mark.clone(),
            }),
        }
    };
    let mut at = 0;
    for (range, mark) in marked {
        put(&text[at..range.start], &Mark::Same);
        put(&text[range.clone()], mark);
        at = range.end;
    }
    put(&text[at..], &Mark::Same);
    line
}

/// Where two texts differ.
pub(super) fn changed(one: &str, other: &str, deadline: Option<Instant>) -> [Vec<Range<usize>>; 2] {
    if one == other {
        return [Vec::new(), Vec::new()];
    }
    let (left, right) = (words(one), words(other));
    let texts = |text: &'_ str, words: &[Range<usize>]| -> Vec<String> {
        words
            .iter()
            .map(|word| text[word.clone()].to_owned())
            .collect()
    };
    let (left_words, right_words) = (texts(one, &left), texts(other, &right));
    let shorter = left.len().min(right.len());
    let same = |(one, other): &(&String, &String)| one == other;
    let begin = left_words.iter().zip(&right_words).take_while(same).count();
    let end = left_words[begin..]
        .iter()
        .rev()
        .zip(right_words[begin..].iter().rev())
        .take(shorter - begin)
        .take_while(same)
        .count();
    let (left_middle, right_middle) = (begin..left.len() - end, begin..right.len() - end);
    if left_middle.len() > MOST || right_middle.len() > MOST {
        return [
            joined(&left[left_middle]).into_iter().collect(),
            joined(&right[right_middle]).into_iter().collect(),
        ];
    }
    let operations = capture_diff_slices_deadline(
        Algorithm::Myers,
        &left_words[left_middle],
        &right_words[right_middle],
        deadline,
    );
    let mut ranges = [Vec::new(), Vec::new()];
    for operation in &operations {
        if !matches!(operation, DiffOp::Equal { .. }) {
            let (old, new) = (operation.old_range(), operation.new_range());
            let old = &left[begin + old.start..begin + old.end];
            let new = &right[begin + new.start..begin + new.end];
            ranges[0].extend(joined(old));
            ranges[1].extend(joined(new));
        }
    }
    let [left, right] = ranges;
    [bridged(one, left), bridged(other, right)]
}

/// From the first word to the last one.
fn joined(words: &[Range<usize>]) -> Option<Range<usize>> {
    let (first, last) = (words.first()?, words.last()?);
    Some(first.start..last.end)
}

/// Ranges with nothing but blanks between them are one.
fn bridged(text: &str, ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut bridged: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match bridged.last_mut() {
            Some(last) if text[last.end..range.start].trim().is_empty() => last.end = range.end,
            _ => bridged.push(range),
        }
    }
    bridged
}

/// Runs of letters and digits, and each other character.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut words: Vec<Range<usize>> = Vec::new();
    let mut goes_on = false;
    for (at, character) in text.char_indices() {
        let end = at + character.len_utf8();
        let is_word = character.is_alphanumeric() || character == '_';
        match words.last_mut() {
            Some(last) if is_word && goes_on => last.end = end,
            _ => words.push(at..end),
        }
        goes_on = is_word;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(primary: &str, shadow: &str) -> [String; 2] {
        inner(primary, shadow).map(|line| {
            let parts = line.iter().map(|segment| match segment.mark {
                Mark::Same => segment.text.clone(),
                _ => format!("<{}>", segment.text),
            });
            parts.collect()
        })
    }

    #[test]
    fn words_that_differ_are_marked_and_numbers_are_words() {
        assert_eq!(
            marked("total 12.50 EUR", "total 1250 EUR"),
            ["total <12.50> EUR", "total <1250> EUR"]
        );
        assert_eq!(marked("a b c", "a c"), ["a <b >c", "a c"]);
        assert_eq!(marked("", "x"), ["", "<x>"]);
        assert_eq!(marked("x", "x"), ["x", "x"]);
    }

    #[test]
    fn a_long_text_is_different_between_its_equal_ends() {
        let long = |word: &str| format!("begin {} end", format!("{word} ").repeat(1_000));
        let [one, other] = marked(&long("a"), &long("b"));
        assert!(
            one.starts_with("begin <a ") && one.ends_with("a>  end"),
            "{one}"
        );
        assert!(other.starts_with("begin <b "), "{other}");
    }
}
