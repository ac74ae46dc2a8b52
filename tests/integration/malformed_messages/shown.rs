//! What a front did with a message, in a few words.

use super::fronts::Front;
use super::{Case, strict};
use crate::kit::{Message, latin1};

/// What arrived at the server, or the status that the client got instead.
pub(crate) fn request(front: &Front, case: &Case) -> String {
    let (answer, requests) = front.send(&case.bytes);
    let status = status_of(&answer);
    let request = match &requests[..] {
        [] => return status.map_or("closed".into(), |status| status.to_string()),
        [request] => request,
        _ => return format!("{} requests", requests.len()),
    };
    if front.is_tee {
        strict::assert_clean(&request.raw, &case.bytes);
    }
    let arrived = match case.look {
        "target" => code(&bytes(request.target())),
        "start" => code(&bytes(request.start())),
        "body" => code(&request.body),
        "trailers" => lines(
            &request
                .trailers
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>(),
        ),
        name => named(request, name),
    };
    match status {
        Some(200) => arrived,
        Some(status) => format!("{arrived}, then {status}"),
        None => format!("{arrived}, answered without a header"),
    }
}

/// What arrived at the client.
pub(crate) fn response(front: &Front, case: &Case) -> String {
    let to_head = case.what.ends_with("to HEAD");
    let method = if to_head { "HEAD" } else { "GET" };
    let asked = format!("{method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let got = front.get(&asked, &case.bytes);
    if got.is_empty() {
        return "closed".into();
    }
    let Some((answer, body)) = final_answer(&got) else {
        return match status_of(&got) {
            Some(status) => format!("{status} and no more"),
            None => "all of it as a body".into(),
        };
    };
    let status = status_of(answer.head.as_bytes()).unwrap_or_default();
    if status == 502 {
        return "502".into();
    }
    let shown = match case.look {
        "" => String::new(),
        "status" => code(&bytes(answer.start().split_once(' ').unwrap_or_default().1)),
        name => named(&answer, name),
    };
    let end = match strict::body(&answer, body, to_head) {
        Some(body) if body == expected(case) => "whole".into(),
        Some(body) => format!("another body: {}", code(&body)),
        None => "cut".into(),
    };
    let clean = strict::is_clean(&got);
    if front.is_tee {
        assert!(end != "whole" || clean, "{got:?} is not clean");
    }
    [shown, status.to_string(), end]
        .iter()
        .filter(|part| !part.is_empty() && *part != "200")
        .cloned()
        .collect::<Vec<_>>()
        .join(", ")
}

/// All responses of the table have this body, but those that can't have any.
fn expected(case: &Case) -> &'static [u8] {
    if case.what.contains("no body") || case.what.ends_with("to HEAD") {
        b""
    } else {
        b"hello"
    }
}

/// The answer behind those of 1xx, and what follows its head.
fn final_answer(mut came: &[u8]) -> Option<(Message, &[u8])> {
    loop {
        let end = came.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let answer = Message {
            head: latin1(&came[..end - 4]),
            ..Message::default()
        };
        came = &came[end..];
        if !answer.start().starts_with("HTTP/1.") {
            return None;
        }
        if !matches!(status_of(answer.head.as_bytes()), Some(100 | 102..200)) {
            return Some((answer, came));
        }
    }
}

/// The status, of which some write more than three digits.
pub(crate) fn status_of(came: &[u8]) -> Option<u16> {
    latin1(came).split(' ').nth(1)?.get(..3)?.parse().ok()
}

/// The lines of a message with this name, or with one that begins so.
fn named(message: &Message, name: &str) -> String {
    let found: Vec<_> = message
        .lines()
        .into_iter()
        .filter(|line| {
            let is_named = |name: &str| {
                line.get(..name.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(name))
            };
            is_named(name) && !is_named("x-request-id")
        })
        .collect();
    lines(&found)
}

fn lines(lines: &[&str]) -> String {
    match lines {
        [] => "taken off".into(),
        [_, .., _] if lines.len() > 9 => format!("{} lines", lines.len()),
        lines => lines
            .iter()
            .map(|line| code(&bytes(line)))
            .collect::<Vec<_>>()
            .join(" "),
    }
}

fn bytes(latin1: &str) -> Vec<u8> {
    latin1.chars().map(|c| c as u8).collect()
}

/// As code in a cell of a table, cut where it is long.
pub(crate) fn code(bytes: &[u8]) -> String {
    const LONGEST: usize = 70;
    let text = bytes.escape_ascii().to_string();
    let text = text.replace("\\'", "'").replace("\\\"", "\"");
    let cut = if text.len() > LONGEST { "…" } else { "" };
    let text = &text[..text.len().min(LONGEST)];
    if text.is_empty() {
        "nothing".into()
    } else {
        format!("`{}{cut}`", cell(text))
    }
}

/// As text in a cell of a table.
pub(crate) fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Whether two fronts did the same: the spelling of names, the amount of white space and how they refused aside.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    let plain = |did: &str| {
        if matches!(did, "closed" | "cut") || did.bytes().all(|byte| byte.is_ascii_digit()) {
            return "refused".to_owned();
        }
        let words = did
            .replace("\\t", " ")
            .replace('`', " ` ")
            .to_ascii_lowercase();
        words.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    };
    plain(one) == plain(other)
}
