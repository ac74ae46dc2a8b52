//! Gives each request an id, which stands in all logs and goes to the primary and to shadows.

use crate::http::{RequestHead, is_same_name};

/// Gives a request an id, unless it has one.
pub(super) fn identify(head: &mut RequestHead, field: &str) {
    let field_name = field.as_bytes();
    // Where applications read the two as one, there would be two ids.
    let is_other =
        |name: &[u8]| is_same_name(name, field_name) && !name.eq_ignore_ascii_case(field_name);
    head.headers.remove_named(is_other);
    let id = head.headers.named(field_name).next();
    if id.is_none_or(<[u8]>::is_empty) {
        head.headers.set(field.as_bytes(), &new_id());
    }
}

/// 128 random bits in hex, as nginx's `$request_id`.
pub(super) fn new_id() -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let random = fastrand::u128(..).to_be_bytes();
    let mut text = [0; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(random) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_there_is_kept_and_an_empty_one_is_not() {
        for (headers, kept) in [
            ("X-Id: 7\r\n", true),
            ("X-Id:\r\n", false),
            ("", false),
            ("X_Id: 7\r\n", false),
            ("X-Id: 7\r\nx_id: 8\r\n", true),
        ] {
            let mut head = RequestHead::default();
            let text = format!("GET / HTTP/1.1\r\n{headers}\r\n");
            head.parse(text.as_bytes(), 10).unwrap().unwrap();
            identify(&mut head, "x-id");
            assert_eq!(head.headers.named(b"x_id").count(), 0);
            let ids: Vec<_> = head.headers.named(b"x-id").collect();
            assert_eq!((ids.len(), ids[0] == b"7"), (1, kept));
        }
    }
}
