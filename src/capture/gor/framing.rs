//! Where a message ends by its own framing, without parsing all of it.

/// How a request's end is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Bytes from its start.
    At(u64),
    /// More has to be read: at least this many bytes.
    Needs(usize),
    /// Its framing can't be relied on.
    Unknown,
}

/// Where the message at the start of `bytes` ends. An answer that says no length ends anywhere.
pub(super) fn end(bytes: &[u8], is_request: bool) -> End {
    let (mut from, mut length, mut chunked) = (0, None, false);
    loop {
        let Some(line) = memchr::memchr(b'\n', &bytes[from..]) else {
            return End::Needs(bytes.len() + 1);
        };
        let text = &bytes[from..from + line];
        from += line + 1;
        match text {
            [] | [b'\r'] => break,
            [b'c' | b'C', ..] => length = value(text, b"content-length").or(length),
            [b't' | b'T', ..] => chunked |= value(text, b"transfer-encoding").is_some(),
            _ => {}
        }
    }
    if chunked {
        return chunks(bytes, from);
    }
    match length {
        None if is_request => End::At(from as u64),
        None => End::Unknown,
        Some(digits) => match std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| digits.parse::<u64>().ok())
        {
            Some(length) => (from as u64)
                .checked_add(length)
                .map_or(End::Unknown, End::At),
            None => End::Unknown,
        },
    }
}

fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = line.split_at_checked(name.len())?;
    let value = rest.strip_prefix(b":")?;
    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

/// The end of chunks that begin at `at`.
fn chunks(bytes: &[u8], mut at: usize) -> End {
    loop {
        let Some(line) = bytes.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) else {
            return End::Needs(at.max(bytes.len()) + 1);
        };
        let text = bytes[at..at + line].trim_ascii_end();
        let digits = text.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = std::str::from_utf8(digits).ok();
        let Some(size) = size.and_then(|size| u32::from_str_radix(size, 16).ok()) else {
            return End::Unknown;
        };
        at += line + 1;
        if size == 0 {
            return trailers(bytes, at);
        }
        at += size as usize + 2;
    }
}

fn trailers(bytes: &[u8], mut at: usize) -> End {
    loop {
        let Some(line) = memchr::memchr(b'\n', &bytes[at..]) else {
            return End::Needs(bytes.len() + 1);
        };
        let is_last = matches!(bytes[at..at + line], [] | [b'\r']);
        at += line + 1;
        if is_last {
            return End::At(at as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_where_it_ends() {
        // A bar stands where the end is.
        for text in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n|rest",
            "GET / HTTP/1.1\nHost: a\n\n|rest",
            "PUT / HTTP/1.1\r\ncontent-LENGTH:  2 \r\n\r\n12|3",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2;a\r\nab\r\n0\r\nA: b\r\n\r\n|!",
        ] {
            let at = text.find('|').unwrap() as u64;
            assert_eq!(
                end(text.replace('|', "").as_bytes(), true),
                End::At(at),
                "{text}"
            );
        }
        let put = "PUT / HTTP/1.1\r\n";
        for (text, expected) in [
            ("Content-Length: x\r\n\r\n", End::Unknown),
            ("Content-Length: 5\r\n\r\n12", End::At(42)),
            ("Transfer-Encoding: chunked\r\n\r\nzz\r\n", End::Unknown),
            ("Transfer-Encoding: chunked\r\n\r\n9\r\n", End::Needs(61)),
            ("Ho", End::Needs(19)),
        ] {
            let text = format!("{put}{text}");
            assert_eq!(end(text.as_bytes(), true), expected, "{text}");
        }
    }
}
