//! Reads messages as the strictest reader does: what shadowtee writes has to pass.

use super::shown::status_of;
use crate::kit::{Message, latin1};

/// What arrived has to be clean, whatever was sent.
#[track_caller]
pub(crate) fn assert_clean(arrived: &[u8], sent: &[u8]) {
    assert!(
        is_clean(arrived),
        "{:?} made of {:?}",
        latin1(arrived),
        latin1(sent)
    );
}

/// Whether the head (or several, if there are interim ones before it) is what RFC 9112 asks for, less that a value may have any
/// byte but CR, LF and NUL, and a name any visible one but a colon.
pub(crate) fn is_clean(message: &[u8]) -> bool {
    let Some(end) = message.windows(4).position(|four| four == b"\r\n\r\n") else {
        return false;
    };
    let (head, rest) = (latin1(&message[..end]), &message[end + 4..]);
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default();
    let is_interim = start.starts_with("HTTP/1.1 1");
    let lines: Vec<_> = lines.collect();
    let named = |name: &str| -> Vec<&str> {
        let pairs = lines.iter().filter_map(|line| line.split_once(": "));
        pairs
            .filter(|(its, _)| its.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    };
    let (lengths, codings) = (named("content-length"), named("transfer-encoding"));
    is_start(start)
        && lines.iter().all(|line| is_field(line))
        && lengths.len() + codings.len() <= 1
        && lengths.iter().all(|length| is_number(length))
        && codings
            .iter()
            .all(|coding| coding.to_ascii_lowercase().ends_with("chunked"))
        && (!is_interim || is_clean(rest))
}

fn is_start(line: &str) -> bool {
    let words: Vec<_> = line.splitn(3, ' ').collect();
    let is_version = |word: &str| matches!(word, "HTTP/1.1" | "HTTP/1.0");
    let is_status = |word: &str| word.len() == 3 && is_number(word);
    let [one, two, three] = words[..] else {
        return false;
    };
    let is_response = is_version(one) && is_status(two);
    let is_request =
        is_version(three) && !two.is_empty() && one.chars().all(|c| c.is_ascii_graphic());
    (is_response || is_request) && !line.contains(['\r', '\n', '\0'])
}

fn is_field(line: &str) -> bool {
    let Some((name, value)) = line.split_once(": ") else {
        return false;
    };
    let is_dark = |c: char| c.is_ascii_graphic() && c != ':' || !c.is_ascii();
    !name.is_empty()
        && name.chars().all(is_dark)
        && !value.contains(['\r', '\n', '\0'])
        && value == value.trim_matches([' ', '\t'])
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The body behind a head, read as strictly; `None` where it is not whole.
pub(crate) fn body(answer: &Message, rest: &[u8], to_head: bool) -> Option<Vec<u8>> {
    if to_head || matches!(status_of(answer.head.as_bytes()), Some(204 | 304)) {
        return Some(rest.to_vec());
    }
    if answer.is_chunked() {
        return chunks(rest);
    }
    match answer.header("content-length") {
        Some(length) => (length.parse() == Ok(rest.len())).then(|| rest.to_vec()),
        None => Some(rest.to_vec()),
    }
}

fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(&latin1(&rest[..end]), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            let trailers = latin1(rest);
            let lines = trailers.strip_suffix("\r\n")?;
            let mut lines = lines.split_terminator("\r\n");
            return lines.all(is_field).then_some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest[size..].strip_prefix(b"\r\n")?;
    }
}
