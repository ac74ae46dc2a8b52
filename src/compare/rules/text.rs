//! Changes of a file of rules as text: one rule more or less. All else in it stays as it is, byte for byte.

use std::{fmt::Write, ops::Range};

use thiserror::Error;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Part, Rule, Rules};

impl Rule {
    /// As it stands in a file.
    pub(crate) fn toml(&self) -> String {
        /// In one line.
        const PARTS: usize = 8;
        let kind = self.kind.map(|kind| kind.to_string());
        let action = self.action.text();
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let lines = [
            ("cause", self.cause.clone()),
            ("title", some(&self.title)),
            ("route", self.route.clone()),
            ("place", self.place.clone()),
            ("kind", kind),
            ("change", self.change.clone()),
            ("action", Some(action)),
            ("until", self.until.as_ref().map(|at| at.text().to_owned())),
            ("reason", some(&self.reason)),
            ("since", self.since.as_ref().map(|at| at.text().to_owned())),
        ];
        let mut text = "[[rule]]\n".to_owned();
        for (key, value) in lines {
            if let Some(value) = value {
                // Writing to memory can't fail.
                let _ = writeln!(text, "{key} = {}", quoted(&value));
            }
        }
        let parts: Vec<Part> = self.parts.iter().collect();
        if !parts.is_empty() {
            text += "parts = [\n";
            for line in parts.chunks(PARTS) {
                let line: Vec<String> = line
                    .iter()
                    .map(|part| format!("{:?}", part.text()))
                    .collect();
                let _ = writeln!(text, "    {},", line.join(", "));
            }
            text += "]\n";
        }
        text
    }
}

impl Rules {
    /// As a file has them.
    pub(crate) fn toml(&self) -> String {
        let rules: Vec<String> = self.iter().map(Rule::toml).collect();
        rules.join("\n")
    }
}

/// In one line, whatever is in it: what JSON escapes is escaped so in TOML, too, and one character more.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text)
        .to_string()
        .replace('\u{7f}', "\\u007f")
}

