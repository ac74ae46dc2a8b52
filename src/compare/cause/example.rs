//! The smallest example of a difference: its request and two short values, without secrets, and a line for `curl`.

use crate::compare::{
    answer::PairIn,
    difference::Difference,
    extract::{Looks, Scalar, Value},
    learn::cell::Example,
    report,
    secrets::{Known, Secrets},
};

/// Headers that another program has to send as well.
const SENT: [&str; 8] = [
    "accept",
    "accept-language",
    "content-type",
    "x-requested-with",
    "if-none-match",
    "if-modified-since",
    "authorization",
    "cookie",
];

/// What a difference is shown by. `known`: secrets of the pair by their values.
pub(crate) fn example_of(
    secrets: &Secrets,
    known: &Known,
    pair: &PairIn<'_>,
    difference: &Difference,
) -> Example {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = pair
        .asked
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let name = text(name).to_ascii_lowercase();
            let is_secret = secrets.names_header(&name);
            let value = || known.masked(&cut(&text(value), 100));
            SENT.contains(&&*name)
                .then(|| (name, (!is_secret).then(value)))
        })
        .collect();
    // Of scripts and styles that are elsewhere nothing can be shown.
    let can_be_shown = |value: &&Value| !matches!(value.looks, Looks::Digest { length: 0, .. });
    let is_mixed = match (&difference.primary, &difference.shadow) {
        (Some(one), Some(other)) => one.scalar != other.scalar && one.text() == other.text(),
        _ => false,
    };
    let value = |value: &Option<Value>| {
        let place = difference.place.as_str();
        let value = value.as_ref().filter(can_be_shown);
        value.map(|value| {
            let text = secrets.value(value, difference.class, place, known);
            // A text that was a number looks the same without its quotes.
            if is_mixed && value.scalar == Scalar::Text {
                format!("\"{text}\"")
            } else {
                text
            }
        })
    };
    Example {
        request_id: pair.request_id.chars().take(64).collect(),
        method: text(pair.asked.method).chars().take(20).collect(),
        target: known.masked(&secrets.target(&text(pair.asked.target))),
        headers,
        has_body: pair.asked.body.is_some_and(|body| !body.is_empty()),
        primary: value(&difference.primary),
        shadow: value(&difference.shadow),
    }
}

fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// The example as it is reported.
pub(crate) fn reported(example: &Example) -> report::Example {
    report::Example {
        request_id: example.request_id.clone(),
        method: example.method.clone(),
        target: example.target.clone(),
        primary: example.primary.clone(),
        shadow: example.shadow.clone(),
        curl: curl(example),
    }
}

/// A command that sends it by hand. Secrets, the host and the body are variables.
fn curl(example: &Example) -> String {
    let mut line = "curl -i".to_owned();
    match &*example.method {
        "GET" => {}
        "HEAD" => line.push_str(" --head"),
        method => {
            line.push_str(" -X ");
            line.push_str(method);
        }
    }
    line.push_str(" \"$SHADOW\"");
    line.push_str(&quoted(&example.target));
    for (name, value) in &example.headers {
        if let Some(value) = value {
            line.push_str(" -H ");
            line.push_str(&quoted(&format!("{name}: {value}")));
        } else {
            line.push_str(" -H \"");
            line.push_str(name);
            line.push_str(": $");
            line.push_str(&name.to_ascii_uppercase().replace('-', "_"));
            line.push('"');
        }
    }
    if example.has_body {
        line.push_str(" --data-binary \"$BODY\"");
    }
    line
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    format!("'{}'", clean.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curl_line_has_secrets_as_variables_and_is_safe_to_paste() {
        let example = Example {
            method: "POST".to_owned(),
            target: "/a?q=it's$(reboot)".to_owned(),
            headers: vec![
                ("accept".to_owned(), Some("text/html".to_owned())),
                ("cookie".to_owned(), None),
            ],
            has_body: true,
            ..Example::default()
        };
        assert_eq!(
            curl(&example),
            r#"curl -i -X POST "$SHADOW"'/a?q=it'\''s$(reboot)' -H 'accept: text/html' -H "cookie: $COOKIE" --data-binary "$BODY""#
        );
    }
}
