//! A stored message taken apart for people and their tools.

use super::super::{field, split_head};
use crate::http::unchunked;

/// A message's parts, as far as they are known.
pub(super) struct Parts<'a> {
    /// The words of the first line.
    pub(super) start: [&'a [u8]; 3],
    pub(super) headers: Vec<(&'a [u8], &'a [u8])>,
    pub(super) head: &'a [u8],
    pub(super) body: Vec<u8>,
}

impl Parts<'_> {
    /// The first value of a field.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.values(name).next()
    }

    /// All values of a field.
    pub(super) fn values(&self, name: &str) -> impl Iterator<Item = String> {
        let is_it = |field: &&(&[u8], &[u8])| field.0.eq_ignore_ascii_case(name.as_bytes());
        self.headers.iter().filter(is_it).map(|field| text(field.1))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }
}

/// Each byte that is no UTF-8 as the sign for that.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn parts(message: &[u8]) -> Parts<'_> {
    let (head, _) = split_head(message);
    let lines = head.split(|byte| *byte == b'\n');
    let mut lines = lines.map(<[u8]>::trim_ascii_end);
    let start = lines.next().unwrap_or_default();
    let mut words = start.splitn(3, |byte| *byte == b' ');
    let mut word = || words.next().unwrap_or_default();
    let start = [word(), word(), word()];
    let headers = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    });
    Parts {
        start,
        headers: headers.collect(),
        head,
        body: body_of(message),
    }
}

/// A message's body without its framing.
fn body_of(message: &[u8]) -> Vec<u8> {
    let (head, framed) = split_head(message);
    unchunked(field(head, "transfer-encoding").is_some(), framed)
}
