//! Which bodies are looked into, and how much of them.

use crate::http::{Known, RequestHead};

/// Bytes of each response that are looked into.
pub(crate) const RESPONSE_BYTES: usize = 256 * 1024;

/// Whether a request's body is looked into: it is of a kind that holds values, and not longer than `most`.
pub(crate) fn looks_into(head: &RequestHead, most: u64) -> bool {
    let named = |name: &[u8]| head.headers.named(name).next().unwrap_or_default().to_vec();
    let media = named(b"content-type").to_ascii_lowercase();
    let is_of_values = media.starts_with(b"application/x-www-form-urlencoded")
        || media.starts_with(b"multipart/form-data")
        || media.windows(4).any(|word| word == b"json");
    let length = head.headers.get(Known::ContentLength);
    let length = length.and_then(|text| std::str::from_utf8(text).ok()?.trim().parse::<u64>().ok());
    is_of_values && length.is_none_or(|length| length <= most)
}
