//! `shadowtee report --example`: a cause's example, whole, and what its two responses differ in.

use std::{fmt::Write as _, time::Duration};

use similar::{Algorithm, ChangeTag, TextDiff};

use crate::compare::{Style, WholeExample};

/// How long a difference is looked for; then a longer one is shown.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lines around each change.
const AROUND: usize = 3;
/// Lines of the difference that are shown.
const MOST: usize = 2_000;
const RED: &str = "31";
const GREEN: &str = "32";

/// The request, both responses and their difference.
pub(super) fn text(example: &WholeExample, style: Style) -> String {
    let request = printable(&example.request);
    let [primary, shadow] = [&example.responses.primary, &example.responses.shadow]
        .map(|response| printable(&readable(response)));
    let mut text = format!(
        "{}\n({}, request {})\n",
        printable(&example.title),
        example.id,
        printable(&example.request_id)
    );
    for (what, message) in [
        ("request", &request),
        ("production", &primary),
        (&*example.shadow, &shadow),
    ] {
        // Writing to a string can't fail.
        let _ = write!(text, "\n--- {what}\n{}\n", message.trim_end());
    }
    let _ = writeln!(text, "\n--- what {} changed", example.shadow);
    text + &difference(&primary, &shadow, style)
}

fn difference(primary: &str, shadow: &str, style: Style) -> String {
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Myers)
        .timeout(PATIENCE)
        .diff_lines(primary, shadow);
    let mut text = String::new();
    let mut lines = 0;
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            text.push_str("  ...\n");
        }
        for change in group
            .iter()
            .flat_map(|operation| diff.iter_changes(operation))
        {
            lines += 1;
            if lines > MOST {
                text.push_str("... and more\n");
                return text;
            }
            let line = change.value().trim_end_matches('\n');
            let line = match change.tag() {
                ChangeTag::Equal => format!("  {line}"),
                ChangeTag::Delete => coloured(style, RED, &format!("- {line}")),
                ChangeTag::Insert => coloured(style, GREEN, &format!("+ {line}")),
            };
            text.push_str(&line);
            text.push('\n');
        }
    }
    if lines == 0 {
        text.push_str(
            "  nothing but what is not kept: secrets, and what is beyond compare.body_bytes\n",
        );
    }
    text
}

fn coloured(style: Style, colour: &str, line: &str) -> String {
    if style.has_colour {
        format!("\u{1b}[{colour}m{line}\u{1b}[0m")
    } else {
        line.to_owned()
    }
}

/// A message with its JSON in lines.
fn readable(message: &str) -> String {
    let Some((head, body)) = message.split_once("\n\n") else {
        return message.to_owned();
    };
    let value = serde_json::from_str::<serde_json::Value>(body);
    match value.and_then(|value| serde_json::to_string_pretty(&value)) {
        Ok(body) => format!("{head}\n\n{body}\n"),
        Err(_) => message.to_owned(),
    }
}

/// What others wrote must not steer the terminal.
fn printable(text: &str) -> String {
    let clean = |c: char| match c {
        '\n' | '\t' => c,
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    text.replace("\r\n", "\n").chars().map(clean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::{Responses, SideBySide};

    #[test]
    fn an_example_is_told_with_its_difference_and_steers_no_terminal() {
        let example = WholeExample {
            id: "c1".to_owned(),
            title: "total is \u{1b}[31mlarger".to_owned(),
            shadow: "next".to_owned(),
            request_id: "r".to_owned(),
            request: "GET /orders/1\nHost: a\n\n".to_owned(),
            responses: Responses {
                primary: "200\n\n{\"id\":1,\"total\":2}".to_owned(),
                shadow: "200\n\n{\"id\":1,\"total\":200}".to_owned(),
            },
            side_by_side: SideBySide::default(),
        };
        let text = text(&example, Style::default());
        assert!(!text.contains('\u{1b}'), "{text}");
        assert!(text.contains("--- request\nGET /orders/1\n"), "{text}");
        assert!(
            text.contains("-   \"total\": 2\n+   \"total\": 200\n"),
            "{text}"
        );
    }
}
