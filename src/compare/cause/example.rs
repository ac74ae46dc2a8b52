//! The smallest example of a difference: its request and two short values, without secrets, and a line for `curl`.

use crate::compare::{
    answer::PairIn,
    difference::Difference,
    extract::{Class, Looks, Scalar, Value},
    learn::{cell::Example, sessions::is_session_like},
    report,
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
const SECRET: [&str; 2] = ["authorization", "cookie"];
const LONGEST_TARGET: usize = 500;

pub(crate) fn example_of(pair: &PairIn<'_>, difference: &Difference) -> Example {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let headers = pair
        .asked
        .headers
        .iter()
        .filter_map(|(name, value)| {
            let name = text(name).to_ascii_lowercase();
            let is_secret = SECRET.contains(&&*name);
            SENT.contains(&&*name)
                .then(|| (name, (!is_secret).then(|| cut(&text(value), 100))))
        })
        .collect();
    // Of scripts and styles that are elsewhere nothing can be shown.
    let can_be_shown = |value: &&Value| !matches!(value.looks, Looks::Digest { length: 0, .. });
    let is_mixed = match (&difference.primary, &difference.shadow) {
        (Some(one), Some(other)) => one.scalar != other.scalar && one.text() == other.text(),
        _ => false,
    };
    let value = |value: &Option<Value>| {
        let value = value.as_ref().filter(can_be_shown);
        value.map(|value| {
            let text = shown(value, difference.class, difference.place.as_str());
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
        target: masked_target(&text(pair.asked.target)),
        headers,
        has_body: pair.asked.body.is_some_and(|body| !body.is_empty()),
        primary: value(&difference.primary),
        shadow: value(&difference.shadow),
    }
}

/// A value as it may be shown: what could be a secret only by its beginning and length.
fn shown(value: &Value, class: Class, place: &str) -> String {
    let text = value.text();
    let is_token = match value.looks {
        Looks::Opaque { bits, .. } => bits >= 64 || class == Class::Cookie,
        _ => false,
    };
    let is_long = text.len() >= 8;
    if is_long && (is_token || is_secret_name(place)) {
        let begin: String = text.chars().take(4).collect();
        return format!("{begin}… ({} characters)", value.length());
    }
    if value.is_cut() {
        format!("{text}…")
    } else {
        text.to_owned()
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let words = [
        "password",
        "passwd",
        "secret",
        "token",
        "api_key",
        "apikey",
        "authorization",
        "signature",
    ];
    words.iter().any(|word| name.contains(word))
}

/// A target without the values of its query that could be secrets.
pub(crate) fn masked_target(target: &str) -> String {
    let target = cut(target, LONGEST_TARGET);
    let Some((path, query)) = target.split_once('?') else {
        return target;
    };
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value))
                if is_secret_name(name)
                    || name == "code"
                    || name == "key"
                    || is_session_like(name, value.as_bytes()) =>
            {
                format!("{name}=…")
            }
            _ => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", pairs.join("&"))
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

    #[test]
    fn secrets_in_a_query_are_not_shown() {
        assert_eq!(
            masked_target("/a?token=abc&page=2&api_key=1"),
            "/a?token=…&page=2&api_key=…"
        );
        assert_eq!(masked_target("/a"), "/a");
    }
}