/// The text of a file with one more rule at its end.
pub(crate) fn with_rule(text: &str, rule: &Rule) -> String {
    let between = match text {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    let mut rule = format!("{between}{}", rule.toml());
    // A file keeps its kind of line ends.
    if text.contains("\r\n") {
        rule = rule.replace('\n', "\r\n");
    }
    format!("{text}{rule}")
}

/// Why a rule can't be taken out of a text.
#[derive(Debug, Error)]
pub(crate) enum RemoveError {
    #[error("{0}")]
    Toml(#[from] toml::de::Error),
    #[error("its rules don't stand as [[rule]] each; take this one out by hand")]
    ByHand,
}

/// The text of a file without the rule of this number. With it go its own lines, with the comments on them and between them,
/// and one of two empty lines around it.
///
/// # Errors
/// Where the rule doesn't stand in lines of its own.
pub(crate) fn without_rule(text: &str, number: usize) -> Result<String, RemoveError> {
    let lines = lines_of(text, number)?.ok_or(RemoveError::ByHand)?;
    let (mut before, after) = (&text[..lines.start], &text[lines.end..]);
    let is_empty_line = |line: &str| line.trim_end_matches(['\r', '\n']).is_empty();
    let last = before.split_inclusive('\n').next_back();
    let next = after.split_inclusive('\n').next();
    if next.is_none_or(is_empty_line)
        && let Some(last) = last.filter(|last| is_empty_line(last))
    {
        before = &before[..before.len() - last.len()];
    }
    Ok(format!("{before}{after}"))
}

/// The lines of one rule: from its header to the last of its values. `None` where it has none of its own.
fn lines_of(text: &str, number: usize) -> Result<Option<Range<usize>>, toml::de::Error> {
    let file = DeTable::parse(text)?;
    let rules = file.get_ref().get("rule").map(Spanned::get_ref);
    let Some(DeValue::Array(rules)) = rules else {
        return Ok(None);
    };
    let Some(rule) = rules.get(number) else {
        return Ok(None);
    };
    let DeValue::Table(fields) = rule.get_ref() else {
        return Ok(None);
    };
    let header = rule.span();
    if !text[header.clone()].starts_with("[[") {
        return Ok(None);
    }
    let values = fields.iter().map(|(_, value)| value.span().end);
    let end = values.max().unwrap_or(header.end).max(header.end);
    let start = text[..header.start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
    Ok(Some(start..end))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FILE: &str = "# reviewed by two people\n\n[[rule]] # of the shop\nplace = \"$.x\" # why\n# inside\naction = \"ignore\"\n\
        \n# the second\n  [[rule]]\nplace = '''\n$.y'''\naction   =   'expected' # ticket\n\n# the third\n[[ rule ]]\naction = \"ignore\"\nuntil = 2027-01-31\n# the end";

    #[test]
    fn one_rule_goes_and_all_else_stays_byte_for_byte() {
        for (number, gone) in [
            (
                0,
                "[[rule]] # of the shop\nplace = \"$.x\" # why\n# inside\naction = \"ignore\"\n\n",
            ),
            (
                1,
                "  [[rule]]\nplace = '''\n$.y'''\naction   =   'expected' # ticket\n",
            ),
            (2, "[[ rule ]]\naction = \"ignore\"\nuntil = 2027-01-31\n"),
        ] {
            for ends in ["\n", "\r\n"] {
                let (file, gone) = (FILE.replace('\n', ends), gone.replace('\n', ends));
                let left = without_rule(&file, number).unwrap();
                assert!(file.contains(&gone));
                assert_eq!(left, file.replace(&gone, ""), "{number}");
                let mut rules: Vec<Rule> = Rules::parse(&file).unwrap().0;
                rules.remove(number);
                assert_eq!(Rules::parse(&left).unwrap().0, rules);
            }
        }
    }

    #[test]
    fn a_rule_that_has_no_lines_of_its_own_stays() {
        let file = "rule = [{action = \"ignore\"}, {action = \"expected\"}]\n";
        assert!(matches!(without_rule(file, 1), Err(RemoveError::ByHand)));
        assert!(matches!(without_rule(FILE, 3), Err(RemoveError::ByHand)));
        assert!(matches!(
            without_rule("[[rule", 0),
            Err(RemoveError::Toml(_))
        ));
    }

    #[test]
    fn a_rule_for_a_cause_of_many_parts_is_read_as_it_is_written() {
        let rule = Rule {
            parts: (0..200).map(|part| Part::of_hash(part << 16)).collect(),
            ..Rule::of_json(
                br#"{"cause":"c-12345678","title":"total is \"100\" times larger\n","action":"expected","until":"2027-01-31","reason":"a \\ b"}"#,
            )
            .unwrap()
        };
        let text = with_rule("", &rule);
        assert_eq!(Rules::parse(&text).unwrap(), Rules(vec![rule]));
        assert!(text.lines().count() < 40 && text.len() < 4_000, "{text}");
    }

    proptest! {
        #[test]
        fn what_is_added_and_taken_out_again_leaves_the_file_as_it_was(
            reason in ".{0,40}", place in "[^\u{0}]{0,20}", lines in "(# [a-z]{0,5}\n|\n){0,4}", ends in any::<bool>(),
        ) {
            let rule = Rule {
                reason,
                place: Some(place),
                ..Rule::of_json(br#"{"action":"ignore"}"#).unwrap()
            };
            let file = if ends { lines.replace('\n', "\r\n") } else { lines };
            let more = with_rule(&file, &rule);
            prop_assert_eq!(Rules::parse(&more).unwrap().ids(), [rule.id()]);
            prop_assert_eq!(without_rule(&more, 0).unwrap(), file);
        }
    }
}
